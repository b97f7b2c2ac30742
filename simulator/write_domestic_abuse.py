"""Writes the police's log of Operation Encompass as CSV, one row a notice to a school or council officer.

Put here: who is told when, and the notices that go wrong. Keep out: the incidents (`lives_wider`) and the nominals
(`write_ppn`, which runs first).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from simulator.clock import scalar_stream, to_date
from simulator.deliveries import Inbox, Weeks
from simulator.diary import Diary
from simulator.population import Population
from simulator.truth import Truth
from simulator.write_ppn import COLUMNS as PPN
from simulator.write_school_calendar import open_days, school_year

AGENCY, FEED, SUPPLIER, DATASET = "police", "domestic_abuse", "niche", "encompass"
LONDON = ZoneInfo("Europe/London")
COLUMNS = (
    "noticeReference",
    "incidentReference",
    "policePersonId",
    "incidentAt",
    "schoolName",
    "recipientKind",
    "recipientSchoolId",
    "sentAt",
    "receivedAt",
    "undeliverable",
    "exemptReason",
)
LANDED = (
    "notice_reference",
    "incident_reference",
    "police_person_id",
    "incident_at",
    "school_name",
    "recipient_kind",
    "recipient_school_id",
    "sent_at",
    "received_at",
    "is_undeliverable",
    "exempt_reason",
)
SCHOOL_AGE = 4.2 * 365.25


def _local(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), LONDON).astimezone(UTC)


def _school_on(pop: Population, child: int, day: date) -> int:
    """Return the school that the child truly attends on a day, or -1; the one before the present is nobody's record."""
    return int(pop.school[child]) if to_date(int(pop.entry_day[child])) <= day else -1


def _code(pop: Population, school: int) -> str:
    return f"{pop.schools['authority'][school]}{pop.schools['estab'][school]}"


class Log:
    """The log as it grows: notices, with the child behind each."""

    def __init__(self, diary: Diary, seed: int) -> None:
        """Start with nothing."""
        self.pop, self.draw = diary.pop, scalar_stream(seed, "encompass")
        self.end = datetime.combine(to_date(diary.pop.as_of), time(23, 59), UTC)
        self.rows: list[tuple[int, dict[str, Any]]] = []

    def add(self, child: int, incident: str, person: str, happened: datetime, **told: Any) -> None:
        """Log one notice; what has not happened by the end is not there yet."""
        sent, received = told.get("sent"), told.get("received")
        if sent and sent > self.end:
            return
        self.rows.append((child, {
            "noticeReference": f"ENC{len(self.rows) + 1:06d}", "incidentReference": incident, "policePersonId": person,
            "incidentAt": happened, "schoolName": told.get("name"), "recipientKind": told.get("kind", "school"),
            "recipientSchoolId": told.get("school"), "sentAt": sent,
            "receivedAt": received if received and received <= self.end else None,
            "undeliverable": told.get("undeliverable", False), "exemptReason": told.get("exempt"),
        }))  # fmt: skip

    def tell(self, child: int, incident: str, person: str, happened: datetime) -> None:
        """Tell, or fail to tell, the school of a child about an incident that the hub was notified of."""
        draw, pop, day = self.draw, self.pop, happened.date()
        if draw.random() < 0.06:
            return  # forgotten
        school, told = _school_on(pop, child, day), {}
        if school < 0 and pop.birth_day[child] + SCHOOL_AGE > pop.as_of:
            return  # too young for a school
        if school < 0 and draw.random() < 0.4:
            told = {"kind": "council_officer", "school": str(pop.addresses["council"][pop.address[child]])}
        elif school < 0 and draw.random() < 0.5:
            told = {"kind": None}  # the police know no school
        else:
            other = draw.randrange(len(pop.schools["estab"]))
            school = other if school < 0 or draw.random() < 0.05 else school
            told = {"school": _code(pop, school), "name": str(pop.schools["name"][school])}
        fate = draw.random()
        if fate < 0.05:
            self.add(child, incident, person, happened, exempt=draw.choice(("recipient_involved", "risk_of_harm")),
                     **told)  # fmt: skip
            return
        if told.get("kind", "school") is None:
            self.add(child, incident, person, happened, **told)
            return
        sent = happened + timedelta(minutes=draw.choice((50, 190, 420, 600, 840, 1_300, 2_100, 4_400, 9_000)))
        received = sent + timedelta(minutes=draw.choice((4, 45, 300, 1_500))) if draw.random() < 0.7 else None
        lost = fate < 0.12
        self.add(child, incident, person, happened, sent=sent, received=None if lost else received, undeliverable=lost,
                 **told)  # fmt: skip
        if lost and draw.random() < 0.5:
            self.add(child, incident, person, happened, sent=sent + timedelta(hours=26), **told)

    def plant(self, nominals: list[tuple[str, int]]) -> list[dict[str, Any]]:
        """Log the incidents that the mart exists for; police/ppn has none of them, as the hub was not notified."""
        pop, days = self.pop, open_days(self.pop)
        today = to_date(pop.as_of)
        start = today.year - (today.month < 10)  # the newest school year that has begun, with its half term in sight
        spring, winter_half = school_year(start - 1)[2], school_year(start - 1)[3]
        settled = [
            (person, child) for person, child in nominals
            if _school_on(pop, child, today - timedelta(days=365)) >= 0 and pop.birth_day[child] + 16 * 365 > pop.as_of
            and _code(pop, _school_on(pop, child, today)) in days
        ]  # fmt: skip
        cases: list[dict[str, Any]] = []

        def case(name: str, on: date, at: tuple[int, int], sent_on: date, sent: tuple[int, int]) -> None:
            if not settled or not today - timedelta(days=365) <= on <= today:
                return
            incident = f"ENCPLANT{len(cases) + 1:02d}"
            for person, child in two if name.startswith("two") else two[:1]:
                self.add(child, incident, person, _local(on, *at), school=_code(pop, _school_on(pop, child, on)),
                         sent=_local(sent_on, *sent))  # fmt: skip
            cases.append({"case": name, "incident_reference": incident, "child": two[0][1]})

        person, child = settled[0] if settled else ("", -1)
        two = settled[:1] + [each for each in settled if pop.school[each[1]] != pop.school[child]][:1]
        school = days[_code(pop, _school_on(pop, child, today))] if settled else set()

        def following(day: date) -> date:
            return min((each for each in school if each > day), default=today)

        first_week = winter_half[1] - timedelta(days=17)  # a Friday two weeks before half term: Monday is a school day
        clocks = date(today.year, 3, 31) - timedelta(days=(date(today.year, 3, 31).weekday() + 1) % 7)
        friday, inset = first_week, winter_half[1] + timedelta(days=6)
        case("friday night, sent on Monday before school", friday, (22, 40), following(friday), (8, 59))
        case("friday night, sent on Monday after school began", friday, (23, 10), following(friday), (9, 1))
        case("sunday before a training day", inset, (18, 0), following(inset), (8, 30))
        case("first day of half term", winter_half[1], (14, 0), following(winter_half[1]), (8, 45))
        case("christmas holiday", spring[1] - timedelta(days=13), (3, 15), following(spring[1]), (8, 0))
        case("weekend when the clocks change", clocks, (0, 30), following(clocks), (8, 50))
        case("school day before school, sent in the next hour", following(friday), (7, 30), following(friday), (8, 20))
        case("school day after school began", following(friday), (9, 5), following(following(friday)), (8, 0))
        may_day = min(d for d in (date(today.year, 5, n) for n in range(1, 8)) if d.weekday() == 0)
        case("bank holiday weekend", may_day - timedelta(days=2), (21, 0), may_day + timedelta(days=1), (8, 10))
        case("two children at two schools", friday, (20, 0), following(friday), (8, 15))
        case("sent before it happened", friday, (12, 0), friday - timedelta(days=1), (12, 0))
        if settled:
            self.add(child, "ENCPLANT90", person, _local(friday, 19, 0), kind="council_officer",
                     school="681", sent=_local(following(friday), 8, 0))  # fmt: skip
            self.add(-1, "ENCPLANT91", "N-nobody-knows", _local(friday, 19, 0), school=_code(pop, 0),
                     sent=_local(following(friday), 8, 0))  # fmt: skip
        return cases


def _incidents(diary: Diary, child_of: dict[str, int]) -> list[tuple[int, dict[str, Any]]]:
    """Return the children of every notification of domestic abuse."""
    found = []
    for row in diary.rows["notifications"]:
        sent = dict(zip(PPN, row, strict=True))
        if sent["notificationType"] == "domestic_abuse" and sent["isChild"]:
            happened = datetime.fromisoformat(sent["incidentAt"])
            found.append((child_of[sent["policePersonId"]], sent | {"incidentAt": happened}))
    return found


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write a first delta with the history, then weekly ones; the second has rows that must not land."""
    log, child_of = Log(diary, seed), dict(diary.rows["nominals"])
    incidents = _incidents(diary, child_of)
    for child, sent in incidents:
        log.tell(child, sent["notificationReference"], sent["policePersonId"], sent["incidentAt"])
    cases = log.plant(diary.rows["nominals"])
    schema: dict[str, Any] = dict.fromkeys(COLUMNS, pl.String) | {"undeliverable": pl.Boolean}

    def csv(rows: list[dict[str, Any]]) -> bytes:
        text = [
            {name: value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
             for name, value in row.items()}
            for row in rows
        ]  # fmt: skip
        return pl.DataFrame(text, schema=schema, orient="row").write_csv().encode()

    def known_on(row: dict[str, Any]) -> date:
        return max(row["incidentAt"], row["sentAt"] or row["incidentAt"] + timedelta(days=1)).date()

    def deliver(day: int, rows: list[dict[str, Any]]) -> None:
        inbox.deliver(AGENCY, FEED, SUPPLIER, DATASET, day, "delta", csv(rows), suffix=".csv")

    notices = [row for _, row in log.rows]
    deliver(weeks.cuts[0], [row for row in notices if known_on(row) <= to_date(weeks.cuts[0])])
    for number, after, cut in weeks.windows():
        last = cut == weeks.cuts[-1]
        part = [row for row in notices if to_date(after) < known_on(row) and (last or known_on(row) <= to_date(cut))]
        if number == weeks.number(2) and notices:
            # A notice sent again stands beside them: a file of rejected rows alone would stop the run.
            part += [notices[0], notices[0] | {"noticeReference": None},
                     notices[0] | {"noticeReference": "ENCBAD1", "policePersonId": None}]  # fmt: skip
        deliver(cut, part)
    kept = [dict(zip(LANDED, row.values(), strict=True)) | {"child": child} for child, row in log.rows]
    truth.keep("encompass_notices", pl.DataFrame(kept, infer_schema_length=None))
    truth.keep("encompass_planted", pl.DataFrame(cases, schema=["case", "incident_reference", "child"]))
    truth.keep("domestic_abuse_incidents", pl.DataFrame(
        [{"child": child, "incident_reference": sent["notificationReference"], "incident_at": sent["incidentAt"],
          "police_person_id": sent["policePersonId"], "school_name": sent["schoolName"]} for child, sent in incidents],
        infer_schema_length=None,
    ))  # fmt: skip
