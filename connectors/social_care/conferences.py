"""social_care/conferences: who was asked to a child protection conference or a strategy discussion, and who came.

Here belong the three tables of attendance, a folder with one CSV file each. The conferences themselves, the enquiries
and the children are in the case export: this feed comes out of the same system, repeats its numbers (`conference_id`,
`meeting_id`, `s47_id`, `source_person_id`) and brings no new persons. Names of those who attend and minutes are not
landed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import polars as pl

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.errors import FileHeld
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.tabular import parse_csv

AGENCIES = CodeSet(
    "agency of an attendee",
    frozenset(
        ("social_care", "police", "health", "education", "housing", "probation", "third_sector", "other")
    ),
)  # fmt: skip
ROLES = CodeSet(
    "role of an attendee",
    frozenset(
        ("chair", "social_worker", "team_manager", "police_officer", "health_visitor", "school_nurse", "midwife", "gp",
         "paediatrician", "mental_health", "teacher", "designated_person", "housing_officer", "probation_officer",
         "support_worker", "other")
    ),
)  # fmt: skip
OUTCOMES = CodeSet(
    "outcome of a strategy discussion",
    frozenset(("joint_enquiry", "single_agency_enquiry", "assessment", "no_further_action", "further_discussion")),
)

INVITATIONS = Table("conference_invitations", (
    Column("invitation_id", key=True, required=True, meaning="Number of the invitation."),
    Column("meeting_id", header="expected", meaning="Meeting, as in the case export: the same for siblings."),
    Column("conference_id", header="expected",
           meaning="Conference of one child, as in the case export; needed where there is no meeting."),
    Column("conference_date", "date", header="expected", future="allow",
           meaning="Day of the conference, planned or held."),
    Column("invited_agency", required=True, codes=AGENCIES, meaning="Agency invited."),
    Column("role_code", header="expected", codes=ROLES, meaning="What the person invited is."),
    Column("invited_date", "date", meaning="Day the invitation went out; empty for one who came without."),
    Column("attended", "boolean", header="expected", meaning="Whether the agency attended in this role."),
    Column("apologies_sent", "boolean", meaning="Whether apologies came."),
    Column("report_required", "boolean", meaning="Whether a report is asked for; empty counts as asked for."),
    Column("report_due_date", "date", future="allow", meaning="Day by which the report was asked for."),
    Column("report_sent_date", "date", header="expected", meaning="Day the report came."),
), (("invited_date", "conference_date"),),
    "One row per conference, agency and role invited.")  # fmt: skip
DISCUSSIONS = Table("strategy_discussions", (
    Column("discussion_id", key=True, required=True,
           meaning="Number of the discussion: the same for siblings discussed together."),
    Column("source_person_id", key=True, required=True, meaning="The child's number in the case export."),
    Column("s47_id", header="expected", meaning="Enquiry under section 47, as in the case export; empty when none."),
    Column("threshold_reached_at", "instant", header="expected",
           meaning="When it was decided that the threshold of section 47 was reached."),
    Column("held_at", "instant", header="expected", meaning="When it began; empty while it is not held."),
    Column("outcome_code", header="expected", codes=OUTCOMES, meaning="What was decided."),
), (("threshold_reached_at", "held_at"),), "One row per strategy discussion and child discussed.")  # fmt: skip
ATTENDANCES = Table("strategy_attendances", (
    Column("discussion_id", key=True, required=True, meaning="Number of the discussion."),
    Column("attending_agency", key=True, required=True, codes=AGENCIES, meaning="Agency asked to take part."),
    Column("role_code", key=True, codes=ROLES, meaning="What the person is."),
    Column("was_present", "boolean", required=True, meaning="Whether the agency took part, also by telephone."),
), (), "One row per strategy discussion, agency and role.")  # fmt: skip

CONTRACT = Contract((INVITATIONS, DISCUSSIONS, ATTENDANCES))
_TABLES = CONTRACT.at(None)
_CODED = ("invited_agency", "attending_agency", "role_code", "outcome_code")


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:  # noqa: ARG001  a parser's shape
    """Read one file of the folder.

    Args:
        file: `<table>.csv`; a file that is no CSV is reported and left alone.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of the table, codes spelt as the lists spell them.

    Raises:
        FileHeld: A CSV file that is none of the tables, or one that breaks its shape.
    """
    name = PurePath(file.name)
    if name.suffix.lower() != ".csv":
        yield Parsed(findings=[Finding("file-not-read", "")])
        return
    table = _TABLES.get(re.sub(r"[\s\-]+", "_", name.stem.strip().lower()))
    if table is None:
        raise FileHeld("file-unknown", "the name of the file is not that of a table of this feed")
    for part in parse_csv(file, table):
        part.tables = {key: _spelt(frame) for key, frame in part.tables.items()}
        yield part


def _spelt(frame: pl.DataFrame) -> pl.DataFrame:
    """Spell codes as the lists do: `Health Visitor` is `health_visitor`. A code in no list lands and is reported."""
    return frame.with_columns(
        pl.col(name).str.strip_chars().str.to_lowercase().str.replace_all(r"[\s\-]+", "_")
        for name in _CODED
        if name in frame.columns
    )


FEED = Feed(
    agency="social_care",
    name="conferences",
    title="Attendance at conferences and strategy discussions (CSV tables)",
    contract=CONTRACT,
    parse=parse,
    mode="full",
    is_table_set=True,
    needs=tuple(_TABLES),
)
