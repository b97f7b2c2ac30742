"""Landing one delivery: whole or not at all, once, counted, and superseded in the right order."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.delivery import Delivery, Places, Terms, deliveries, delivery_folders, identify
from connectors.errors import ConfigurationError, FileHeld, SourceUnavailable, StorageUnavailable
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.landing import _incoming, land, write_schemas
from connectors.police.ppn import FEED as PPN_FEED
from connectors.tabular import parse_csv

CHILDREN = Table(
    "children",
    (
        Column("child_id", key=True, required=True),
        Column("name", required=True),
        Column("born", "date", future="clear"),
        Column("roll", codes=CodeSet("roll", frozenset({"on", "off"}), is_strict=True)),
    ),
)
SCHOOLS = Table("schools", (Column("school_id", key=True, required=True), Column("title", required=True)))
TABLES = {"children": CHILDREN, "schools": SCHOOLS}


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    for name, table in TABLES.items():
        if name in file.name:
            yield from parse_csv(file, table)
            return
    yield Parsed(findings=[Finding("file-not-read", "")])


DELTA = Feed("education", "tests", "Tests", Contract((CHILDREN, SCHOOLS)), parse)
SNAPSHOT = replace(DELTA, mode="full", is_table_set=True)
HEADER = "child_id,name,born,roll\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def children(count: int, start: int = 0) -> str:
    return HEADER + "".join(f"c{n},Name {n},2015-01-01,on\n" for n in range(start, start + count))


def landed(places: Places, feed: Feed, delivery: Delivery, table: str = "children") -> pl.DataFrame:
    return pl.read_parquet(places.delivery(feed, delivery.delivery_id) / f"{table}.parquet")


def report(places: Places, feed: Feed, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.held(feed, delivery.delivery_id) / "report.parquet")


def test_a_delivery_becomes_one_folder_with_its_tables_and_its_counts(tmp_path: Path, places: Places):
    file = write(tmp_path / "acme_children_2026-01-31_delta.csv", children(3))
    received = datetime(2026, 2, 1, 6, tzinfo=UTC)
    delivery = land(DELTA, [file], places, Terms(system="ACME", received_at=received, software_version="9"))
    folder = places.delivery(DELTA, delivery.delivery_id)
    assert sorted(path.name for path in folder.iterdir()) == ["children.parquet", "delivery.json"]
    assert Delivery.read(folder / "delivery.json") == delivery
    assert (delivery.state, delivery.mode, delivery.as_at_date) == ("landed", "delta", date(2026, 1, 31))
    assert (delivery.records_in, delivery.records_landed) == (3, 3)
    rows = landed(places, DELTA, delivery)
    assert rows.columns[:9] == list(CHILDREN.schema())[:9]
    assert rows["row_number"].to_list() == [2, 3, 4]
    assert rows["extracted_at"].unique().to_list() == [datetime(2026, 1, 31, tzinfo=UTC)]
    assert rows.select("agency", "feed", "system", "source_file").unique().row(0) == (
        "education", "tests", "ACME", file.name)  # fmt: skip
    assert not places.quarantine.exists()


def test_only_the_owner_may_look_into_a_delivery(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", children(1) + "c9,,,\n")
    delivery = land(DELTA, [file], places, Terms())
    for folder in (places.delivery(DELTA, delivery.delivery_id), places.held(DELTA, delivery.delivery_id)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_every_row_is_landed_quarantined_or_a_duplicate(tmp_path: Path, places: Places):
    file = write(
        tmp_path / "children.csv",
        HEADER
        + "c1,Ann,,on\nc1,Ann,,on\nc2,Bob,,on\nc2,Bobby,,on\n"
        + "c3,,,on\nc4,Dai,,away\nc5,Eve,30/02/2020,on\nc6,Fay\n",
    )
    delivery = land(DELTA, [file], places, Terms())
    assert (delivery.records_in, delivery.records_landed) == (8, 3)
    assert (delivery.records_quarantined, delivery.records_duplicate) == (4, 1)
    assert delivery.rejects_by_rule == {
        "code-unknown": 1, "key-duplicate": 1, "row-duplicate": 1, "row-width": 1, "value-missing": 1}  # fmt: skip
    assert delivery.warnings_by_rule == {"date-impossible-cleared": 1}
    assert landed(places, DELTA, delivery).select("child_id", "name").rows() == [
        ("c1", "Ann"), ("c2", "Bobby"), ("c5", "Eve")]  # fmt: skip
    faults = report(places, DELTA, delivery).select("row_number", "rule_id").rows()
    assert set(faults) == {
        (2, "row-duplicate"), (4, "key-duplicate"), (6, "value-missing"), (7, "code-unknown"),
        (8, "date-impossible-cleared"), (9, "row-width")}  # fmt: skip


def test_quarantine_keeps_the_record_and_the_report_keeps_only_its_shape(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", HEADER + "c4,Dai,,Aberystwyth 12\n")
    delivery = land(DELTA, [file], places, Terms())
    records = pl.read_parquet(places.held(DELTA, delivery.delivery_id) / "records.parquet")
    assert json.loads(records["raw"][0]) == {"child_id": "c4", "name": "Dai", "born": "", "roll": "Aberystwyth 12"}
    assert report(places, DELTA, delivery)["masked_value"].to_list() == ["AAAAAAAAAAA 99"]


def test_a_cleared_row_that_is_also_a_duplicate_counts_once(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", HEADER + "c1,Ann,soon,on\nc1,Ann,soon,on\n")
    delivery = land(DELTA, [file], places, Terms())
    assert (delivery.records_landed, delivery.records_duplicate, delivery.records_quarantined) == (1, 1, 0)


def test_a_withdrawal_needs_no_more_than_its_key(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", "child_id,name,record_action\nc1,,delete\nc2,,\n")
    delivery = land(DELTA, [file], places, Terms())
    assert landed(places, DELTA, delivery).select("child_id", "record_action").rows() == [("c1", "delete")]
    assert delivery.rejects_by_rule == {"value-missing": 1}


def test_the_hash_of_a_row_is_that_of_its_content(tmp_path: Path, places: Places):
    first = land(DELTA, [write(tmp_path / "a" / "children.csv", "child_id,name\nc1,Ann\nc2,Bob\n")], places, Terms())
    other = land(DELTA, [write(tmp_path / "b" / "children.csv", "roll,name,child_id\n,Bob,c2\n")], places, Terms())
    assert landed(places, DELTA, first)["record_hash"][1] == landed(places, DELTA, other)["record_hash"][0]


def test_the_same_bytes_under_another_name_are_a_duplicate_and_write_nothing(tmp_path: Path, places: Places):
    first = land(DELTA, [write(tmp_path / "children.csv", children(2))], places, Terms())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    second = land(DELTA, [write(tmp_path / "children.csv", children(2))], places, Terms())
    shutil.copy(tmp_path / "children.csv", tmp_path / "children_again.csv")
    third = land(DELTA, [tmp_path / "children_again.csv"], places, Terms())
    assert (second.state, third.state) == ("duplicate", "duplicate")
    assert first.delivery_id == second.delivery_id == third.delivery_id == identify([tmp_path / "children.csv"])
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if "children" not in path.name}
    assert all(before[path] == changed for path, changed in after.items() if path != tmp_path)


def test_a_set_of_files_is_known_by_its_bytes_whatever_the_names(tmp_path: Path, places: Places):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one / "children.csv", children(2))
    write(one / "schools.csv", "school_id,title\ns1,A\n")
    write(two / "x_children.csv", children(2))
    write(two / "a_schools.csv", "school_id,title\ns1,A\n")
    assert identify([one]) == identify([two])
    delivery = land(SNAPSHOT, [one], places, Terms())
    assert {name: books.landed for name, books in delivery.tables.items()} == {"children": 2, "schools": 1}
    assert land(SNAPSHOT, [two], places, Terms()).state == "duplicate"


def test_a_file_that_stands_twice_in_a_delivery_counts_as_duplicates(tmp_path: Path, places: Places):
    for name in ("children_1.csv", "children_2.csv"):
        write(tmp_path / "set" / name, children(3) + "c9,\n")
    delivery = land(DELTA, [tmp_path / "set"], places, Terms())
    assert (delivery.records_in, delivery.records_landed) == (8, 3)
    assert (delivery.records_duplicate, delivery.records_quarantined) == (4, 1)
    assert "file-duplicate" in delivery.rejects_by_rule


def test_a_broken_file_does_not_stop_the_others_of_a_delta(tmp_path: Path, places: Places):
    write(tmp_path / "set" / "1_children.csv", children(2))
    write(tmp_path / "set" / "2_children.csv", "child_id\nc7\n")
    write(tmp_path / "set" / "3_children.csv", children(2, start=10))
    delivery = land(DELTA, [tmp_path / "set"], places, Terms())
    assert (delivery.state, delivery.records_landed) == ("landed", 4)
    assert [fault["file"] for fault in delivery.held_files] == ["2_children.csv"]
    kept = list((places.held(DELTA, delivery.delivery_id) / "files").iterdir())
    assert [path.read_text() for path in kept] == ["child_id\nc7\n"]


def test_a_full_table_set_with_one_broken_file_is_held_whole(tmp_path: Path, places: Places):
    write(tmp_path / "set" / "children.csv", children(2))
    write(tmp_path / "set" / "schools.csv", "school_id\ns1\n")
    delivery = land(SNAPSHOT, [tmp_path / "set"], places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")
    assert not places.delivery(SNAPSHOT, delivery.delivery_id).exists()
    assert len(list((places.held(SNAPSHOT, delivery.delivery_id) / "files").iterdir())) == 2


def test_a_delivery_with_no_file_of_the_feed_is_held(tmp_path: Path, places: Places):
    delivery = land(SNAPSHOT, [write(tmp_path / "readme.txt", "hello")], places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "file-unknown")


def test_a_file_beside_the_tables_is_remarked_and_not_read(tmp_path: Path, places: Places):
    write(tmp_path / "set" / "children.csv", children(2))
    write(tmp_path / "set" / "readme.txt", "hello")
    delivery = land(SNAPSHOT, [tmp_path / "set"], places, Terms())
    assert (delivery.state, delivery.warnings_by_rule) == ("landed", {"file-not-read": 1})


def test_a_held_file_that_is_mended_lands_and_is_no_longer_held(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", children(2))

    def refuse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
        raise FileHeld("column-missing", "not yet mapped")

    held = land(replace(DELTA, parse=refuse), [file], places, Terms())
    assert held.state == "held"
    assert land(DELTA, [file], places, Terms()).state == "landed"
    assert [delivery.state for delivery in deliveries(places, DELTA)] == ["landed"]
    assert not places.held(DELTA, held.delivery_id).exists()


def test_there_must_be_a_file(tmp_path: Path, places: Places):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError):
        land(DELTA, [tmp_path / "empty"], places, Terms())
    with pytest.raises(ConfigurationError):
        land(DELTA, [tmp_path / "nowhere.csv"], places, Terms())


def test_a_file_that_changes_while_it_is_read_is_tried_again_later(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", children(2))

    def growing(source: SourceFile, context: ParseContext) -> Iterator[Parsed]:
        yield from parse(source, context)
        with source.path.open("a") as stream:
            stream.write("c99,Late,,on\n")

    with pytest.raises(SourceUnavailable):
        land(replace(DELTA, parse=growing), [file], places, Terms())
    assert not places.landing.exists()


# Superseding and shrinking


def send(tmp_path: Path, places: Places, name: str, content: str, **terms: object) -> Delivery:
    return land(SNAPSHOT, [write(tmp_path / name / "children.csv", content).parent], places, Terms(**terms))  # type: ignore[arg-type]


def test_a_resend_supersedes_and_the_first_one_stays(tmp_path: Path, places: Places):
    first = send(tmp_path, places, "acme_children_2026-01-31_full", children(10))
    second = send(tmp_path, places, "acme_children_2026-01-31_full_2", children(11))
    assert (second.state, second.supersedes) == ("landed", first.delivery_id)
    assert len(delivery_folders(places.landing)) == 2


def test_an_older_send_that_comes_after_its_resend_waits_for_a_person(tmp_path: Path, places: Places):
    send(tmp_path, places, "acme_children_2026-01-31_full_2", children(11))
    late = send(tmp_path, places, "acme_children_2026-01-31_full", children(10))
    assert (late.state, late.hold_rule) == ("held", "resend-out-of-order")


def test_a_resend_of_another_system_supersedes_nothing(tmp_path: Path, places: Places):
    send(tmp_path, places, "a_children_2026-01-31_full", children(10), system="A")
    other = send(tmp_path, places, "b_children_2026-01-31_full", children(3), system="B")
    assert (other.state, other.supersedes) == ("landed", None)


@pytest.mark.parametrize(("rows", "state"), [(50, "held"), (59, "held"), (60, "landed"), (200, "landed")])
def test_a_full_extract_that_shrank_beyond_the_limit_is_held(tmp_path: Path, places: Places, rows: int, state: str):
    send(tmp_path, places, "acme_children_2026-01-31_full", children(100))
    next_one = send(tmp_path, places, "acme_children_2026-02-28_full", children(rows))
    assert next_one.state == state
    assert next_one.hold_rule == ("full-shrunk" if state == "held" else None)


def test_a_shrunk_extract_lands_when_a_person_lifts_the_limit(tmp_path: Path, places: Places):
    send(tmp_path, places, "acme_children_2026-01-31_full", children(100))
    held = send(tmp_path, places, "acme_children_2026-02-28_full", children(5))
    again = send(tmp_path, places, "acme_children_2026-02-28_full", children(5), shrink_limit=1.0)
    assert (held.state, again.state, held.delivery_id) == ("held", "landed", again.delivery_id)


def test_a_late_full_extract_is_not_compared_with_a_newer_one(tmp_path: Path, places: Places):
    send(tmp_path, places, "acme_children_2026-02-28_full", children(100))
    assert send(tmp_path, places, "acme_children_2026-01-31_full", children(10)).state == "landed"


def test_a_delta_may_be_small(tmp_path: Path, places: Places):
    send(tmp_path, places, "acme_children_2026-01-31_full", children(100))
    delta = send(tmp_path, places, "acme_children_2026-02-28_delta", children(1))
    assert (delta.state, delta.mode) == ("landed", "delta")


def test_the_caller_wins_over_the_name_and_the_name_over_the_feed(tmp_path: Path, places: Places):
    named = send(tmp_path, places, "acme_children_2026-02-28_delta", children(1))
    told = send(tmp_path, places, "acme_children_2026-02-27_delta", children(2), mode="full", as_at=date(2026, 1, 1))
    plain = send(tmp_path, places, "acme", children(3), received_at=datetime(2026, 3, 1, tzinfo=UTC))
    assert (named.mode, named.as_at_date) == ("delta", date(2026, 2, 28))
    assert (told.mode, told.as_at_date) == ("full", date(2026, 1, 1))
    assert (plain.mode, plain.as_at_date) == ("full", date(2026, 3, 1))


def test_a_feed_without_deliveries_still_has_its_columns(tmp_path: Path):
    write_schemas([DELTA], tmp_path)
    frame = pl.read_parquet(tmp_path / "education" / "tests" / "schema" / "children.parquet")
    assert frame.schema == pl.Schema(CHILDREN.schema())
    assert frame.is_empty()


# Killed, raced, out of space

KILLED = """
import os, signal, sys
from pathlib import Path
from connectors.delivery import Places, Terms
from connectors.landing import land
from connectors.police.ppn import FEED

home, file, point = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
seen = 0

def watch(event, arguments):
    global seen
    writes = event in ("os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.rmtree", "shutil.copyfile") or (
        event == "open" and isinstance(arguments[2], int) and str(arguments[0]).startswith(str(home)))
    if writes:
        seen += 1
        if seen == point:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
delivery = land(FEED, [file], Places(home / "landing", home / "quarantine"), Terms(system="Niche"))
print(seen)
"""
PPN = (
    "notificationReference,personRole,policePersonId,createdAt,sentAt,notificationType\n"
    "P1,subject,N1,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,missing\n"
    "P2,subject,N2,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,missing\n"
    ",subject,N3,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,missing\n"
)


def run_killed(home: Path, file: Path, point: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(home), str(file), str(point)], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip


@pytest.fixture(scope="module")
def writes(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many times a landing touches the disk."""
    home = tmp_path_factory.mktemp("counted")
    done = run_killed(home, write(home / "in" / "ppn_2026-01-02_delta.csv", PPN), 0)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.8, 0.9, 1.0])
def test_a_landing_killed_with_signal_nine_leaves_nothing_half(tmp_path: Path, writes: int, share: float):
    file = write(tmp_path / "in" / "ppn_2026-01-02_delta.csv", PPN)
    places = Places(tmp_path / "landing", tmp_path / "quarantine")
    done = run_killed(tmp_path, file, max(1, round(writes * share)))
    assert done.returncode == -signal.SIGKILL
    folders = list(places.landing.glob("*/*/delivery=*"))
    for folder in folders:
        # It landed just before the kill: then it is whole.
        assert Delivery.read(folder / "delivery.json").records_landed == 2
        assert pl.read_parquet(folder / "notification_persons.parquet").height == 2
    again = land(PPN_FEED, [file], places, Terms(system="Niche"))
    assert again.state == ("duplicate" if folders else "landed")
    assert (again.records_in, again.records_landed, again.records_quarantined) == (3, 2, 1)
    assert pl.read_parquet(places.held(PPN_FEED, again.delivery_id) / "records.parquet").height == 1
    land(PPN_FEED, [write(tmp_path / "next.csv", PPN + "\n")], places, Terms(system="Niche"))
    for root in (places.landing, places.quarantine):
        assert [path.name for path in (root / ".incoming").iterdir()] == [".lock"]


def test_what_another_process_is_writing_is_not_cleared_away(tmp_path: Path, places: Places):
    with _incoming(places.landing) as other:
        (other / "half").write_text("x")
        assert land(DELTA, [write(tmp_path / "children.csv", children(2))], places, Terms()).state == "landed"
        assert (other / "half").exists()
    assert not other.exists()


def test_of_two_processes_with_one_delivery_the_second_finds_a_duplicate(tmp_path: Path, places: Places):
    file = write(tmp_path / "children.csv", children(2))

    def racing(source: SourceFile, context: ParseContext) -> Iterator[Parsed]:
        # While this one parses, another process lands the same file.
        assert land(DELTA, [file], places, Terms()).state == "landed"
        yield from parse(source, context)

    late = land(replace(DELTA, parse=racing), [file], places, Terms())
    assert late.state == "duplicate"
    assert len(delivery_folders(places.landing)) == 1


def test_a_full_disk_leaves_nothing_half(tmp_path: Path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        places = Places(small / "landing", small / "quarantine")
        many = HEADER + "".join(f"c{n},Name {n * 7919 % 100_003},2015-01-01,on\n" for n in range(60_000))
        file = write(tmp_path / "children.csv", many)
        with pytest.raises(StorageUnavailable, match=r"(?i)space"):
            land(DELTA, [file], places, Terms())
        assert delivery_folders(places.landing) == []
        assert [path.name for path in (places.landing / ".incoming").iterdir()] == [".lock"]
        assert land(DELTA, [write(tmp_path / "b" / "children.csv", children(2))], places, Terms()).state == "landed"
    finally:
        subprocess.run(["umount", str(small)], check=True)


# Any table

CELL = st.one_of(
    st.sampled_from(["", "c1", "c2", "Ann", "on", "off", "2015-01-01", "31/02/2015", "2099-01-01", '"', "a\nb", ","]),
    # A file with the character NUL is held: it is not text.
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=12))
def test_the_books_of_any_table_of_texts_balance(rows: list[list[str]]):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "children.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["child_id", "name", "born", "roll"], *rows])
        places = Places(Path(folder) / "landing", Path(folder) / "quarantine")
        delivery = land(DELTA, [file], places, Terms(as_at=date(2026, 1, 1)))
        assert delivery.state == "landed"
        assert delivery.records_in == len(rows)
        assert delivery.records_in == (
            delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate)  # fmt: skip
        kept = landed(places, DELTA, delivery)
        assert kept.height == delivery.records_landed
        assert kept["child_id"].is_unique().all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(lambda data: HEADER.encode() + data)))
def test_any_bytes_are_landed_or_held_and_never_crash(data: bytes):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "children.csv"
        file.write_bytes(data)
        places = Places(Path(folder) / "landing", Path(folder) / "quarantine")
        delivery = land(DELTA, [file], places, Terms())
        assert delivery.state in ("landed", "held")
        assert bool(delivery.hold_rule) == (delivery.state == "held")
        assert delivery.records_in == (
            delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate)  # fmt: skip
