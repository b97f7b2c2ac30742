"""The children in need census: what each group becomes, and which faults are named without stopping the file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery
from connectors.errors import FileHeld
from connectors.feed import ParseContext, SourceFile
from connectors.landing import Places, Terms, land
from connectors.social_care.cin_census import FEED, parse

HEADER = (
    "<Header><CollectionDetails><Collection>CIN</Collection><Year>2023</Year><ReferenceDate>2023-03-31</ReferenceDate>"
    "</CollectionDetails><Source><LEA>201</LEA></Source></Header>"
)
CHILD = """<Child>
<ChildIdentifiers><LAchildID>C1</LAchildID><UPN>D681400025001</UPN><PersonBirthDate>2015-03-27</PersonBirthDate>
<GenderCurrent>2</GenderCurrent></ChildIdentifiers>
<ChildCharacteristics><Ethnicity>WBRI</Ethnicity><Disabilities><Disability>HAND</Disability>
<Disability>HEAR</Disability></Disabilities></ChildCharacteristics>
<CINdetails><CINreferralDate>2022-05-01</CINreferralDate><ReferralSource>1A</ReferralSource>
<PrimaryNeedCode>N4</PrimaryNeedCode><DateOfInitialCPC>2022-06-17</DateOfInitialCPC>
<Assessments><AssessmentActualStartDate>2022-05-02</AssessmentActualStartDate>
<AssessmentInternalReviewDate>2022-05-20</AssessmentInternalReviewDate>
<AssessmentAuthorisationDate>2022-06-01</AssessmentAuthorisationDate>
<FactorsIdentifiedAtAssessment><AssessmentFactors>2A</AssessmentFactors><AssessmentFactors>2B</AssessmentFactors>
</FactorsIdentifiedAtAssessment></Assessments>
<CINPlanDates><CINPlanStartDate>2022-05-10</CINPlanStartDate><CINPlanEndDate>2022-06-17</CINPlanEndDate></CINPlanDates>
<Section47><S47ActualStartDate>2022-06-02</S47ActualStartDate><InitialCPCtarget>2022-06-23</InitialCPCtarget>
<DateOfInitialCPC>2022-06-17</DateOfInitialCPC><ICPCnotRequired>0</ICPCnotRequired></Section47>
<ReferralNFA>0</ReferralNFA>
<ChildProtectionPlans><CPPstartDate>2022-06-17</CPPstartDate><InitialCategoryOfAbuse>PHY</InitialCategoryOfAbuse>
<LatestCategoryOfAbuse>NEG</LatestCategoryOfAbuse><NumberOfPreviousCPP>1</NumberOfPreviousCPP>
<Reviews><CPPreviewDate>2022-09-15</CPPreviewDate><CPPreviewDate>2023-03-01</CPPreviewDate></Reviews>
</ChildProtectionPlans></CINdetails></Child>"""


def _census(*children: str, header: str = HEADER, root: str = "<Message>") -> bytes:
    return f"{root}\n{header}\n<Children>\n{''.join(children)}\n</Children></Message>".encode()


def _land(tmp_path: Path, data: bytes, name: str = "cin.xml", **terms: object) -> Delivery:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return _land_paths(tmp_path, [path], **terms)


def _land_paths(tmp_path: Path, paths: list[Path], **terms: object) -> Delivery:
    return land(FEED, paths, Places(tmp_path / "landing", tmp_path / "quarantine"), Terms(system="Council A", **terms))


def _table(tmp_path: Path, delivery: Delivery, name: str) -> pl.DataFrame:
    folder = tmp_path / "landing" / "social_care" / "cin_census" / f"delivery={delivery.delivery_id}"
    return pl.read_parquet(folder / f"{name}.parquet")


def _row(tmp_path: Path, delivery: Delivery, name: str) -> dict[str, object]:
    return _table(tmp_path, delivery, name).row(0, named=True)


def _quarantine(tmp_path: Path, delivery: Delivery, name: str) -> pl.DataFrame:
    folder = tmp_path / "quarantine" / "social_care" / "cin_census" / f"delivery={delivery.delivery_id}"
    return pl.read_parquet(folder / f"{name}.parquet")


def test_every_group_of_a_child_lands_on_its_canonical_table(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD))
    assert {name: books.landed for name, books in delivery.tables.items()} == {
        "persons": 1, "referrals": 1, "assessments": 1, "care_support_plans": 1, "s47_enquiries": 1,
        "initial_conferences": 1, "registrations": 1, "review_conferences": 2,
    }
    person = _row(tmp_path, delivery, "persons")
    assert (person["source_person_id"], person["sex"], person["birth_date"]) == ("C1", "F", date(2015, 3, 27))
    assert (person["upn"], person["is_unborn"], person["disability_codes"]) == ("D681400025001", False, "HAND,HEAR")
    assert (person["ethnicity_code"], person["ethnicity_code_system"]) == ("WBRI", "dfe")
    referral = _row(tmp_path, delivery, "referrals")
    assert (referral["referral_id"], referral["is_no_further_action"]) == ("C1|2022-05-01", False)
    assert _row(tmp_path, delivery, "assessments")["factors"] == "2A,2B"
    assert delivery.warnings_by_rule == {}
    assert delivery.repairs_by_rule == {}


def test_enquiry_conference_registration_and_reviews_point_to_each_other(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD))
    enquiry = _row(tmp_path, delivery, "s47_enquiries")
    conference = _row(tmp_path, delivery, "initial_conferences")
    registration = _row(tmp_path, delivery, "registrations")
    reviews = _table(tmp_path, delivery, "review_conferences")
    assert (conference["conference_date"], conference["s47_id"]) == (date(2022, 6, 17), enquiry["s47_id"])
    assert registration["conference_id"] == conference["conference_id"]
    assert (registration["category_code"], registration["initial_category_code"]) == ("NEG", "PHY")
    assert (registration["previous_registrations"], registration["deregistered_date"]) == (1, None)
    assert reviews["registration_id"].unique().to_list() == [registration["registration_id"]]
    assert reviews["review_date"].to_list() == [date(2022, 9, 15), date(2023, 3, 1)]


def test_the_header_says_the_date_and_the_year(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD))
    assert (delivery.as_at_date, delivery.schema_version) == (date(2023, 3, 31), "CIN 2023")
    assert (delivery.period_start, delivery.period_end) == (date(2022, 4, 1), date(2023, 3, 31))


@pytest.mark.parametrize("name", ["cin.xml", "CIN_Census_2021.xml"])
def test_years_that_do_not_agree_are_named_and_the_file_is_read(tmp_path: Path, name: str) -> None:
    header = HEADER if "2021" in name else HEADER.replace("<Year>2023", "<Year>2022")
    delivery = _land(tmp_path, _census(CHILD, header=header), name)
    assert (delivery.state, delivery.warnings_by_rule) == ("landed", {"cin-year-differs": 1})


def test_a_draft_whose_reference_date_has_not_come_speaks_for_the_day_it_came(tmp_path: Path) -> None:
    header = HEADER.replace("2023-03-31", "2049-03-31").replace("<Year>2023", "<Year>2049")
    delivery = _land(tmp_path, _census(CHILD, header=header))
    assert delivery.as_at_date == delivery.received_at.date()
    assert delivery.warnings_by_rule == {"cin-reference-in-future": 1}


def test_a_file_without_a_header_is_read_and_named(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD, header=""))
    assert (delivery.state, delivery.warnings_by_rule) == ("landed", {"cin-header-missing": 1})


def test_a_conference_that_stands_beside_its_enquiry_too_lands_once(tmp_path: Path) -> None:
    lone = CHILD.replace("<DateOfInitialCPC>2022-06-17</DateOfInitialCPC>\n<Assess", "<DateOfInitialCPC>2022-07-01"
                         "</DateOfInitialCPC>\n<Assess", 1)
    conferences = _table(tmp_path, _land(tmp_path, _census(lone)), "initial_conferences")
    assert sorted(conferences.select("conference_date", "s47_id").rows()) == [
        (date(2022, 6, 17), "C1|2022-05-01|2022-06-02"), (date(2022, 7, 1), None),
    ]


def test_several_referrals_of_a_child_stay_apart(tmp_path: Path) -> None:
    details = CHILD[CHILD.index("<CINdetails>"):CHILD.index("</Child>", CHILD.index("<CINdetails>"))]
    later = details.replace("2022-", "2023-01-").replace("2023-01-05-01", "2023-01-05")
    child = CHILD.replace("</CINdetails></Child>", f"</CINdetails>{later}</Child>")
    delivery = _land(tmp_path, _census(child))
    assert _table(tmp_path, delivery, "referrals")["referral_id"].to_list() == ["C1|2022-05-01", "C1|2023-01-05"]


@pytest.mark.parametrize(
    "shape",
    [
        "".join(f"<FactorsIdentifiedAtAssessment>{code}</FactorsIdentifiedAtAssessment>" for code in ("2A", "2B")),
        "<AssessmentFactors>2A</AssessmentFactors><AssessmentFactors>2B</AssessmentFactors>",
    ],
)
def test_older_shapes_of_the_factors_are_read(tmp_path: Path, shape: str) -> None:
    start, end = CHILD.index("<FactorsId"), CHILD.index("</Assessments>")
    delivery = _land(tmp_path, _census(CHILD[:start] + shape + CHILD[end:]))
    assert _row(tmp_path, delivery, "assessments")["factors"] == "2A,2B"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<GenderCurrent>1</GenderCurrent>", "M"), ("<GenderCurrent>2</GenderCurrent>", "F"),
        ("<GenderCurrent>0</GenderCurrent>", "U"), ("<GenderCurrent>9</GenderCurrent>", "X"),
        ("<Sex>M</Sex>", "M"), ("<Sex>F</Sex>", "F"), ("<Sex>U</Sex>", "U"), ("", None),
    ],
)
def test_sex_is_read_in_the_old_and_the_new_form(tmp_path: Path, element: str, expected: str | None) -> None:
    delivery = _land(tmp_path, _census(CHILD.replace("<GenderCurrent>2</GenderCurrent>", element)))
    assert _row(tmp_path, delivery, "persons")["sex"] == expected


def test_an_unborn_child_has_an_expected_date_and_no_date_of_birth(tmp_path: Path) -> None:
    child = CHILD.replace("PersonBirthDate>2015-03-27</PersonBirthDate", "ExpectedPersonBirthDate>2023-06-01"
                          "</ExpectedPersonBirthDate")
    delivery = _land(tmp_path, _census(child))
    person = _row(tmp_path, delivery, "persons")
    assert (person["is_unborn"], person["birth_date"]) == (True, None)
    assert person["expected_birth_date"] == date(2023, 6, 1)
    assert delivery.warnings_by_rule == {}


def test_pupil_numbers_and_the_reason_for_none_are_kept(tmp_path: Path) -> None:
    other = "<FormerUPN>C68140002501A</FormerUPN><UPNunknown>UN3</UPNunknown>"
    child = CHILD.replace("<UPN>D681400025001</UPN>", other)
    person = _row(tmp_path, _land(tmp_path, _census(child)), "persons")
    assert (person["upn"], person["former_upn"], person["upn_unknown_code"]) == (None, "C68140002501A", "UN3")


def test_true_and_false_are_read_and_named(tmp_path: Path) -> None:
    child = CHILD.replace("<ReferralNFA>0", "<ReferralNFA>true").replace("<ICPCnotRequired>0", "<ICPCnotRequired>false")
    delivery = _land(tmp_path, _census(child))
    assert _row(tmp_path, delivery, "referrals")["is_no_further_action"] is True
    assert _row(tmp_path, delivery, "s47_enquiries")["conference_not_required"] is False
    assert delivery.repairs_by_rule == {"cin-boolean-word": 2}


def test_namespaces_do_not_matter(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD, root='<Message xmlns="urn:cin">'))
    assert delivery.records_landed == 8


def test_stray_text_is_named_with_its_line(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD.replace("<GenderCurrent>", "PersonBirthDate<GenderCurrent>")))
    report = _quarantine(tmp_path, delivery, "report")
    assert report.select("rule_id", "row_number", "masked_value").rows() == [("xml-stray-text", 6, "AAAAAAAAAAAAAAA")]
    assert _row(tmp_path, delivery, "persons")["sex"] == "F"


def test_faulty_dates_are_named_and_only_a_needed_one_costs_the_record(tmp_path: Path) -> None:
    child = (CHILD.replace("<CPPstartDate>2022-06-17", "<CPPstartDate>2022-06-31")
             .replace("<AssessmentAuthorisationDate>2022-06-01", "<AssessmentAuthorisationDate>soon")
             .replace("<PersonBirthDate>2015-03-27", "<PersonBirthDate>27/03/2015"))
    delivery = _land(tmp_path, _census(child))
    assert delivery.rejects_by_rule == {"date-impossible": 1}
    assert delivery.warnings_by_rule == {"date-unreadable-cleared": 1}
    assert delivery.repairs_by_rule == {"date-day-first": 1}
    assert _row(tmp_path, delivery, "persons")["birth_date"] == date(2015, 3, 27)
    assert delivery.tables["registrations"].quarantined == 1


def test_dates_that_cannot_be_right_are_named(tmp_path: Path) -> None:
    child = (CHILD.replace("<PersonBirthDate>2015-03-27</PersonBirthDate>", "<PersonBirthDate>1965-03-27"
                           "</PersonBirthDate><ExpectedPersonBirthDate>1066-04-13</ExpectedPersonBirthDate>")
             .replace("<CPPstartDate>2022-06-17", "<CPPstartDate>2022-02-17"))
    delivery = _land(tmp_path, _census(child))
    assert delivery.warnings_by_rule == {
        "cin-before-referral": 1, "cin-born-and-expected": 1, "cin-over-age": 1, "date-too-early": 1,
    }


def test_a_child_without_its_number_goes_to_quarantine_whole(tmp_path: Path) -> None:
    delivery = _land(tmp_path, _census(CHILD, CHILD.replace("<LAchildID>C1</LAchildID>", "<LAchildID> </LAchildID>")))
    assert (delivery.records_landed, delivery.rejects_by_rule) == (8, {"value-missing": 1})
    raw = _quarantine(tmp_path, delivery, "records")["raw"].to_list()
    assert b"<CPPreviewDate>2023-03-01</CPPreviewDate>" in raw[0]


def test_codes_are_held_against_the_year_of_the_census(tmp_path: Path) -> None:
    child = CHILD.replace("<DateOfInitialCPC>", "<ReasonForClosure>RC9</ReasonForClosure><DateOfInitialCPC>", 1)
    new = _land(tmp_path / "new", _census(child))
    assert new.warnings_by_rule == {}
    header = HEADER.replace("2023", "2021")
    old = _land(tmp_path / "old", _census(child.replace("2022-", "2020-").replace("2023-", "2021-"), header=header))
    assert old.warnings_by_rule == {"code-unfamiliar": 1}


def test_groups_that_are_not_read_are_named_once(tmp_path: Path) -> None:
    extra = "<PreProceedings><Day>2022-01-01</Day></PreProceedings><Novelty>1</Novelty></CINdetails>"
    child = CHILD.replace("</CINdetails>", extra)
    delivery = _land(tmp_path, _census(child, child.replace("C1<", "C2<")))
    assert delivery.warnings_by_rule == {"cin-group-not-read": 1, "column-unknown": 1}
    assert delivery.records_landed == 16


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "file-empty"),
        (_census(CHILD)[:-40], "file-truncated"),
        (_census(CHILD).replace(b"</UPN>", b"</UPM>"), "xml-malformed"),
        (b'<!DOCTYPE Message [<!ENTITY a "a">]>' + _census(CHILD), "xml-entity"),
        (_census(CHILD).replace(b"<Collection>CIN", b"<Collection>SC"), "file-not-this-format"),
        (b"<CTFile/>", "xml-root"),
    ],
)
def test_a_broken_file_is_held_whole_with_the_true_reason(tmp_path: Path, data: bytes, rule: str) -> None:
    delivery = _land(tmp_path, data)
    assert (delivery.state, delivery.hold_rule) == ("held", rule)
    assert not (tmp_path / "landing" / "social_care").exists()


def test_a_census_without_children_is_named(tmp_path: Path) -> None:
    assert _land(tmp_path, _census()).warnings_by_rule == {"file-no-rows": 1}


def test_the_faulty_samples_land_with_their_faults_named(tmp_path: Path, samples: Path) -> None:
    folder = samples / "social_care" / "cin_census"
    delivery = _land_paths(tmp_path, [folder / "CIN_Census_2021.xml"])
    assert (delivery.records_in, delivery.records_landed) == (7, 7)
    assert {"xml-stray-text", "date-too-early", "cin-year-differs", "cin-over-age"} <= set(delivery.warnings_by_rule)
    stray = _quarantine(tmp_path, delivery, "report").filter(pl.col("rule_id") == "xml-stray-text")
    assert stray["row_number"].to_list() == [23]


def test_two_samples_with_the_same_bytes_are_one_delivery(tmp_path: Path, samples: Path) -> None:
    folder = samples / "social_care" / "cin_census"
    assert _land_paths(tmp_path, [folder / "CIN_Census_2021_copy.xml"]).state == "landed"
    assert _land_paths(tmp_path, [folder / "CIN_Census_2021_no_assessment_factors.xml"]).state == "duplicate"


def test_all_samples_together_keep_their_books(tmp_path: Path, samples: Path) -> None:
    delivery = _land_paths(tmp_path, [samples / "social_care" / "cin_census"])
    assert delivery.state == "landed"
    total = delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
    assert (delivery.records_in, delivery.records_duplicate) == (total, 7)
    big = (samples / "social_care" / "cin_census" / "fake_CIN_data.xml").read_text(encoding="utf-8")
    assert delivery.tables["persons"].records_in == big.count("<Child>") + 3


PIECES = st.sampled_from([
    "<Child>", "</Child>", "<ChildIdentifiers>", "</ChildIdentifiers>", "<LAchildID>C1</LAchildID>", "<CINdetails>",
    "</CINdetails>", "<CINreferralDate>2022-02-31</CINreferralDate>", "<Section47/>", "<Assessments>", "</Assessments>",
    "<ChildProtectionPlans><CPPstartDate>x</CPPstartDate></ChildProtectionPlans>", "text", CHILD, HEADER,
])


@settings(max_examples=100, deadline=None)
@given(data=st.one_of(st.binary(max_size=100), st.lists(PIECES, max_size=8).map(lambda found: _census(*found))))
def test_any_bytes_are_read_or_held_and_nothing_else(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "any.xml"
    path.write_bytes(data)
    try:
        parts = list(parse(SourceFile(path, path.name, "0" * 64, len(data)), ParseContext()))
    except FileHeld:
        return
    assert all(frame.height for part in parts for frame in part.tables.values())


@settings(max_examples=10, deadline=None)
@given(numbers=st.lists(st.sampled_from(["", "C1", "C2", "C3"]), min_size=1, max_size=6))
def test_the_books_balance_whatever_the_children_are(
    numbers: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("books")
    delivery = _land(tmp_path, _census(*(CHILD.replace(">C1<", f">{number}<") for number in numbers)))
    assert delivery.tables["persons"].records_in == len(numbers)
    assert delivery.tables["persons"].landed == len(set(numbers) - {""})
    assert delivery.records_in == (
        delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
    )
