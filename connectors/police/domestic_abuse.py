"""police/domestic_abuse: the log of Operation Encompass as CSV, one row a notice to a school or council.

Here belong the columns of the log. There is no published layout. The children are the nominals of police/ppn, so no
name or date of birth is read; what happened in the incident is free text and not landed.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.tabular import parse_csv

RECIPIENTS = CodeSet("kind of recipient", frozenset({"school", "council_officer"}))
EXEMPTIONS = CodeSet(
    "reason not to tell", frozenset({"recipient_involved", "risk_of_harm", "court_order", "lives_elsewhere", "other"})
)

NOTICES = Table(
    "notices",
    (
        Column("notice_reference", key=True, required=True, sources=("noticeReference",),
               meaning="Number of the line in the log: one child of one incident and one recipient."),
        Column("incident_reference", required=True, sources=("incidentReference", "reference"),
               meaning="Reference of the incident: that of the notification in police/ppn where there is one."),
        Column("police_person_id", required=True, sources=("policePersonId",),
               meaning="Number of the child in the police's system, as in police/ppn."),
        Column("incident_at", "instant", header="expected", sources=("incidentAt",), meaning="When the incident was."),
        Column("school_name", sources=("schoolName", "school"), meaning="School as the police know it."),
        Column("recipient_kind", header="expected", codes=RECIPIENTS, sources=("recipientKind", "recipient"),
               meaning="school, or council_officer for a child educated at home."),
        Column("recipient_school_id", header="expected", sources=("recipientSchoolId", "recipientSchool"),
               meaning="Authority and establishment number of the school that is told, as in the census; the authority"
                       " alone for its officer."),
        Column("sent_at", "instant", header="expected", sources=("sentAt",), meaning="When the notice was sent."),
        Column("received_at", "instant", sources=("receivedAt", "openedAt", "opened_at"),
               meaning="When it was received or opened, where the channel says so."),
        Column("is_undeliverable", "boolean", sources=("undeliverable", "isUndeliverable"),
               meaning="Whether it came back."),
        Column("exempt_reason", codes=EXEMPTIONS, sources=("exemptReason",),
               meaning="Why the school was not told on purpose."),
    ),
    date_orders=(("incident_at", "sent_at"), ("sent_at", "received_at")),
    meaning="One row per notice: one child of one incident and one recipient.",
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of the log.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `notices` as text.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    yield from parse_csv(file, NOTICES)


FEED = Feed(
    agency="police",
    name="domestic_abuse",
    title="Operation Encompass: notices to schools about domestic abuse",
    contract=Contract((NOTICES,)),
    parse=parse,
    mode="delta",
)
