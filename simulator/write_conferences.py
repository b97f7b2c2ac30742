"""Writes who came to conferences and strategy discussions: three CSV tables, a full extract a week.

Put here: invitations, discussions and their attendance, and the faults of that export. Keep out: the conferences and
enquiries themselves (`lives_protection`, `lives_front_door`); it repeats the case system's numbers and adds no persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from simulator.clock import scalar_stream, to_date
from simulator.deliveries import Files, Inbox, Weeks, without_column, without_tail
from simulator.diary import Diary
from simulator.truth import Truth

AGENCY, FEED, SUPPLIER, DATASET = "social_care", "conferences", "caredirector", "conferences"
# Agency, role, share of conferences it is asked to, share of those it attends, share of reports that come in time.
CONFERENCE = (
    ("social_care", "chair", 1.0, 0.995, 1.0),
    ("social_care", "social_worker", 1.0, 0.98, 0.8),
    ("police", "police_officer", 0.97, 0.66, 0.7),
    ("health", "health_visitor", 0.6, 0.84, 0.75),
    ("health", "school_nurse", 0.55, 0.7, 0.6),
    ("health", "gp", 0.8, 0.08, 0.35),
    ("education", "designated_person", 0.75, 0.85, 0.8),
    ("housing", "housing_officer", 0.2, 0.5, 0.4),
    ("probation", "probation_officer", 0.15, 0.7, 0.6),
    ("third_sector", "support_worker", 0.2, 0.6, 0.3),
)
DISCUSSION = (
    ("social_care", "team_manager", 0.99), ("police", "police_officer", 0.93),
    ("health", "paediatrician", 0.62), ("education", "designated_person", 0.45),
)  # fmt: skip
_TEXT, _DAY, _FLAG, _TIME = pl.String, pl.Int32, pl.Boolean, pl.Datetime("us", "UTC")
INVITATIONS = {
    "invitation_id": _TEXT, "meeting_id": _TEXT, "conference_id": _TEXT, "conference_date": _DAY,
    "invited_agency": _TEXT, "role_code": _TEXT, "invited_date": _DAY, "attended": _FLAG, "apologies_sent": _FLAG,
    "report_required": _FLAG, "report_due_date": _DAY, "report_sent_date": _DAY,
}  # fmt: skip
DISCUSSIONS = {
    "discussion_id": _TEXT, "source_person_id": _TEXT, "s47_id": _TEXT, "threshold_reached_at": _TIME, "held_at": _TIME,
    "outcome_code": _TEXT,
}  # fmt: skip
ATTENDANCES = {"discussion_id": _TEXT, "attending_agency": _TEXT, "role_code": _TEXT, "was_present": _FLAG}


def _invitations(diary: Diary, seed: int) -> pl.DataFrame:
    """Return who was asked to every conference held, and to some of the next weeks.

    Planted, by the place in the order of the meetings: only social care came (0, 50, ...), only two came (1), the list
    of a third was never kept (2), a fourth has no list at all (3).
    """
    draw, work, today = scalar_stream(seed, "conferences"), diary.work, diary.pop.as_of
    meetings: dict[str, list[tuple[str, int]]] = {}
    for row in diary.rows["initial_conferences"] + diary.planted["initial_conferences"]:
        meetings.setdefault(row[6], []).append((row[0], row[3]))
    for row in diary.rows["review_conferences"] + diary.planted["review_conferences"]:
        meetings.setdefault(row[5], []).append((row[0], row[3]))
    held = sorted((min(day for _, day in those), meeting) for meeting, those in meetings.items())
    to_come = [(work.add(today, draw.randint(1, 25)), f"MTGNEXT{number}") for number in range(4)]
    rows: list[tuple[Any, ...]] = []
    for place, (day, meeting) in enumerate(held + to_come):
        if day > today and (day, meeting) not in to_come:
            continue
        only = {0: ("social_care",), 1: ("social_care", "police")}.get(place % 50)
        unkept, is_to_come = place % 50 == 2, day > today
        if place % 50 == 3 and not is_to_come:
            continue
        those = meetings.get(meeting, [])
        by_number = len(those) == 1 and draw.random() < 0.2  # the export knows this one by the conference alone
        for agency, role, asked, comes, timely in CONFERENCE:
            if draw.random() >= asked:
                continue
            uninvited = draw.random() < 0.01
            came = draw.random() < comes if only is None else agency in only
            required = False if role == "chair" else True if draw.random() < 0.9 else None
            roll, due = draw.random(), work.back(day, 2)
            sent = (
                work.back(day, draw.choice((2, 2, 3, 5))) if roll < timely
                else work.back(day, draw.choice((0, 1, 1))) if roll < timely + 0.3 * (1 - timely)
                else work.add(day, draw.randint(1, 6)) if roll < timely + 0.5 * (1 - timely)
                else None
            )  # fmt: skip
            rows.append((
                f"INV{len(rows) + 1:06d}", None if by_number else meeting, those[0][0] if by_number else None, day,
                agency, role, None if uninvited else work.back(day, draw.randint(4, 12)),
                None if is_to_come or unkept else came or uninvited,
                None if is_to_come or unkept or came or uninvited else draw.random() < 0.6,
                required, due if draw.random() < 0.6 else None,
                None if required is False or sent is None or sent > today else sent,
            ))  # fmt: skip
    return pl.DataFrame(rows, schema=INVITATIONS, orient="row")


def _discussions(diary: Diary, ids: dict[int, str], seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return strategy discussions, with the child of each, and who took part.

    Siblings are discussed together; some enquiries have two discussions, the last one on the day that the case system
    gives. Planted: discussions not held yet, without the time of the threshold, and held before it.
    """
    draw, today = scalar_stream(seed, "strategy_discussions"), diary.pop.as_of
    together: dict[tuple[int, int], list[tuple[int, str, str]]] = {}
    for s47_id, child, _, strategy, _, _, outcome, _ in diary.rows["s47_enquiries"] + diary.planted["s47_enquiries"]:
        if strategy is not None and strategy <= today:
            together.setdefault((strategy, int(diary.pop.family[child])), []).append((child, s47_id, outcome))
    rows: list[tuple[Any, ...]] = []
    present: list[tuple[Any, ...]] = []

    def hold(children: Sequence[tuple[int, str | None, str]], day: int, hours: float, outcome: str | None) -> None:
        number = f"STD{len(present) // len(DISCUSSION) + 1:05d}"
        held = datetime.combine(to_date(day), datetime.min.time(), UTC) + timedelta(hours=draw.randint(9, 16))
        threshold = held - timedelta(hours=hours)
        flaw = draw.random()
        known = None if flaw < 0.03 else held + timedelta(hours=2) if flaw < 0.05 else threshold
        for child, s47_id, _ in children:
            open_one = outcome is None
            rows.append((child, number, ids[child], s47_id, known if not open_one else threshold,
                         None if open_one else held, outcome))  # fmt: skip
        for agency, role, share in DISCUSSION:
            present.append((number, agency, role, outcome is not None and draw.random() < share))

    for (day, _), children in sorted(together.items()):
        if draw.random() < 0.15:
            hold(children, diary.work.back(day, draw.randint(1, 6)), draw.choice((2, 20, 24)), "further_discussion")
        outcome = "joint_enquiry" if draw.random() < 0.7 else "single_agency_enquiry"
        hold(children, day, draw.choice((1, 3, 6, 20, 24, 24.5, 30, 50)), outcome)
    known = sorted(diary.known_since)
    for place, (outcome, back) in enumerate(
        (("no_further_action", 40), ("assessment", 33), ("no_further_action", 12), (None, 0), (None, 3))
    ):
        hold([(known[(place + 1) * len(known) // 7], None, "")], diary.work.back(today - back, 0), 5, outcome)
    schema = {"child": pl.Int64} | DISCUSSIONS
    return pl.DataFrame(rows, schema=schema, orient="row"), pl.DataFrame(present, schema=ATTENDANCES, orient="row")


class Minutes:
    """The attendance lists at any day."""

    def __init__(self, diary: Diary, truth: Truth, seed: int) -> None:
        """Take the numbers of the children from the case system."""
        index = {str(person): child for child, person in enumerate(diary.pop.person_id)}
        case = pl.concat(truth.parts).filter(pl.col("feed") == "case_export")
        ids = {index[person]: source for person, source in case.select("person_id", "source_person_id").rows()}
        self.invitations = _invitations(diary, seed)
        self.discussions, self.attendances = _discussions(diary, ids, seed)

    def at(self, cut: int) -> dict[str, pl.DataFrame]:
        """Return what the lists say on a day."""
        end = datetime.combine(to_date(cut + 1), datetime.min.time(), UTC)
        past = pl.col("conference_date") <= cut
        asked = pl.coalesce("invited_date", "conference_date") <= cut
        invitations = self.invitations.filter(asked).with_columns(
            *(pl.when(past).then(pl.col(name)).alias(name) for name in ("attended", "apologies_sent")),
            pl.when(pl.col("report_sent_date") <= cut).then(pl.col("report_sent_date")).alias("report_sent_date"),
        )
        discussions = self.discussions.filter(pl.coalesce("held_at", "threshold_reached_at") < end)
        return {
            "conference_invitations": invitations,
            "strategy_discussions": discussions,
            "strategy_attendances": self.attendances.join(discussions, on="discussion_id", how="semi"),
        }


def _files(tables: dict[str, pl.DataFrame]) -> Files:
    """Write the tables as CSV, instants with their zone."""
    shown = {}
    for name, table in tables.items():
        frame = table.drop("child", strict=False)
        days = [pl.col(c).cast(pl.Date).dt.strftime("%Y-%m-%d") for c in frame.columns if c.endswith("_date")]
        times = [pl.col(c).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for c in frame.columns if c.endswith("_at")]
        shown[f"{name}.csv"] = frame.with_columns(*days, *times).write_csv().encode()
    return shown


def _with_bad_rows(files: Files) -> Files:
    """Add rows that must not land: no number, an impossible day, no agency, a number twice."""
    good = pl.read_csv(files["conference_invitations.csv"], infer_schema=False)
    bad = pl.concat([
        good.head(1).with_columns(invitation_id=pl.lit(None, pl.String)),
        good.head(1).with_columns(invitation_id=pl.lit("INVBAD2"), invited_agency=pl.lit(None, pl.String)),
        good[1],
    ])
    return files | {"conference_invitations.csv": pl.concat([good, bad]).write_csv().encode()}


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write a full extract a week, with its faults, and keep what the lists truly say."""
    minutes = Minutes(diary, truth, seed)
    known = minutes.at(weeks.cuts[-1])
    nobody = pl.lit(-1, pl.Int64).alias("child")
    truth.keep("conference_invitations", known["conference_invitations"].with_columns(nobody))
    truth.keep("strategy_discussions", known["strategy_discussions"])
    truth.keep("strategy_attendances", known["strategy_attendances"].with_columns(nobody))

    def deliver(day: int, files: Files, **how: Any) -> None:
        inbox.deliver(AGENCY, FEED, SUPPLIER, DATASET, day, "full", files, **how)

    deliver(weeks.cuts[0], _files(minutes.at(weeks.cuts[0])))
    for number, _, cut in weeks.windows():
        files, name = _files(minutes.at(cut)), "conference_invitations.csv"
        if number == weeks.number(2):
            broken = files | {name: without_column(files[name], "invited_agency")}
            deliver(cut, broken, kind="missing_column", expect="held")
        if number == weeks.number(3):
            deliver(cut, files | {name: without_tail(files[name].rstrip(), 0.4)}, kind="truncated", expect="held")
        bad = number == weeks.number(4)
        deliver(cut, _with_bad_rows(files) if bad else files, kind="bad_rows" if bad else "good")
