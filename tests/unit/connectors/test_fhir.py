"""The FHIR feed end to end: which containers are read, what lands, what goes to quarantine and under which rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.delivery import Delivery, Places, Terms
from connectors.health import fhir
from connectors.landing import land


class Landed:
    """A delivery and what is on disk of it."""

    def __init__(self, delivery: Delivery, places: Places) -> None:
        self.delivery = delivery
        self._places = places

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self._places.delivery(fhir.FEED, self.delivery.delivery_id) / f"{name}.parquet")

    def rows(self, name: str) -> list[dict]:
        return self.table(name).to_dicts()

    def row(self, name: str) -> dict:
        (row,) = self.rows(name)
        return row

    def report(self) -> pl.DataFrame:
        return pl.read_parquet(self._places.held(fhir.FEED, self.delivery.delivery_id) / "report.parquet")

    def quarantine(self) -> list[dict]:
        path = self._places.held(fhir.FEED, self.delivery.delivery_id) / "records.parquet"
        return pl.read_parquet(path).to_dicts()


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Landed]:
    """Land files given as name=content; content that is no text or bytes is written as JSON."""

    def _send(files: dict[str, object], **terms: object) -> Landed:
        folder = tmp_path / "delivery"
        folder.mkdir()
        for name, content in files.items():
            data = content if isinstance(content, str | bytes) else json.dumps(content)
            (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        places = Places(tmp_path / "landing", tmp_path / "quarantine")
        terms = {"system": "PAS", "as_at": date(2026, 9, 1)} | terms
        delivery = land(fhir.FEED, [folder], places, Terms(**terms))
        books = (delivery.records_landed, delivery.records_quarantined, delivery.records_duplicate)
        assert delivery.records_in == sum(books)
        return Landed(delivery, places)

    return _send


def patient(identifier: str, **elements: object) -> dict:
    return {"resourceType": "Patient", "id": identifier, **elements}


def ndjson(*resources: dict) -> str:
    return "".join(json.dumps(resource) + "\n" for resource in resources)


def bundle(kind: str, *entries: dict, **elements: object) -> dict:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **elements}


# Containers


def test_a_bulk_export_folder_lands_and_its_log_is_not_read_but_says_the_day(send):
    log = ndjson(
        {"exportId": "e", "eventId": "kickoff", "eventDetail": {}},
        {"exportId": "e", "eventId": "status_complete", "eventDetail": {"transactionTime": "2026-07-31T23:30:00Z"}},
    )
    landed = send(
        {"Patient.000.ndjson": ndjson(patient("1"), patient("2")), "log.ndjson": log}, as_at=None,
    )
    assert landed.delivery.records_in == landed.delivery.records_landed == 2
    assert landed.delivery.as_at_date == date(2026, 8, 1)
    assert landed.delivery.warnings_by_rule == {"file-not-read": 1}
    assert landed.table("resources")["container"].to_list() == ["ndjson", "ndjson"]


def test_a_manifest_is_not_read_but_says_the_day(send):
    manifest = {"transactionTime": "2026-08-01T10:00:00Z", "request": "https://x/$export", "output": [], "error": []}
    landed = send({"Patient.ndjson": ndjson(patient("1")), "manifest.json": manifest}, as_at=None)
    assert landed.delivery.as_at_date == date(2026, 8, 1)
    assert landed.delivery.warnings_by_rule == {"file-not-read": 1}


@pytest.mark.parametrize("kind", ["searchset", "transaction", "collection", "batch", "history", "document", "message"])
def test_every_kind_of_bundle_is_read(send, kind):
    landed = send({"b.json": bundle(kind, {"resource": patient("1")}, {"resource": patient("2")})})
    assert sorted(landed.table("patients")["source_person_id"]) == ["1", "2"]
    assert set(landed.table("resources")["container"]) == {"bundle"}


def test_included_entries_of_a_search_are_data_and_outcomes_are_not(send):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "processing"}]}
    landed = send({"b.json": bundle(
        "searchset",
        {"resource": patient("1"), "search": {"mode": "match"}},
        {"resource": {"resourceType": "Organization", "id": "o", "name": "Ward"}, "search": {"mode": "include"}},
        {"resource": outcome, "search": {"mode": "outcome"}},
        {"resource": outcome},
    )})
    assert landed.delivery.records_in == landed.delivery.records_landed == 2
    assert landed.delivery.warnings_by_rule == {"fhir-outcome": 2}
    assert landed.row("organizations")["name"] == "Ward"


def test_references_inside_a_transaction_lead_to_the_ids_of_its_entries(send):
    landed = send({"b.json": bundle(
        "transaction",
        {"fullUrl": "urn:uuid:aaa", "resource": patient("p1"), "request": {"method": "POST", "url": "Patient"}},
        {"fullUrl": "urn:uuid:bbb", "resource": {"resourceType": "Patient"}},
        {"fullUrl": "urn:uuid:ccc", "resource": {"resourceType": "Organization", "id": "o1", "name": "Ward"}},
        {"resource": {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
                      "subject": {"reference": "urn:uuid:aaa"}, "serviceProvider": {"reference": "urn:uuid:ccc"}}},
        {"resource": {"resourceType": "Encounter", "id": "e2", "status": "finished", "class": {"code": "AMB"},
                      "subject": {"reference": "urn:uuid:bbb"}}},
    )})
    persons = {row["resource_id"]: row["source_person_id"] for row in landed.rows("encounters")}
    assert persons == {"e1": "p1", "e2": "bbb"}
    assert set(landed.table("patients")["source_person_id"]) == {"p1", "bbb"}
    assert set(landed.table("encounters")["organisation"].drop_nulls()) == {"Organization/o1"}


def test_a_delete_entry_withdraws_the_resource_and_its_projection(send):
    landed = send({"b.json": bundle(
        "transaction",
        {"request": {"method": "DELETE", "url": "Patient/gone"}},
        {"request": {"method": "DELETE", "url": "Device/gone"}},
        {"request": {"method": "DELETE", "url": "Patient?identifier=x|1"}},
        {"request": {"method": "GET", "url": "Patient/2"}},
    )})
    assert landed.row("patients")["record_action"] == "delete"
    assert landed.row("patients")["source_person_id"] == "gone"
    assert landed.table("resources")["record_action"].to_list() == ["delete", "delete"]
    assert landed.delivery.rejects_by_rule == {"fhir-delete-unresolved": 1}
    assert landed.delivery.warnings_by_rule == {"fhir-entry-without-resource": 1}


def test_bundles_of_deletions_in_an_ndjson_file_withdraw(send):
    gone = bundle("transaction", {"request": {"method": "DELETE", "url": "Encounter/9"}})
    landed = send({"deleted.ndjson": ndjson(gone, gone | {"id": "other"})})
    assert (landed.row("encounters")["resource_id"], landed.row("encounters")["record_action"]) == ("9", "delete")


@pytest.mark.parametrize(("name", "content"), [
    ("one.json", json.dumps(patient("1"), indent=2)),
    ("one.json", json.dumps(patient("1"))),
    ("one.jsonl", ndjson(patient("1"))),
    ("one.ndjson", "\ufeff" + json.dumps(patient("1"))),
    ("one.ndjson", json.dumps(patient("1"), indent=2)),
    ("list.json", json.dumps([patient("1")], indent=1)),
    ("list.json", "[\n" + json.dumps(patient("1")) + "\n]\n"),
    ("named_badly.txt", ndjson(patient("1"))),
    ("crlf.ndjson", "\r\n" + json.dumps(patient("1")) + "\r\n\r\n"),
])
def test_a_resource_is_found_in_any_form(send, name, content):
    landed = send({name: content})
    assert landed.row("patients")["source_person_id"] == "1"
    assert landed.delivery.repairs_by_rule == ({"file-bom": 1} if content.startswith("\ufeff") else {})


# Broken files


@pytest.mark.parametrize(("name", "content", "rule_id"), [
    ("empty.json", b"", "file-empty"),
    ("blank.ndjson", b" \n\n", "file-empty"),
    ("notes.txt", b"not JSON", "file-not-this-format"),
    ("p.xml", b"<Patient/>", "file-not-this-format"),
    ("utf16.json", "{}".encode("utf-16"), "file-encoding"),
    ("cp1252.json", '{"resourceType": "Patient",\n"name": [{"family": "Siân"}]}'.encode("cp1252"), "file-encoding"),
    ("cut.json", json.dumps(bundle("searchset", {"resource": patient("1")}), indent=1)[:-9].encode(), "file-truncated"),
    ("cut.json", json.dumps(bundle("searchset", {"resource": patient("1")}))[:-9].encode(), "file-truncated"),
    ("broken.json", b'{"resourceType": "Patient" "id": 1}', "json-malformed"),
    ("entry.json", b'{"resourceType": "Bundle", "type": "batch", "entry": {}}', "fhir-bundle-broken"),
])
def test_a_file_that_breaks_its_shape_is_held_with_a_true_reason(send, name, content, rule_id):
    landed = send({name: content})
    assert (landed.delivery.state, landed.delivery.hold_rule) == ("held", rule_id)


def test_a_held_file_does_not_stop_the_others(send):
    landed = send({"cut.json": '{"resourceType": "Pat', "good.ndjson": ndjson(patient("1"))})
    assert landed.delivery.state == "landed"
    assert [held["rule"] for held in landed.delivery.held_files] == ["file-truncated"]
    assert landed.delivery.records_landed == 1


def test_a_bundle_without_entries_has_no_rows(send):
    landed = send({"b.json": {"resourceType": "Bundle", "type": "searchset", "total": 0}})
    assert (landed.delivery.state, landed.delivery.records_in) == ("landed", 0)
    assert landed.delivery.warnings_by_rule == {"file-no-rows": 1}


def test_a_broken_line_is_kept_with_its_number_and_the_rest_goes_on(send):
    landed = send({"p.ndjson": ndjson(patient("1")) + '\n{"resourceType": "Patient", "id"\n' + ndjson(patient("2"))})
    assert set(landed.table("patients")["source_person_id"]) == {"1", "2"}
    (kept,) = landed.quarantine()
    assert (kept["rule_id"], kept["row_number"], kept["raw"]) == (
        "json-broken", 3, b'{"resourceType": "Patient", "id"'
    )


def test_a_broken_first_line_does_not_hide_the_rest(send):
    landed = send({"p.json": '{"resourceType": "Pati\n' + ndjson(patient("1"), patient("2"))})
    assert landed.delivery.records_landed == 2
    assert landed.delivery.rejects_by_rule == {"json-broken": 1}


def test_a_last_line_cut_in_the_middle_flags_the_file(send):
    landed = send({"p.ndjson": ndjson(patient("1")) + '{"resourceType": "Patient", "id": "2'})
    assert landed.delivery.records_landed == 1
    assert landed.delivery.rejects_by_rule == {"json-broken": 1}
    assert landed.delivery.warnings_by_rule == {"fhir-file-cut": 1}


def test_a_whole_last_line_without_line_end_is_no_cut(send):
    landed = send({"p.ndjson": ndjson(patient("1")) + json.dumps(patient("2"))})
    assert landed.delivery.records_landed == 2
    assert landed.delivery.warnings_by_rule == {}


def test_a_line_in_another_encoding_goes_to_quarantine(send):
    line = json.dumps(patient("2", name=[{"family": "Siân"}]), ensure_ascii=False).encode("cp1252")
    landed = send({"p.ndjson": ndjson(patient("1")).encode() + line + b"\n"})
    assert landed.delivery.rejects_by_rule == {"record-encoding": 1}


def test_json_that_is_no_resource_goes_to_quarantine(send):
    landed = send({"p.ndjson": ndjson(patient("1"), {"exportId": "e"}) + '5\n[]\n"x"\n'})
    assert landed.delivery.rejects_by_rule == {"fhir-not-a-resource": 1, "json-not-an-object": 3}


# Validation and repair


def test_an_unknown_resource_type_goes_to_quarantine(send):
    landed = send({"p.ndjson": ndjson({"resourceType": "Child", "id": "1"}, {"resourceType": "HumanName"})})
    assert landed.delivery.rejects_by_rule == {"fhir-resource-type-unknown": 2}


def test_types_without_a_projection_are_validated_and_land_as_resources_only(send):
    landed = send({"p.ndjson": ndjson(
        {"resourceType": "Device", "id": "1"},
        {"resourceType": "Device", "id": "2", "colour": "blue"},
        {"resourceType": "MedicinalProduct", "id": "3"},
    )})
    assert landed.table("resources")["resource_type"].to_list() == ["Device", "MedicinalProduct"]
    assert list(landed.delivery.tables) == ["resources"]
    assert landed.delivery.rejects_by_rule == {"fhir-invalid": 1}
    assert landed.delivery.warnings_by_rule == {"fhir-not-validated": 1}


def test_an_r4_encounter_that_r5_refuses_is_valid(send):
    encounter = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "EMER"},
                 "period": {"start": "2026-07-01T10:00:00+01:00"}, "hospitalization": {}}
    landed = send({"e.json": encounter})
    assert landed.row("encounters")["is_emergency"] is True
    assert landed.row("encounters")["started_at"] == datetime(2026, 7, 1, 9, tzinfo=UTC)


def test_an_invalid_resource_is_kept_raw_and_reported_by_place_and_kind_without_its_values(send):
    bad = patient("1", birthDate="03/04/2012", name=[{"family": ["Secretname"]}], Secretkey=1)
    landed = send({"p.ndjson": ndjson(bad)})
    (kept,) = landed.quarantine()
    assert (kept["rule_id"], json.loads(kept["raw"])) == ("fhir-invalid", bad)
    (column,) = landed.report()["column"]
    assert "Patient.birthDate (value_error)" in column
    assert "Patient.name[0].family (string_type)" in column
    assert "Patient.(unknown element) (extra_forbidden)" in column
    assert "Secret" not in str(landed.report().to_dicts())
    assert "2012" not in str(landed.report().drop("source_file").to_dicts())


@pytest.mark.parametrize(("sent", "instant", "rules"), [
    ("2026-07-01T10:00:00", datetime(2026, 7, 1, 9, tzinfo=UTC), {"fhir-zone-assumed": 1}),
    ("2026-01-01T10:00:00", datetime(2026, 1, 1, 10, tzinfo=UTC), {"fhir-zone-assumed": 1}),
    ("2026-01-01T10:00Z", datetime(2026, 1, 1, 10, tzinfo=UTC), {"fhir-seconds-added": 1}),
    ("2026-07-01T10:00", datetime(2026, 7, 1, 9, tzinfo=UTC), {"fhir-seconds-added": 1, "fhir-zone-assumed": 1}),
    ("2026-07-01T10:00:00+01:00 ", datetime(2026, 7, 1, 9, tzinfo=UTC), {"fhir-blanks-trimmed": 1}),
    ("2026-03-29T01:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), {"fhir-zone-assumed": 1}),
    ("2025-10-26T01:30:00", datetime(2025, 10, 26, 0, 30, tzinfo=UTC), {"fhir-zone-assumed": 1}),
])
def test_date_times_are_repaired_once_and_say_so(send, sent, instant, rules):
    encounter = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
                 "period": {"start": sent}}
    landed = send({"e.ndjson": ndjson(encounter)})
    assert landed.row("encounters")["started_at"] == instant
    assert landed.row("resources")["is_repaired"] is True
    assert landed.delivery.repairs_by_rule == rules
    assert set(landed.report()["column"]) == {"Encounter.period.start"}


def test_a_repair_that_is_not_enough_leaves_the_resource_as_it_came_in_quarantine(send):
    bad = patient("1", gender="male ", birthDate="31/12/2012")
    landed = send({"p.json": bad})
    assert landed.delivery.repairs_by_rule == {}
    assert json.loads(landed.quarantine()[0]["raw"]) == bad


def test_empty_text_is_left_out(send):
    landed = send({"p.json": patient("1", birthDate="", name=[{"family": "", "given": ["Alys", " ", "Mair"]}])})
    row = landed.row("patients")
    assert (row["forename"], row["middle_names"], row["surname"], row["birth_date"]) == ("Alys", "Mair", None, None)
    assert landed.delivery.repairs_by_rule["fhir-empty-removed"] >= 2


def test_a_contained_resource_of_an_unknown_type_is_a_fault_not_a_crash(send):
    landed = send({"p.ndjson": ndjson(
        patient("1", contained=[{"resourceType": "Nothing"}]), patient("2", contained=[{"resourceType": 5}]),
        patient("3", contained="x"), patient("4"),
    )})
    assert landed.delivery.rejects_by_rule == {"fhir-invalid": 3}
    assert landed.row("patients")["source_person_id"] == "4"


def test_very_deep_nesting_is_a_fault_not_a_crash(send):
    deep = '[{"url":"x","extension":' * 400 + "[]" + "}]" * 400
    line = f'{{"resourceType":"Patient","id":"1","extension":{deep}}}\n'
    landed = send({"p.ndjson": line + ndjson(patient("2")), "list.json": "[" * 900 + "]" * 900})
    assert landed.delivery.rejects_by_rule == {"fhir-invalid": 1, "json-not-an-object": 1}
    assert landed.delivery.records_landed == 1


# Versions and ids


def test_the_version_with_the_last_update_lands_wherever_it_stands(send):
    def version(at: str, family: str, names: int = 1) -> dict:
        return patient("1", meta={"lastUpdated": at}, name=[{"family": family}] * names)

    landed = send({"p.ndjson": ndjson(
        version("2026-03-01T00:00:00Z", "Second"), version("2026-06-01T00:00:00Z", "Third"),
        version("2026-01-01T00:00:00Z", "First", names=3), version("2026-06-01T00:00:00Z", "Third"),
    )})
    assert landed.row("patients")["surname"] == "Third"
    assert landed.table("names")["surname"].to_list() == ["Third"]
    assert landed.row("resources")["extracted_at"] == datetime(2026, 6, 1, tzinfo=UTC)
    assert landed.delivery.rejects_by_rule == {"fhir-older-version": 2, "row-duplicate": 1}
    assert landed.delivery.records_duplicate == 3


def test_the_newest_version_lands_when_an_older_one_is_in_a_later_file(send):
    landed = send({
        "a.ndjson": ndjson(patient("1", meta={"lastUpdated": "2026-06-01T00:00:00Z"}, name=[{"family": "New"}])),
        "b.ndjson": ndjson(patient("1", meta={"lastUpdated": "2026-01-01T00:00:00Z"}, name=[{"family": "Old"}])),
    })
    assert landed.row("patients")["surname"] == "New"
    assert landed.delivery.records_landed == 1


def test_the_newest_entry_of_a_history_lands(send):
    landed = send({"h.json": bundle(
        "history", {"resource": patient("1", active=False)}, {"resource": patient("1", active=True)},
    )})
    assert landed.row("patients")["is_active"] is False


def test_two_records_with_one_id_and_no_date_are_named_and_the_last_lands(send):
    landed = send({"p.ndjson": ndjson(patient("1", active=True), patient("1", active=False), patient("2"))})
    assert landed.delivery.rejects_by_rule == {"key-duplicate": 1}
    assert json.loads(landed.quarantine()[0]["raw"]) == patient("1", active=True)


def test_a_resource_without_an_id_is_known_by_its_content(send):
    landed = send({
        "a.json": {"resourceType": "Patient", "gender": "male", "active": True},
        "b.json": json.dumps({"active": True, "resourceType": "Patient", "gender": "male"}, indent=3),
        "c.json": {"resourceType": "Patient", "gender": "female"},
    })
    ids = landed.table("resources")["resource_id"].to_list()
    assert len(ids) == 2
    assert all(len(each) == 64 for each in ids)
    assert landed.delivery.records_duplicate == 1


def test_the_record_hash_follows_the_content_of_the_resource(send):
    landed = send({"o.ndjson": ndjson(
        {"resourceType": "Device", "id": "1", "lotNumber": "a"}, {"resourceType": "Device", "id": "2"},
    ), "p.ndjson": ndjson({"resourceType": "Device", "id": "1", "lotNumber": "b"})})
    assert landed.delivery.rejects_by_rule == {"key-duplicate": 1}


# Samples


@pytest.mark.parametrize(("folder", "records", "landed_records"), [
    ("bulk_export_10", 4130, 4130), ("bulk_export_100", 2752, 2752), ("r4_examples", 145, 145),
    ("cross_system_patients", 26, 19),
])
def test_the_public_samples_land(samples, tmp_path, folder, records, landed_records):
    places = Places(tmp_path / "landing", tmp_path / "quarantine")
    delivery = land(fhir.FEED, [samples / "fhir" / folder], places, Terms(system="sample"))
    assert (delivery.records_in, delivery.records_landed) == (records, landed_records)
    assert set(delivery.rejects_by_rule) <= {"key-duplicate"}
