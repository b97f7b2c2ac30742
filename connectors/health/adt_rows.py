"""One HL7 v2 message to the rows of the landing tables.

Here belongs which segment and field feeds which column, and in what order sources of a fact are tried. Composite
fields are read by `connectors.health.adt_fields`; types and checks belong to the contract in `connectors.health.adt`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from connectors.feed import Finding
from connectors.health import adt_fields as composite
from connectors.health.adt_contract import TABLES
from connectors.health.adt_fields import Identifier
from connectors.health.hl7v2 import (
    NULL,
    Message,
    Separators,
    as_instant,
    at,
    component,
    day_of,
    is_null,
    is_partial,
    microseconds,
    plain,
    repeats,
    stamp,
)

# The retired person or number is no more afterwards. Triggers that move one account or visit to another person
# (A41 to A45, A49 to A51) say nothing about two records being one person.
PERSON_MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47", "A48"})
OTHER_MERGES = frozenset({"A35", "A41", "A42", "A43", "A44", "A45", "A49", "A50", "A51"})
# Events about a person, where PV1 is only there because the structure asks for it.
_NOT_A_VISIT = PERSON_MERGES | {"A24", "A28", "A29", "A31", "A37", "A43", "A60"}
_APPOINTMENTS = re.compile(r"S(?:1[2-9]|2[0-6])")
_WITHOUT_PATIENT = frozenset({"ACK", "MFN", "MFK", "MFQ", "MFR", "NMD", "QRY", "QBP", "RSP", "SSU", "NMQ"})
_DID_NOT_ATTEND = frozenset({"NOSHOW", "DNA", "DIDNOTATTEND", "WASNOTBROUGHT", "WNB", "DIDNOTARRIVE"})
_PRACTICE = re.compile(r"[A-Za-z][0-9]{5}")
_DOCTOR = re.compile(r"[Gg][0-9]{6,7}")

_PID_FIELDS = 40
_DELETABLE_PARTS = {5: ("surname", "forename", "middle_names"), 11: ("address_line", "", "town", "", "postcode")}
_START_TIMES = (("TQ1", 7), ("AIS", 4), ("AIP", 6), ("AIL", 6))

COLUMNS = {table.name: tuple(column.name for column in table.columns) for table in TABLES}


@dataclass
class Rows:
    """Rows of a batch by table, in the order of `COLUMNS`, each followed by message number and instant."""

    rows: dict[str, list[tuple[object, ...]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    findings: list[Finding] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)

    def put(self, table: str, number: int, sent: int | None, *values: object) -> None:
        """Add a row."""
        self.rows[table].append((*values, number, sent))


@dataclass
class _Head:
    """What the header and the event segment say: it goes into every row."""

    number: int
    hash: str
    marks: Separators
    kind: str
    trigger: str | None
    sender: str
    processing: str | None
    message_at: str | None
    recorded_at: str | None
    occurred_at: str | None
    sent: int | None
    application: str | None
    facility: str | None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def event_at(self) -> str | None:
        """When it happened: EVN-6, else when it was recorded (EVN-2), else when it was sent (MSH-7)."""
        return self.occurred_at or self.recorded_at or self.message_at

    @property
    def merged_at(self) -> str | None:
        """The order in which merges are applied: EVN-6, then MSH-7."""
        return self.occurred_at or self.message_at or self.recorded_at

    def next(self, table: str) -> int:
        """Running number of the message's rows of a table."""
        self.counts[table] = self.counts.get(table, 0) + 1
        return self.counts[table]


@dataclass
class _Person:
    """One PID of a message with the segments that belong to it."""

    source_person_id: str
    namespace: str
    identifiers: list[Identifier]


def message_hash(message: Message) -> str:
    """sha256 of the message without its framing, so that a message sent twice in two ways is the same."""
    return hashlib.sha256(message.text.encode("utf-8", "surrogatepass")).hexdigest()


def add(message: Message, digest: str, rows: Rows) -> None:
    """Put the rows of one message; a message without a type is a finding instead."""
    marks = message.separators
    msh = message.segments[0]
    head = _head(message, digest, rows)
    if head is None:
        return
    groups = _groups(message.segments)
    first = None
    for sequence, (pid, others) in enumerate(groups, 1):
        person = _patient(pid, others, sequence, head, rows)
        first = first or person
        _merges(others, person, head, rows)
        if person:
            _attendance(others, person, head, rows)
            _related(others, person, head, rows)
    if not groups and head.kind not in _WITHOUT_PATIENT:
        rows.findings.append(Finding("hl7-patient-missing", "messages", head.number, "PID"))
    _appointment(message, first, head, rows)
    version = plain(component(at(msh, 12), 1, marks), marks)
    if version:
        rows.versions.add(version)
    rows.put(
        "messages", head.number, head.sent, plain(at(msh, 10), marks), digest, head.kind, head.trigger,
        plain(component(at(msh, 9), 3, marks), marks), version, head.application, head.facility,
        head.message_at, head.recorded_at, head.processing,
        first.source_person_id if first else None, head.sender,
    )


def _head(message: Message, digest: str, rows: Rows) -> _Head | None:
    marks, msh = message.separators, message.segments[0]
    evn = message.first("EVN")
    kind = plain(component(at(msh, 9), 1, marks), marks)
    trigger = plain(component(at(msh, 9), 2, marks), marks)
    event = plain(at(evn, 1), marks)
    if kind is None and event:
        kind, trigger = "ADT", event
        rows.findings.append(Finding("hl7-type-from-event", "messages", message.number, "MSH-9"))
    if kind is None:
        rule_id = "hl7-header-short" if len(msh) < 10 else "hl7-type-missing"
        rows.findings.append(Finding(rule_id, "messages", message.number, "MSH-9", raw=message.text.encode()))
        return None
    message_at, recorded_at = stamp(at(msh, 7), marks), stamp(at(evn, 2), marks)
    application, facility = _hierarchic(at(msh, 3), marks), _hierarchic(at(msh, 4), marks)
    return _Head(
        message.number, digest, marks, kind, trigger or event, f"{application or ''}/{facility or ''}",
        plain(component(at(msh, 11), 1, marks), marks), message_at, recorded_at, stamp(at(evn, 6), marks),
        microseconds(as_instant(message_at) or as_instant(recorded_at)), application, facility,
    )


def _hierarchic(value: str, marks: Separators) -> str | None:
    """Namespace id of an HD field, else its universal id."""
    return plain(component(value, 1, marks), marks) or plain(component(value, 2, marks), marks)


def _groups(segments: list[list[str]]) -> list[tuple[list[str], list[list[str]]]]:
    """Every PID with the segments up to the next one."""
    groups: list[tuple[list[str], list[list[str]]]] = []
    for fields in segments:
        if fields[0] == "PID":
            groups.append((fields, []))
        elif groups:
            groups[-1][1].append(fields)
    return groups


def _identifiers(pid: list[str], marks: Separators) -> Iterator[Identifier]:
    """The numbers of a PID in the order in which they speak for the person; each once."""
    seen: set[tuple[str, str, str]] = set()
    for number, kind in ((3, ""), (2, ""), (4, ""), (18, "AN"), (19, "SS")):
        for part in repeats(pid[number], marks) if pid[number] else ():
            found = composite.identifier(part, marks, f"PID-{number}", kind)
            if found and (key := (found.value, found.authority, found.type)) not in seen:
                seen.add(key)
                yield found


def _key(identifiers: list[Identifier]) -> Identifier | None:
    """The number that names the person in the sender's system; the NHS number when there is no local one."""
    usable = [one for one in identifiers if one.value and one.value != NULL]
    local = [one for one in usable if not one.is_nhs and one.rank < 2]
    nhs = [one for one in usable if one.is_nhs]
    # PID-2 and PID-4 hold other systems' numbers for the person, so they come after every local number of PID-3.
    return min(local, key=lambda one: (one.field != "PID-3", one.rank)) if local else (nhs or usable or [None])[0]


def _patient(
    pid: list[str], others: list[list[str]], sequence: int, head: _Head, rows: Rows
) -> _Person | None:
    marks, number = head.marks, head.number
    if len(pid) <= _PID_FIELDS:
        pid = pid + [""] * (_PID_FIELDS + 1 - len(pid))
    identifiers = list(_identifiers(pid, marks))
    key = _key(identifiers)
    if key is None:
        raw = marks.field.join(pid).rstrip(marks.field).encode()
        rows.findings.append(Finding("hl7-patient-unidentified", "patients", number, "PID-3", raw=raw))
        return None
    namespace = key.namespace(head.sender)
    person = _Person(f"{namespace}|{key.value}", namespace, identifiers)
    names = composite.names(pid[5], marks)
    aliases = composite.names(pid[9], marks, "A")
    addresses = composite.addresses(pid[11], marks)
    name, address = composite.main_name(names), composite.main_address(addresses)
    nhs = next((one for one in identifiers if one.is_nhs and one.value and one.value != NULL), None)
    status = next((one.status for one in identifiers if one.is_nhs and one.status), None)
    birth = stamp(pid[7], marks)
    if is_partial(birth):
        rows.findings.append(Finding("birth-date-partial", "patients", number, "PID-7", birth))
    day = day_of(birth)
    ethnicity, system = composite.code(pid[22], marks)
    ethnicity_field = "PID-22"
    if ethnicity is None:
        ethnicity, system = composite.code(pid[10], marks)
        ethnicity_field = "PID-10"
    gp, practice = _doctor(others, marks)
    rows.put(
        "patients", number, head.sent, head.hash, sequence, person.source_person_id, namespace, head.trigger,
        head.event_at, name.forename if name else None, name.middle_names if name else None,
        name.surname if name else None, day, birth if birth and (day != birth or is_partial(birth)) else None,
        plain(component(pid[8], 1, marks), marks), nhs.value if nhs else None,
        status or composite.tracing_status(pid[32], marks), ethnicity,
        (system or ethnicity_field) if ethnicity else None, stamp(pid[29], marks), _yes(pid[30], marks),
        _yes(pid[24], marks), plain(pid[25], marks), composite.code(pid[15], marks)[0], gp, practice,
        address.address_line if address else None, address.town if address else None,
        address.postcode if address else None,
        composite.telephone(pid[13], marks) or composite.telephone(pid[14], marks),
        head.processing, _deleted(pid, marks),
    )
    _parts_of(person, names + aliases, addresses, head, rows)
    return person


def _parts_of(
    person: _Person, names: list[composite.Name], addresses: list[composite.Address], head: _Head, rows: Rows
) -> None:
    who = person.source_person_id
    for one in person.identifiers:
        if one.value:
            rows.put(
                "identifiers", head.number, head.sent, head.hash, who, head.next("identifiers"), one.type or None,
                one.authority or None, one.value, one.status, one.value == NULL, one.field,
            )
    for name in names:
        rows.put("names", head.number, head.sent, head.hash, who, head.next("names"), *name)
    for address in addresses:
        rows.put("addresses", head.number, head.sent, head.hash, who, head.next("addresses"), *address)


def _yes(value: str, marks: Separators) -> str | None:
    """A yes or no; a sender's "unknown" is no answer."""
    text = plain(value, marks)
    return None if text is None or text.upper() in ("U", "UNK", "UNKNOWN") else text


def _deleted(pid: list[str], marks: Separators) -> str | None:
    """Columns that the sender sets to empty, which is not the same as not mentioning them."""
    if NULL not in marks.field.join(pid):
        return None
    found = [
        name
        for name, number in (
            ("birth_date", 7), ("sex", 8), ("telephone", 13), ("preferred_language", 15), ("ethnicity_code", 22),
            ("multiple_birth", 24), ("birth_order", 25), ("death_at", 29), ("is_deceased", 30),
        )
        if is_null(component(at(pid, number).split(marks.repetition, 1)[0], 1, marks))
    ]
    for number, columns in _DELETABLE_PARTS.items():
        value = at(pid, number).split(marks.repetition, 1)[0]
        if is_null(value):
            found.extend(name for name in columns if name)
        else:
            found.extend(
                name for place, name in enumerate(columns, 1) if name and is_null(component(value, place, marks))
            )
    return ",".join(dict.fromkeys(found)) or None


def _doctor(others: list[list[str]], marks: Separators) -> tuple[str | None, str | None]:
    """Codes of the GP and of the practice, from PD1-4 and PD1-3."""
    for fields in others:
        if fields[0] == "PD1":
            return _doctor_of(at(fields, 3), at(fields, 4), marks)
    return None, None


@lru_cache(maxsize=4096)
def _doctor_of(practices: str, doctors: str, marks: Separators) -> tuple[str | None, str | None]:
    """Welsh PIMS packs both codes into PD1-4. Remembered, because a region has few practices."""
    practice = None
    for part in repeats(practices, marks):
        name, number = (plain(component(part, place, marks), marks) for place in (1, 3))
        practice = plain(component(part, 10, marks), marks) or number
        if practice is None and name and _PRACTICE.fullmatch(name):
            practice = name
        if practice:
            break
    doctor = None
    for part in repeats(doctors, marks):
        text = plain(component(part, 1, marks), marks)
        if text and _PRACTICE.fullmatch(text):
            practice = practice or text
        elif text and (doctor is None or (_DOCTOR.fullmatch(text) and not _DOCTOR.fullmatch(doctor))):
            doctor = text
    return doctor, practice.upper() if practice and _PRACTICE.fullmatch(practice) else practice


def _merges(others: list[list[str]], person: _Person | None, head: _Head, rows: Rows) -> None:
    for mrg in others:
        if mrg[0] != "MRG":
            continue
        if head.trigger not in PERSON_MERGES:
            if head.trigger in OTHER_MERGES:
                rows.findings.append(Finding("hl7-merge-not-of-persons", "merges", head.number, "MRG"))
            continue
        retired = _retired(mrg, person, head) if person else []
        if not person or not retired:
            rows.findings.append(Finding("hl7-merge-incomplete", "merges", head.number, "MRG-1"))
            continue
        for number in retired:
            rows.put(
                "merges", head.number, head.sent, head.hash, head.next("merges"), head.trigger,
                person.source_person_id, number, head.merged_at,
            )


def _retired(mrg: list[str], person: _Person, head: _Head) -> list[str]:
    """Keys of the record that is no more: its local numbers, else its NHS number.

    A bare number (Welsh PIMS sends `MRG|1234`) is of the same issuer as the survivor's.
    """
    marks = head.marks
    found = [
        one
        for number in (1, 4)
        for part in repeats(at(mrg, number), marks)
        if (one := composite.identifier(part, marks, f"MRG-{number}")) and one.value and one.value != NULL
    ]
    local = [one for one in found if not one.is_nhs and one.rank < 2] or [one for one in found if one.is_nhs]
    kept = {f"{one.namespace(head.sender)}|{one.value}" for one in person.identifiers}
    keys = [f"{_namespace_of(one, person, head)}|{one.value}" for one in local]
    return [key for key in dict.fromkeys(keys) if key not in kept]


def _namespace_of(one: Identifier, person: _Person, head: _Head) -> str:
    if one.authority or one.is_nhs or one.type:
        if one.authority or one.is_nhs:
            return one.namespace(head.sender)
        same = next((own for own in person.identifiers if own.type == one.type and not own.is_nhs), None)
        return (same or one).namespace(head.sender)
    return one.namespace(head.sender) if person.namespace == "NHS" else person.namespace


def _attendance(others: list[list[str]], person: _Person, head: _Head, rows: Rows) -> None:
    """The first PV1 of a patient in an event about a visit."""
    marks = head.marks
    pv1 = next((fields for fields in others if fields[0] == "PV1"), None)
    if pv1 is None or head.kind != "ADT" or head.trigger in _NOT_A_VISIT:
        return
    patient_class = plain(component(at(pv1, 2), 1, marks), marks)
    key = ("attendance", person.source_person_id)
    if patient_class in ("N", "NA") or head.counts.get(str(key)):
        return
    head.counts[str(key)] = 1
    attended, discharged = stamp(at(pv1, 44), marks), stamp(at(pv1, 45), marks)
    if attended is None and head.trigger in ("A01", "A04"):
        attended = head.event_at
    if discharged is None and head.trigger == "A03":
        discharged = head.occurred_at
    location = " ".join(filter(None, (plain(part, marks) for part in at(pv1, 3).split(marks.component)[:3])))
    rows.put(
        "attendances", head.number, head.sent, head.hash, person.source_person_id, head.trigger or "", patient_class,
        patient_class is not None and patient_class.upper() in ("E", "ED", "EMER", "EMERGENCY"),
        plain(component(at(pv1, 4), 1, marks), marks), plain(component(at(pv1, 19), 1, marks), marks),
        location or None, attended, discharged,
        plain(component(at(pv1, 36), 1, marks), marks), _reason(others, marks), head.event_at,
    )


def _reason(others: list[list[str]], marks: Separators) -> str | None:
    """Why the patient came: PV2-3, else the first diagnosis."""
    for name, number in (("PV2", 3), ("DG1", 3), ("DG1", 4)):
        for fields in others:
            if fields[0] == name and (text := composite.code(at(fields, number), marks)[0]):
                return text
    return None


def _related(others: list[list[str]], person: _Person, head: _Head, rows: Rows) -> None:
    marks = head.marks
    for fields in others:
        if fields[0] != "NK1":
            continue
        name = composite.main_name(composite.names(at(fields, 2), marks))
        address = composite.main_address(composite.addresses(at(fields, 4), marks))
        relationship = composite.code(at(fields, 3), marks)[0]
        if name or relationship:
            rows.put(
                "related_persons", head.number, head.sent, head.hash, person.source_person_id,
                head.next("related_persons"), name.forename if name else None, name.surname if name else None,
                relationship, address.address_line if address else None, address.postcode if address else None,
                composite.telephone(at(fields, 5), marks) or composite.telephone(at(fields, 6), marks),
            )


def _appointment(message: Message, person: _Person | None, head: _Head, rows: Rows) -> None:
    """The appointment of a scheduling message. The patient who was not brought is S26, or a status that says so."""
    marks = head.marks
    if head.kind != "SIU" or not head.trigger or not _APPOINTMENTS.fullmatch(head.trigger):
        return
    if person is None:
        rows.findings.append(Finding("hl7-appointment-no-patient", "appointments", head.number, "PID"))
        return
    sch, service = message.first("SCH"), message.first("AIS")
    status = composite.code(at(sch, 25), marks)[0]
    if status is None:
        services = (composite.code(at(fields, 10), marks)[0] for fields in message.segments if fields[0] == "AIS")
        status = next((text for text in services if text), None)
    missed = head.trigger == "S26" or (status is not None and _squeezed(status) in _DID_NOT_ATTEND)
    starts = (
        stamp(component(at(sch, 11).split(marks.repetition, 1)[0], 4, marks), marks),
        *(stamp(at(message.first(name), number), marks) for name, number in _START_TIMES),
    )
    rows.put(
        "appointments", head.number, head.sent, head.hash, person.source_person_id, head.trigger,
        plain(component(at(sch, 2), 1, marks), marks) or plain(component(at(sch, 1), 1, marks), marks),
        status, missed, next((text for text in starts if text), None),
        composite.code(at(sch, 6), marks)[0] or composite.code(at(sch, 7), marks)[0],
        composite.code(at(service, 3), marks)[0],
    )


def _squeezed(text: str) -> str:
    return "".join(character for character in text.upper() if character.isalnum())
