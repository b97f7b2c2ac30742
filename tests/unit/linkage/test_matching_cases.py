"""The cases that decide whether a child's records end up together, each in a few rows."""

import datetime as dt

import pytest

HEALTH, SCHOOL, CARE, POLICE = "health|PARIS|1", "education|SIMS|1", "social_care|WCCIS|1", "police|NICHE|1"
BORN = dt.date(2015, 3, 9)
NHS_1, NHS_2 = "9990000018", "9990000026"


def test_the_same_child_in_four_agencies_is_one_child(run, child):
    linked = run(child(HEALTH, nhs_number=NHS_1), child(SCHOOL, upn="A1"), child(CARE, nhs_number=NHS_1), child(POLICE))
    assert linked.together(HEALTH, SCHOOL, CARE, POLICE)
    assert linked.clusters[CARE]["cluster_size"] == 4
    assert linked.clusters[CARE]["link_method"] in {"identifier", "probabilistic"}
    assert linked.clusters[CARE]["link_confidence"] >= 0.95


def test_twins_with_all_but_the_forename_in_common_are_for_review_and_never_one_child(run, child):
    linked = run(child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"))
    assert not linked.together(HEALTH, SCHOOL)
    assert linked.pair(HEALTH, SCHOOL)["veto"] == "twin"


def test_twins_stay_apart_when_a_record_without_forename_fits_both(run, child):
    """A chain of links through the nameless record would otherwise join the two."""
    nameless = child(CARE, forename=None)
    linked = run(child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"), nameless)
    assert not linked.together(HEALTH, SCHOOL)
    assert not linked.together(HEALTH, CARE)
    assert linked.pair(HEALTH, CARE)["veto"] == "ambiguous"
    assert linked.pair(HEALTH, CARE)["decision"] == "review"


def test_twins_of_whom_one_carries_the_number_of_the_other_stay_apart(run, child):
    linked = run(child(HEALTH, forename="TEGAN", nhs_number=NHS_1), child(CARE, forename="SIONED", nhs_number=NHS_1))
    assert not linked.together(HEALTH, CARE)
    assert linked.pair(HEALTH, CARE)["decision"] == "review"


@pytest.mark.parametrize(("one", "other"), [("OLIVER", "OLIVIA"), ("ELI", "ELIN")])
def test_alike_forenames_of_a_boy_and_a_girl_are_twins_and_no_slip(run, child, one, other):
    linked = run(child(HEALTH, forename=one, sex="M"), child(SCHOOL, forename=other, sex="F"))
    assert not linked.together(HEALTH, SCHOOL)
    assert linked.pair(HEALTH, SCHOOL)["veto"] == "twin"


def test_variant_forenames_with_two_pupil_numbers_are_twins(run, child):
    linked = run(
        child("education|SIMS|1", forename="IEUAN", sex="M", upn="A1"),
        child("education|SIMS|2", forename="EVAN", sex="M", upn="A2"),
    )
    assert not linked.together("education|SIMS|1", "education|SIMS|2")


@pytest.mark.parametrize(
    ("one", "other"), [("DAFYDD", "DAVID"), ("SIAN", "JANE"), ("GWILYM", "WILLIAM"), ("BEN", "BENJAMIN")]
)
def test_a_welsh_variant_or_a_short_form_is_the_same_child(run, child, one, other):
    linked = run(child(HEALTH, forename=one), child(SCHOOL, forename=other))
    assert linked.together(HEALTH, SCHOOL)
    assert linked.pair(HEALTH, SCHOOL)["cmp_forename"] == 0.9


def test_a_preferred_forename_on_record_is_the_same_child(run, child):
    linked = run(child(HEALTH, forename="MYFANWY", other_forenames=["ZIGGY"]), child(SCHOOL, forename="ZIGGY"))
    assert linked.together(HEALTH, SCHOOL)


def test_cousins_of_one_name_with_another_birth_date_are_two_children(run, child):
    linked = run(
        child(HEALTH), child(SCHOOL, birth_date=dt.date(2013, 7, 22), postcode="SA628QT", address_line="3 FERRY LANE")
    )
    assert not linked.together(HEALTH, SCHOOL)


def test_cousins_of_one_name_in_one_house_are_two_children(run, child):
    linked = run(child(HEALTH), child(SCHOOL, birth_date=dt.date(2013, 7, 22)))
    assert not linked.together(HEALTH, SCHOOL)


def test_a_siblings_number_on_the_wrong_child_goes_to_review(run, child):
    linked = run(
        child(HEALTH, nhs_number=NHS_1),
        child(CARE, forename="GERAINT", sex="M", birth_date=dt.date(2011, 11, 30), nhs_number=NHS_1),
    )
    assert not linked.together(HEALTH, CARE)
    assert linked.pair(HEALTH, CARE)["veto"] == "identifier_conflict"
    assert linked.pair(HEALTH, CARE)["decision"] == "review"


def test_two_different_nhs_numbers_are_never_one_child_though_all_else_agrees(run, child):
    linked = run(child(HEALTH, nhs_number=NHS_1), child(CARE, nhs_number=NHS_2))
    assert not linked.together(HEALTH, CARE)
    assert linked.pair(HEALTH, CARE)["veto"] == "nhs_number_differs"


def test_a_record_without_number_does_not_bridge_two_nhs_numbers(run, child):
    linked = run(child(HEALTH, nhs_number=NHS_1), child(CARE, nhs_number=NHS_2), child(SCHOOL))
    assert not linked.together(HEALTH, CARE)
    refused = [pair for pair in linked.pairs.values() if pair["veto"] == "cluster_conflict"]
    assert [pair["decision"] for pair in refused] == ["review"]


def test_swapped_day_and_month_is_the_same_child(run, child):
    linked = run(child(HEALTH), child(SCHOOL, birth_date=dt.date(2015, 9, 3)))
    assert linked.together(HEALTH, SCHOOL)
    assert "surname_swapped_date" in linked.pair(HEALTH, SCHOOL)["blocking_rules"].split(",")


def test_one_mistyped_digit_of_the_date_is_the_same_child(run, child):
    assert run(child(HEALTH), child(SCHOOL, birth_date=dt.date(2014, 3, 9))).together(HEALTH, SCHOOL)


def test_a_child_whose_surname_changed_is_the_same_child(run, child):
    linked = run(child(HEALTH), child(SCHOOL, surname="WOJCIK"))
    assert linked.together(HEALTH, SCHOOL)


def test_a_child_who_moved_and_changed_surname_links_by_the_former_ones(run, child):
    there = child(
        SCHOOL, surname="WOJCIK", other_surnames=["PROTHEROE"], postcode="SA628QT", other_postcodes=["CF991AA"]
    )
    assert run(child(HEALTH), there).together(HEALTH, SCHOOL)


def test_forename_and_surname_in_each_others_place_are_the_same_child(run, child):
    assert run(child(HEALTH), child(SCHOOL, forename="PROTHEROE", surname="ANGHARAD")).together(HEALTH, SCHOOL)


def test_a_house_next_door_is_not_the_same_address(run, child):
    linked = run(child(HEALTH), child(SCHOOL, address_line="14 HEOL Y BRYN"))
    assert linked.pair(HEALTH, SCHOOL)["cmp_place"] == 0.6


def test_another_sex_is_evidence_and_no_veto(run, child):
    linked = run(child(HEALTH, upn="A1"), child(SCHOOL, sex="M", upn="A1"))
    assert linked.together(HEALTH, SCHOOL)
    assert linked.pair(HEALTH, SCHOOL)["cmp_sex"] == 0.0


def test_a_pupil_number_issued_again_is_found_by_the_former_one(run, child):
    linked = run(child(CARE, upn="A1", forename="ANNIE"), child(SCHOOL, upn="A2", former_upns=["A1"]))
    assert linked.pair(CARE, SCHOOL)["cmp_upn"] == 0.9


def test_a_former_pupil_number_alone_is_for_a_person_to_judge(run, child):
    """It changes at adoption: linking by it would show the earlier identity to the wrong worker."""
    linked = run(child(CARE, upn="A1"), child(SCHOOL, upn="A2", former_upns=["A1"]))
    assert linked.pair(CARE, SCHOOL)["veto"] == "former_upn"
    assert not linked.together(CARE, SCHOOL)


def test_a_baby_before_naming_links_to_the_named_child(run, child):
    assert run(child(HEALTH, forename=None), child(CARE, forename="MABLI")).together(HEALTH, CARE)


def test_an_unborn_child_links_to_the_baby_born_into_the_household(run, child):
    unborn = child(
        CARE, forename=None, birth_date=None, sex=None, is_unborn=True, expected_birth_date=dt.date(2015, 3, 20)
    )
    linked = run(unborn, child(HEALTH))
    assert linked.together(CARE, HEALTH)
    assert linked.pair(CARE, HEALTH)["cmp_birth_date"] == 0.8


def test_an_unborn_child_links_to_the_baby_of_the_same_family_in_the_same_system(run, child):
    unborn = child(
        "social_care|WCCIS|2", forename=None, birth_date=None, sex=None, is_unborn=True, postcode=None,
        address_line=None, expected_birth_date=dt.date(2015, 3, 20), family_group_id="F7",
    )  # fmt: skip
    assert run(unborn, child(CARE, family_group_id="F7")).together("social_care|WCCIS|2", CARE)


def test_an_unborn_child_does_not_link_to_an_elder_sibling(run, child):
    unborn = child(
        CARE, forename=None, birth_date=None, sex=None, is_unborn=True, expected_birth_date=dt.date(2018, 1, 1)
    )
    assert not run(unborn, child(HEALTH)).together(CARE, HEALTH)


def test_an_unborn_child_who_turns_out_to_be_twins_goes_to_review(run, child):
    unborn = child(
        CARE, forename=None, birth_date=None, sex=None, is_unborn=True, expected_birth_date=dt.date(2015, 3, 20)
    )
    linked = run(unborn, child(HEALTH, forename="TEGAN"), child("health|PARIS|2", forename="SIONED"))
    assert len(linked.children) == 3
    assert linked.pair(CARE, HEALTH)["decision"] == "review"


def test_a_police_record_with_an_age_only_goes_to_review(run, child):
    linked = run(child(HEALTH), child(POLICE, birth_date=None, estimated_birth_year=2014))
    assert not linked.together(HEALTH, POLICE)
    assert linked.pair(HEALTH, POLICE)["veto"] == "no_birth_date"
    assert linked.pair(HEALTH, POLICE)["decision"] == "review"


def test_a_merge_declared_by_the_source_links_records_that_have_nothing_else_in_common(run, child):
    retired = child(
        "health|PARIS|2", forename="X", surname="UNKNOWN", birth_date=dt.date(1999, 1, 1), postcode=None,
        merged_into_record_key=HEALTH,
    )  # fmt: skip
    linked = run(child(HEALTH), retired)
    assert linked.together(HEALTH, "health|PARIS|2")
    assert linked.clusters["health|PARIS|2"]["link_method"] == "merge"
    assert linked.clusters["health|PARIS|2"]["link_confidence"] == 1.0
    assert linked.summary.merges == 1


def test_a_merge_of_two_different_nhs_numbers_is_refused_and_counted(run, child):
    retired = child("health|PARIS|2", nhs_number=NHS_2, merged_into_record_key=HEALTH)
    linked = run(child(HEALTH, nhs_number=NHS_1), retired)
    assert not linked.together(HEALTH, "health|PARIS|2")
    assert linked.summary.merges_refused == 1
    assert linked.pair(HEALTH, "health|PARIS|2")["decision"] == "review"


def test_a_merge_into_a_record_that_is_not_there_is_counted(run, child):
    linked = run(child(HEALTH, merged_into_record_key="health|PARIS|gone"))
    assert linked.summary.merges_unresolved == 1


def test_two_live_records_of_one_system_need_more_evidence_than_two_of_different_systems(run, child):
    linked = run(child(HEALTH), child("health|PARIS|2"), child("health|OTHER|1"))
    assert linked.pair(HEALTH, "health|PARIS|2")["probability"] < linked.pair(HEALTH, "health|OTHER|1")["probability"]


def test_a_sealed_record_links_to_nothing_outside_its_system_and_leaves_no_pair(run, child):
    """The row of a pair would itself be the path from the new identity to the earlier one."""
    linked = run(child(CARE, is_sealed=True, nhs_number=NHS_1), child(HEALTH, nhs_number=NHS_1), child(SCHOOL))
    assert linked.clusters[CARE]["link_method"] == "singleton"
    assert not any(CARE in keys for keys in linked.pairs)
    assert linked.summary.pairs_withheld == 2
    assert linked.summary.vetoes["sealed"] == 2


def test_a_sealed_record_links_to_the_same_number_in_its_own_system_and_no_further(run, child):
    again = "social_care|WCCIS|2"
    linked = run(
        child(CARE, is_sealed=True, nhs_number=NHS_1), child(again, nhs_number=NHS_1), child(HEALTH), child(SCHOOL)
    )
    assert linked.together(CARE, again)
    assert not linked.together(CARE, HEALTH)
    assert linked.together(HEALTH, SCHOOL)


def test_records_without_any_value_stay_alone(run, region):
    linked = run(region.row(HEALTH), region.row(SCHOOL), region.row(CARE))
    assert linked.summary.children == 3
    assert linked.summary.pairs_compared == 0


def test_children_without_any_identifier_link_by_name_date_and_place(run, child):
    assert run(child(HEALTH), child(SCHOOL), child(POLICE)).together(HEALTH, SCHOOL, POLICE)


def test_a_merge_into_a_sealed_record_of_another_number_is_refused(run, child):
    retired = child("social_care|WCCIS|2", nhs_number=NHS_1, merged_into_record_key=CARE)
    linked = run(child(CARE, is_sealed=True), retired)
    assert not linked.together(CARE, "social_care|WCCIS|2")
    assert linked.summary.merges_refused == 1
    assert linked.pairs == {}
