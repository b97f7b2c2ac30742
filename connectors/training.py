"""`<agency>/training`: safeguarding training of staff as CSV or XLSX, one feed for each agency.

Here belong the columns of a training list and the feeds of the four agencies: whichever system a list comes from (the
NHS's Electronic Staff Record, a council's or a force's learning system), it says who is in which role and what they
completed. A staff member is known by number alone: names and other facts of a person are left out by agreement, staff
are never persons of the index, and nothing here is linked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from connectors.contract import Column, Contract, Table, parse_boolean
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.workbook import parse_table

COURSES = Table(
    "staff_courses",
    (
        Column("employee_number", key=True, required=True,
               sources=("employee number", "staff number", "payroll number", "collar number", "employee no"),
               meaning="Number of the staff member at the employer. Names are not landed."),
        Column("assignment_number", key=True, sources=("assignment number", "post number", "position number"),
               meaning="Number of the post, for staff who hold several."),
        Column("organisation", sources=("employer", "trust", "health board"), meaning="Employer or part of it."),
        Column("directorate", header="expected", sources=("division", "department", "service area", "command"),
               meaning="Directorate, division or department."),
        Column("staff_group", sources=("staff group",), meaning="Staff group as the employer groups staff."),
        Column("role_title", header="expected", sources=("role", "position title", "job title", "post title"),
               meaning="What the staff member works as."),
        Column("role_started_date", "date", header="expected", is_day_first=True, formats=("%d-%b-%Y",), future="allow",
               sources=("start date", "role start date", "start date in role", "position start date"),
               meaning="First day in the role."),
        Column("role_ended_date", "date", is_day_first=True, formats=("%d-%b-%Y",), future="allow",
               sources=("end date", "leaving date", "termination date", "role end date"),
               meaning="Last day in the role, for those who leave or have left."),
        Column("is_on_leave", "boolean", sources=("on leave", "long term leave"),
               meaning="On long leave (maternity, career break, suspension), so not counted. Said outright or by an"
                       " assignment status."),
        Column("course_name", key=True, header="required",
               sources=("course", "course name", "competence", "competence name", "training"),
               meaning="Course or competence the role asks for; empty when none is known."),
        Column("completed_date", "date", key=True, header="required", is_day_first=True, formats=("%d-%b-%Y",),
               sources=("completed", "date completed", "completion date", "date achieved", "achieved date"),
               meaning="Day it was completed; empty when it never was."),
        Column("expires_date", "date", is_day_first=True, formats=("%d-%b-%Y",), future="allow",
               sources=("expiry", "expiry date", "expires", "valid until", "date to"),
               meaning="Day to which the employer's own system takes it as valid."),
        Column("is_exempt", "boolean", sources=("exempt", "exemption"), meaning="Excused from the course."),
    ),
    date_orders=(("role_started_date", "role_ended_date"), ("completed_date", "expires_date")),
    meaning="One row per staff member, post, course and day of completion; a course never completed has one row.",
)  # fmt: skip
# What is read to tell long leave, and not landed.
_READ = replace(COURSES, columns=(*COURSES.columns, Column("assignment_status", sources=("assignment status",))))
_LEAVE = "maternity|paternity|adoption|parental|career break|suspend|inactive|external secondment|sick"
_UNUSED = frozenset(
    ("name", "full name", "employee name", "first name", "forename", "middle name", "last name", "surname", "title",
     "email", "email address", "work email", "date of birth", "dob", "ni number", "national insurance number", "sex",
     "gender", "ethnic origin", "manager", "manager name", "line manager")
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one training list.

    Args:
        file: CSV or XLSX.
        context: Not needed: nothing in the list depends on it.

    Yields:
        Batches of `staff_courses` as text, `is_on_leave` typed.

    Raises:
        FileHeld: The file breaks the shape of a CSV or workbook, or lacks a required column.
    """
    del context
    for part in parse_table(file, _READ, unused=_UNUSED):
        for name, frame in part.tables.items():
            if "assignment_status" in frame.columns:
                part.tables[name] = frame.with_columns(_is_on_leave(frame)).drop("assignment_status")
        yield part


def _is_on_leave(frame: pl.DataFrame) -> pl.Expr:
    status = pl.col("assignment_status").str.strip_chars().str.to_lowercase().replace("", None)
    stated = parse_boolean(pl.col("is_on_leave").str.strip_chars()) if "is_on_leave" in frame.columns else None
    told = status.str.contains(_LEAVE)
    return (told if stated is None else pl.coalesce(stated, told)).alias("is_on_leave")


FEEDS = tuple(
    Feed(agency, "training", title, Contract((COURSES,)), parse, mode="full")
    for agency, title in (
        ("health", "Safeguarding training of health staff (Electronic Staff Record)"),
        ("police", "Safeguarding training of police officers and staff"),
        ("education", "Safeguarding training of school staff"),
        ("social_care", "Safeguarding training of council staff"),
    )
)
