"""The catalogue of rules that a delivery can break, with what is done and how the supplier mends it.

One row a rule, and nothing else: the code that finds a fault lives with the reader, parser or contract. A rule that
only one feed has is added to this catalogue too, so that reports and pages have one place to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["held", "reject", "duplicate", "clear", "repair", "warn"]


@dataclass(frozen=True)
class Rule:
    """A fault that a supplier can make.

    Attributes:
        rule_id: Name used in counts, events and reports.
        action: `held` the file is not landed; `reject` the record goes to quarantine; `duplicate` the record is
            counted and kept in quarantine; `clear` the record lands without the value; `repair` the value is mended
            in a documented way; `warn` the value lands as it is.
        meaning: What is wrong, for the supplier.
        remedy: How to mend it, for the supplier.
    """

    rule_id: str
    action: Action
    meaning: str
    remedy: str


_HELD = (
    ("file-empty", "The file has no bytes.", "Send the file again; check that the export ran."),
    ("file-encoding", "The file is not text in UTF-8 or Windows-1252.", "Export it as UTF-8."),
    ("file-truncated", "The file ends in the middle of a record.", "Send the whole file again."),
    ("file-delimiter", "The columns are not separated by commas.", "Export it as comma-separated values."),
    ("file-unknown", "The file is none of those that this feed has.", "Check the name against the feed's page."),
    ("file-not-this-format", "The file is not in the format of this feed.", "Check which feed it belongs to."),
    ("file-size", "The file is larger than this feed accepts.", "Split the file, or ask for a higher limit."),
    ("file-encrypted", "The file has a password.", "Send it without one over the agreed secure way."),
    ("file-inflates", "The packed file unpacks to far more than it is, as an attack does.", "Send it as CSV."),
    ("sheet-unclear", "The workbook has several sheets and none is named like the table.",
     "Send one sheet, or name it like the table."),
    ("header-not-first", "The column names are not in the first row.", "Delete the rows above the column names."),
    ("table-missing", "A full delivery lacks a table that it must have.", "Send the whole set of tables."),
    ("column-missing", "A required column is not in the header.", "Add the column, even when it is empty."),
    ("column-repeated", "A column stands twice in the header.", "Give each column one name, once."),
    ("xml-malformed", "The XML is not well formed.", "Export the file again; do not edit it by hand."),
    ("xml-entity", "The XML declares entities, which can hide an attack.", "Send XML without a DOCTYPE."),
    ("xml-root", "The XML has another root element than this feed.", "Check which feed it belongs to."),
    ("envelope-count", "The count in the batch or file trailer is not the number found.", "Send the batch again."),
    ("envelope-broken", "The batch or file envelope is incomplete or out of order.", "Send the batch again."),
    ("full-shrunk", "A full extract has far fewer records than the last one.",
     "Confirm that the fall is real, then land it with the shrink limit lifted; or send the whole extract."),
    ("resend-out-of-order", "A resend with a higher number for the same date has landed before.",
     "Nothing to do if this is the older one; else give it the highest number."),
)
_REJECT = (
    ("row-width", "The row has more or fewer fields than the header.", "Quote fields that hold commas or line breaks."),
    ("value-missing", "A required value is empty.", "Fill it in at the source."),
    ("date-unreadable", "The value is not a date.", "Use YYYY-MM-DD."),
    ("date-impossible", "There is no such day.", "Correct the date at the source."),
    ("instant-unreadable", "The value is not a date and time.", "Use YYYY-MM-DDThh:mm:ss with a zone."),
    ("number-unreadable", "The value is not a number.", "Use digits only."),
    ("boolean-unreadable", "The value is neither yes nor no.", "Use true or false, 1 or 0, Y or N."),
    ("code-unknown", "The code is not in the code set.", "Use a code of the set, or tell us the new one."),
    ("key-duplicate", "Two different records have the same key; the last one is landed.", "Send each key once."),
    ("json-broken", "The line is not JSON.", "Write one whole JSON object on each line."),
    ("json-not-an-object", "The line is JSON but not an object.", "Write one whole JSON object on each line."),
    ("record-encoding", "The record is not text.", "Export it as UTF-8."),
    ("record-empty", "The record has no content.", "Leave it out."),
)
_OTHER: tuple[tuple[str, Action, str, str], ...] = (
    ("row-duplicate", "duplicate", "The same record stands twice.", "Send each record once."),
    ("file-duplicate", "duplicate", "Two files of the delivery have the same bytes.", "Send each file once."),
    *((f"{rule_id}-cleared", "clear", f"{meaning} The record lands without it.", remedy)
      for rule_id, meaning, remedy in _REJECT if rule_id.startswith(("date-", "instant-", "number-", "boolean-"))),
    ("date-in-future", "warn", "The date lies after the date of the extract.", "Check the date at the source."),
    ("birth-date-in-future", "clear", "The date of birth lies after the extract; the record lands without it.",
     "Use the expected date of birth for an unborn child."),
    ("date-too-early", "warn", "The date lies before 1900.", "Check the date at the source."),
    ("date-order", "warn", "The end lies before the start.", "Check both dates at the source."),
    ("date-day-first", "repair", "The date is written day first; it was read as DD/MM/YYYY.", "Use YYYY-MM-DD."),
    ("code-unfamiliar", "warn", "The code is not in the code set; it is landed as it is.",
     "Use a code of the set, or tell us the new one."),
    ("instant-skipped-hour", "repair",
     "The time lies in the hour that the clocks skip in March; it was read as Greenwich time.",
     "Set the clock of the source system, or send times with a zone."),
    ("nhs-number-spaces", "repair", "The NHS number has blanks or hyphens; they were removed.", "Send ten digits."),
    ("nhs-number-check-digit", "warn", "The NHS number fails its check digit; it is not used to link.",
     "Trace the number again."),
    ("nhs-number-format", "warn", "The NHS number is not ten digits; it is not used to link.", "Send ten digits."),
    ("upn-spaces", "repair", "The UPN has blanks or small letters; they were mended.", "Send thirteen characters."),
    ("upn-check-letter", "warn", "The UPN fails its check letter; it is not used to link.", "Check the UPN."),
    ("upn-format", "warn", "The UPN is not in the form of a UPN; it is not used to link.", "Check the UPN."),
    ("file-bom", "repair", "The file starts with a byte order mark; it was skipped.", "Export UTF-8 without it."),
    ("file-cp1252", "repair", "The file is in Windows-1252; the letters ŵ and ŷ cannot be in it.",
     "Export it as UTF-8."),
    ("file-no-rows", "warn", "The file has a header and no rows.", "Check that the export ran."),
    ("file-not-read", "warn", "The file is no part of this feed and was not read.", "Leave it out of the delivery."),
    ("sheet-not-read", "warn", "Another sheet of the workbook has cells and was not read.", "Leave it out."),
    ("cell-digits-lost", "warn", "A number has more than fifteen digits, and Excel keeps no more.",
     "Format the column as text before the numbers are typed or imported."),
    ("column-unknown", "warn", "The column is not in the contract; it was not landed.",
     "Tell us what it means, or leave it out."),
    ("column-absent", "warn", "An expected column is not in the header; it is taken as empty.", "Add the column."),
)

RULES: dict[str, Rule] = {
    rule.rule_id: rule
    for rule in (
        *(Rule(rule_id, "held", meaning, remedy) for rule_id, meaning, remedy in _HELD),
        *(Rule(rule_id, "reject", meaning, remedy) for rule_id, meaning, remedy in _REJECT),
        *(Rule(rule_id, action, meaning, remedy) for rule_id, action, meaning, remedy in _OTHER),
    )
}


def register(*rules: Rule) -> None:
    """Add the rules that only one feed has.

    Args:
        rules: The feed's own rules, declared beside its parser.

    Raises:
        ValueError: A rule id is taken by a different rule.
    """
    for rule in rules:
        if RULES.setdefault(rule.rule_id, rule) != rule:
            raise ValueError(f"rule {rule.rule_id} is declared twice with different texts")
