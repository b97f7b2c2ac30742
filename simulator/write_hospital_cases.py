"""Writes the awkward hospital cases: one more delivery of PIMS (HL7 v2), one of child health (FHIR), of known patients.

Put here: returns, cancelled arrivals, merged numbers, the same event from two feeds, missed appointments in a row, what
was done about them, questionnaires. Keep out: who attends by chance (`lives_wider`).
The first deliveries do not change by it: it draws from streams of its own.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from simulator.clock import scalar_stream, to_date
from simulator.deliveries import Inbox, Weeks
from simulator.diary import Diary
from simulator.truth import Truth
from simulator.write_adt import (
    AGENCY,
    FEED,
    REASONS,
    Patients,
    PimsMessages,
    batch,
    hospital_patients,
    pims_pid,
    pv1,
    sch,
    stamp,
)
from simulator.write_fhir import CODES, SNOMED, ChildHealth

FIRST, PLANNED, UNPLANNED = "1", "2", "3"  # PV1-4: kinds of attendance as PIMS codes them
CATEGORIES = {FIRST: "first_attendance", PLANNED: "planned_return", UNPLANNED: "unplanned_return"}
SNOMED_REASONS = {
    "Fall": "161898004",
    "Fever": "386661006",
    "Breathing difficulty": "267036007",
    "Head injury": "82271004",
    "Abdominal pain": "21522001",
    "Burn or scald": "125666000",
    "Self harm": "248062006",
    "Rash": "271807003",
}
SDQ = "https://example.wales/fhir/Questionnaire/strengths-and-difficulties"
PLANNED_SHARE, COPIED_SHARE = 0.12, 0.2
LAG = 2  # days before the as-of day on which these deliveries close
_LONDON = ZoneInfo("Europe/London")


def instant(day: int, minute: int) -> str:
    """Return a London time as FHIR writes an instant in UTC."""
    here = datetime.combine(to_date(day), datetime.min.time(), _LONDON) + timedelta(minutes=minute)
    return f"{here.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class HospitalCases:
    """Collects the cases of both systems and what is true of them."""

    def __init__(self, diary: Diary, patients: Patients, known: dict[int, str], first_cut: int, seed: int) -> None:
        """Start with no case; `known` are the patients of child health."""
        self.diary, self.pop, self.patients, self.known, self.first_cut = diary, diary.pop, patients, known, first_cut
        self.draw = scalar_stream(seed, "hospital cases")
        self.pims = PimsMessages(diary, patients, first_cut, seed)
        self.pims.draw = self.draw
        self.last = self.pop.as_of - LAG
        self.lines: dict[str, list[str]] = defaultdict(list)
        self.busy = {(row[0], row[2]) for row in diary.rows["true_attendances"]}
        self.numbers = 0

    def _number(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}{900000 + self.numbers}"

    def _since(self, child: int) -> int:
        pop = self.pop
        return int((pop.sealed_on if pop.is_second[child] else pop.birth_day)[child])

    def _free(self, child: int, low: int, high: int) -> int | None:
        """Return a day on which the child is nowhere else, so that the count of attendances is beyond doubt."""
        low = max(low, self._since(child) + 1)
        for _ in range(20):
            if low > min(high, self.last - 2):
                return None
            day = self.draw.randint(low, min(high, self.last - 2))
            if (child, day) not in self.busy:
                self.busy.add((child, day))
                return day
        return None

    # Emergency attendances

    def attend(
        self, child: int, day: int, category: str, *, left: bool = False, retired: int | None = None,
        comes_home: int | None = None, cancelled: bool = False,
    ) -> None:
        """Write an attendance; `retired` and `comes_home` are the patient numbers of its arrival and its end."""
        usual = self.patients.of_child[child]
        arriving = usual if retired is None else retired
        leaving = arriving if comes_home is None else comes_home
        visit, minute = self._number("E"), self.draw.randint(10, 1000)
        reason = self.draw.choice(REASONS)
        arrived, gone = stamp(day, minute), stamp(day, minute + 180)
        text = f"PV2|||^{reason}"
        arrival = pv1("E", "ED^^^UHW", visit, arrived, "", category=category)
        self.pims.send(day, minute, "ADT^A04^ADT_A01", [*pims_pid(self.pop, self.patients, arriving), arrival, text])
        person = pims_pid(self.pop, self.patients, leaving)
        if cancelled:
            self.pims.send(day, minute + 30, "ADT^A11^ADT_A09", [*person, arrival])
            return
        departure = pv1("E", "ED^^^UHW", visit, arrived, gone, "08" if left else "01")
        self.pims.send(day, minute + 180, "ADT^A03^ADT_A03", [*person, departure])
        outcome = "left_before_seen" if left else "discharged"
        self.diary.add("true_attendances", child, visit, day, minute, CATEGORIES[category], outcome, reason, "adt")

    def returns(self) -> None:
        """Plan some patients to come again in the fortnight after, and let some come again unplanned."""
        for child, _, day, *_ in list(self.diary.rows["true_attendances"]):
            if self.draw.random() < PLANNED_SHARE and (back := self._free(child, day + 3, day + 14)):
                self.attend(child, back, self.draw.choice((PLANNED, PLANNED, UNPLANNED)))

    def frequent(self) -> None:
        """Let a few children come four times in five months, and a few babies twice in three weeks."""
        pop, ages = self.pop, self.pop.ages(self.pop.as_of)
        children = [child for child in self.patients.of_child if self._since(child) < pop.as_of - 200]
        for child in self.draw.sample(children, min(6, len(children))):
            for number in range(4):
                if day := self._free(child, pop.as_of - 150 + 35 * number, pop.as_of - 120 + 35 * number):
                    self.attend(child, day, UNPLANNED if number else FIRST, left=number == 2)
        babies = [child for child in children if ages[child] < 1]
        babies += [child for child in self.patients.of_child if 40 < pop.as_of - self._since(child) <= 200]
        for child in babies[:5]:
            start = pop.as_of - 30
            for low, high in ((start, start + 6), (start + 8, start + 24)):
                if day := self._free(child, low, high):
                    self.attend(child, day, FIRST)

    def merged(self) -> None:
        """Let both numbers of a merged patient attend; one visit begins under the retired and ends under the other."""
        for at, child in enumerate(self.patients.seen.child.tolist()):
            if not self.patients.retired[at]:
                continue
            if day := self._free(child, self.first_cut - 250, self.first_cut - 2):
                self.attend(child, day, FIRST, retired=at)
            if day := self._free(child, self.first_cut - 250, self.first_cut - 2):
                self.attend(child, day, FIRST, retired=at, comes_home=self.patients.of_child[child])

    def cancelled(self) -> None:
        """Book in some children who were not there, and take it back."""
        for child in self.draw.sample(sorted(self.patients.of_child), 5):
            if day := self._free(child, self.pop.as_of - 100, self.last - 2):
                self.attend(child, day, FIRST, cancelled=True)

    def other_feed(self) -> None:
        """Let child health tell of some of the same attendances, and of some in another hospital."""
        rows, on_day = self.diary.rows["true_attendances"], defaultdict(int)
        for row in rows:
            on_day[(row[0], row[2])] += 1
        for at, row in enumerate(list(rows)):
            child, visit, day, minute, category, outcome, reason, _ = row
            once = on_day[(child, day)] == 1 and day < self.last - 2 and minute < 1430
            if not once or child not in self.known or self.draw.random() >= COPIED_SHARE:
                continue
            told = category or ("first_attendance" if self.draw.random() < 0.5 else None)
            code = {"first_attendance": "ED-FIRST", "planned_return": "ED-PLANNED", None: None}.get(told, "ED-RETURN")
            self._encounter(child, day, minute + self.draw.randint(0, 9), code, reason)
            rows[at] = (child, visit, day, minute, told, outcome, reason, "adt,fhir")
        for child in self.draw.sample(sorted(self.known), 14):
            if day := self._free(child, self.pop.as_of - 200, self.last - 2):
                minute, reason = self.draw.randint(10, 1300), self.draw.choice(REASONS)
                planned = self.draw.random() < 0.3
                visit = self._encounter(child, day, minute, "ED-PLANNED" if planned else "ED-FIRST", reason)
                category = "planned_return" if planned else "first_attendance"
                self.diary.add("true_attendances", child, visit, day, minute, category, None, reason, "fhir")

    def _encounter(self, child: int, day: int, minute: int, code: str | None, reason: str) -> str:
        number = self._number("emr-")
        kind = f'"type":[{{"coding":[{{"system":"{CODES}","code":"{code}"}}]}}],' if code else ""
        self.lines["Encounter"].append(
            f'{{"resourceType":"Encounter","id":"{number}",{self._meta()},"status":"finished","class":{{"system":'
            f'"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"EMER"}},{kind}"subject":{self._subject(child)},'
            f'"reasonCode":[{{"coding":[{{"system":"{SNOMED}","code":"{SNOMED_REASONS[reason]}"}}]}}],'
            f'"period":{{"start":"{instant(day, minute)}"}}}}'
        )
        return number

    def _meta(self) -> str:
        return f'"meta":{{"versionId":"1","lastUpdated":"{to_date(self.last).isoformat()}T21:00:00Z"}}'

    def _subject(self, child: int) -> str:
        return f'{{"reference":"Patient/{self.known[child]}"}}'

    # Appointments

    def _message(self, child: int, trigger: str, sent: int, slot: tuple[str, int, str], state: str) -> None:
        appointment, day, service = slot
        person = pims_pid(self.pop, self.patients, self.patients.of_child[child])
        start, end = stamp(day, 600), stamp(day, 630)
        head = sch(appointment, "DNA^Did not attend" if state == "Noshow" else "", f"^^^{start}^{end}", state)
        self.pims.send(
            sent, 660, f"SIU^{trigger}^SIU_S12", [head, *person, "RGS|1", f"AIS|1||{service}|{start}"]
        )

    def appointment(self, child: int, day: int, outcome: str, service: str = "Paediatrics", number: str = "") -> str:
        """Write an appointment from booking to outcome."""
        appointment = number or self._number("WB")
        slot = (appointment, day, service)
        if not number:
            self._message(child, "S12", day - 25, slot, "Booked")
        if outcome == "missed":
            self._message(child, "S26", day, slot, "Noshow")
        elif outcome == "attended":
            self._message(child, "S14", day, slot, "Complete")
        elif outcome == "cancelled":
            self._message(child, "S15", day - 3, slot, "Cancelled")
        self.diary.add("true_appointments", child, appointment, day, 600, service, outcome, "adt")
        return appointment

    def appointments(self) -> None:
        """Write runs of appointments: missed in a row, broken by one that was kept, moved, cancelled, corrected."""
        pop = self.pop
        had = {row[0] for row in self.diary.rows["true_appointments"]}
        both = [
            child for child in sorted(self.patients.of_child)
            if child in self.known and child not in had and self._since(child) < pop.as_of - 420
        ]  # fmt: skip
        care = {row[0] for row in self.diary.rows["true_care"] if row[2] is None}
        both = sorted(both, key=lambda child: child not in care)[:4] + self.draw.sample(both, min(40, len(both)))
        children = iter(dict.fromkeys(both))
        start = pop.as_of - 150
        for missed in (3, 2, 3):
            child = next(children)
            days = [start + 20 * number for number in range(missed)]
            for day in days:
                self.appointment(child, day, "missed")
            self._action(child, "WNBREVIEW", days[0] + 2)
            if missed == 3:
                self._action(child, "WNBDISC", days[1] + 12)
        for outcome in ("attended", "unknown", "cancelled"):
            child = next(children)
            self.appointment(child, start, "missed", "Audiology")
            self.appointment(child, start + 20, outcome, "Audiology")
            self.appointment(child, start + 40, "missed", "Audiology")
        # Missed more than a year ago, and now: in a row, but one in the window
        child = next(children)
        self.appointment(child, pop.as_of - 390, "missed")
        self.appointment(child, pop.as_of - 10, "missed")
        # Missed and given another day under the same number, missed again; moved in time, and missed only then
        child = next(children)
        number = self.appointment(child, start, "missed")
        self._message(child, "S13", start + 1, (number, start + 30, "Paediatrics"), "Booked")
        self.appointment(child, start + 30, "missed", number=number)
        child = next(children)
        number = self._number("WB")
        self._message(child, "S12", start - 20, (number, start, "Paediatrics"), "Booked")
        self.diary.add("true_appointments", child, number, start, 600, "Paediatrics", "moved", "adt")
        self._message(child, "S13", start - 5, (number, start + 15, "Paediatrics"), "Booked")
        self.appointment(child, start + 15, "missed", number=number)
        # Written down as missed by mistake: the child was there
        child = next(children)
        number = self._number("WB")
        slot = (number, start, "Ophthalmology")
        self._message(child, "S26", start, slot, "Noshow")
        self._message(child, "S14", start + 1, slot, "Complete")
        self.diary.add("true_appointments", child, number, start, 600, "Ophthalmology", "attended", "adt")
        # The same appointment from both feeds; and one kept in child health between two that were missed
        child = next(children)
        for day in (start, start + 28):
            self.appointment(child, day, "missed", "Audiology")
            self._visit(child, day, "noshow", "AUDIOLOGY")
            child_row = self.diary.rows["true_appointments"].pop()
            self.diary.rows["true_appointments"].append((*child_row[:-1], "adt,fhir"))
        child = next(children)
        self.appointment(child, start, "missed")
        number = self._visit(child, start + 9, "fulfilled", "SLT")
        self.diary.add("true_appointments", child, number, start + 9, 600, "SLT", "attended", "fhir")
        self.appointment(child, start + 30, "missed")
        self._camhs(care)

    def _camhs(self, care: set[int]) -> None:
        """Let some looked-after children wait for CAMHS, in either feed; one was seen and waits no more."""
        here = [child for child in sorted(care) if child in self.known]
        had = {row[0] for row in self.diary.rows["true_appointments"]}
        waiting = [child for child in here if child not in had]
        for number, child in enumerate(waiting[:8]):
            day = self.pop.as_of + 5 + 9 * number
            if child in self.patients.of_child:
                appointment = self._number("WB")
                self._message(child, "S12", self.pop.as_of - 60 - number, (appointment, day, "CAMHS"), "Booked")
                self.diary.add("true_appointments", child, appointment, day, 600, "CAMHS", "booked", "adt")
            else:
                past = number % 4 == 3
                when = self.pop.as_of - 30 if past else day
                appointment = self._visit(child, when, "fulfilled" if past else "booked", "CAMHS")
                outcome = "attended" if past else "booked"
                self.diary.add("true_appointments", child, appointment, when, 600, "CAMHS", outcome, "fhir")

    def _visit(self, child: int, day: int, status: str, service: str) -> str:
        number = self._number("wba-")
        self.lines["Appointment"].append(
            f'{{"resourceType":"Appointment","id":"{number}",{self._meta()},"status":"{status}",'
            f'"serviceType":[{{"coding":[{{"system":"{CODES}","code":"{service}"}}]}}],'
            f'"start":"{instant(day, 600)}","end":"{instant(day, 630)}",'
            f'"participant":[{{"actor":{self._subject(child)},"status":"accepted"}}]}}'
        )
        return number

    def _action(self, child: int, kind: str, day: int) -> None:
        """Write down that the record was reviewed, or that it was discussed, after a missed appointment."""
        self.lines["Procedure"].append(
            f'{{"resourceType":"Procedure","id":"{self._number("wbp-")}",{self._meta()},"status":"completed",'
            f'"code":{{"coding":[{{"system":"{CODES}","code":"{kind}"}}]}},"subject":{self._subject(child)},'
            f'"performedDateTime":"{to_date(day).isoformat()}"}}'
        )
        self.diary.add("true_actions", child, kind, day)

    def health_contacts(self) -> None:
        """Remember what child health tells of assessments: kept ones end a run of missed appointments."""
        for number, (child, code, status, day) in enumerate(self.diary.rows["health_contacts"]):
            if child not in self.known or code == "DENTAL" or status == "declined":
                continue
            missed = status == "missed"
            name, outcome = (f"apt-{number}", "missed") if missed else (f"enc-{number}", "attended")
            self.diary.add("true_appointments", child, name, int(day), 600, code, outcome, "fhir")

    # Questionnaires

    def questionnaires(self) -> None:
        """Let some looked-after children of school age have answered the strengths and difficulties questionnaire."""
        ages = self.pop.ages(self.pop.as_of)
        care = sorted({row[0] for row in self.diary.rows["true_care"] if row[2] is None})
        for number, child in enumerate(child for child in care if ages[child] > 5 and child in self.known):
            if number % 3 == 2:
                continue
            day = self.last - self.draw.randint(5, 340)
            self.lines["QuestionnaireResponse"].append(
                f'{{"resourceType":"QuestionnaireResponse","id":"{self._number("sdq-")}",{self._meta()},'
                f'"questionnaire":"{SDQ}","status":"completed","subject":{self._subject(child)},'
                f'"authored":"{instant(day, 600)}"}}'
            )
            self.diary.add("true_questionnaires", child, day)


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write one delta of either system, and what is true of attendances and appointments in all deliveries."""
    pop, first = diary.pop, weeks.cuts[0]
    patients = hospital_patients(diary, first, seed, Truth(pop))
    child_health = ChildHealth(diary, seed, Truth(pop))
    known = {child: str(number) for child, number in enumerate(child_health.of_child.tolist()) if number is not None}
    cases = HospitalCases(diary, patients, known, first, seed)
    for write_cases in (
        cases.returns, cases.frequent, cases.merged, cases.cancelled, cases.other_feed, cases.appointments,
        cases.health_contacts, cases.questionnaires,
    ):  # fmt: skip
        write_cases()
    messages = sorted(cases.pims.messages, key=lambda message: message[:2])
    data = batch("PIMS-U", cases.last, 1, messages, 1)
    inbox.deliver(AGENCY, FEED, "pims", "unscheduled", cases.last, "delta", data, suffix=".hl7")
    files = {f"{kind}.000.ndjson": ("\n".join(lines) + "\n").encode() for kind, lines in cases.lines.items()}
    inbox.deliver(AGENCY, "fhir", "cch", "unscheduled", cases.last, "delta", files)
    for table, name in (
        ("true_attendances", "emergency_attendances"),
        ("true_appointments", "appointments"),
        ("true_actions", "was_not_brought_actions"),
        ("true_questionnaires", "questionnaires"),
    ):
        frame: pl.DataFrame = diary.frame(table)
        truth.keep(name, frame.rename({"day": "day_date"}))
