"""The inbox: formats, order, faults on purpose, and a truth for every record."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
from pathlib import Path

import polars as pl
import pytest
from fhir.resources.R4B import get_fhir_model_class
from lxml import etree

from simulator import generate
from simulator.deliveries import Weeks

from .conftest import AS_OF, Region

NAME = re.compile(r"^[a-z]+_[a-z_]+_\d{4}-\d{2}-\d{2}_(full|delta)(_\d+)?(\.\w+)?$")


def _digest(root: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return total.hexdigest()


def _messages(path: Path) -> list[list[str]]:
    lines = path.read_bytes().decode().split("\r")
    starts = [at for at, line in enumerate(lines) if line.startswith("MSH|")] + [len(lines)]
    return [lines[a:b] for a, b in itertools.pairwise(starts)]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        generate(tmp_path / name, children=250, seed=seed, as_of=AS_OF, weeks=2)
        digests.append(_digest(tmp_path / name))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_a_folder_that_holds_a_region_is_not_written_over(region: Region) -> None:
    with pytest.raises(FileExistsError, match="not empty"):
        generate(region.root, children=250, seed=1, as_of=AS_OF)


def test_one_week_is_enough_for_all_faults(tmp_path: Path) -> None:
    summary = generate(tmp_path, children=250, seed=1, as_of=AS_OF, weeks=1)
    assert set(summary.deliveries_by_kind) >= {
        "truncated",
        "missing_column",
        "resend",
        "duplicate",
        "batch_count",
        "empty",
    }


def test_delivery_names_say_date_mode_and_sequence(region: Region) -> None:
    names = region.truth("deliveries")["delivery"].to_list()
    assert all(NAME.match(name) for name in names)
    assert Weeks.before(28, 4).cuts == (0, 7, 14, 21, 28)


def test_every_kind_of_bad_delivery_exists(region: Region) -> None:
    kinds = set(region.truth("deliveries")["kind"])
    assert kinds >= {
        "late", "duplicate", "resend", "truncated", "missing_column", "broken_line", "batch_count", "bad_rows",
        "shrunk_full", "empty", "good_but_superseded", "good",
    }  # fmt: skip


def test_after_each_bad_delivery_the_good_one_arrives(region: Region) -> None:
    rows = region.truth("deliveries").sort("supplier", "feed", "as_at_date", "sequence").to_dicts()
    for at, row in enumerate(rows):
        if row["expected"] in {"held", "superseded"}:
            follower = rows[at + 1]
            assert (follower["supplier"], follower["expected"]) == (row["supplier"], "landed")


def test_the_duplicate_has_the_bytes_of_another_delivery(region: Region) -> None:
    (twin,) = region.deliveries("police", "ppn", "duplicate")
    landed = region.deliveries("police", "ppn", "landed")
    assert twin.read_bytes() in [path.read_bytes() for path in landed]


def test_batch_counts_agree_except_in_the_batch_that_is_wrong_on_purpose(region: Region) -> None:
    wrong = []
    for path in region.deliveries("health", "adt", "landed", "held", "superseded"):
        text = path.read_bytes().decode()
        said = re.search(r"\rBTS\|(\d+)", text)
        if said is None or int(said[1]) != len(_messages(path)):
            wrong.append(path)
    assert sorted(wrong) == sorted(region.deliveries("health", "adt", "held", "superseded"))


def test_messages_have_the_welsh_shapes(region: Region) -> None:
    kinds: dict[str, set[str]] = {"169": set(), "PIMS": set()}
    for path in region.deliveries("health", "adt", "landed"):
        for segments in _messages(path):
            head = segments[0].split("|")
            kinds[head[2]].add(head[8].split("^")[1])
            assert head[11] == ("2.5" if head[2] == "169" else "2.3.1")
            assert head[17] == "UNICODE UTF-8"
    assert kinds["169"] == {"A28", "A31", "A40"}
    assert kinds["PIMS"] == {"A01", "A03", "A04", "A08", "A11", "A40", "S12", "S13", "S14", "S15", "S26"}


def test_good_fhir_resources_validate_and_only_the_broken_lines_do_not(region: Region) -> None:
    faults = 0
    for folder in region.deliveries("health", "fhir", "landed"):
        for path in folder.glob("*.ndjson"):
            for line in path.read_text().splitlines():
                try:
                    resource = json.loads(line)
                    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
                except ValueError:
                    faults += 1
    assert faults == 3


def _records(region: Region) -> dict[tuple[str, str], set[str]]:
    """Read every person record as a connector would name it."""
    found: dict[tuple[str, str], set[str]] = {}
    persons = region.case_table("persons")["source_person_id"]
    found["social_care", "case_export"] = set(persons)
    found["social_care", "early_help"] = {
        row["person_id"]
        for path in region.deliveries("social_care", "early_help", "landed")
        for row in csv.DictReader(path.open())
    }
    found["police", "ppn"] = {
        row["policePersonId"]
        for path in region.deliveries("police", "ppn", "landed")
        for row in csv.DictReader(path.open())
    }
    found["health", "fhir"] = {
        json.loads(line)["id"]
        for folder in region.deliveries("health", "fhir", "landed")
        for path in folder.glob("Patient.*.ndjson")
        for line in path.read_text().splitlines()
    }
    adt = found["health", "adt"] = set()
    for path in region.deliveries("health", "adt", "landed"):
        for segments in _messages(path):
            person = next(line for line in segments if line.startswith("PID|")).split("|")
            local = person[3].split("~")[-1].split("^")
            adt.add(f"{local[3]}|{local[0]}")
    schools = found["education", "school_census"] = set()
    for folder in region.deliveries("education", "school_census", "landed"):
        for path in folder.glob("*roll.csv"):
            for row in csv.DictReader(path.open()):
                table_id = row.get("pupilonrolltableid") or row.get("pupilnolongeronrolltableid")
                if "dob" in row:
                    schools.add(row["upn"] or f"{row['NativeId']}|{table_id}")
        for path in folder.glob("*.xml"):
            schools.update(pupil.findtext("UPN") for pupil in etree.parse(path).iter("Pupil") if pupil.findtext("UPN"))
    return found


def test_the_truth_knows_the_person_behind_every_record(region: Region) -> None:
    truth = region.truth("record_persons")
    people = set(region.truth("persons")["person_id"])
    for (agency, feed), ids in _records(region).items():
        known = truth.filter((pl.col("agency") == agency) & (pl.col("feed") == feed))
        assert len(ids) > 20
        assert ids <= set(known["source_person_id"]), f"{agency}/{feed}"
        children = known.filter(pl.col("is_child"))
        assert set(children["person_id"]) <= people
    assert not truth.select("agency", "feed", "source_person_id").is_duplicated().any()


def test_the_retired_record_of_each_merge_is_the_same_child_as_the_survivor(region: Region) -> None:
    truth = dict(
        region.truth("record_persons")
        .filter(pl.col("feed") == "adt")
        .select("source_person_id", "person_id")
        .iter_rows()
    )
    merges = 0
    for path in region.deliveries("health", "adt", "landed"):
        for segments in _messages(path):
            merge = next((line for line in segments if line.startswith("MRG|")), None)
            if merge is None:
                continue
            local = next(line for line in segments if line.startswith("PID|")).split("|")[3].split("~")[-1].split("^")
            retired = merge.split("|")[1].split("^")[0]
            assert truth[f"{local[3]}|{retired}"] == truth[f"{local[3]}|{local[0]}"]
            merges += 1
    assert merges >= 6


def test_a_deleted_contact_is_in_the_full_extract_first(region: Region) -> None:
    paths = region.deliveries("social_care", "case_export", "landed")
    first = pl.read_csv(paths[0] / "contacts.csv", infer_schema=False)
    gone = pl.concat(
        pl.read_csv(path / "contacts.csv", infer_schema=False).filter(pl.col("record_action") == "delete")
        for path in paths[1:]
    )
    assert len(gone) == 4
    assert set(gone["contact_id"]) <= set(first["contact_id"])


def test_unborn_children_are_exported_without_name_birth_date_and_number(region: Region) -> None:
    unborn = region.case_table("persons").filter(pl.col("is_unborn") == "true")
    assert len(unborn) >= 4
    assert unborn.select("forename", "birth_date", "nhs_number").null_count().row(0) == (len(unborn),) * 3
    assert unborn["expected_birth_date"].null_count() == 0


def test_sealed_identities_are_marked_in_the_export(region: Region) -> None:
    sealed = set(region.case_table("persons").filter(pl.col("is_sealed") == "true")["source_person_id"])
    truth = region.truth("record_persons").filter(pl.col("feed") == "case_export")
    second = region.truth("persons").filter(pl.col("is_second_identity"))
    assert sealed == set(truth.join(second, on="person_id")["source_person_id"])


def test_pupils_who_share_a_number_are_the_same_child(region: Region) -> None:
    truth = region.truth("record_persons").filter(
        (pl.col("feed") == "school_census") & ~pl.col("source_person_id").str.contains("|", literal=True)
    )
    people = region.truth("persons").select("person_id", "upn")
    joined = truth.join(people, on="person_id")
    wrong = joined.filter(pl.col("source_person_id").str.slice(1) != pl.col("upn").str.slice(1))
    assert len(wrong) == 0


def test_a_notification_is_written_after_the_incident_sent_after_that_and_received_last(region: Region) -> None:
    for path in region.deliveries("police", "ppn", "landed"):
        for row in csv.DictReader(path.open()):
            if "BAD" not in row["notificationReference"] and row["notificationReference"]:
                assert row["incidentAt"] <= row["createdAt"] <= row["sentAt"]
                assert row["acknowledgedAt"] == "" or row["sentAt"] <= row["acknowledgedAt"]
