"""Writes HL7 v2 batch files: Paris (v2.5 A28, A31, A40) and PIMS (v2.3.1 A01, A03, A04, A08, A40, SIU S12, S26).

Put here: Welsh message shapes, batch envelopes and their faults. Keep out: who attends (`lives_wider`).
The namespace of an identifier is its assigning authority in PID-3.4: 169 Paris, 140 Cardiff and Vale (PIMS).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.clock import scalar_stream, stream, to_date
from simulator.deliveries import Inbox, Weeks, without_tail
from simulator.diary import Diary, Row
from simulator.names import ETHNIC_CODES
from simulator.noise import Observed, observe
from simulator.population import Population
from simulator.truth import Truth

AGENCY, FEED = "health", "adt"
PARIS, PIMS = "169", "140"
_FIRST_LETTER = {PARIS: "2", PIMS: "N"}
REASONS = (
    "Fall",
    "Fever",
    "Breathing difficulty",
    "Head injury",
    "Abdominal pain",
    "Burn or scald",
    "Self harm",
    "Rash",
)
SERVICES = ("Paediatrics", "Audiology", "Speech and language", "Ophthalmology", "CAMHS")
UPDATED = 0.05
BARE_MERGE = 0.3  # PIMS often sends the retired number without its authority
Message = tuple[int, int, list[str]]  # day, minute, segments after MSH written with a place for the control id


@dataclass
class Patients:
    """The records of one hospital system."""

    namespace: str
    ids: np.ndarray
    seen: Observed
    retired: np.ndarray
    of_child: dict[int, int]


def stamp(day: int, minute: int = 0) -> str:
    """Return a time as HL7 writes it."""
    return f"{to_date(day):%Y%m%d}{minute // 60:02d}{minute % 60:02d}00"


def _enrol(
    pop: Population,
    children: np.ndarray,
    namespace: str,
    first_cut: int,
    seed: int,
    truth: Truth,
    scale: float,
    nhs: float,
) -> Patients:
    """Number the patients of a system; some are there twice until they are merged."""
    rng, draw = stream(seed, "adt" + namespace), scalar_stream(seed, "adt" + namespace)
    since = np.where(pop.is_second, pop.sealed_on, pop.birth_day)[children]
    elder = rng.permutation(children[since < first_cut - 5])
    doubles = elder[: max(3, len(children) // 90)]
    child = np.concatenate([children, doubles])
    retired = np.arange(len(child)) >= len(children)
    numbers = 1_000_000 + rng.permutation(max(3_000_000, len(child)))[: len(child)]
    ids = np.array([f"{_FIRST_LETTER[namespace]}{number}" for number in numbers], dtype=object)
    seen = observe(pop, child, rng, draw, scale=scale, nhs_share=nhs, upn_share=0.0, stale=0.05)
    seen.nhs[retired] = None
    truth.record(
        AGENCY,
        FEED,
        "Paris" if namespace == PARIS else "PIMS",
        np.array([f"{namespace}|{value}" for value in ids], dtype=object),
        child,
        retired=retired,
    )
    return Patients(namespace, ids, seen, retired, {int(c): at for at, c in enumerate(children)})


def paris_pid(pop: Population, patients: Patients, at: int, *, history: bool) -> list[str]:
    """Return PID, PD1 and NK1 as Paris sends them."""
    seen, child, homes = patients.seen, int(patients.seen.child[at]), pop.addresses
    nhs = f"{seen.nhs[at]}^^^NHS^NH~" if seen.nhs[at] else ""
    middle = seen.middle[at] or ""
    name = f"{seen.surname[at]}^{seen.forename[at]}^{middle}^^^^L"
    if history and pop.former_surname[child]:
        name += f"~{pop.former_surname[child]}^{seen.forename[at]}^^^^^M"
    here, there = seen.address[at], pop.old_address[child]
    address = f"{homes['line'][here]}^^{homes['town'][here]}^^{homes['postcode'][here]}^^H"
    if history and pop.moved[child] > 0 and here != there:
        address += f"~{homes['line'][there]}^^{homes['town'][there]}^^{homes['postcode'][there]}^^P"
    ethnic = ETHNIC_CODES[pop.ethnic[child]]["wales_fhir"]
    twin = "Y" if pop.twin_group[child] >= 0 else ""
    language = "CYM" if pop.language[child] == "cy" else ""
    birth = f"{to_date(seen.birth_day[at]):%Y%m%d}"
    mother = f"{pop.mother_surname[child]}^{pop.mother_forename[child]}"
    numbers = f"{nhs}{patients.ids[at]}^^^{patients.namespace}^PI"
    return [
        f"PID|1||{numbers}||{name}||{birth}|{seen.sex[at]}|||{address}||||{language}|||||||{ethnic}||{twin}",
        f"PD1|||Meddygfa^^W97{int(pop.practice[child]):03d}|G{9000000 + int(pop.practice[child])}",
        f"NK1|1|{mother}|MTH",
    ]


def pims_pid(pop: Population, patients: Patients, at: int, changed: str = "") -> list[str]:
    """Return PID and PD1 as PIMS sends them: status in CX-2, birth date with a trailing +^D, explicit nulls."""
    seen, child, homes = patients.seen, int(patients.seen.child[at]), pop.addresses
    nhs = f"{seen.nhs[at]}^01^^^NI~" if seen.nhs[at] else "^03^^^NI~"
    middle = seen.middle[at] or '""'
    title = {"M": "MSTR", "F": "MISS"}.get(seen.sex[at], "")
    here = seen.address[at]
    birth = f"{to_date(seen.birth_day[at]):%Y%m%d}"
    practice = int(pop.practice[child])
    numbers = f"{nhs}{patients.ids[at]}^^^{patients.namespace}^PI"
    name = f"{seen.surname[at]}^{seen.forename[at]}^{middle}^^{title}"
    address = f'{homes["line"][here]}^{homes["town"][here]}^^""^{homes["postcode"][here]}'
    return [
        f"PID|||{numbers}||{name}||{birth}+^D|{seen.sex[at]}|||{address}||^PRN^PH" + "|" * 16 + f"^D||||{changed}",
        f"PD1||||G{9000000 + practice}~W97{practice:03d}",
    ]


def paris_messages(diary: Diary, patients: Patients, first_cut: int, seed: int) -> list[Message]:
    """Return registrations (A28), updates (A31) and merges (A40) of Paris."""
    pop, draw = diary.pop, scalar_stream(seed, "paris")
    out: list[Message] = []
    for at, child in enumerate(patients.seen.child.tolist()):
        born = int(pop.sealed_on[child]) if pop.is_second[child] else int(pop.birth_day[child])
        opened = min(pop.as_of, max(born + draw.randint(1, 12), first_cut - draw.randint(0, 900)))
        minute = draw.randint(480, 1080)
        if patients.retired[at]:
            opened = min(opened, first_cut)
        out.append(
            (
                opened,
                minute,
                [
                    _head("169", "169", "ADT^A28^ADT_A05", opened, minute, "2.5"),
                    f"EVN||{stamp(opened, minute)}",
                    *paris_pid(pop, patients, at, history=False),
                    "PV1|1|N",
                ],
            )
        )
        if patients.retired[at]:
            day = draw.randint(first_cut + 1, pop.as_of)
            survivor = patients.of_child[child]
            minute += 5
            out.append(
                (
                    day,
                    minute,
                    [
                        _head("169", "169", "ADT^A40^ADT_A39", day, minute, "2.5"),
                        f"EVN||{stamp(day, minute)}",
                        *paris_pid(pop, patients, survivor, history=True)[:2],
                        f"MRG|{patients.ids[at]}^^^{patients.namespace}^PI",
                    ],
                )
            )
        elif draw.random() < 0.25:
            day = draw.randint(max(opened, first_cut - 40), pop.as_of)
            out.append(
                (
                    day,
                    minute + 2,
                    [
                        _head("169", "169", "ADT^A31^ADT_A05", day, minute + 2, "2.5"),
                        f"EVN||{stamp(day, minute + 2)}",
                        *paris_pid(pop, patients, at, history=True),
                        "PV1|1|N",
                    ],
                )
            )
    return out


class PimsMessages:
    """Collects the messages of PIMS."""

    def __init__(self, diary: Diary, patients: Patients, first_cut: int, seed: int) -> None:
        """Start with no message."""
        self.diary, self.pop, self.patients, self.first_cut = diary, diary.pop, patients, first_cut
        self.draw = scalar_stream(seed, "pims")
        self.messages: list[Message] = []

    def all(self) -> list[Message]:
        """Return attendances, stays, appointments, updates and merges."""
        for number, row in enumerate(self.diary.rows["attendances"]):
            self._attendance(number, row)
        for number, row in enumerate(self.diary.rows["bookings"]):
            self._booking(number, row)
        for at in np.flatnonzero(self.patients.retired).tolist():
            self._merge(at)
        for at in np.flatnonzero(~self.patients.retired).tolist():
            if self.draw.random() < UPDATED:
                self._update(at)
        return self.messages

    def send(self, day: int, minute: int, kind: str, body: list[str]) -> None:
        """Write a message of a day and minute."""
        sent = min(minute + self.draw.randint(0, 9), 1439)
        head = _head("PIMS", "BroMor HL7Sender", kind, day, sent, "2.3.1")
        at = f"{stamp(day, minute)}+0000"
        trigger = [] if kind.startswith("SIU") else [f"EVN||{at}||||{at}"]
        self.messages.append((day, sent, [head, *trigger, *body]))

    def _attendance(self, number: int, row: Row) -> None:
        child, day, minute, kind, days, reason, left = row
        draw, today = self.draw, self.pop.as_of
        person = pims_pid(self.pop, self.patients, self.patients.of_child[child])
        visit, arrived, place = f"V{700000 + number}", stamp(day, minute), "ED^^^UHW"
        reason_text = f"PV2|||^{REASONS[reason]}"
        wait = draw.randint(50, 380)
        done_day, done_minute = day + (minute + wait) // 1440, (minute + wait) % 1440
        self.send(day, minute, "ADT^A04^ADT_A01", [*person, pv1("E", place, visit, arrived, ""), reason_text])
        outcome = "left_before_seen" if left else "discharged" if kind == "ed" else "admitted"
        told = outcome if done_day <= today else None
        self.diary.add("true_attendances", child, visit, day, minute, None, told, REASONS[reason], "adt")
        if done_day > today:
            return
        code = "08" if left else "01" if kind == "ed" else "02"
        done = stamp(done_day, done_minute)
        self.send(done_day, done_minute, "ADT^A03^ADT_A03", [*person, pv1("E", place, visit, arrived, done, code)])
        if kind == "ward":
            ward = f"Ward {draw.randint(1, 6)}^^^UHW"
            admission = [*person, pv1("I", ward, visit + "W", done, ""), reason_text]
            self.send(done_day, done_minute, "ADT^A01^ADT_A01", admission)
            if done_day + days <= today:
                home = pv1("I", ward, visit + "W", done, stamp(done_day + days, 660), "19")
                self.send(done_day + days, 660, "ADT^A03^ADT_A03", [*person, home])

    def _booking(self, number: int, row: Row) -> None:
        child, day, minute, service, missed = row
        person = pims_pid(self.pop, self.patients, self.patients.of_child[child])
        booked, appointment, start = day - self.draw.randint(7, 40), f"AP{300000 + number}", stamp(day, minute)
        plan, resource = f"^^^{start}^{stamp(day, minute + 30)}", f"AIS|1||{SERVICES[service]}|{start}"
        is_booked = booked > self.pop.birth_day[child]
        if is_booked or missed:
            outcome = "missed" if missed else "unknown"
            self.diary.add("true_appointments", child, appointment, day, minute, SERVICES[service], outcome, "adt")
        if is_booked:
            self.send(
                booked, 600, "SIU^S12^SIU_S12", [sch(appointment, "", plan, "Booked"), *person, "RGS|1", resource]
            )
        if missed:
            head = sch(appointment, "DNA^Did not attend", plan, "Noshow")
            self.send(day, min(minute + 60, 1439), "SIU^S26^SIU_S12", [head, *person, "RGS|1", resource])

    def _merge(self, at: int) -> None:
        draw, child = self.draw, int(self.patients.seen.child[at])
        opened = max(self.first_cut - draw.randint(0, 300), int(self.pop.birth_day[child]) + 1)
        opened = min(opened, self.first_cut)
        self.send(opened, 700, "ADT^A04^ADT_A01", [*self._person(at, opened), "PV1||NA"])
        day = draw.randint(self.first_cut + 1, self.pop.as_of)
        bare = draw.random() < BARE_MERGE
        retired = self.patients.ids[at] + ("" if bare else f"^^^{self.patients.namespace}^PI")
        survivor = self._person(self.patients.of_child[child], day)
        self.send(day, 720, "ADT^A40^ADT_A39", [*survivor, f"MRG|{retired}", "PV1||NA"])

    def _update(self, at: int) -> None:
        born = int(self.pop.birth_day[self.patients.seen.child[at]])
        day = self.draw.randint(max(self.first_cut - 300, born + 1), self.pop.as_of)
        self.send(day, self.draw.randint(480, 1080), "ADT^A08^ADT_A01", [*self._person(at, day), "PV1||NA"])

    def _person(self, at: int, day: int) -> list[str]:
        return pims_pid(self.pop, self.patients, at, stamp(day, 700) + "+0000")


def _head(application: str, facility: str, kind: str, day: int, minute: int, version: str) -> str:
    zone = "+0000" if version == "2.3.1" else ""
    tail = "|||||GBR|UNICODE UTF-8" if version == "2.5" else "||||||UNICODE UTF-8"
    receiver = "100|100" if version == "2.5" else "EMPI|EMPI"
    return f"MSH|^~\\&|{application}|{facility}|{receiver}|{stamp(day, minute)}{zone}||{kind}|{{}}|P|{version}{tail}"


def pv1(kind: str, place: str, visit: str, arrived: str, gone: str, code: str = "", category: str = "") -> str:
    """Return the segment about a visit."""
    fields = [""] * 45
    fields[3] = category
    fields[0], fields[1], fields[2], fields[18], fields[35], fields[43], fields[44] = (
        "1",
        kind,
        place,
        visit,
        code,
        arrived,
        gone,
    )
    return ("PV1|" + "|".join(fields)).rstrip("|")


def sch(appointment: str, reason: str, plan: str, state: str) -> str:
    """Return the segment about an appointment."""
    fields = [""] * 25
    fields[0], fields[1], fields[5], fields[10], fields[24] = appointment, appointment, reason, plan, state
    return "SCH|" + "|".join(fields)


def batch(sender: str, day: int, number: int, messages: list[Message], start: int, *, miscount: int = 0) -> bytes:
    """Put messages into one file with file and batch envelopes."""
    written = stamp(day, 60)
    lines = [
        f"FHS|^~\\&|{sender}|CVUHB|DOLEN|CVUHB|{written}||batch|{number}",
        f"BHS|^~\\&|{sender}|CVUHB|DOLEN|CVUHB|{written}||||{number}",
    ]
    for offset, (_, _, segments) in enumerate(messages):
        lines.append(segments[0].replace("{}", f"{sender}{start + offset:08d}", 1))
        lines.extend(segments[1:])
    lines += [f"BTS|{len(messages) + miscount}", "FTS|1"]
    return ("\r".join(lines) + "\r").encode()


def hospital_patients(diary: Diary, first_cut: int, seed: int, truth: Truth) -> Patients:
    """Number the patients of PIMS: who attended or had an appointment. The same seed gives the same numbers."""
    visitors = {int(row[0]) for table in ("attendances", "bookings") for row in diary.rows[table]}
    return _enrol(diary.pop, np.array(sorted(visitors), dtype=np.int64), PIMS, first_cut, seed, truth, 1.4, 0.93)


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write an initial load and weekly batches of both systems; all are deltas."""
    pop, first = diary.pop, weeks.cuts[0]
    rng = stream(seed, "adt")
    open_to_health = ~pop.is_unborn & ((pop.sealed_on < 0) | pop.is_second)
    served = rng.random(pop.size) < 0.12
    served[[child for child in diary.known_since if rng.random() < 0.8]] = True
    paris = _enrol(pop, np.flatnonzero(served & open_to_health), PARIS, first, seed, truth, 1.0, 0.96)
    pims = hospital_patients(diary, first, seed, truth)
    streams = (
        ("paris", paris_messages(diary, paris, first, seed)),
        ("pims", PimsMessages(diary, pims, first, seed).all()),
    )
    for supplier, messages in streams:
        messages.sort(key=lambda message: message[:2])
        start = 1
        # Paris closes its week a day earlier, so that no two batches of this feed speak for the same date.
        early = supplier == "paris"
        for number, after, cut in [(0, -1, first - early), *((n, a - early, c - early) for n, a, c in weeks.windows())]:
            part = [message for message in messages if after < message[0] <= cut]
            data = batch(supplier.upper(), cut, number + 1, part, start)
            if number and supplier == "paris" and number == weeks.number(3):
                inbox.deliver(
                    AGENCY,
                    FEED,
                    supplier,
                    "adt",
                    cut,
                    "delta",
                    without_tail(data),
                    suffix=".hl7",
                    kind="truncated",
                    expect="superseded",
                )
            if number and supplier == "pims" and number == weeks.number(2):
                wrong = batch(supplier.upper(), cut, number + 1, part, start, miscount=3)
                inbox.deliver(
                    AGENCY, FEED, supplier, "adt", cut, "delta", wrong, suffix=".hl7", kind="batch_count", expect="held"
                )
            inbox.deliver(AGENCY, FEED, supplier, "adt", cut, "delta", data, suffix=".hl7")
            start += len(part)
