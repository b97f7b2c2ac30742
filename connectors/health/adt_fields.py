"""The composite fields that say who a patient is: identifiers, names, addresses, telephones, codes.

Here belongs what one field of HL7 v2 (CX, XPN, XAD, XTN, CE) means for us, with the rules for NHS numbers and for the
namespace of local numbers. Which segment they stand in, and which table they go to, belongs to
`connectors.health.adt_rows`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from connectors.health.hl7v2 import NULL, Separators, component, day_of, is_null, plain, repeats, stamp, whole

# NHS is the authority of ITK and of Wales; the others are what simulators and older systems write. The last is the OID.
_NHS_AUTHORITIES = frozenset(
    {"NHS", "NHSNBR", "NHSNMBR", "NHSNO", "NHSNUM", "NHSNUMBER", "NHSENGLAND", "2.16.840.1.113883.2.1.4.1"}
)
_NHS_TYPES = frozenset({"NH", "NHS", "NHSNBR", "NHSNMBR", "NHSNO", "NHSNUMBER"})
_LOCAL_TYPES = frozenset({"MR", "MRN", "PI"})
# Numbers of documents, accounts and other countries' registers: none is the key of a person in the sender's system.
_FOREIGN_TYPES = frozenset(
    {"SS", "SSN", "DL", "PPN", "PASSPORT", "AN", "VN", "NI", "NIIP", "MC", "MA", "HC", "TAX", "BC", "PN", "DN", "EI"}
)
_STATUS = re.compile(r"(?:NSTS)?0?([1-8])")
_STATUS_IN_TYPE = re.compile(r"NH\{STATUS:0?([1-8])\}")
_TEN_DIGITS = re.compile(r"[0-9]{10}")


class Identifier(NamedTuple):
    """One identifier of a person.

    Attributes:
        value: As sent; `""` when the sender deletes it, empty when only its status was sent.
        status: NHS number tracing status 01 to 08; else the check digit the sender gave.
        authority: Assigning authority, or the empty text.
        type: Identifier type, or the empty text.
        field: Where it stood, such as `PID-3`.
        is_nhs: It is an NHS number.
        rank: 0 the sender's own number for the person, 1 another local one, 2 of a document or account.
    """

    value: str
    status: str | None
    authority: str
    type: str
    field: str
    is_nhs: bool
    rank: int

    def namespace(self, sender: str) -> str:
        """Who issued the number: NHS, the authority, or else the sender and the type."""
        if self.is_nhs:
            return "NHS"
        return self.authority or f"{sender}/{self.type}"


def identifier(value: str, marks: Separators, field: str, default_type: str = "") -> Identifier | None:
    """Read a CX; None when it has neither a value nor a status."""
    parts = value.split(marks.component)
    number = plain(parts[0], marks) or (NULL if is_null(parts[0]) else "")
    check = plain(parts[1], marks) if len(parts) > 1 else None
    authority = _authority(parts[3], marks) if len(parts) > 3 else ""
    kind = (plain(parts[4], marks) if len(parts) > 4 else None) or default_type
    said, rank, written_status = _classified(authority, kind)
    status = _status(check) if check else written_status
    is_nhs = (
        said == "yes"
        or (said == "if status" and status is not None)
        or (said == "if ten digits" and _is_ten_digits(number))
    )
    if not number and not (is_nhs and status):
        return None
    return Identifier(number, status if is_nhs else check, authority, kind, field, is_nhs, rank)


def _authority(value: str, marks: Separators) -> str:
    """Namespace id of an HD, else its universal id."""
    if not value:
        return ""
    for part in value.split(marks.subcomponent)[:2]:
        if text := plain(part, marks):
            return text
    return ""


@lru_cache(maxsize=4096)
def _classified(authority: str, kind: str) -> tuple[str, int, str | None]:
    """Whether authority and type make an NHS number, the rank of a local one, and a status packed into the type.

    An NHS number is: type `NH`; authority `NHS`, but with a local type only when it has ten digits; type `NI` with a
    tracing status where the check digit belongs, as Welsh PIMS sends it.
    """
    kind = kind.upper()
    rank = 0 if kind in _LOCAL_TYPES else 2 if kind in _FOREIGN_TYPES else 1
    inner = _STATUS_IN_TYPE.fullmatch(kind)
    if kind in _NHS_TYPES or inner:
        return "yes", rank, "0" + inner[1] if inner else None
    if authority.upper().replace(" ", "") in _NHS_AUTHORITIES:
        return "if ten digits" if kind in _LOCAL_TYPES else "yes", rank, None
    return "if status" if kind == "NI" else "no", rank, None


def _is_ten_digits(number: str) -> bool:
    return _TEN_DIGITS.fullmatch(re.sub(r"[\s-]", "", number)) is not None


def _status(text: str | None) -> str | None:
    match = _STATUS.fullmatch(text.upper()) if text else None
    return "0" + match[1] if match else None


def tracing_status(value: str, marks: Separators) -> str | None:
    """Tracing status from PID-32, `01` or `NSTS01`."""
    for part in repeats(value, marks):
        if status := _status(plain(component(part, 1, marks), marks)):
            return status
    return None


class Name(NamedTuple):
    """One name of a person."""

    type: str | None
    forename: str | None
    middle_names: str | None
    surname: str | None
    valid_from: str | None
    valid_to: str | None


def names(value: str, marks: Separators, default_type: str | None = None) -> list[Name]:
    """Read the repetitions of an XPN that name somebody."""
    found = []
    for part in repeats(value, marks):
        parts = part.split(marks.component)
        size = len(parts)
        surname = plain(parts[0], marks)
        forename = plain(parts[1], marks) if size > 1 else None
        middle = plain(parts[2], marks) if size > 2 else None
        if surname is None and forename is None:
            continue
        start = end = None
        if size > 9:
            start, end = _validity(parts, 9, 11, marks)
        kind = plain(parts[6], marks) if size > 6 else None
        found.append(Name(kind or default_type, forename, middle, surname, start, end))
    return found


def main_name(found: list[Name]) -> Name | None:
    """The name a person goes by in the sender's system: the whole legal one, else the first that is no alias."""
    legal = next((name for name in found if name.type == "L" and name.forename and name.surname), None)
    usual = next((name for name in found if name.type not in ("A", "M", "B", "S", "N", "BAD", "NB", "TEMP")), None)
    return legal or usual or (found[0] if found else None)


class Address(NamedTuple):
    """One address of a person."""

    type: str | None
    address_line: str | None
    town: str | None
    postcode: str | None
    valid_from: str | None
    valid_to: str | None


def addresses(value: str, marks: Separators) -> list[Address]:
    """Read the repetitions of an XAD that have any part of an address."""
    found = []
    for part in repeats(value, marks):
        parts = part.split(marks.component)
        size = len(parts)
        lines = [whole(parts[0], marks), plain(parts[1], marks) if size > 1 else None]
        town = plain(parts[2], marks) if size > 2 else None
        # Welsh Paris leaves the third component empty and writes the town in the fourth.
        town = town or (plain(parts[3], marks) if size > 3 else None)
        postcode = plain(parts[4], marks) if size > 4 else None
        line = ", ".join(text for text in lines if text) or None
        if not (line or town or postcode):
            continue
        start = end = None
        if size > 11:
            start, end = _validity(parts, 11, 12, marks)
        found.append(Address(plain(parts[6], marks) if size > 6 else None, line, town, postcode, start, end))
    return found


def main_address(found: list[Address]) -> Address | None:
    """Where a person lives: the home address, else the first that is not a bad, birth, business or mailing one."""
    home = next((one for one in found if one.type and one.type.upper() in ("H", "HOME", "HP", "P")), None)
    usual = next((one for one in found if one.type not in ("BA", "BI", "BDL", "BR", "N", "F", "O", "B", "M")), None)
    return home or usual or (found[0] if found else None)


def _validity(parts: list[str], period: int, start: int, marks: Separators) -> tuple[str | None, str | None]:
    """First and last day of a name or address: start and end components, else the older range (two subcomponents)."""
    first, _, last = parts[period].partition(marks.subcomponent)
    begins = parts[start] if len(parts) > start and parts[start] else first
    ends = parts[start + 1] if len(parts) > start + 1 and parts[start + 1] else last
    return day_of(stamp(begins, marks)), day_of(stamp(ends, marks))


def telephone(value: str, marks: Separators) -> str | None:
    """The first telephone number of an XTN, from whichever component the version of HL7 keeps it in."""
    for part in repeats(value, marks):
        parts = part.split(marks.component)
        if (first := plain(parts[0], marks)) and any(map(str.isdigit, first)):
            return first
        texts = [plain(text, marks) for text in parts]
        texts += [None] * (12 - len(texts))
        number = texts[11] or " ".join(text for text in texts[4:7] if text and text.strip("+").isdigit())
        if number and any(character.isdigit() for character in number):
            return number
    return None


def code(value: str, marks: Separators) -> tuple[str | None, str | None]:
    """Code and coding system of the first repetition of a CE or CWE; its text where it has no code."""
    first = value.split(marks.repetition, 1)[0]
    if marks.component not in first:
        return plain(first, marks), None
    parts = first.split(marks.component)
    system = plain(parts[2], marks) if len(parts) > 2 else None
    return plain(parts[0], marks) or plain(parts[1], marks), system
