"""What dbt makes of landed rows, from staging to the index of children, on a region of a dozen hand-made records.

Put here: behaviour that needs files, several models or two runs. Keep out: a rule that one model decides (dbt unit
tests beside the model) and statutory clocks (their own tests).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connectors.catalogue import FEEDS
from tests.unit.dbt_project.conftest import AS_OF, FOLDERS, Region, declared_columns

BIRTH = date(2018, 5, 1)
SOCIAL_CARE, PARIS, CHILD_HEALTH, NICHE, SIMS = "CareDirector", "Paris", "Community child health", "Niche", "SIMS"


def instant(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def deliver_everything(region: Region) -> None:
    """One child in four agencies, one adult, and the faults that each system brings."""
    case_export, week = "social_care/case_export", date(2026, 11, 13)
    region.feeds += [
        {"agency": agency, "feed": feed, "system": system, "mode": "full", "cadence": "weekly", "cadence_days": 7,
         "arrival_deadline_days": 1}
        for agency, feed, system in (
            ("social_care", "case_export", SOCIAL_CARE), ("health", "adt", PARIS), ("police", "ppn", "Niche of old"),
        )
    ]  # fmt: skip
    child = {"source_person_id": "C1", "forename": "Siân", "surname": "Rhys-Jones", "birth_date": BIRTH, "sex": "F"}
    region.deliver(case_export, SOCIAL_CARE, date(2026, 10, 1), {"persons": [child | {"surname": "Older"}]})
    region.deliver(case_export, SOCIAL_CARE, week, {
        "persons": [
            child | {"nhs_number": "9434765919", "former_upn": "B801200005001", "preferred_name": "Shan",
                     "family_group_id": "F1"},
            {"source_person_id": "C2", "forename": "Unborn", "surname": "Evans", "is_unborn": True,
             "expected_birth_date": date(2027, 1, 5)},
            {"source_person_id": "C3", "forename": "Gwen", "surname": "Morgan", "birth_date": date(2019, 2, 2),
             "is_sealed": True, "former_upn": "B801200005001", "mother_source_person_id": "C5"},
            {"source_person_id": "C4", "forename": "Gone", "surname": "Away", "birth_date": BIRTH},
            {"source_person_id": "C5", "forename": "Aled", "surname": "Adult", "birth_date": date(2000, 1, 1)},
        ],
        "identifiers": [
            {"source_person_id": "C1", "identifier_type": "upn", "identifier_value": "D681400025001"},
        ],
        "names": [
            {"source_person_id": "C1", "name_type": "former", "forename": "Sian", "surname": "Pugh"},
            {"source_person_id": "C3", "name_type": "former", "forename": "Gwen", "surname": "Before"},
        ],
        "addresses": [
            {"source_person_id": "C1", "address_type": "home", "address_line": "1, Heol y Bont", "postcode": "cf10 1aa",
             "valid_from": date(2020, 1, 1), "valid_to": date(2024, 1, 1)},
            {"source_person_id": "C1", "address_type": "home", "address_line": "2 Stryd Fawr", "postcode": "CF10 2BB",
             "valid_from": date(2024, 1, 1)},
            {"source_person_id": "C1", "address_type": "placement", "postcode": "CF99 9ZZ", "is_confidential": True,
             "valid_from": date(2026, 1, 1)},
        ],
    })  # fmt: skip
    region.deliver(case_export, SOCIAL_CARE, date(2026, 11, 16), {
        "persons": [{"source_person_id": "C4", "record_action": "delete"}],
    }, mode="delta")  # fmt: skip
    region.deliver(case_export, SOCIAL_CARE, date(2026, 12, 1), {"persons": [child | {"surname": "Later"}]})
    region.deliver(case_export, SOCIAL_CARE, date(2026, 11, 17), {"persons": []}, state="held", hold_rule="full-shrunk")
    deliver_health(region)
    told = {"notification_reference": "P1", "created_at": instant(week), "sent_at": instant(week),
            "notification_type": "child_concern"}  # fmt: skip
    region.deliver("police/ppn", NICHE, week, {"notification_persons": [
        told | {"person_role": "subject", "police_person_id": "N1", "given_name": "Shan", "surname": "Rees Jones",
                "date_of_birth": date(2018, 1, 1), "date_of_birth_known": False, "estimated_age": 7, "is_child": True},
        told | {"person_role": "suspect", "police_person_id": "N2", "given_name": "Grown", "surname": "Up",
                "date_of_birth": date(1980, 1, 1), "is_child": False},
        told | {"person_role": "other", "police_person_id": "N3", "surname": "Unsaid", "estimated_age": 40},
    ]}, mode="delta", rejects_by_rule='{"value-missing": 2, "date-impossible": 5}', records_in=10,
        records_quarantined=7)  # fmt: skip
    region.deliver("education/school_census", SIMS, week, {"pupils": [
        {"pupil_record_id": "R2", "source_person_id": "D681400025001", "school_id": "S1", "roll_status": "left",
         "upn": "D681400025001", "forename": "Sian", "surname": "Pugh", "birth_date": BIRTH, "sex": "F"},
        {"pupil_record_id": "R1", "source_person_id": "D681400025001", "school_id": "S2", "roll_status": "on_roll",
         "upn": "D681400025001", "forename": "Sian", "surname": "Rhys Jones", "birth_date": BIRTH, "sex": "F"},
    ]})  # fmt: skip


def deliver_health(region: Region) -> None:
    """Messages that change, delete and merge; resources that tell of assessments done, missed and declined."""
    week, codes = date(2026, 11, 13), "https://example.wales/fhir/CodeSystem/community-child-health"
    old = {"source_person_id": "169|T1", "trigger_event": "A28", "surname": "Jones", "forename": "BABY OF JONES",
           "birth_date": BIRTH, "nhs_number": "9434765919", "nhs_number_status": "01", "middle_names": "Ann",
           "postcode": "CF10 1AA", "address_line": "1 Heol y Bont"}  # fmt: skip
    region.deliver("health/adt", PARIS, week, {
        "patients": [
            old | {"message_hash": "m1", "patient_sequence": 1, "event_at": instant(date(2018, 5, 2))},
            {"message_hash": "m2", "patient_sequence": 1, "source_person_id": "169|T1", "trigger_event": "A31",
             "event_at": instant(date(2026, 11, 1)), "forename": "Sian", "surname": "Rhys-Jones",
             "deleted_columns": "middle_names, postcode"},
            {"message_hash": "m3", "patient_sequence": 1, "source_person_id": "169|T2", "trigger_event": "A28",
             "event_at": instant(date(2026, 11, 2)), "surname": "Jones", "birth_at": "2018",
             "nhs_number": "9999999999"},
        ],
        "merges": [
            {"message_hash": "m4", "sequence": 1, "trigger_event": "A40", "retired_source_person_id": "169|T2",
             "survivor_source_person_id": "169|T1", "merged_at": instant(week)},
        ],
        "attendances": [
            {"message_hash": "m5", "source_person_id": "169|T1", "trigger_event": "A04", "is_emergency": True,
             "visit_number": "V1", "attended_at": datetime(2026, 7, 1, 23, 30, tzinfo=UTC), "event_at": instant(week)},
            {"message_hash": "m6", "source_person_id": "169|T1", "trigger_event": "A03", "is_emergency": True,
             "visit_number": "V1", "attended_at": datetime(2026, 7, 1, 23, 30, tzinfo=UTC), "event_at": instant(week)},
        ],
    }, mode="delta")  # fmt: skip
    patient = {"source_person_id": "cch-1"}
    region.deliver("health/fhir", CHILD_HEALTH, week, {
        "patients": [
            patient | {"forename": "Siân", "surname": "Rhys-Jones", "birth_date": BIRTH, "gender": "female"},
            {"source_person_id": "cch-2", "surname": "Rhys-Jones", "birth_date": date(2018, 1, 1),
             "birth_date_precision": "year", "replaced_by_id": "cch-1"},
        ],
        "encounters": [
            patient | {"resource_id": "e1", "status": "finished", "type_code": "IHA", "type_system": codes,
                       "started_at": instant(date(2026, 3, 2))},
            patient | {"resource_id": "e2", "status": "cancelled", "type_code": "RHA", "type_system": codes,
                       "reason_code": "DECLINED", "started_at": instant(date(2026, 9, 2))},
            patient | {"resource_id": "e3", "status": "finished", "type_code": "IHA", "type_system": "urn:other",
                       "started_at": instant(date(2026, 9, 2))},
            {"source_person_id": "stranger", "resource_id": "e4", "status": "finished", "type_code": "IHA",
             "type_system": codes, "started_at": instant(date(2026, 9, 2))},
        ],
        "appointments": [
            patient | {"resource_id": "a1", "status": "noshow", "service_code": "RHA", "is_did_not_attend": True,
                       "starts_at": instant(date(2026, 8, 2))},
        ],
        "episodes_of_care": [
            patient | {"resource_id": "g1", "status": "active", "type_code": "GPREG", "type_system": codes,
                       "started_at": instant(date(2018, 6, 1)), "organisation": "W97001"},
        ],
    })  # fmt: skip


LINKED = {
    "social_care|CareDirector|C1": ("one", "probabilistic", 0.97), "health|Paris|169|T1": ("one", "identifier", 0.99),
    "health|Paris|169|T2": ("one", "merge", 1.0), "health|Community child health|cch-1": ("one", "probabilistic", 0.98),
    "health|Community child health|cch-2": ("one", "merge", 1.0),
    "education|SIMS|D681400025001": ("one", "identifier", 0.99),
}  # fmt: skip


@pytest.fixture(scope="module")
def region(make_region: Callable[[], Region]) -> Region:
    """The region, built through both halves."""
    region = make_region()
    deliver_everything(region)
    region.write_inputs()
    region.dbt("build", "--selector", "standardise")
    keys = [key for (key,) in region.rows("select record_key from intermediate.persons")]
    clusters = []
    for key in keys:
        child, method, confidence = LINKED.get(key, (f"alone {key}", "singleton", 1.0))
        size = len(LINKED) if child == "one" else 1
        clusters.append({"record_key": key, "child_id": child, "cluster_size": size, "link_confidence": confidence,
                         "link_method": method, "linked_on": AS_OF})  # fmt: skip
    pair = {"record_key_l": "police|Niche|N1", "record_key_r": "social_care|CareDirector|C1", "probability": 0.8,
            "decision": "review", "blocking_rules": "names", "veto": "no_birth_date"}  # fmt: skip
    link = {"record_key_l": "health|Paris|169|T1", "record_key_r": "social_care|CareDirector|C1", "probability": 0.99,
            "decision": "link", "blocking_rules": "nhs_number"}  # fmt: skip
    region.write_links(clusters, [link, pair])
    region.dbt("build", "--selector", "publish")
    return region


def person(region: Region, key: str, *columns: str) -> tuple:
    found = region.rows(f"select {', '.join(columns)} from intermediate.persons where record_key = '{key}'")
    assert len(found) == 1
    return found[0]


def test_staging_lands_the_columns_and_keys_of_every_contract(repository: Path):
    declared = declared_columns(repository / "dbt_project")
    sources = {feed: source for source, feeds in FOLDERS.items() for feed in feeds}
    for key, feed in FEEDS.items():
        source = sources.get(key, "social_care")
        for name, table in feed.contract.at(None).items():
            assert set(table.schema()) <= set(declared[source][name]), f"{key}/{name}"
            model = next((repository / "dbt_project").glob(f"models/staging/*/stg_{source}__{name}.sql"))
            keys = ", ".join(f"'{column}'" for column in table.keys)
            text = "".join(model.read_text(encoding="utf-8").replace('"', "'").split())
            assert f"current_rows('source',[{keys}]".replace(" ", "") in text, f"{key}/{name} has another key"


def test_the_newest_full_extract_of_the_day_speaks_and_a_delta_deletes(region: Region):
    found = region.rows("select source_person_id, surname from staging.stg_social_care__persons order by all")
    assert found == [("C1", "Rhys-Jones"), ("C2", "Evans"), ("C3", "Morgan"), ("C5", "Adult")]


def test_a_social_care_person_has_history_and_no_confidential_address(region: Region):
    assert person(
        region, "social_care|CareDirector|C1", "forename", "surname", "other_forenames", "other_surnames", "nhs_number",
        "upn", "former_upns", "address_line", "postcode", "other_postcodes", "other_address_lines",
    ) == (
        "SIAN", "RHYS-JONES", ["SHAN"], ["JONES", "PUGH", "RHYS"], "9434765919", "D681400025001", ["B801200005001"],
        "2 STRYD FAWR", "CF102BB", ["CF101AA"], ["1 HEOL Y BONT"],
    )  # fmt: skip


def test_an_unborn_child_has_no_name_and_an_expected_date(region: Region):
    found = person(region, "social_care|CareDirector|C2", "forename", "is_unborn", "birth_date", "expected_birth_date")
    assert found == (None, True, None, date(2027, 1, 5))


def test_a_sealed_record_shows_no_history(region: Region):
    columns = ("is_sealed", "other_surnames", "former_upns", "other_postcodes", "guardian_names")
    found = person(region, "social_care|CareDirector|C3", *columns)
    assert found == (True, [], [], [], [])


def test_a_patient_is_the_newest_word_of_all_messages_and_deletions_count(region: Region):
    assert person(
        region, "health|Paris|169|T1", "forename", "surname", "middle_names", "birth_date", "nhs_number",
        "is_nhs_number_verified", "other_surnames", "first_seen_date",
    ) == ("SIAN", "RHYS-JONES", None, BIRTH, "9434765919", True, ["JONES", "RHYS"], date(2018, 5, 2))  # fmt: skip


def test_merged_patients_point_at_their_survivor_and_a_year_is_no_birth_date(region: Region):
    columns = ("merged_into_record_key", "birth_date", "estimated_birth_year", "nhs_number", "nhs_number_reason")
    assert person(region, "health|Paris|169|T2", *columns) == ("health|Paris|169|T1", None, 2018, None, "placeholder")
    found = person(region, "health|Community child health|cch-2", *columns[:3])
    assert found == ("health|Community child health|cch-1", None, 2018)


def test_police_adults_are_no_persons_and_a_guessed_age_is_no_birth_date(region: Region):
    assert region.rows("select source_person_id from intermediate.persons where agency = 'police'") == [("N1",)]
    assert person(region, "police|Niche|N1", "birth_date", "estimated_birth_year") == (None, 2019)


def test_a_pupil_on_two_rolls_is_one_person_by_the_roll_of_now(region: Region):
    found = person(region, "education|SIMS|D681400025001", "surname", "other_surnames", "upn_reason")
    assert found == ("RHYS JONES", ["JONES", "PUGH", "RHYS"], "valid")


def test_health_evidence_is_read_through_the_code_map(region: Region):
    found = region.rows(
        """
        select event_kind, event_status, event_date, organisation
        from intermediate.int_health_events order by event_date
        """
    )
    assert found == [
        ("gp_registration", "completed", date(2018, 6, 1), "W97001"),
        ("initial_health_assessment", "completed", date(2026, 3, 2), None),
        ("emergency_attendance", "completed", date(2026, 7, 2), None),
        ("review_health_assessment", "not_brought", date(2026, 8, 2), None),
        ("review_health_assessment", "refused", date(2026, 9, 2), None),
    ]


def test_the_index_has_one_row_a_child_and_no_adult(region: Region):
    found = region.rows(
        """
        select child_id, forename, surname, birth_date, nhs_number, is_nhs_number_verified, agencies, records_count,
               link_confidence, link_method, possible_matches_count, has_birth_date_conflict
        from marts.child_index where child_id = 'one'
        """
    )
    assert found == [(
        "one", "SIAN", "RHYS-JONES", BIRTH, "9434765919", True, "education, health, social_care", 6, 0.97,
        "probabilistic", 1, False,
    )]  # fmt: skip
    children = {child for (child,) in region.rows("select child_id from marts.child_index")}
    assert children == {"one", *(f"alone {key}" for key in (
        "social_care|CareDirector|C2", "social_care|CareDirector|C3", "police|Niche|N1",
    ))}  # fmt: skip


def test_feed_status_shows_late_held_rejected_and_silent_feeds(region: Region):
    found = {
        (feed, system): rest for feed, system, *rest in region.rows(
            """
            select feed, system, freshness, last_as_at_date, deliveries_landed, deliveries_held, records_quarantined,
                   rejects_by_rule
            from marts.feed_status
            """
        )
    }  # fmt: skip
    week = date(2026, 11, 13)
    assert found["case_export", SOCIAL_CARE] == ["on_time", date(2026, 11, 16), 4, 1, 0, None]
    assert found["adt", PARIS] == ["on_time", week, 1, 0, 0, None]
    assert found["ppn", "Niche of old"] == ["never_delivered", None, 0, 0, 0, None]
    assert found["ppn", NICHE] == ["not_configured", week, 1, 0, 7, "date-impossible: 5, value-missing: 2"]


def test_linkage_quality_shows_each_measure_with_its_limits(region: Region):
    rows = region.rows("select measure, value, limit_high, is_within_limits from marts.linkage_quality")
    assert rows == [("churn", 0.01, 0.001, False)]


def test_linkage_summary_counts_records_children_and_pairs_per_scope(region: Region):
    found = {key: rest for key, *rest in region.rows(
        """
        select scope_key, records, records_linked, children, pairs_linked, pairs_waiting_for_review
        from marts.linkage_summary
        """
    )}  # fmt: skip
    assert found["overall"] == [10, 6, 5, 1, 1]
    assert found["agency|police"] == [1, 0, 1, 0, 1]
    assert found["agency_pair|health|social_care"] == [5, 5, 1, 1, 0]
    assert found["agency_pair|police|social_care"] == [0, 0, 0, 0, 1]


def test_the_same_deliveries_give_the_same_bytes_again(region: Region):
    path = region.work / "persons.parquet"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    region.dbt("run", "--selector", "standardise")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_an_old_day_gives_the_old_figures(region: Region):
    region.dbt("run", "--selector", "standardise", as_of=date(2026, 10, 5))
    assert region.rows("select surname from staging.stg_social_care__persons") == [("Older",)]
    assert region.rows("select count(*) from intermediate.persons where agency = 'social_care'") == [(1,)]


def test_a_region_without_deliveries_builds(make_region: Callable[[], Region]):
    empty = make_region()
    empty.write_inputs()
    empty.dbt("seed")
    empty.dbt("run", "--selector", "standardise")
    assert empty.rows("select count(*) from intermediate.persons") == [(0,)]
    assert empty.rows(f"select count(*) from '{empty.work}/persons.parquet'") == [(0,)]


def test_each_piece_of_evidence_changes_the_hash_of_the_record_and_nothing_else_does(make_region: Callable[[], Region]):
    region, feed = make_region(), "health/fhir"
    ids = ("plain", "again", "telephone", "guardian", "address", "nhs_number", "name")
    patient = {"forename": "Siân", "surname": "Rhys", "birth_date": BIRTH, "postcode": "CF99 1AA"}
    region.deliver(feed, CHILD_HEALTH, date(2026, 11, 13), {
        "patients": [patient | {"source_person_id": each} for each in ids[:2]]
        + [patient | {"source_person_id": "telephone", "telephone": "+44 29 2018 0123"}]
        + [patient | {"source_person_id": each} for each in ids[3:]],
        "related_persons": [{"source_person_id": "guardian", "resource_id": "r", "forename": "Nia", "surname": "Rhys"}],
        "addresses": [{"source_person_id": "address", "resource_id": "a", "sequence": 1,
                       "address_line": "1 Heol Fawr"}],
        "identifiers": [{"source_person_id": "nhs_number", "resource_id": "n", "sequence": 1,
                         "identifier_type": "nhs_number", "identifier_value": "9434765919"}],
        "names": [{"source_person_id": "name", "resource_id": "m", "sequence": 1, "surname": "Pugh"}],
    })  # fmt: skip
    region.write_inputs()
    region.dbt("seed")
    region.dbt("run", "--selector", "standardise")
    assert person(region, f"health|{CHILD_HEALTH}|telephone", "telephones", "guardian_names", "schools") == (
        ["02920180123"], [], [],
    )  # fmt: skip
    assert person(region, f"health|{CHILD_HEALTH}|guardian", "guardian_names") == (["NIA RHYS"],)
    hashes = dict(region.rows("select source_person_id, record_hash from intermediate.persons"))
    assert hashes["plain"] == hashes["again"]
    assert len(set(hashes.values())) == len(ids) - 1
