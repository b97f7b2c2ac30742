"""What the elements of FHIR resources become: UK Core and Welsh patients, references, dates, events."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.delivery import Places, Terms
from connectors.health import fhir
from connectors.health.fhir_contract import CONTRACT
from connectors.health.fhir_datatypes import Record
from connectors.health.fhir_projection import PROJECTIONS
from connectors.health.fhir_validation import Validator, model_of
from connectors.landing import land

UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
CODES = "https://fhir.hl7.org.uk/CodeSystem/UKCore-"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
PAS = "https://fhir.cavuhb.nhs.wales/Id/pas-identifier"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
GMC = "https://fhir.hl7.org.uk/Id/gmc-number"

Tables = dict[str, list[dict]]


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Tables]:
    """Land resources and give the rows of every table."""

    def _project(*resources: dict) -> Tables:
        path = tmp_path / "resources.ndjson"
        path.write_text("".join(json.dumps(resource) + "\n" for resource in resources), encoding="utf-8")
        places = Places(tmp_path / "landing", tmp_path / "quarantine")
        delivery = land(fhir.FEED, [path], places, Terms(system="PAS", as_at=date(2026, 9, 1)))
        assert delivery.rejects_by_rule == {}
        folder = places.delivery(fhir.FEED, delivery.delivery_id)
        tables = {name: pl.read_parquet(folder / f"{name}.parquet").to_dicts() for name in delivery.tables}
        tables["warnings"] = [{"rule_id": rule_id} for rule_id in delivery.warnings_by_rule]
        return tables

    return _project


def patient(**elements: object) -> dict:
    return {"resourceType": "Patient", "id": "p1", **elements}


def concept(code: str, system: str = "http://snomed.info/sct") -> dict:
    return {"coding": [{"system": system, "code": code}]}


def nhs_number(value: str | None, status: str | None = None, system: str = "", **elements: object) -> dict:
    found: dict = {"system": NHS, **elements}
    if value:
        found["value"] = value
    if status:
        extension = {"url": f"{UK_CORE}NHSNumberVerificationStatus", "valueCodeableConcept": concept(status, system)}
        found["extension"] = [extension]
    return found


def test_a_welsh_patient_lands_with_everything_that_tells_who_it_is(project):
    tables = project(patient(
        identifier=[
            nhs_number("999 000 0018", "01", f"{CODES}NHSNumberVerificationStatusWales", use="official"),
            {"system": PAS, "value": "C123456", "use": "usual"},
        ],
        extension=[
            {"url": f"{UK_CORE}EthnicCategory", "valueCodeableConcept": concept("A", f"{CODES}EthnicCategoryWales")},
            {"url": f"{UK_CORE}BirthSex", "valueCode": "F"},
        ],
        active=True, gender="other", birthDate="2015-02-28", multipleBirthInteger=2,
        name=[
            {"use": "old", "family": "Price", "given": ["Siân"], "period": {"end": "2020-05-01"}},
            {"use": "official", "family": "ap Rhys", "given": ["Siân", "Mair", "Haf"],
             "period": {"start": "2020-05-01"}},
            {"use": "nickname", "given": ["Sioni"]},
        ],
        address=[
            {"use": "old", "line": ["1 Heol Hir"], "city": "Barri", "postalCode": "CF62 1AA",
             "period": {"start": "2015-02-28", "end": "2020-04-30T23:30:00Z"}},
            {"use": "home", "line": ["Flat 2", "3 Stryd Fawr"], "city": "Caerdydd", "postalCode": "CF10 1AA"},
        ],
        telecom=[{"system": "email", "value": "x@example.org"}, {"system": "phone", "value": "01632 960001"}],
        communication=[{"language": concept("en", "urn:ietf:bcp:47")},
                       {"language": concept("cy", "urn:ietf:bcp:47"), "preferred": True}],
        generalPractitioner=[
            {"type": "Organization", "identifier": {"system": ODS, "value": "W95001"}},
            {"type": "Practitioner", "identifier": {"system": GMC, "value": "C9999999"}},
        ],
        managingOrganization={"identifier": {"system": ODS, "value": "7A4"}},
        link=[{"type": "replaces", "other": {"reference": "Patient/p0"}},
              {"type": "replaces", "other": {"reference": "https://x/fhir/Patient/p00/_history/2"}},
              {"type": "seealso", "other": {"reference": "Patient/p9"}}],
    ))
    (row,) = tables["patients"]
    expected = {
        "source_person_id": "p1", "id_namespace": PAS, "forename": "Siân", "middle_names": "Mair Haf",
        "surname": "ap Rhys", "birth_date": date(2015, 2, 28), "birth_date_precision": "day", "sex": "F",
        "gender": "other", "nhs_number": "9990000018", "nhs_number_status": "01", "ethnicity_code": "A",
        "ethnicity_code_system": "wales_fhir", "is_active": True, "multiple_birth": True, "birth_order": 2,
        "preferred_language": "cy", "gp_code": "C9999999", "practice_code": "W95001", "managing_organisation": "7A4",
        "address_line": "Flat 2, 3 Stryd Fawr", "town": "Caerdydd", "postcode": "CF10 1AA",
        "replaced_by_id": None, "replaces_id": "p0,p00", "telephone": "01632 960001", "death_at": None,
    }
    assert {name: row[name] for name in expected} == expected
    names = [(name["sequence"], name["name_type"], name["surname"], name["valid_from"], name["valid_to"])
             for name in tables["names"]]
    assert names == [
        (1, "old", "Price", None, date(2020, 5, 1)), (2, "official", "ap Rhys", date(2020, 5, 1), None),
        (3, "nickname", None, None, None),
    ]
    old, _ = tables["addresses"]
    assert (old["postcode"], old["valid_from"], old["valid_to"]) == ("CF62 1AA", date(2015, 2, 28), date(2020, 5, 1))
    kinds = [(each["identifier_type"], each["assigning_authority"], each["identifier_status"])
             for each in tables["identifiers"]]
    assert kinds == [("nhs_number", NHS, "01"), ("usual", PAS, "usual")]


@pytest.mark.parametrize(("status", "system"), [
    ("01", f"{CODES}NHSNumberVerificationStatusWales"), ("01", f"{CODES}NHSNumberVerificationStatusEngland"),
    ("number-present-and-verified", f"{CODES}NHSNumberVerificationStatus"),
])
def test_the_verification_status_is_read_in_all_three_code_systems(project, status, system):
    (row,) = project(patient(identifier=[nhs_number("9990000018", status, system)]))["patients"]
    assert row["nhs_number_status"] == status


def test_a_status_without_a_number_lands_and_the_number_in_force_is_taken(project):
    tables = project(
        patient(identifier=[nhs_number(None, "07", f"{CODES}NHSNumberVerificationStatusWales")]),
        patient(identifier=[nhs_number("9990000026", use="old"), nhs_number("9990000018")]) | {"id": "p2"},
    )
    numbers = {row["source_person_id"]: (row["nhs_number"], row["nhs_number_status"]) for row in tables["patients"]}
    assert numbers == {"p1": (None, "07"), "p2": ("9990000018", None)}
    assert [(each["identifier_value"], each["is_deleted"]) for each in tables["identifiers"]] == [
        ("9990000026", True), ("9990000018", False)
    ]


@pytest.mark.parametrize(("extension", "expected"), [
    ({"url": f"{UK_CORE}EthnicCategory", "valueCodeableConcept": concept("A", f"{CODES}EthnicCategoryWales")},
     ("A", "wales_fhir")),
    ({"url": f"{UK_CORE}EthnicCategory", "valueCodeableConcept": concept("A", f"{CODES}EthnicCategoryEngland")},
     ("A", "england_fhir")),
    ({"url": f"{UK_CORE}EthnicCategory", "valueCodeableConcept": concept("A", "https://other.example/list")},
     ("A", "https://other.example/list")),
    ({"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
      "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}}, {"url": "text", "valueString": "x"}]},
     ("2106-3", "us_core")),
])
def test_an_ethnic_category_keeps_its_code_system(project, extension, expected):
    (row,) = project(patient(extension=[extension]))["patients"]
    assert (row["ethnicity_code"], row["ethnicity_code_system"]) == expected


@pytest.mark.parametrize(("sent", "birth_date", "precision"), [
    ("2012-05-04", date(2012, 5, 4), "day"), ("2012-05", None, "month"), ("2012", None, "year"),
    ("2027-01-01", None, "day"),
])
def test_a_birth_date_is_a_date_only_when_it_has_a_day_and_is_past(project, sent, birth_date, precision):
    (row,) = project(patient(birthDate=sent))["patients"]
    assert (row["birth_date"], row["birth_date_precision"]) == (birth_date, precision)


def test_death_and_replacement_are_told(project):
    tables = project(
        patient(deceasedDateTime="2026-01-02T03:04:05Z", active=False,
                link=[{"type": "replaced-by", "other": {"reference": "Patient/p2"}}]),
        patient(deceasedBoolean=True) | {"id": "p2"},
        patient(deceasedDateTime="2026-01") | {"id": "p3"},
    )
    told = [(row["is_deceased"], row["death_at"], row["replaced_by_id"]) for row in tables["patients"]]
    assert told == [(True, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "p2"), (True, None, None), (True, None, None)]
    assert tables["warnings"] == [{"rule_id": "fhir-date-partial"}]


def test_a_name_that_is_one_text_is_reported_and_not_taken_apart(project):
    tables = project(patient(name=[{"text": "Alys Mair Jones"}]))
    assert (tables["patients"][0]["forename"], tables["patients"][0]["surname"]) == (None, None)
    assert tables["warnings"] == [{"rule_id": "fhir-name-text-only"}]


def test_the_namespace_falls_back_to_where_the_resource_came_from(project):
    tables = project(
        patient(meta={"source": "https://paris.example.wales/fhir#abc"}, identifier=[nhs_number("9990000018")]),
        patient(identifier=[{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "1", "type": concept("SS")},
                            {"system": "http://other", "value": "2"},
                            {"system": "http://hospital", "value": "3", "type": concept("MR")}]) | {"id": "p2"},
    )
    assert [row["id_namespace"] for row in tables["patients"]] == ["https://paris.example.wales/fhir", "http://hospital"]


@pytest.mark.parametrize(("subject", "person"), [
    ({"reference": "Patient/123"}, "123"),
    ({"reference": "https://fhir.example.wales/R4/Patient/123"}, "123"),
    ({"reference": "Patient/123/_history/4"}, "123"),
    ({"reference": "Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018"}, f"{NHS}|9990000018"),
    ({"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}, "0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
    ({"identifier": {"system": NHS, "value": "9990000018"}}, f"{NHS}|9990000018"),
    ({"type": "Patient", "identifier": {"system": PAS, "value": "C1"}}, f"{PAS}|C1"),
    ({"reference": "#inner"}, f"{NHS}|9990000018"),
    ({"reference": "Group/1"}, None),
    ({"type": "Group", "identifier": {"system": PAS, "value": "C1"}}, None),
    ({"display": "somebody"}, None),
])
def test_a_reference_leads_to_the_person(project, subject, person):
    inner = {"resourceType": "Patient", "id": "inner",
             "identifier": [{"system": PAS, "value": "C1"}, nhs_number("9990000018")]}
    flag = {"resourceType": "Flag", "id": "f1", "status": "active", "code": concept("764841000000100"),
            "subject": subject, "contained": [inner], "author": {"reference": "#inner"},
            "period": {"start": "2026-01-05"}}
    (row,) = project(flag)["flags"]
    assert row["source_person_id"] == person
    assert (row["code"], row["code_system"]) == ("764841000000100", "http://snomed.info/sct")
    assert row["started_at"] == datetime(2026, 1, 5, tzinfo=UTC)


def test_an_emergency_attendance_that_became_an_admission_is_an_emergency(project):
    base = {"resourceType": "Encounter", "status": "finished", "subject": {"reference": "Patient/p1"}}
    period = {"period": {"start": "2026-01-01T10:00:00Z"}}
    tables = project(
        base | {"id": "ed", "class": {"code": "EMER"},
                "serviceProvider": {"identifier": {"system": ODS, "value": "7A4"}}},
        base | {"id": "both", "class": {"code": "IMP"}, "classHistory": [{"class": {"code": "EMER"}, **period}]},
        base | {"id": "ward", "class": {"code": "IMP"}},
    )
    assert [(row["resource_id"], row["is_emergency"]) for row in tables["encounters"]] == [
        ("ed", True), ("both", True), ("ward", False)
    ]
    assert tables["encounters"][0]["organisation"] == "7A4"


def test_events_land_with_code_and_system(project):
    local = "https://example.wales/fhir/CodeSystem/community-child-health"
    person = {"reference": "Patient/p1"}
    tables = project(
        {"resourceType": "Encounter", "id": "1", "status": "cancelled", "class": {"code": "AMB"}, "subject": person,
         "type": [concept("IHA", local)], "reasonCode": [concept("DECLINED", local)]},
        {"resourceType": "Appointment", "id": "1", "status": "noshow", "serviceType": [concept("RHA", local)],
         "start": "2026-07-01T09:00:00+01:00",
         "participant": [{"actor": {"reference": "Practitioner/1"}, "status": "accepted"},
                         {"actor": person, "status": "accepted"}]},
        {"resourceType": "Procedure", "id": "1", "status": "completed", "code": concept("DENTAL", local),
         "subject": person, "performedDateTime": "2026-07-01",
         "performer": [{"actor": {"reference": "Practitioner/7"}}]},
        {"resourceType": "Immunization", "id": "1", "status": "not-done", "vaccineCode": concept("1"),
         "patient": person, "occurrenceDateTime": "2026-05", "statusReason": concept("2"),
         "protocolApplied": [{"doseNumberPositiveInt": 3}],
         "extension": [{"url": f"{UK_CORE}VaccinationProcedure", "valueCodeableConcept": concept("9")}]},
        {"resourceType": "Observation", "id": "1", "status": "finalised", "code": concept("5"), "subject": person,
         "effectivePeriod": {"start": "2026-01-01", "end": "2030-01-01"},
         "valueQuantity": {"value": 1.5, "unit": "kg"}},
        {"resourceType": "Condition", "id": "1", "code": concept("6"), "subject": person, "recordedDate": "2026-01-01"},
        {"resourceType": "EpisodeOfCare", "id": "1", "status": "active", "type": [concept("7")], "patient": person},
        {"resourceType": "QuestionnaireResponse", "id": "1", "status": "completed", "subject": person,
         "item": [{"linkId": "1", "item": [
             {"linkId": "2", "answer": [{"valueBoolean": True, "item": [{"linkId": "3"}]}]}]}]},
        {"resourceType": "RelatedPerson", "id": "1", "patient": person, "relationship": [concept("MTH")],
         "name": [{"family": "Rees", "given": ["Non"]}]},
        {"resourceType": "Organization", "id": "1", "name": "Ward", "identifier": [{"system": ODS, "value": "7A4"}]},
    )
    row = {name: rows[0] for name, rows in tables.items() if rows}
    assert {name: each.get("source_person_id", "-") for name, each in row.items() if name not in (
        "resources", "organizations", "warnings")} == dict.fromkeys((
            "encounters", "appointments", "procedures", "immunizations", "observations", "conditions",
            "episodes_of_care", "questionnaire_responses", "related_persons"), "p1")
    assert (row["encounters"]["type_code"], row["encounters"]["type_system"]) == ("IHA", local)
    assert (row["encounters"]["status"], row["encounters"]["reason_code"]) == ("cancelled", "DECLINED")
    assert (row["appointments"]["is_did_not_attend"], row["appointments"]["service_code"]) == (True, "RHA")
    assert row["appointments"]["starts_at"] == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert row["procedures"]["performed_start_at"] == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert row["procedures"]["performer"] == "Practitioner/7"
    imm = row["immunizations"]
    assert (imm["occurred_at"], imm["occurred_text"], imm["dose_number"]) == (None, "2026-05", "3")
    assert (imm["procedure_code"], imm["not_done_reason_code"]) == ("9", "2")
    assert (row["observations"]["value_number"], row["observations"]["value_unit"]) == (1.5, "kg")
    assert row["questionnaire_responses"]["items"] == 3
    assert row["organizations"]["ods_code"] == "7A4"
    assert {each["rule_id"] for each in tables["warnings"]} == {"code-unfamiliar", "fhir-date-partial"}


def test_every_projection_fills_exactly_the_columns_of_its_table():
    for resource_type, (table, projection) in PROJECTIONS.items():
        row = projection(Record({"resourceType": resource_type}, "1"))
        assert list(row) == [column.name for column in CONTRACT.at(None)[table].columns]


def test_elements_that_were_seen_before_are_judged_like_new_ones():
    validator, model = Validator(), model_of("Condition")
    good = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}, "code": concept("1")}
    bad = good | {"code": {"coding": [{"code": ["1"]}]}}
    assert [bool(validator.faults(model, each)) for each in (good, bad, good, bad)] == [False, True, False, True]
    assert validator.faults(model, bad)[0].place == ("code", "coding", 0, "code")
