"""Writes the training lists of the four agencies' staff: the Electronic Staff Record as XLSX, the others as CSV.

Put here: staff, their roles and courses, and each list's headers. Keep out: children; staff are nobody's relatives.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
import xlsxwriter

from simulator.clock import months_after, scalar_stream, to_date, to_day
from simulator.deliveries import Inbox, Weeks
from simulator.diary import Diary
from simulator.truth import Truth

FEED, DATASET = "training", "training"
_MADE = datetime.fromisoformat("2026-01-01T00:00:00")  # in every workbook, so that the same seed gives the same bytes
COLUMNS = (
    "employee_number", "assignment_number", "organisation", "directorate", "staff_group", "role_title",
    "role_started_date", "role_ended_date", "is_on_leave", "course_name", "completed_date", "expires_date", "is_exempt",
)  # fmt: skip
ESR_HEADERS = (
    "Employee Number", "Assignment Number", "Organisation", "Division", "Staff Group", "Position Title", "Start Date",
    "End Date", "Assignment Status", "Competence Name", "Date Achieved", "Expiry Date", "Exempt",
)  # fmt: skip
# Which group each course is, in the words of each list; None is a course that is no safeguarding training.
ESR_COURSES = {
    "group_a": "NHS|CSTF|Safeguarding Children (Version 2) - Level 1 - 3 Years|",
    "group_b": "NHS|CSTF|Safeguarding Children (Version 2) - Level 2 - 3 Years|",
    "group_c": "NHS|CSTF|Safeguarding Children (Version 2) - Level 3 - 3 Years|",
    "exploitation": "Child Exploitation Awareness",
    "domestic_abuse": "NHS Wales|VAWDASV Group 1 - 3 Years|",
    "harmful_cultural_practice": "Female Genital Mutilation (FGM)",
    "recording": "Record Keeping for Clinicians",
    None: "NHS|CSTF|Fire Safety - 2 Years|",
}
OTHER_COURSES = {
    "group_a": "Safeguarding Group A", "group_b": "Safeguarding Training - Group B (6 hours)",
    "group_c": "Safeguarding: Group C", "group_d": "Safeguarding Group D",
    "exploitation": "Camfanteisio ar blant / Child exploitation", "domestic_abuse": "Domestic Abuse (VAWDASV)",
    "harmful_cultural_practice": "Honour-based abuse and forced marriage", "recording": "Recording with Care",
    None: "Manual handling",
}  # fmt: skip

Row = dict[str, Any]  # by column; days are day numbers


@dataclass(frozen=True)
class Employer:
    """One agency's staff: how its system is called and who works there."""

    agency: str
    supplier: str
    organisation: str
    directorates: tuple[str, ...]
    roles: tuple[tuple[str, str, tuple[str, ...]], ...]  # title, staff group, what the role asks for


EMPLOYERS = (
    Employer(
        "health", "esr", "Simulated University Health Board",
        ("Children and Women", "Surgery", "Medicine", "Mental Health", "Facilities"),
        (("Staff Nurse", "Nursing and Midwifery Registered", ("group_a", "group_b", "domestic_abuse")),
         ("Health Visitor", "Nursing and Midwifery Registered",
          ("group_a", "group_b", "group_c", "exploitation", "harmful_cultural_practice", "recording")),
         ("Porter", "Estates and Ancillary", ("group_a",)),
         ("Consultant Paediatrician", "Medical and Dental", ("group_c", "exploitation"))),
    ),
    Employer(
        "police", "learning", "Simulated Police", ("Response", "Public Protection", "Contact Centre"),
        (("Constable", "Officers", ("group_b", "domestic_abuse", "exploitation")),
         ("Detective Sergeant", "Officers", ("group_b", "group_c", "exploitation", "recording")),
         ("Call Handler", "Police Staff", ("group_a",))),
    ),
    Employer(
        "education", "workforce", "Simulated Schools", ("Primary", "Secondary", "Additional Learning Needs"),
        (("Teacher", "Teaching", ("group_b", "exploitation")),
         ("Designated Safeguarding Person", "Teaching", ("group_b", "group_c", "recording")),
         ("Catering Assistant", "Support", ("group_a",))),
    ),
    Employer(
        "social_care", "council", "Simulated Council", ("Children's Services", "Early Help", "Looked After"),
        (("Social Worker", "Qualified", ("group_c", "exploitation", "domestic_abuse", "recording")),
         ("Team Manager", "Qualified", ("group_d", "group_c")),
         ("Support Worker", "Unqualified", ("group_b", "harmful_cultural_practice"))),
    ),
)  # fmt: skip


def _staff(employer: Employer, count: int, as_of: int, draw: random.Random) -> list[Row]:
    """Draw staff and their courses; days are day numbers."""
    rows: list[Row] = []
    for number in range(count):
        title, group, asked = draw.choices(employer.roles, weights=(5, 2, 2, 1)[: len(employer.roles)])[0]
        start = as_of - draw.choice((5, 20, 27, 29, 60, 200, 700, 1500, 3000)) - draw.randint(0, 9)
        post = {
            "employee_number": str(20_000 + number), "assignment_number": f"{20_000 + number}-1",
            "organisation": employer.organisation, "directorate": draw.choice(employer.directorates),
            "staff_group": group, "role_title": title, "role_started_date": None if draw.random() < 0.01 else start,
            "role_ended_date": as_of - draw.randint(1, 25) if draw.random() < 0.03 else None,
            "is_on_leave": draw.random() < 0.04,
        }  # fmt: skip
        for course in (*asked, None):
            rows.extend(_courses(post, course, start, as_of, draw))
    return rows


def _courses(
    post: Row, course: str | None, start: int, as_of: int, draw: random.Random
) -> list[Row]:
    """One course of one person: never completed, or each time it was."""
    row = post | {"course": course, "completed_date": None, "expires_date": None, "is_exempt": draw.random() < 0.02}
    if draw.random() < (0.5 if as_of - start < 60 else 0.08):
        return [row]
    last = as_of - (draw.randint(0, 1090) if draw.random() < 0.85 else draw.randint(1096, 1900))
    done = [last] if draw.random() < 0.8 else [last - draw.randint(700, 1200), last]
    # Some systems take a course as valid for two years, whatever the standards say.
    months = 24 if draw.random() < 0.1 else 36
    return [
        row | {"completed_date": day, "expires_date": months_after(day, months) if draw.random() < 0.8 else None}
        for day in done
    ]


def _planted(employer: Employer, as_of: int) -> list[Row]:
    """The cases that a list must get right, each a person of its own."""
    four_weeks, three_years = as_of - 28, months_after(as_of, -36)

    def person(number: int, course: str | None, completed: int | None, start: int | None, **more: Any) -> Row:
        post = {
            "employee_number": f"9000{number}", "assignment_number": f"9000{number}-1",
            "organisation": employer.organisation, "directorate": employer.directorates[0], "staff_group": None,
            "role_title": employer.roles[0][0], "role_started_date": start, "role_ended_date": None,
            "is_on_leave": False, "course": course, "completed_date": completed, "expires_date": None,
            "is_exempt": False,
        }  # fmt: skip
        return post | more

    old = to_day(date(2010, 4, 1))
    return [
        person(1, "group_b", three_years, old),  # valid until today
        person(2, "group_b", three_years - 1, old),  # ran out yesterday
        person(3, "group_b", None, four_weeks),  # a new starter whose last day is today
        person(4, "group_b", None, four_weeks - 1),  # and one whose last day was yesterday
        person(5, "group_a", to_day(date(2024, 2, 29)), old),  # 29 February and three years on
        person(6, None, as_of - 5, as_of - 9),  # knows of fire, nothing of children
        person(7, "group_a", None, None),  # nobody knows since when
        person(8, "group_a", None, as_of + 10),  # starts later
        person(9, "group_a", as_of - 50, old, role_ended_date=as_of),  # the last day at work
        person(10, "group_a", as_of - 50, old, role_ended_date=as_of - 1),  # gone
        person(11, "group_b", as_of + 5, old),  # completed on a day to come
        person(12, "group_b", as_of - 800, old, expires_date=as_of - 70),  # expired by the system, not by the rule
        person(13, "group_a", as_of - 2000, old, role_title="Earlier post", role_ended_date=as_of - 400),
        person(13, "group_b", None, as_of - 399, assignment_number="900013-2", role_title="Present post"),
        person(14, None, None, old, course_name=None),  # a person of whom no course is known
        person(15, "group_a", None, old, is_exempt=True),
    ]


def _named(rows: list[Row], courses: dict[str | None, str]) -> list[Row]:
    return [
        row | {"course_name": row.get("course_name", courses.get(row["course"], courses[None]))} for row in rows
    ]  # fmt: skip


def _table(rows: list[Row], cut: int) -> list[tuple[object, ...]]:
    """Rows as they stood on a day: what is completed later is not completed yet; days are dates."""

    def shown(name: str, value: object) -> object:
        return to_date(value) if name.endswith("_date") and isinstance(value, int) else value

    seen = []
    for row in rows:
        done = row["completed_date"]
        later = isinstance(done, int) and cut < done
        known = row | {"completed_date": None, "expires_date": None} if later and cut < row["last_cut"] else row
        seen.append(tuple(shown(name, known[name]) for name in COLUMNS))
    return list(dict.fromkeys(seen))


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    schema: dict[str, Any] = {name: pl.Date if name.endswith("_date") else pl.String for name in COLUMNS}
    schema.update(is_on_leave=pl.Boolean, is_exempt=pl.Boolean)
    return pl.DataFrame(rows, schema=schema, orient="row").write_csv().encode()


def _xlsx(rows: list[tuple[object, ...]], title: str = "") -> bytes:
    """The staff record's report, with real dates and a status in words; a title pushes the column names down."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as book:
        book.set_properties({"created": _MADE})
        sheet = book.add_worksheet("Compliance")
        top = 2 if title else 0
        sheet.write(0, 0, title or ESR_HEADERS[0])
        sheet.write_row(top, 0, ESR_HEADERS)
        for number, row in enumerate(rows, start=top + 1):
            cells = dict(zip(COLUMNS, row, strict=True))
            cells["employee_number"] = int(str(cells["employee_number"]))
            cells["is_on_leave"] = "Maternity & Adoption" if cells["is_on_leave"] else "Active Assignment"
            cells["is_exempt"] = "Y" if cells["is_exempt"] else "N"
            sheet.write_row(number, 0, ["" if cell is None else cell for cell in cells.values()])
    return target.getvalue()


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write each agency's list twice, on the first and the last day, and one that people spoiled with a title row."""
    pop, draw = diary.pop, scalar_stream(seed, "training")
    first, last = weeks.cuts[0], weeks.cuts[-1]
    kept: list[Row] = []
    for employer in EMPLOYERS:
        is_health = employer.agency == "health"
        rows = _staff(employer, max(40, len(pop.person_id) // 50), pop.as_of, draw) + _planted(employer, pop.as_of)
        named = [row | {"last_cut": last} for row in _named(rows, ESR_COURSES if is_health else OTHER_COURSES)]
        kept += [{"agency": employer.agency, "course_group": row["course"], **row} for row in named]
        for cut in (first, last):
            table = _table(named, cut)
            name, suffix = (employer.agency, FEED, employer.supplier, DATASET), ".xlsx" if is_health else ".csv"
            if is_health and cut == first:
                titled = _xlsx(table, "Compliance report")
                inbox.deliver(*name, cut, "full", titled, suffix=suffix, kind="title_row", expect="held")
            inbox.deliver(*name, cut, "full", _xlsx(table) if is_health else _csv(table), suffix=suffix)
    columns: dict[str, Any] = {name: pl.Int32 if name.endswith("_date") else pl.String for name in COLUMNS}
    columns.update(is_on_leave=pl.Boolean, is_exempt=pl.Boolean)
    frame = pl.DataFrame(
        [{name: row[name] for name in ("agency", "course_group", *COLUMNS)} for row in kept],
        schema={"agency": pl.String, "course_group": pl.String, **columns}, orient="row",
    )  # fmt: skip
    truth.keep("training_courses", frame.with_columns(child=pl.lit(-1)))
