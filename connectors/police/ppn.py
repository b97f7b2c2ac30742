"""police/ppn: public protection notifications as CSV or XLSX, one row a person and role.

Here belong the columns of the notification and how a child is told from an adult. There is no published layout: the
headers take their names from the public POLE standard (person, object, location, event). The police hold neither NHS
number nor UPN. Free text about the circumstances is not landed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson
import polars as pl

from connectors.contract import CodeSet, Column, Contract, Table, parse_boolean, parse_date, parse_instant
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.rules import Rule, register
from connectors.workbook import parse_table

CHILD_UNTIL = 18  # years: "child" in the Children Act 1989 and the Social Services and Well-being (Wales) Act 2014

ROLES = CodeSet(
    "role of a person", frozenset({"subject", "victim", "suspect", "sibling", "parent", "witness", "other"})
)
TYPES = CodeSet(
    "type of notification", frozenset({"child_concern", "domestic_abuse", "missing", "exploitation", "other"})
)
RISKS = CodeSet("grade of risk", frozenset({"low", "standard", "medium", "high", "unknown"}))
SEXES = CodeSet("sex", frozenset({"M", "F", "X", "U"}))
SELF_DEFINED = CodeSet(
    "self-defined ethnicity, 18+1",
    frozenset(
        ("W1", "W2", "W3", "W4", "W5", "W9", "M1", "M2", "M3", "M9", "A1", "A2", "A3", "A4", "A9", "B1", "B2", "B9",
         "O1", "O2", "O9", "NS", "UN")
    ),
)  # fmt: skip
OFFICER_DEFINED = CodeSet("officer-defined ethnicity, 6+1", frozenset("01234569"))

register(
    Rule("ppn-code-as-other", "clear", "The type or the role is not in its list; the record lands as `other`.",
         "Use a code of the list, or tell us the new one."),
    Rule("ppn-age-not-computable", "warn", "Nothing says whether the person is a child.",
         "Send a date of birth, an estimated age, or under18."),
)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _columns() -> tuple[Column, ...]:
    columns = (
        Column("notification_reference", key=True, required=True, sources=("reference",),
               meaning="Reference of the notification, the same for all its persons."),
        Column("person_role", key=True, required=True, codes=ROLES,
               meaning="What the person is in it: subject, victim, suspect, sibling, parent, witness, other."),
        Column("police_person_id", key=True, required=True,
               meaning="Number of the person in the police's system. One person may have several."),
        Column("created_at", "instant", required=True, meaning="When the notification was written."),
        Column("sent_at", "instant", required=True, meaning="When it was sent to the safeguarding hub."),
        Column("incident_at", "instant", header="expected", meaning="When the incident was."),
        Column("notification_type", required=True, codes=TYPES,
               meaning="child_concern, domestic_abuse, missing, exploitation, other."),
        Column("risk_grade", header="expected", codes=RISKS, meaning="Grade the officer gave: low to high."),
        Column("given_name", header="expected", sources=("forename", "firstName"),
               meaning="First name, as heard or as known."),
        Column("middle_name", sources=("middleNames",), meaning="Middle names."),
        Column("surname", header="expected", sources=("familyName", "lastName"), meaning="Surname."),
        Column("date_of_birth", "date", header="expected", sources=("dob", "birthDate"), future="clear",
               meaning="Date of birth; may be a guess when date_of_birth_known is false."),
        Column("date_of_birth_known", "boolean", meaning="Whether the date of birth is known or guessed."),
        Column("estimated_age", "integer", meaning="Age in years as the officer saw it."),
        Column("sex", sources=("gender",), codes=SEXES, meaning="M, F, X or U."),
        Column("self_defined_ethnicity", codes=SELF_DEFINED, meaning="What the person says; code of the 18+1 list."),
        Column("officer_defined_ethnicity", codes=OFFICER_DEFINED,
               meaning="What the officer saw; code of the 6+1 list. It never fills the person's own ethnicity."),
        Column("address_line", sources=("address",), meaning="Address without its postcode."),
        Column("postcode", meaning="Postcode."),
        Column("school_name", sources=("school",), meaning="School as the police know it."),
        Column("is_child", "boolean",
               meaning="Whether the person was under 18 at the incident: by a known date of birth, else under18 or"
                       " isChild, else the estimated age, else a guessed date of birth."),
        Column("was_present", "boolean", meaning="Whether the person was there."),
        Column("acknowledged_at", "instant", meaning="When the hub confirmed receipt."),
        Column("circumstances_code", meaning="Code of the circumstances. Free text is not landed."),
    )  # fmt: skip
    return tuple(replace(column, sources=(_camel(column.name), *column.sources)) for column in columns)


PERSONS = Table(
    "notification_persons",
    _columns(),
    date_orders=(("incident_at", "created_at"), ("created_at", "sent_at"), ("sent_at", "acknowledged_at")),
    meaning="One row per notification, person and role.",
)
# What is read to tell a child from an adult, and not landed.
_READ = replace(PERSONS, columns=(*PERSONS.columns, Column("under18", "boolean")))


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of notifications.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `notification_persons` as text, `is_child` typed.

    Raises:
        FileHeld: The file breaks the shape of a CSV or workbook, or lacks a required column.
    """
    del context
    for part in parse_table(file, _READ):
        for name, frame in part.tables.items():
            known, findings = _as_other(frame)
            told = known.with_columns(_is_child(known).alias("is_child")).drop("under18", strict=False)
            unsure = told.filter(pl.col("is_child").is_null())["row_number"]
            findings += [Finding("ppn-age-not-computable", name, number, "is_child") for number in unsure]
            part.tables[name] = told
            part.findings += findings
        yield part


def _as_other(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Spell types and roles as the lists do; one in no list lands as `other`, because a child may stand behind it."""
    findings: list[Finding] = []
    for name, codes in (("notification_type", TYPES), ("person_role", ROLES)):
        code = pl.col(name).str.strip_chars().str.to_lowercase().str.replace_all(r"[\s\-]+", "_")
        foreign = code.is_not_null() & (code != "") & ~code.is_in(list(codes.codes))
        findings += [
            Finding("ppn-code-as-other", PERSONS.name, row["row_number"], name, row[name], orjson.dumps(row))
            for row in frame.filter(foreign).iter_rows(named=True)
        ]
        frame = frame.with_columns(pl.when(foreign).then(pl.lit("other")).otherwise(code).alias(name))
    return frame, findings


def _is_child(frame: pl.DataFrame) -> pl.Expr:
    """Whether a person was a child on the day of the incident; null where nothing says it."""
    def text(name: str) -> pl.Expr:
        return pl.col(name).str.strip_chars() if name in frame.columns else pl.lit(None, pl.String)

    born = parse_date(text("date_of_birth"))
    day = pl.coalesce(parse_instant(text("incident_at")), parse_instant(text("created_at")))
    day = day.dt.convert_time_zone("Europe/London").dt.date()
    by_birth = day < born.dt.offset_by(f"{CHILD_UNTIL}y")
    is_known = parse_boolean(text("date_of_birth_known")).fill_null(value=True)
    by_age = text("estimated_age").cast(pl.Float64, strict=False) < CHILD_UNTIL
    stated = pl.coalesce(parse_boolean(text("under18")), parse_boolean(text("is_child")))
    return pl.coalesce(pl.when(is_known).then(by_birth), stated, by_age, by_birth)


FEED = Feed(
    agency="police",
    name="ppn",
    title="Police public protection notifications",
    contract=Contract((PERSONS,)),
    parse=parse,
    mode="delta",
)
