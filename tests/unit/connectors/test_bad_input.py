"""Every kind of bad input has a named rule, a line in the supplier's report, and stops no other file.

The lines of an HL7 batch and of NDJSON are in the tests of their feeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.delivery import Delivery, Places, Terms
from connectors.education import school_census
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.landing import land
from connectors.report import error_report
from connectors.rules import RULES
from connectors.tabular import parse_csv

CHILDREN = Table(
    "children",
    (
        Column("child_id", key=True, required=True),
        Column("surname", required=True),
        Column("birth_date", "date", future="clear", header="expected"),
        Column("seen_date", "date"),
        Column("nhs_number", identifier="nhs_number"),
        Column("roll", codes=CodeSet("roll", frozenset({"on", "off"}), is_strict=True)),
        Column("language", codes=CodeSet("language", frozenset({"cy", "en"}))),
        Column("note"),
    ),
)


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    yield from parse_csv(file, CHILDREN)


FEED = Feed("social_care", "tests", "Tests", Contract((CHILDREN,)), parse)
HEADER = "child_id,surname,birth_date,seen_date,nhs_number,roll,language,note\n"
GOOD = "c1,Siân,2015-01-01,2026-01-05,9434765919,on,cy,x\n"
AS_AT = date(2026, 1, 31)


@dataclass(frozen=True)
class Case:
    """A bad file: its bytes, the rule it breaks, and how many of its rows land all the same."""

    kind: str
    data: bytes
    rule: str
    landed: int | None  # None: held


def rows(*lines: str) -> bytes:
    return (HEADER + "".join(f"{line}\n" for line in lines)).encode()


CASES = [
    Case("an empty file", b"", "file-empty", None),
    Case("a file of blanks", b"\xef\xbb\xbf \r\n\n", "file-empty", None),
    Case("headers only", HEADER.encode(), "file-no-rows", 0),
    Case("no header", GOOD.encode(), "column-missing", None),
    Case("a missing required column", b"child_id,birth_date\nc1,2015-01-01\n", "column-missing", None),
    Case("a missing expected column", b"child_id,surname\nc1,Ann\n", "column-absent", 1),
    Case("an extra column", (HEADER.strip() + ",shoe\n" + GOOD.strip() + ",38\n").encode(), "column-unknown", 1),
    Case("a column twice", b"child_id,surname,Surname\nc1,Ann,Ann\n", "column-repeated", None),
    Case("UTF-16", (HEADER + GOOD).encode("utf-16"), "file-encoding", None),
    Case("bytes that are no text", HEADER.encode() + b"c1,\x81\xfe,,,,,,\n", "file-encoding", None),
    Case("a byte order mark", b"\xef\xbb\xbf" + (HEADER + GOOD).encode(), "file-bom", 1),
    Case("Windows-1252", (HEADER + GOOD).encode("cp1252"), "file-cp1252", 1),
    Case("cut in a row", (HEADER + GOOD + "c2,Bob,2015").encode(), "file-truncated", None),
    Case("cut in a quoted field", (HEADER + GOOD + 'c2,"Bob').encode(), "file-truncated", None),
    Case("semicolons", (HEADER + GOOD).replace(",", ";").encode(), "file-delimiter", None),
    Case("tabs", (HEADER + GOOD).replace(",", "\t").encode(), "file-delimiter", None),
    Case("too few fields", rows("c1,Ann", "c2,Bob,,,,,,"), "row-width", 1),
    Case("too many fields", rows("c1,Ann,,,,,,x,y", "c2,Bob,,,,,,"), "row-width", 1),
    Case("a quote in the middle", rows('c1,"Ann"e,,,,,,', "c2,Bob,,,,,,"), "row-width", 1),
    Case("a row of commas", rows(",,,,,,,", "c2,Bob,,,,,,"), "record-empty", 1),
    Case("a date with the day first", rows("c1,Ann,31/12/2014,,,,,"), "date-day-first", 1),
    Case("a day that does not exist", rows("c1,Ann,2015-02-30,,,,,"), "date-impossible-cleared", 1),
    Case("a word for a date", rows("c1,Ann,unknown,,,,,"), "date-unreadable-cleared", 1),
    Case("a birth in the future", rows("c1,Ann,2026-02-01,,,,,"), "birth-date-in-future", 1),
    Case("a visit in the future", rows("c1,Ann,,2026-02-01,,,,"), "date-in-future", 1),
    Case("a visit before 1900", rows("c1,Ann,,1026-01-01,,,,"), "date-too-early", 1),
    Case("an NHS number with spaces", rows("c1,Ann,,,943 476 5919,,,"), "nhs-number-spaces", 1),
    Case("an NHS number with a bad check digit", rows("c1,Ann,,,9434765918,,,"), "nhs-number-check-digit", 1),
    Case("an NHS number that is none", rows("c1,Ann,,,none,,,"), "nhs-number-format", 1),
    Case("the same row twice", rows("c1,Ann,,,,,,", "c1,Ann,,,,,,"), "row-duplicate", 1),
    Case("another row with the same key", rows("c1,Ann,,,,,,", "c1,Anne,,,,,,"), "key-duplicate", 1),
    Case("a missing key", rows(",Ann,,,,,,", "c2,Bob,,,,,,"), "value-missing", 1),
    Case("an unknown code of a closed list", rows("c1,Ann,,,,away,,", "c2,Bob,,,,on,,"), "code-unknown", 1),
    Case("an unknown code of an open list", rows("c1,Ann,,,,,fr,"), "code-unfamiliar", 1),
]
XML = b'<?xml version="1.0"?>\n'
PUPIL = b"<Pupil><UPN>D681400025001</UPN><Surname>Rhys</Surname><DOB>2015-01-01</DOB></Pupil>"
XML_CASES = [
    Case("an entity bomb",
         XML + b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><CTfile><Surname>&b;</Surname></CTfile>',
         "xml-entity", None),
    Case("an external entity",
         XML + b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><CTfile><Surname>&a;</Surname></CTfile>',
         "xml-entity", None),
    Case("stray text", XML + b"<CTfile><CTFpupilData>oops" + PUPIL + b"</CTFpupilData></CTfile>",
         "xml-stray-text", 1),
    Case("a truncated file", XML + b"<CTfile><CTFpupilData>" + PUPIL[:40], "file-truncated", None),
    Case("tags that cross", XML + b"<CTfile><a><b></a></b></CTfile>", "xml-malformed", None),
    Case("another root", XML + b"<html/>", "xml-root", None),
    Case("a return of something else", XML + b"<Message><Children/></Message>", "file-not-this-format", None),
    Case("no pupils", XML + b"<CTfile><Header/><CTFpupilData/></CTfile>", "file-no-rows", 0),
    Case("an empty file", b"", "file-empty", None),
]  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def rules_of(delivery: Delivery) -> set[str]:
    named = {*delivery.rejects_by_rule, *delivery.repairs_by_rule, *delivery.warnings_by_rule}
    return named | {fault["rule"] for fault in delivery.held_files} | ({delivery.hold_rule} - {None})


def see(feed: Feed, case: Case, suffix: str, good: bytes, tmp_path: Path, places: Places) -> pl.DataFrame:
    """Land the bad file and a good one after it; the report's lines for the rule."""
    delivery = land(feed, [put(tmp_path / f"bad{suffix}", case.data)], places, Terms(as_at=AS_AT))
    assert case.rule in rules_of(delivery)
    assert delivery.state == ("held" if case.landed is None else "landed")
    assert delivery.records_in == (
        delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate)  # fmt: skip
    if case.landed is not None:
        assert delivery.records_landed == case.landed
    next_one = land(feed, [put(tmp_path / f"good{suffix}", good)], places, Terms(as_at=AS_AT, mode="delta"))
    assert next_one.state == "landed"
    assert next_one.records_landed == 1
    lines = error_report(feed, places).filter(pl.col("rule") == case.rule)
    assert lines.height
    assert lines["delivery"].unique().to_list() == [delivery.delivery_id[:12]]
    for name in ("meaning", "remedy", "action"):
        assert all(lines[name])
    return lines


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_a_bad_csv_is_named_reported_and_stops_no_other_file(case: Case, tmp_path: Path, places: Places):
    see(FEED, case, ".csv", (HEADER + GOOD.replace("c1", "c77")).encode(), tmp_path, places)


@pytest.mark.parametrize("case", XML_CASES, ids=lambda case: case.kind)
def test_a_bad_xml_is_named_reported_and_stops_no_other_file(case: Case, tmp_path: Path, places: Places):
    good = XML + b"<CTfile><CTFpupilData>" + PUPIL.replace(b"Rhys", b"Price") + b"</CTFpupilData></CTfile>"
    see(school_census.FEED, case, ".xml", good, tmp_path, places)


def test_every_rule_that_a_csv_can_break_has_a_case():
    seen = {case.rule for case in CASES}
    assert {"file-encoding", "file-truncated", "file-delimiter", "row-width", "key-duplicate", "code-unknown"} <= seen
    assert seen <= set(RULES)


def test_the_same_bytes_twice_land_once(tmp_path: Path, places: Places):
    first = land(FEED, [put(tmp_path / "a.csv", (HEADER + GOOD).encode())], places, Terms(as_at=AS_AT))
    second = land(FEED, [put(tmp_path / "b.csv", (HEADER + GOOD).encode())], places, Terms(as_at=AS_AT))
    assert (first.state, second.state) == ("landed", "duplicate")


def test_the_same_file_twice_in_a_delivery_has_a_line_in_the_report(tmp_path: Path, places: Places):
    for name in ("a.csv", "b.csv"):
        put(tmp_path / "set" / name, (HEADER + GOOD).encode())
    delivery = land(FEED, [tmp_path / "set"], places, Terms(as_at=AS_AT))
    assert (delivery.records_in, delivery.records_landed, delivery.records_duplicate) == (2, 1, 1)
    assert error_report(FEED, places)["rule"].to_list() == ["file-duplicate"]


def test_a_full_file_that_shrank_by_half_has_a_line_in_the_report(tmp_path: Path, places: Places):
    lines = [f"c{n},Ann,,,,,," for n in range(10)]
    land(FEED, [put(tmp_path / "x_2026-01-01_full.csv", rows(*lines))], places, Terms())
    half = land(FEED, [put(tmp_path / "x_2026-01-08_full.csv", rows(*lines[:5]))], places, Terms())
    assert (half.state, half.hold_rule) == ("held", "full-shrunk")
    line = error_report(FEED, places).row(0, named=True)
    assert line["rule"] == "full-shrunk"
    assert line["detail"] == "5 records, the last full extract had 10"
    assert line["action"] == "held: not landed"


def test_a_resend_supersedes_what_it_mends(tmp_path: Path, places: Places):
    first = land(FEED, [put(tmp_path / "x_2026-01-01_full.csv", rows("c1,Ann,,,,,,", "c2,,,,,,,"))], places, Terms())
    mended = rows("c1,Ann,,,,,,", "c2,Bo,,,,,,")
    second = land(FEED, [put(tmp_path / "x_2026-01-01_full_2.csv", mended)], places, Terms())
    assert (first.records_quarantined, second.records_quarantined) == (1, 0)
    assert second.supersedes == first.delivery_id


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_breaks_within_quotes_are_part_of_the_value(ending: str, tmp_path: Path, places: Places):
    text = HEADER + 'c1,"Ann\nMary, ""Nan""",,,,,,\nc2,Bob,,,,,,\nc3\n'
    delivery = land(FEED, [put(tmp_path / "a.csv", text.replace("\n", ending).encode())], places, Terms(as_at=AS_AT))
    frame = pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / "children.parquet")
    assert frame.select("surname", "row_number").rows() == [(f'Ann{ending}Mary, "Nan"', 2), ("Bob", 4)]
    assert error_report(FEED, places).select("rule", "row").rows() == [("row-width", 5)]


def test_a_last_row_without_a_line_end_is_whole_when_it_has_all_fields(tmp_path: Path, places: Places):
    text = HEADER + 'c1,"Ann\nMary",,,,,,x'
    assert land(FEED, [put(tmp_path / "a.csv", text.encode())], places, Terms(as_at=AS_AT)).records_landed == 1


def test_blank_lines_are_no_records(tmp_path: Path, places: Places):
    text = HEADER + "\n" + GOOD + "\n\n"
    assert land(FEED, [put(tmp_path / "a.csv", text.encode())], places, Terms(as_at=AS_AT)).records_in == 1


SECRETS = ("Llewelyn", "9434765919", "Ysgol Gudd")


@pytest.mark.parametrize(
    "data",
    [
        b"Llewelyn,9434765919,Llewelyn\nc1,Ann,x\n",
        HEADER.encode() + b"c1,Llewelyn,9434765919\nc2,Ann,Ysgol Gudd,,,,,\n",
        HEADER.encode() + b'c1,"Llewelyn 9434765919',
        HEADER.encode() + b"c1,Llewelyn\xe2\x81,9434765919,,,,,\n",
        b"Llewelyn;9434765919\n",
        b'"Llewelyn' + b"9434765919" * 20_000,
    ],
)
def test_no_value_of_a_person_leaves_quarantine(data: bytes, tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path / "a.csv", data)], places, Terms(as_at=AS_AT))
    said = delivery.as_json() + error_report(FEED, places).write_csv()
    assert not [secret for secret in SECRETS if secret.lower() in said.lower()]
