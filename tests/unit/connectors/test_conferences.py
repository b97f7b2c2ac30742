"""Attendance at conferences: which file is which table, each fault of a file and what becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.delivery import Delivery, Places, Terms
from connectors.landing import land
from connectors.social_care.conferences import FEED

INVITATION = {
    "invitation_id": "I1", "meeting_id": "M1", "conference_id": "C1", "conference_date": "2026-03-10",
    "invited_agency": "health", "role_code": "Health Visitor", "invited_date": "2026-03-01", "attended": "true",
    "apologies_sent": "false", "report_required": "Y", "report_due_date": "2026-03-06",
    "report_sent_date": "2026-03-05",
}  # fmt: skip
DISCUSSION = {
    "discussion_id": "D1", "source_person_id": "P1", "s47_id": "S1", "threshold_reached_at": "2026-03-01T09:00:00Z",
    "held_at": "2026-03-01T15:00:00Z", "outcome_code": "joint_enquiry",
}  # fmt: skip
ATTENDANCE = {"discussion_id": "D1", "attending_agency": "police", "role_code": "police_officer", "was_present": "N"}
TABLES = {
    "conference_invitations": INVITATION, "strategy_discussions": DISCUSSION, "strategy_attendances": ATTENDANCE,
}  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def text_of(row: dict[str, str], *changes: dict[str, str], without: str = "") -> str:
    header = [name for name in row if name != without]
    lines = [",".join(header), *(",".join((row | change)[name] for name in header) for change in changes)]
    return "\n".join(lines) + "\n"


def put(tmp_path: Path, **texts: str | None) -> list[Path]:
    """Write the folder, whole unless a table is given another text; None leaves it out."""
    folder = tmp_path / "caredirector_conferences_2026-03-31_full"
    folder.mkdir()
    for table, row in TABLES.items():
        text = texts.get(table, text_of(row, {}))
        if text is not None:
            (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return [folder]


def landed(places: Places, delivery: Delivery, table: str) -> list[dict]:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / f"{table}.parquet").to_dicts()


def test_the_three_tables_land_with_their_types_and_codes_as_the_lists_spell_them(tmp_path: Path, places: Places):
    delivery = land(FEED, put(tmp_path), places, Terms(system="CareDirector"))
    assert (delivery.state, delivery.records_in, delivery.records_landed) == ("landed", 3, 3)
    (invitation,) = landed(places, delivery, "conference_invitations")
    assert (invitation["role_code"], invitation["attended"]) == ("health_visitor", True)
    assert (invitation["report_required"], invitation["report_sent_date"]) == (True, date(2026, 3, 5))
    (discussion,) = landed(places, delivery, "strategy_discussions")
    assert discussion["held_at"] == datetime(2026, 3, 1, 15, tzinfo=UTC)
    (attendance,) = landed(places, delivery, "strategy_attendances")
    assert attendance["was_present"] is False


@pytest.mark.parametrize(
    ("table", "column"),
    [("conference_invitations", "invited_agency"), ("strategy_discussions", "source_person_id"),
     ("strategy_attendances", "was_present")],
)  # fmt: skip
def test_a_file_without_a_required_column_holds_the_extract(table: str, column: str, tmp_path: Path, places: Places):
    delivery = land(FEED, put(tmp_path, **{table: text_of(TABLES[table], {}, without=column)}), places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")


def test_an_extract_without_one_of_the_tables_is_held(tmp_path: Path, places: Places):
    assert land(FEED, put(tmp_path, strategy_attendances=None), places, Terms()).state == "held"


def test_an_impossible_day_is_cleared_and_an_unknown_code_is_remarked(tmp_path: Path, places: Places):
    row = text_of(INVITATION, {"conference_date": "2026-02-31", "role_code": "astrologer"})
    delivery = land(FEED, put(tmp_path, conference_invitations=row), places, Terms())
    (invitation,) = landed(places, delivery, "conference_invitations")
    assert (invitation["conference_date"], invitation["role_code"]) == (None, "astrologer")
    assert delivery.warnings_by_rule["code-unfamiliar"] == 1


def test_a_row_without_its_number_or_agency_does_not_land(tmp_path: Path, places: Places):
    text = text_of(INVITATION, {}, {"invitation_id": ""}, {"invitation_id": "I2", "invited_agency": ""})
    delivery = land(FEED, put(tmp_path, conference_invitations=text), places, Terms())
    assert (delivery.records_landed, delivery.records_quarantined) == (3, 2)


def test_a_repeated_row_lands_once_and_an_invitation_after_the_conference_is_remarked(tmp_path: Path, places: Places):
    late = {"invited_date": "2026-03-11"}
    delivery = land(FEED, put(tmp_path, conference_invitations=text_of(INVITATION, late, late)), places, Terms())
    assert (delivery.records_landed, delivery.records_duplicate) == (3, 1)
    assert delivery.warnings_by_rule["date-order"] >= 1


@pytest.mark.parametrize(("text", "rule"), [("", "file-empty"), ("invitation_id;attended\n1;2\n", "file-delimiter")])
def test_a_file_of_another_shape_holds_the_extract(text: str, rule: str, tmp_path: Path, places: Places):
    delivery = land(FEED, put(tmp_path, conference_invitations=text), places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", rule)


def test_a_file_cut_off_in_a_record_holds_the_extract(tmp_path: Path, places: Places):
    text = text_of(INVITATION, {}, {"invitation_id": "I2"})[:-40]
    delivery = land(FEED, put(tmp_path, conference_invitations=text), places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "file-truncated")


def test_minutes_are_not_landed(tmp_path: Path, places: Places):
    head, row = text_of(INVITATION, {}).splitlines()
    text = f"{head},minutes\n{row},what was said\n"
    delivery = land(FEED, put(tmp_path, conference_invitations=text), places, Terms())
    assert delivery.warnings_by_rule["column-unknown"] == 1
    assert "minutes" not in landed(places, delivery, "conference_invitations")[0]
