"""Pupil returns as XML: the Common Transfer File, PLASC and the School Census message, read as a stream.

Here belongs where a pupil's facts stand in these returns. The Welsh schemas are not public and all of them change every
year, so elements are found by name within their section, whatever namespace or nesting, and the sections that speak of
other people or other schools (contacts, school history) are kept apart. Safe reading belongs to `connectors.xml`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import polars as pl
from lxml import etree

from connectors import xml
from connectors.education.census_contract import ABSENCES, ADDRESSES, EXCLUDED, NEEDS, PUPILS, name_pupils
from connectors.errors import FileHeld
from connectors.feed import Finding, Mode, ParseContext, Parsed, SourceFile

ROOTS = frozenset({"CTfile", "CTFile", "Message", "PLASC", "PLASCReturn", "SchoolCensus", "EOTAS", "EOTASCensus"})
PUPIL_NAMES = frozenset({"Pupil", "PupilOnRoll", "PupilNoLongerOnRoll", "PupilOffRoll", "EOTASPupil"})
_LISTS = frozenset({"CTFpupilData", "Pupils", "PupilsOnRoll", "PupilsNoLongerOnRoll", "PupilData", "SchoolCensus"})
_LEFT = ("nolongeronroll", "offroll")
_BATCH = 20_000

# Element, lower case, to column. The first one found within the pupil's own sections counts.
_PUPIL_FIELDS = {
    "upn": "upn", "uniquepupilnumber": "upn", "formerupn": "former_upn",
    "uniquelearnernumber": "uln", "uln": "uln",
    "surname": "surname", "legalsurname": "surname", "familyname": "surname",
    "forename": "forename", "legalforename": "forename", "givenname": "forename",
    "middlenames": "middle_names", "middlename": "middle_names",
    "preferredsurname": "preferred_surname", "formersurname": "former_surname",
    "dob": "birth_date", "birthdate": "birth_date", "dateofbirth": "birth_date", "personbirthdate": "birth_date",
    "sex": "sex", "gender": "sex", "gendercurrent": "sex",
    "ethnicity": "ethnicity_code", "ethnicgroup": "ethnicity_code",
    "firstlanguage": "first_language",
    "enrolstatus": "enrolment_status", "enrolmentstatus": "enrolment_status",
    "entrydate": "entry_date", "dateofentry": "entry_date",
    "leavingdate": "leaving_date", "dateofleaving": "leaving_date",
    "ncyearactual": "year_group", "ncyear": "year_group", "ncyearleaving": "year_group", "yeargroup": "year_group",
    "alnprovision": "aln_provision_code", "senprovision": "aln_provision_code",
    "incare": "is_looked_after", "lookedafter": "is_looked_after", "lookedafterchild": "is_looked_after",
    "sessionspossible": "sessions_possible",
    "sessionsauthorised": "sessions_authorised_absent", "authorisedabsences": "sessions_authorised_absent",
    "sessionsunauthorised": "sessions_unauthorised_absent", "unauthorisedabsences": "sessions_unauthorised_absent",
}  # fmt: skip
_NUMBERS = ("pupilid", "localid", "admissionnumber", "uniqueid", "mispupilid", "applicationreference")
_EXCLUSION_FIELDS = {
    "category": "category_code", "exclusioncategory": "category_code", "exclusiontype": "category_code",
    "startdate": "started_date", "exclusionstartdate": "started_date", "exclusiondate": "started_date",
    "sessions": "sessions", "sessionsexcluded": "sessions", "numberofsessions": "sessions",
    "alnprovision": "aln_provision_code", "senprovision": "aln_provision_code",
}  # fmt: skip
_EXCLUSIONS = frozenset({"exclusion", "termlyexclusion", "permanentexclusion", "fixedtermexclusion", "ftexclusion"})
_REASONS = frozenset({"reason", "exclusionreason", "reason1", "reason2", "reason3"})
_MARKS = frozenset({"attendancereason", "absencereason", "attendancecode"})
_COUNTS = ("sessions", "absencesessions", "numberofsessions")
_NEEDS = frozenset({"senneed", "alnneed", "need"})
# Other people, other years, and schools other than the one that sends.
_ASIDE = frozenset({"contacts", "contact", "stageassessments", "assessments", "assessmentdata", "classes"})
_ADDRESS_PARTS = ("saon", "paon", "street", "locality")
_LINE_PARTS = tuple(f"addressline{number}" for number in range(1, 6))
_FILE_SCHOOL = re.compile(r"^(\d{3})(\d{4})_")
_TRUE_TERMS = {"AUT": "autumn", "SPR": "spring", "SUM": "summer"}


@dataclass
class _Header:
    """What the head of a return says about all its pupils."""

    school_id: str | None = None
    school_name: str | None = None
    as_at: date | None = None
    mode: Mode | None = None
    version: str | None = None


@dataclass
class _Pupil:
    """What was found in one pupil."""

    fields: dict[str, str] = field(default_factory=dict)
    addresses: list[dict[str, str]] = field(default_factory=list)
    exclusions: list[dict[str, str]] = field(default_factory=list)
    marks: list[tuple[str, str | None]] = field(default_factory=list)
    needs: list[dict[str, str]] = field(default_factory=list)
    schools: list[dict[str, str]] = field(default_factory=list)
    years: list[dict[str, str]] = field(default_factory=list)


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one XML return.

    Args:
        file: The file.
        context: What the caller knows about the delivery.

    Yields:
        Batches of the landing tables.

    Raises:
        FileHeld: Not safe, not well formed, or no return of pupils.
    """
    findings: list[Finding] = []
    header: _Header | None = None
    rows = _Rows()
    pupils: list[pl.DataFrame] = []
    for record in xml.records(file, PUPILS.name, findings, roots=ROOTS, names=PUPIL_NAMES):
        if header is None:
            header = _header(record.element.getroottree().getroot(), file)
            yield Parsed(as_at=header.as_at, mode=header.mode, schema_version=header.version)
        rows.add(record, header, context.as_at or header.as_at)
        if len(rows) >= _BATCH:
            pupils.append(rows.take(PUPILS.name))
            yield Parsed(rows.take_others())
    if header is None:
        if not _has_list(file):
            raise FileHeld("file-not-this-format", "the return has no list of pupils")
        findings.append(Finding("file-no-rows", PUPILS.name))
    pupils.append(rows.take(PUPILS.name))
    # A UPN can be trusted only when the whole return is known.
    named, shared = name_pupils(pl.concat(pupils))
    yield Parsed({PUPILS.name: named, **rows.take_others()}, [*findings, *rows.findings, *shared])


def _has_list(file: SourceFile) -> bool:
    return any(True for _ in xml.records(file, PUPILS.name, [], roots=ROOTS, names=_LISTS))


def _header(root: etree._Element, file: SourceFile) -> _Header:
    head = xml.child(root, "Header")
    if head is None:
        head = root
    found: dict[str, str] = {}
    for element in head.iter(etree.Element):
        name = _name(element.tag)
        above = {_name(ancestor.tag) for ancestor in element.iterancestors()}
        # The school that sends; a transfer file names the next school too.
        if not len(element) and "destschool" not in above and (element.text or "").strip():
            found.setdefault(name, (element.text or "").strip())
    named = _FILE_SCHOOL.match(file.path.name)
    school = f"{found.get('lea', '')}{found.get('estab', '')}" or (named[1] + named[2] if named else None)
    name = found.get("schoolname")
    day = _day(found.get("referencedate")) or _day(found.get("datetime"))
    if _name(root.tag) == "ctfile":
        # A transfer file is full when it has all facts of its pupils, not when it has all pupils: it closes nobody.
        partial = found.get("documentqualifier", "").lower() == "partial"
        return _Header(school, name, day, "delta" if partial else None, f"CTF {found.get('ctfversion', '')}".strip())
    collection = found.get("collection") or xml.local_name(root)
    term = _TRUE_TERMS.get(found.get("term", "").upper(), "")
    return _Header(school, name, day, "full", " ".join(part for part in (collection, found.get("year"), term) if part))


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


class _Rows:
    """Rows of the landing tables as they are gathered."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._rows: dict[str, list[dict[str, object]]] = {name: [] for name in _SCHEMAS}

    def __len__(self) -> int:
        return len(self._rows[PUPILS.name])

    def take(self, table: str) -> pl.DataFrame:
        frame = pl.DataFrame(self._rows[table], schema=_SCHEMAS[table])
        self._rows[table] = []
        return frame

    def take_others(self) -> dict[str, pl.DataFrame]:
        return {name: self.take(name) for name in _SCHEMAS if name != PUPILS.name and self._rows[name]}

    def add(self, record: xml.Record, header: _Header, as_at: date | None) -> None:
        """Add one pupil and all that hangs on it."""
        pupil = _Pupil()
        _read(record.element, pupil)
        _own_school(pupil, header.school_id)
        if pupil.years:
            pupil.fields = max(pupil.years, key=lambda year: year.get("year", "")) | pupil.fields
        texts = {column: pupil.fields[name] for name, column in reversed(_PUPIL_FIELDS.items()) if name in pupil.fields}
        number = self._number(pupil.fields, texts, record)
        roll = "left" if _has_left(record, texts.get("leaving_date"), as_at) else "on_roll"
        parts = [roll, header.school_id or "", texts.get("upn") or number]
        # Who left the same school twice has two records.
        record_id = "|".join([*parts, texts["leaving_date"]] if roll == "left" and "leaving_date" in texts else parts)
        own = {"pupil_record_id": record_id, "roll_status": roll, "row_number": record.line}
        school = {"school_id": header.school_id, "school_name": header.school_name}
        self._rows[PUPILS.name].append(own | texts | school | {"_number": number, "_raw": xml.raw(record.element)})
        self._add_all(ADDRESSES.name, "address_id", own, [_address(address) for address in pupil.addresses])
        self._add_all(EXCLUDED.name, "exclusion_id", own, pupil.exclusions)
        self._add_all(NEEDS.name, "need_id", own, pupil.needs)
        marks = [{"absence_reason_code": mark, "sessions": count} for mark, count in pupil.marks]
        self._add_all(ABSENCES.name, "session_detail_id", own, marks)

    def _add_all(
        self, table: str, key: str, own: Mapping[str, object], rows: Sequence[Mapping[str, str | None]]
    ) -> None:
        """Number the rows of a pupil by what they say, so that a resend gives the same ids."""
        seen: Counter[str] = Counter()
        for row in rows:
            said = hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:16]
            seen[said] += 1
            self._rows[table].append({**own, **row, key: f"{own['pupil_record_id']}|{said}|{seen[said]}"})

    def _number(self, fields: dict[str, str], texts: dict[str, str], record: xml.Record) -> str:
        number = next((fields[name] for name in _NUMBERS if name in fields), None) or texts.get("upn")
        if number:
            return number
        self.findings.append(Finding("pupil-without-number", PUPILS.name, record.line, "upn"))
        said = [texts.get(name, "") for name in ("surname", "forename", "middle_names", "birth_date")]
        return hashlib.sha256("\x1f".join(said).encode() if any(said) else xml.raw(record.element)).hexdigest()[:16]


_TEXT = pl.String()
_OWN = {"pupil_record_id": _TEXT, "roll_status": _TEXT, "row_number": pl.Int64()}
_MADE = {"source_person_id", "ethnicity_code_system"}
_SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    table.name: _OWN | {column.name: _TEXT for column in table.columns if column.name not in {*_OWN, *_MADE}}
    for table in (ABSENCES, EXCLUDED, ADDRESSES, NEEDS)
} | {
    PUPILS.name: _OWN
    | {column.name: _TEXT for column in PUPILS.columns if column.name not in {*_OWN, *_MADE}}
    | {"_number": _TEXT, "_raw": pl.Binary()}
}  # fmt: skip


@lru_cache(maxsize=4096)
def _name(tag: str) -> str:
    """A tag without its namespace, lower case; a return repeats some fifty of them for every pupil."""
    return tag.rpartition("}")[2].lower()


def _read(element: etree._Element, pupil: _Pupil) -> None:
    """Gather the leaves of a pupil, each section to its list."""
    for inner in element.iterchildren(etree.Element):
        name = _name(inner.tag)
        if not len(inner):
            value = (inner.text or "").strip()
            if value:
                pupil.fields.setdefault(name, value)
        elif name in _SECTIONS:
            _SECTIONS[name](inner, pupil)
        elif _is_mark(inner):
            _read_mark(inner, pupil)
        elif name not in _ASIDE:
            _read(inner, pupil)


def _leaves(element: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for leaf in element.iter(etree.Element):
        if not len(leaf) and (leaf.text or "").strip():
            found.setdefault(_name(leaf.tag), (leaf.text or "").strip())
    return found


def _exclusion(element: etree._Element) -> dict[str, str]:
    leaves = [(_name(leaf.tag), (leaf.text or "").strip()) for leaf in element.iter(etree.Element)]
    found: dict[str, str] = {}
    reasons = [value for name, value in leaves if name in _REASONS and value]
    for name, value in leaves:
        if name in _EXCLUSION_FIELDS and value:
            found.setdefault(_EXCLUSION_FIELDS[name], value)
    return found | {f"reason_code_{number}": reason for number, reason in enumerate(reasons[:3], start=1)}


def _need(element: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _leaves(element).items():
        if "rank" in name:
            found.setdefault("rank", value)
        elif "type" in name or "code" in name:
            found.setdefault("need_code", value)
    return found


def _is_mark(element: etree._Element) -> bool:
    return any(_name(leaf.tag) in _MARKS for leaf in element.iterchildren(etree.Element))


def _read_mark(element: etree._Element, pupil: _Pupil) -> None:
    found = _leaves(element)
    mark = next((found[name] for name in _MARKS if name in found), None)
    if mark:
        pupil.marks.append((mark, next((found[name] for name in _COUNTS if name in found), None)))


def _read_year(element: etree._Element, pupil: _Pupil) -> None:
    pupil.years.append(_leaves(element))
    for inner in element.iter(etree.Element):
        if len(inner) and _is_mark(inner):
            _read_mark(inner, pupil)


def _read_language(element: etree._Element, pupil: _Pupil) -> None:
    """The language marked F (first), else the first one named."""
    spoken = [_leaves(inner) for inner in element.iterchildren(etree.Element)]
    chosen = [leaves for leaves in spoken if leaves.get("languagetype", "").upper() == "F"] or spoken
    language = next((leaves["language"] for leaves in chosen if "language" in leaves), None)
    if language:
        pupil.fields.setdefault("firstlanguage", language)


_SECTIONS: dict[str, Callable[[etree._Element, _Pupil], None]] = {
    "address": lambda element, pupil: pupil.addresses.append(_leaves(element)),
    "homeaddress": lambda element, pupil: pupil.addresses.append(_leaves(element)),
    "school": lambda element, pupil: pupil.schools.append(_leaves(element)),
    "yeardata": _read_year,
    "languages": _read_language,
    **dict.fromkeys(_EXCLUSIONS, lambda element, pupil: pupil.exclusions.append(_exclusion(element))),
    **dict.fromkeys(_NEEDS, lambda element, pupil: pupil.needs.append(_need(element))),
}


def _own_school(pupil: _Pupil, school_id: str | None) -> None:
    """Entry and leaving dates that stand in the school history, of the school that sends."""
    for school in pupil.schools:
        named = f"{school.get('lea', '')}{school.get('estab', '')}"
        if named in ("", school_id):
            for name in ("entrydate", "leavingdate"):
                if name in school:
                    pupil.fields.setdefault(name, school[name])


def _has_left(record: xml.Record, leaving: str | None, as_at: date | None) -> bool:
    names = [record.name, *(xml.local_name(above) for above in record.element.iterancestors())]
    if any(name.lower().endswith(_LEFT) for name in names):
        return True
    day = _day(leaving)
    return bool(leaving) and (day is None or as_at is None or day <= as_at)


def _address(found: dict[str, str]) -> dict[str, str | None]:
    lines = [found[name] for name in _LINE_PARTS if name in found]
    town = found.get("town") or found.get("posttown")
    if not town and len(lines) > 1:
        town = lines.pop()
    parts = [found[name] for name in _ADDRESS_PARTS if name in found] or lines
    postcode = found.get("postcode") or found.get("post_code")
    return {"address_line": ", ".join(parts) or None, "town": town, "postcode": postcode}
