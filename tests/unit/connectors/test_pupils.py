"""Attendance, exclusions, concerns, education elsewhere: what lands, and what must not land as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from connectors.contract import LINEAGE
from connectors.delivery import Delivery, Places, Terms
from connectors.education import attendance, eotas_and_home_education, exclusions, safeguarding_concerns
from connectors.feed import Feed
from connectors.landing import land

UPN = "V681404026001"


@dataclass(frozen=True)
class Case:
    """A feed with a file of one good row, as a supplier writes it."""

    feed: Feed
    header: str
    good: str

    @property
    def table(self) -> str:
        """Name of its one table."""
        return self.feed.contract.tables[0].name


ATTENDANCE = Case(
    attendance.FEED,
    "upn,school,from,to,possible,attended,authorised,unauthorised",
    f"{UPN},6814040,2026-09-01,2026-09-30,42,38,3,1",
)
EXCLUSIONS = Case(
    exclusions.FEED, "upn,school,start,category,sessions,reason", f"{UPN},6814040,2026-09-08,SUSP,4,DB"
)
CONCERNS = Case(
    safeguarding_concerns.FEED,
    "id,school,upn,date,category,action,dsp_informed,informed_on",
    f"C1,6814040,{UPN},2026-09-08,child_protection_register,recorded,yes,2026-09-08",
)
ELSEWHERE = Case(
    eotas_and_home_education.FEED,
    "upn,kind,start,end,la_code,provider",
    f"{UPN},EOTAS,2026-03-02,2026-12-18,681,Tuition service",
)
ALL = [ATTENDANCE, EXCLUSIONS, CONCERNS, ELSEWHERE]
each = pytest.mark.parametrize("case", ALL, ids=lambda case: case.feed.name)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(tmp_path: Path, places: Places, case: Case, data: str) -> Delivery:
    path = tmp_path / f"schools_{case.feed.name}_2026-10-02_{case.feed.mode}.csv"
    path.write_text(data, encoding="utf-8")
    return land(case.feed, [path], places, Terms(system="SIMS"))


def lines(case: Case, *more: str) -> str:
    return "\n".join([case.header, case.good, *more]) + "\n"


def read(places: Places, case: Case, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.delivery(case.feed, delivery.delivery_id) / f"{case.table}.parquet")


@each
def test_a_good_row_lands_whole_and_without_remark(case: Case, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, case, lines(case))
    rows = read(places, case, delivery)
    assert (delivery.records_landed, delivery.warnings_by_rule) == (1, {})
    expected = [column.name for column in case.feed.contract.tables[0].columns]
    assert [name for name in rows.columns if name not in LINEAGE] == expected


@each
@pytest.mark.parametrize("fault", ["file-empty", "column-missing", "file-truncated"])
def test_a_file_that_breaks_its_shape_is_held(case: Case, fault: str, tmp_path: Path, places: Places):
    without_the_first = [line.split(",", 1)[1] for line in (case.header, case.good)]
    data = {
        "file-empty": "",
        "column-missing": "\n".join(without_the_first) + "\n",
        "file-truncated": lines(case) + f'{UPN},"681',
    }[fault]
    delivery = put(tmp_path, places, case, data)
    assert (delivery.state, delivery.hold_rule) == ("held", fault)


@each
def test_the_same_key_twice_is_kept_once(case: Case, tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, case, lines(case, case.good + " "))
    assert delivery.records_landed == 1
    assert set(delivery.rejects_by_rule) <= {"key-duplicate", "row-duplicate"}
    assert sum(delivery.rejects_by_rule.values()) == 1


@pytest.mark.parametrize(
    ("case", "old", "new", "rule"),
    [
        (ATTENDANCE, "2026-09-01", "2026-13-01", "date-impossible"),
        (ATTENDANCE, "2026-09-30", "soon", "date-unreadable"),
        (ATTENDANCE, UPN, "", "value-missing"),
        (ATTENDANCE, ",42,", ",many,", "number-unreadable"),
        (EXCLUSIONS, "2026-09-08", "2026-02-30", "date-impossible"),
        (EXCLUSIONS, "SUSP", "", "value-missing"),
        (CONCERNS, "child_protection_register", "", "value-missing"),
        (CONCERNS, "2026-09-08,child", "when,child", "date-unreadable"),
        (ELSEWHERE, "EOTAS", "CLUB", "code-unknown"),
        (ELSEWHERE, "2026-12-18", "2026-12-32", "date-impossible"),
        (ELSEWHERE, "2026-03-02", "", "value-missing"),
    ],
)
def test_a_bad_row_goes_to_quarantine_alone(case: Case, old: str, new: str, rule: str, tmp_path: Path, places: Places):
    other = case.good.replace(UPN, "J681404026002").replace("C1,", "C2,")
    bad = case.good.replace(old, new, 1)
    assert bad != case.good
    delivery = put(tmp_path, places, case, "\n".join([case.header, other, bad]) + "\n")
    assert (delivery.records_in, delivery.records_landed) == (2, 1)
    assert set(delivery.rejects_by_rule) == {rule}


@pytest.mark.parametrize(
    ("case", "old", "new", "rule"),
    [
        (EXCLUSIONS, ",DB", ",ZZ", "code-unfamiliar"),
        (CONCERNS, "child_protection_register", "weather", "code-unfamiliar"),
        (CONCERNS, ",recorded,", ",pondered,", "code-unfamiliar"),
        (ATTENDANCE, "2026-09-30", "2026-08-30", "date-order"),
        (ELSEWHERE, "2026-12-18", "2026-01-01", "date-order"),
        (ATTENDANCE, ",38,3,1", ",40,3,1", "attendance-sum"),
    ],
)
def test_what_can_be_used_lands_and_is_reported(
    case: Case, old: str, new: str, rule: str, tmp_path: Path, places: Places
):
    delivery = put(tmp_path, places, case, "\n".join([case.header, case.good.replace(old, new)]) + "\n")
    assert (delivery.records_landed, delivery.warnings_by_rule) == (1, {rule: 1})


def test_the_text_of_a_concern_and_the_name_of_the_pupil_never_land(tmp_path: Path, places: Places):
    data = f"{CONCERNS.header},forename,surname,description\n{CONCERNS.good},Ann,Example,Something was said\n"
    delivery = put(tmp_path, places, CONCERNS, data)
    rows = read(places, CONCERNS, delivery)
    assert not {"forename", "surname", "description"} & set(rows.columns)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix in {".json", ".parquet"}:
            assert b"Something was said" not in path.read_bytes()


def test_an_empty_day_of_informing_stays_empty(tmp_path: Path, places: Places):
    delivery = put(tmp_path, places, CONCERNS, lines(CONCERNS).replace("yes,2026-09-08", "no,"))
    assert read(places, CONCERNS, delivery).select("is_dsp_informed", "dsp_informed_date").rows() == [(False, None)]
