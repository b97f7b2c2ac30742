"""HL7 v2 text to values: separators, fields, escapes, explicit nulls, dates and instants.

Here belongs what one message is, once its lines are known. Finding messages in a file (envelopes, line ends, MLLP,
JSON Lines) belongs to `connectors.health.hl7v2_framing`; what the fields mean to `connectors.health.adt_rows`. Pure
Python without polars, and without hl7apy, which changes values (`conformance` uses it as a lint only).

Values are split on the message's own separators first and unescaped last, so that an escaped separator never splits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

NULL = '""'
_DEFAULTS = "^~\\&"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONDON = ZoneInfo("Europe/London")


class Separators(NamedTuple):
    r"""The characters a message separates its values with.

    Attributes:
        field: MSH-1.
        component: First character of MSH-2.
        repetition: Second.
        escape: Third.
        subcomponent: Fourth.
        is_repeated: MSH-2 holds a character twice, as when an engine doubled the backslash (`^~\\&`).
    """

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it stood in its file.

    Attributes:
        number: Which message of the file it is, from 1.
        line: Line of the file on which it starts.
        text: Its lines joined by carriage returns, without framing: the same for every way of sending it.
        separators: From its header.
        segments: Its fields by segment; `[0]` is the segment's name.
        encoding: What its bytes were decoded from.
    """

    number: int
    line: int
    text: str
    separators: Separators
    segments: list[list[str]]
    encoding: str

    def first(self, name: str) -> list[str]:
        """Fields of the first segment with this name; an empty list when there is none."""
        return next((fields for fields in self.segments if fields[0] == name), [])


def is_header(line: str) -> bool:
    """Whether the line starts a message: MSH and a character that can separate fields."""
    mark = line[3:4]
    return line.startswith("MSH") and mark.isprintable() and not mark.isalnum() and mark not in ("", " ")


def separators(header: str) -> Separators:
    r"""Read MSH-1 and MSH-2; what a short MSH-2 leaves out is taken from the usual `^~\&`.

    A fifth character (truncation, HL7 2.7) is allowed and not needed. A doubled character counts once.
    """
    field = header[3]
    given = header[4:].split(field, 1)[0].strip()
    used = [character for character in dict.fromkeys(given) if character != field and not character.isalnum()][:4]
    for usual in _DEFAULTS[len(used) :]:
        # A separator that the message uses otherwise cannot also be the default of a missing one: no such splitting.
        used.append(usual if usual not in used and usual != field else "\x00")
    return Separators(field, used[0], used[1], used[2], used[3], len(set(given)) < len(given))


def fields_of(lines: list[str], field: str) -> list[list[str]]:
    """Split the lines of a message; in MSH the separator itself is put in, so that MSH-n is at index n."""
    segments = [line.split(field) for line in lines]
    segments[0].insert(1, field)
    for fields in segments:
        fields[0] = fields[0].strip()
    return segments


def at(fields: list[str], number: int) -> str:
    """A field as it stands, empty when the segment is shorter."""
    return fields[number] if number < len(fields) else ""


def is_null(value: str) -> bool:
    """Whether the sender says "set this to empty", which is not the same as saying nothing."""
    return value.strip() == NULL


def repeats(value: str, marks: Separators) -> list[str]:
    """The repetitions of a field that hold anything, in order."""
    if not value:
        return []
    return [part for part in value.split(marks.repetition) if part.strip()]


def component(value: str, number: int, marks: Separators) -> str:
    """A component of one repetition as it stands (from 1), empty when there is none."""
    if number == 1:
        return value.split(marks.component, 1)[0]
    parts = value.split(marks.component, number)
    return parts[number - 1] if number <= len(parts) else ""


def plain(value: str, marks: Separators) -> str | None:
    """The readable text of a component: first subcomponent, unescaped, blanks collapsed; None when there is none.

    An explicit null is None here too: whoever must tell them apart asks `is_null` first.
    """
    if not value:
        return None
    if value.isalnum():
        # No separator, escape or blank is a letter or digit: nothing to do, as for most values.
        return value
    if marks.subcomponent in value:
        value = value.split(marks.subcomponent, 1)[0]
    if marks.escape in value:
        value = unescape(value, marks)
    value = " ".join(value.split())
    return None if not value or value == NULL else value


def whole(value: str, marks: Separators) -> str | None:
    """As `plain`, with all subcomponents, separated by a blank."""
    if not value:
        return None
    parts = [plain(part, marks) for part in value.split(marks.subcomponent)]
    return " ".join(part for part in parts if part) or None


@lru_cache(maxsize=64)
def _escape_pattern(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(
        rf"{mark}(?:([FSTREPHN])|X((?:[0-9A-Fa-f]{{2}})+)|\.(br|sp|ti|in|fi|nf|ce|sk)\s*[+-]?\d*){mark}"
    )


def unescape(value: str, marks: Separators) -> str:
    r"""Undo the escapes of HL7 v2; a backslash that starts none stays as it is.

    `\F\ \S\ \T\ \R\ \E\` are separators, `\P\` the truncation character, `\Xhh..\` bytes, `\.br\` and the
    other formatting commands line breaks, `\H\` and `\N\` highlighting, which plain text does not have.
    """
    letters = {
        "F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition, "E": marks.escape,
        "P": "#", "H": "", "N": "",
    }

    def replaced(match: re.Match[str]) -> str:
        letter, digits, command = match.groups()
        if letter:
            return letters[letter]
        if digits:
            return _from_bytes(bytes.fromhex(digits))
        return "" if command in ("in", "ti", "fi", "nf") else "\n"

    return _escape_pattern(marks.escape).sub(replaced, value)


def _from_bytes(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


_STAMP = re.compile(
    r"(?P<year>\d{4})(?:-?(?P<month>\d\d)(?:-?(?P<day>\d\d)"
    r"(?:[T ]?(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]?(?P<part>\d{1,6})\d*)?)?)?)?)?)?"
    r"\s*(?P<zone>Z|[+-]\d\d:?\d\d|[+-])?"
)


def stamp(value: str, marks: Separators) -> str | None:
    """A date or time in ISO form, as precise as it was sent: `1976`, `1976-01`, `1976-01-21`, `...T10:20:00+0000`.

    Reads `YYYY[MM[DD[HH[MM[SS[.S]]]]]][+/-ZZZZ]` and what real senders make of it (`19760121+`,
    `2025-05-05 23:23:28`); months and days of 00 are taken as not known. A value of another form comes back as it
    is, so that the contract names the fault.
    """
    if not value:
        return None
    text = value.split(marks.component, 1)[0].strip()
    if len(text) == 14 and text.isascii() and text.isdigit() and text[4:6] != "00" != text[6:8]:
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}"
    if not text or text == NULL or not text.strip("0"):
        return None
    match = _STAMP.fullmatch(text) if text.isascii() else None
    if match is None:
        return plain(text, marks)
    year, month, day, hour, minute, second, part, zone = match.groups()
    is_day_known = day is not None and day != "00"
    if not is_day_known and (not "1800" <= year <= "2199" or (month or "01") > "12"):
        # Six digits are a day without its century, and a four-digit code is no year: better unread than misread.
        return plain(text, marks)
    if month is None or month == "00":
        return year
    if not is_day_known:
        return f"{year}-{month}"
    if hour is None:
        return f"{year}-{month}-{day}"
    clock = f"{hour}:{minute or '00'}:{second or '00'}" + (f".{part}" if part else "")
    if zone in (None, "+", "-"):
        return f"{year}-{month}-{day}T{clock}"
    return f"{year}-{month}-{day}T{clock}{zone.replace(':', '')}"


_FULL_DAY = re.compile(r"(\d{4}-\d\d-\d\d)T\d\d:.*", re.ASCII)
_PARTIAL_DAY = re.compile(r"\d{4}(?:-\d\d)?", re.ASCII)


def day_of(stamped: str | None) -> str | None:
    """The calendar day of a `stamp`, as written by the sender's clock; None when it is only a month or a year."""
    if stamped is None or is_partial(stamped):
        return None
    match = _FULL_DAY.fullmatch(stamped)
    return match[1] if match else stamped


def is_partial(stamped: str | None) -> bool:
    """Whether a `stamp` is only a year or a month."""
    return stamped is not None and _PARTIAL_DAY.fullmatch(stamped) is not None


def microseconds(instant: datetime | None) -> int | None:
    """An instant as polars counts it, exactly: a float of seconds would lose the last digits."""
    return None if instant is None else (instant - _EPOCH) // timedelta(microseconds=1)


def as_instant(stamped: str | None) -> datetime | None:
    """A `stamp` as an instant in UTC, read as London time when it has no zone; None when it is none."""
    if stamped is None or len(stamped) < 10:
        return None
    try:
        instant = datetime.fromisoformat(stamped)
        return (instant if instant.tzinfo else instant.replace(tzinfo=_LONDON)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
