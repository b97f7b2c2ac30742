"""FHIR data types as plain values: text, codes, identifiers, dates, names, addresses, references.

Here belongs what an element of any resource means. Which element fills which column is written in
`connectors.health.fhir_projection`. Every function takes what `orjson` gives and answers `None` for what it cannot
read: the model has looked at the shape before, yet it lets text pass for an object in a few places.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

Json = dict[str, Any]

LONDON = ZoneInfo("Europe/London")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WHOLE_DATE = 10
_LARGEST = 2**63 - 1
_LITERAL = re.compile(r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-._]+)(?:/_history/[^/]+)?$")
_SEARCH = re.compile(r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)\?(?:.*&)?identifier=(?P<identifier>[^&]+)")
_FORMER = ("old", "temp")


@dataclass
class Record:
    """One resource on its way into the tables.

    Attributes:
        resource: The resource.
        resource_id: Its id, given or made.
        full_urls: Addresses of the entries of the same Bundle, with their type and id.
        remarks: Rule ids and elements of what was noticed on the way.
    """

    resource: Json
    resource_id: str
    full_urls: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    remarks: list[tuple[str, str]] = field(default_factory=list)

    def instant(self, value: object, element: str) -> int | None:
        """Microseconds since 1970 of a date-time; a date without a day is remarked and has none."""
        if value is None:
            return None
        found = instant(value)
        if found is None:
            self.remarks.append(("fhir-date-partial", element))
        return found

    def day(self, value: object, element: str) -> str | None:
        """The day of a date or date-time; a date without a day is remarked and has none."""
        if value is None:
            return None
        found = day(value)
        if found is None:
            self.remarks.append(("fhir-date-partial", element))
        return found

    def period(self, value: object, element: str) -> tuple[int | None, int | None]:
        """Start and end of a Period."""
        span = node(value)
        return self.instant(span.get("start"), f"{element}.start"), self.instant(span.get("end"), f"{element}.end")

    def patient(self, reference: object) -> str | None:
        """The patient that a reference means: the id, or `system|value` where only an identifier is given."""
        found = node(reference)
        address = text(found.get("reference"))
        if address:
            return self._patient_at(address)
        if text(found.get("type")) not in (None, "Patient"):
            return None
        return named(found.get("identifier"))

    def _patient_at(self, address: str) -> str | None:
        if address in self.full_urls:
            kind, identifier = self.full_urls[address]
            return identifier if kind == "Patient" else None
        if address.startswith("#"):
            inner = self._contained(address)
            if inner.get("resourceType") != "Patient":
                return None
            identifiers = nodes(inner.get("identifier"))
            return next((named(each) for each in (*filter(is_nhs_number, identifiers), *identifiers)), None)
        if address.startswith("urn:uuid:"):
            # The entry is in another Bundle; its id is all there is to go by.
            return address.removeprefix("urn:uuid:")
        literal = _LITERAL.search(address)
        if literal:
            return literal["id"] if literal["type"] == "Patient" else None
        search = _SEARCH.search(address)
        return unquote(search["identifier"]) if search and search["type"] == "Patient" else None

    def party(self, reference: object) -> str | None:
        """The organisation or practitioner that a reference means: its code, else `Type/id`."""
        found = node(reference)
        code = text(node(found.get("identifier")).get("value"))
        address = text(found.get("reference"))
        if code or not address:
            return code
        if address in self.full_urls:
            return "/".join(self.full_urls[address])
        if address.startswith("#"):
            identifiers = nodes(self._contained(address).get("identifier"))
            return next((text(each.get("value")) for each in identifiers), None)
        literal = _LITERAL.search(address)
        if literal:
            return f"{literal['type']}/{literal['id']}"
        search = _SEARCH.search(address)
        return unquote(search["identifier"]) if search else None

    def _contained(self, address: str) -> Json:
        inner = nodes(self.resource.get("contained"))
        return next((each for each in inner if each.get("id") == address[1:]), {})


def text(value: object) -> str | None:
    """Text without blanks around it; `None` for anything else and for nothing."""
    return value.strip() or None if isinstance(value, str) else None


def node(value: object) -> Json:
    """An object, empty where there is none."""
    return value if isinstance(value, dict) else {}


def nodes(value: object) -> list[Json]:
    """The objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def first(value: object) -> Json:
    """The first object of a list, empty where there is none."""
    return next(iter(nodes(value)), {})


def boolean(value: object) -> bool | None:
    """True or false; the model lets the words pass too."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def integer(value: object) -> int | None:
    """A whole number that a column can hold."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and -_LARGEST <= value <= _LARGEST else None


def number(value: object) -> float | None:
    """A number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def instant(value: object) -> int | None:
    """Microseconds since 1970 of a whole date or date-time; a date alone is midnight in London."""
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LONDON)
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    # A zone can carry the first and the last day of the calendar over its edge, where nothing downstream can follow.
    return micros if _FIRST <= micros <= _LAST else None


def day(value: object) -> str | None:
    """The day of a whole date, or of a date-time in London."""
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    if len(value) == _WHOLE_DATE:
        return value
    try:
        return datetime.fromisoformat(value).astimezone(LONDON).date().isoformat()
    except (ValueError, OverflowError):
        return None


def coding(concept: object) -> tuple[str | None, str | None]:
    """Code and system of a CodeableConcept: the coding that the user chose, else the first that has a code."""
    codings = [each for each in nodes(node(concept).get("coding")) if text(each.get("code"))]
    if not codings:
        return None, None
    chosen = codings[0]
    if len(codings) > 1:
        chosen = next((each for each in codings if each.get("userSelected") is True), chosen)
    return text(chosen.get("code")), text(chosen.get("system"))


def extension(holder: Json, suffix: str) -> Json:
    """The extension whose address ends so: profiles have moved between bases, their last part has not."""
    return next(
        (each for each in nodes(holder.get("extension")) if (text(each.get("url")) or "").endswith(suffix)), {}
    )


def is_nhs_number(identifier: Json) -> bool:
    """Whether the identifier is an NHS number, by its system."""
    system = (text(identifier.get("system")) or "").lower()
    return system.endswith("/id/nhs-number") or system == "urn:oid:2.16.840.1.113883.2.1.4.1"


def named(identifier: object) -> str | None:
    """An identifier as `system|value`."""
    found = node(identifier)
    value = text(found.get("value"))
    return f"{text(found.get('system')) or ''}|{value}" if value else None


def given_names(name: Json) -> tuple[str | None, str | None]:
    """First and further given names."""
    given = name.get("given")
    names = [each for each in map(text, given if isinstance(given, list) else ()) if each]
    return (names[0] if names else None), " ".join(names[1:]) or None


def current(items: Iterable[Json], uses: tuple[str, ...]) -> Json:
    """The item in force: not ended, by use in the order given, then without a use, then any."""

    def rank(item: Json) -> tuple[bool, int]:
        use = text(item.get("use"))
        place = uses.index(use) if use in uses else len(uses) + (use is not None)
        return use in _FORMER or "end" in node(item.get("period")), place

    return min(items, key=rank, default={})


def address_line(address: Json) -> str | None:
    """The lines of an address, else its text."""
    lines = address.get("line")
    found = [each for each in map(text, lines if isinstance(lines, list) else ()) if each]
    return ", ".join(found) or text(address.get("text"))


def telephone(contacts: object) -> str | None:
    """The first telephone number that is not marked as old."""
    phones = (each for each in nodes(contacts) if each.get("system") in ("phone", "sms") and each.get("use") != "old")
    return next((value for value in (text(each.get("value")) for each in phones) if value), None)
