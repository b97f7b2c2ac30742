"""School census as CSV: one file a table, as England's collection system gives them out.

Here belongs which file is which table and how its rows name their pupil. Splitting a CSV belongs to
`connectors.tabular`, the columns to `census_contract`.

Every table has its own number in `<table>tableid` and its pupil's in `pupilonrolltableid` or
`pupilnolongeronrolltableid`. That number names the *pupil*: it repeats when the pupil was at two schools in the term,
so the enrolment is named by roll, school, number and source together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from connectors.contract import Column, Table
from connectors.education.census_contract import ABSENCES, ADDRESSES, EXCLUDED, NEEDS, PUPILS, name_pupils
from connectors.errors import FileHeld
from connectors.feed import Finding, Parsed, SourceFile
from connectors.tabular import parse_csv

_ID = "tableid"
_LINES = tuple(f"addressline{number}" for number in range(1, 6))
_ADDRESS_PARTS = ("saon", "paon", "street", "locality", "posttown", *_LINES)
# A return of the year counts the year; some have both, and then the term's count is the one that lands.
_ANNUAL = {
    "sessions_possible": "annualsessionspossible",
    "sessions_authorised_absent": "annualsessionsauthorised",
    "sessions_unauthorised_absent": "annualsessionsunauthorised",
}
_HEADER_LIMIT = 1 << 20

# Columns the format has and the feed leaves out: funding, courses, examinations, and marks of other counts.
UNUSED = frozenset((
    "sourceid", "schoolcensustableid", "hoursatsetting", "schoollunchtaken", "parttime", "topupfunding",
    "unitcontacttime", "senunitindicator", "resourcedprovisionindicator", "ftemp", "qualhrs", "nonqualhrs",
    "qualhrspreviousyear", "nonqualhrspreviousyear", "tlevelqualhrs", "tlevelnonqualhrs", "moveoffrollflag",
    "moveonrollflag", "fundedhours", "extendedhours", "thirtyhourcode", "eligibilitycode", "missingaddress",
    "duplicatenotfunded", "dafindicator", "yssa", "servicechild", "classtype", "boarder", "plaa", "adoptedfromcare",
    "mathsgcsehighestpriorattainment", "mathsgcsepriorattainmentyear11", "mathsgcsepriorattainmentyeargroup",
    "mathsgcsefundingexemption", "mathsgcsehighestpriorattainmentpreviousyear", "englishgcsehighestpriorattainment",
    "englishgcsepriorattainmentyear11", "englishgcsepriorattainmentyeargroup", "englishgcsefundingexemption",
    "englishgcsehighestpriorattainmentpreviousyear", "eyppe", "eyppr", "eyppbf", "countryofbirth", "youngcarer",
    "proficiencyinenglish", "uniquepropertyreferencenumber", "administrativearea", "reviewdate", "reinstatementdate",
    "senexpert", "reviewresult",
    *(f"{period}sessions{kind}" for period in ("termly", "summerhalfterm2", "annual")
      for kind in ("possible", "authorised", "unauthorised", "educational", "exceptional", "coronavirus")),
))  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A table of the collection.

    Attributes:
        name: Its name, as in the file name and in its own number's header.
        roll: Which roll its pupils are on.
        target: Landing table.
        id_column: Column of the landing table that its own number goes to; None for the pupils.
    """

    name: str
    roll: str
    target: Table
    id_column: str | None = None

    @property
    def pupil_header(self) -> str:
        """Header of the pupil's number."""
        return f"{'pupilonroll' if self.roll == 'on_roll' else 'pupilnolongeronroll'}{_ID}"

    def layout(self) -> Table:
        """The table as it is read: what the file has instead of the columns that are made here."""
        made = {"pupil_record_id", "source_person_id", "roll_status", "ethnicity_code_system", self.id_column}
        keys = [Column("_pupil", sources=(self.pupil_header,), required=True), Column("_source", sources=("sourceid",))]
        if self.id_column:
            keys += [
                Column("_own", sources=(f"{self.name}{_ID}",), required=True),
                Column("school_id", sources=("NativeId",), header="expected"),
            ]
        if self.target is ADDRESSES:
            keys += [Column(part) for part in _ADDRESS_PARTS]
        if self.target is PUPILS:
            keys += [Column(header) for header in _ANNUAL.values()]
        kept = tuple(column for column in self.target.columns if column.name not in made)
        return replace(self.target, columns=(*keys, *kept))


def _sources() -> dict[str, Source]:
    on, left = ("onroll", "on_roll"), ("offroll", "left")
    found = [
        Source("pupilonroll", "on_roll", PUPILS),
        Source("pupilnolongeronroll", "left", PUPILS),
        Source("addresses", "on_roll", ADDRESSES, "address_id"),
        Source("senneeds", "on_roll", NEEDS, "need_id"),
    ]
    for ending, roll in (on, left):
        found += [
            Source(f"addresses{ending}", roll, ADDRESSES, "address_id"),
            Source(f"termlyexclusions{ending}", roll, EXCLUDED, "exclusion_id"),
            *(Source(f"{period}sessiondetails{ending}", roll, ABSENCES, "session_detail_id")
              for period in ("termly", "summerhalfterm2", "annual")),
        ]  # fmt: skip
    return {source.name: source for source in found}


SOURCES = _sources()
_PUPIL_TABLES = ("pupilonroll", "pupilnolongeronroll")
_ABOVE = {*_PUPIL_TABLES, "schoolcensus", "school"}


def parse(file: SourceFile) -> Iterator[Parsed]:
    """Read one table of the collection.

    Args:
        file: The file.

    Yields:
        Batches of one landing table. A table that the feed leaves out is reported and not read.

    Raises:
        FileHeld: The file is no table of the collection, or breaks the shape of a CSV.
    """
    found = _which(file)
    if found is None:
        yield Parsed(findings=[Finding("file-not-read", "")])
        return
    # Only the pupils on roll make a delivery a full one: what else comes alone must not close their records.
    yield Parsed(mode="full" if found.name == "pupilonroll" else "delta")
    for part in parse_csv(file, found.layout(), unused=UNUSED | {f"{found.name}orderseqcolumn"}):
        for name, frame in part.tables.items():
            part.tables[name], findings = _pupils(frame, found) if found.target is PUPILS else _rows(frame, found)
            part.findings += findings
        yield part


def _which(file: SourceFile) -> Source | None:
    """The table a file is, by its header, else by its name; None for a table of the collection that is left out."""
    with file.path.open("rb") as stream:
        start = stream.readline(_HEADER_LIMIT)
    first = start.decode("utf-8-sig", errors="replace")
    # Split at other delimiters too, so that a file with semicolons is held for the semicolons.
    header = [name.lower() for name in re.split(r'[,;\t|"\r\n]+', first)]
    numbered = [name.strip().removesuffix(_ID) for name in header if name.strip().endswith(_ID)]
    own = [name for name in numbered if name not in _ABOVE]
    pupils = [name for name in _PUPIL_TABLES if name in numbered and not own]
    for name in (*own, *pupils):
        if name in SOURCES:
            return SOURCES[name]
    stem = file.path.stem.lower()
    named = max((name for name in SOURCES if stem.endswith(name)), key=len, default=None)
    if named:
        return SOURCES[named]
    if not file.size:
        raise FileHeld("file-empty", "the file has no content")
    if b"\x00" in start:
        raise FileHeld("file-encoding", "the file is in UTF-16 or is not text")
    if numbered and "nativeid" in header:
        return None
    raise FileHeld("file-unknown", "neither header nor name is that of a table of the school census")


def _record_id(frame: pl.DataFrame, roll: str) -> pl.Expr:
    school, pupil, source = (_text(frame, name) for name in ("school_id", "_pupil", "_source"))
    after = pl.coalesce(pl.lit("|") + source, pl.lit(""))
    return pl.concat_str(pl.lit(f"{roll}|"), school.fill_null(""), pl.lit("|"), pupil, after)


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column without blanks and empty values; all null where the file has no such column."""
    text = pl.col(name).str.strip_chars().replace("", None) if name in frame.columns else pl.lit(None, pl.String)
    return text.alias(name)


def _pupils(frame: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, list[Finding]]:
    rows = frame.with_columns(
        _record_id(frame, source.roll).alias("pupil_record_id"),
        pl.lit(source.roll).alias("roll_status"),
        _text(frame, "_pupil").alias("_number"),
        _text(frame, "school_id"),
        _text(frame, "ethnicity_code"),
        *(pl.coalesce(_text(frame, name), _text(frame, annual)).alias(name) for name, annual in _ANNUAL.items()),
    )
    return name_pupils(rows.drop("_pupil", "_source", *_ANNUAL.values(), strict=False))


def _rows(frame: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, list[Finding]]:
    rows = frame.with_columns(
        # Each table numbers its own rows, so the number alone could meet another table's.
        pl.concat_str(pl.lit(f"{source.name}|"), _text(frame, "_own")).alias(source.id_column or ""),
        _record_id(frame, source.roll).alias("pupil_record_id"),
        pl.lit(source.roll).alias("roll_status"),
    )
    if source.target is ADDRESSES:
        rows = _address(rows)
    return rows.drop("_own", "_pupil", "_source", "school_id", *_ADDRESS_PARTS, strict=False), []


def _address(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring the ways in which an address comes to a line and a town."""
    lines = pl.concat_list(_text(rows, name) for name in _LINES).list.drop_nulls()
    town = pl.coalesce(_text(rows, "town"), _text(rows, "posttown"))
    # Five plain lines end with the town where no column says it.
    last = pl.when(town.is_null() & (lines.list.len() > 1)).then(lines.list.last())
    plain = pl.when(last.is_null()).then(lines).otherwise(lines.list.head(lines.list.len() - 1)).list.join(", ")
    parts = [_text(rows, name) for name in ("saon", "paon", "street", "locality")]
    built = pl.concat_str(parts, separator=", ", ignore_nulls=True).replace("", None)
    line = pl.coalesce(_text(rows, "address_line"), built, plain.replace("", None))
    return rows.with_columns(line.alias("address_line"), pl.coalesce(town, last).alias("town"))
