"""ethnicity_recording held against the truth: what the case system knows, and the group each child truly belongs to."""

from __future__ import annotations

from collections import defaultdict

import polars as pl
import pytest

from simulator.names import ETHNIC_CODES
from tests.integration.marts.conftest import TrueRegion

LISTS = ("dfe", "wales_fhir", "police_16_1")
COARSE = {("wales_fhir", "A"), ("dfe", "OOTH")}
STATUS = {"REFU": "refused", "NOBT": "not_asked", "OOTH": "coarse", None: "not_recorded"}
RANK = ("fine", "coarse", "refused", "not_asked", "not_recorded")


@pytest.fixture(scope="module")
def mart(region: TrueRegion) -> pl.DataFrame:
    return region.mart("ethnicity_recording")


def groups_behind(system: str, code: str) -> set[str]:
    """The simulated groups that an agency writes with this code."""
    return {group for group, codes in ETHNIC_CODES.items() if codes[system] == code}


def test_every_child_of_an_agency_has_one_row(region: TrueRegion, mart: pl.DataFrame):
    records = region.query("select distinct child_id, agency from intermediate.int_record_children")
    assert sorted(mart.select("child_id", "agency").rows()) == sorted(records.select("child_id", "agency").rows())


def test_social_care_shows_what_the_case_system_holds(region: TrueRegion, mart: pl.DataFrame):
    held: dict[str, list[str]] = defaultdict(list)
    for row in region.truth("case_persons").iter_rows(named=True):
        held[row["person_id"]].append(STATUS.get(row["ethnicity_code"], "fine"))
    shown = {
        row["child_id"]: row["recording_status"]
        for row in mart.filter(pl.col("agency") == "social_care").iter_rows(named=True)
    }
    both = shown.keys() & held.keys()
    assert len(both) > 50
    assert {child: shown[child] for child in both} == {child: min(held[child], key=RANK.index) for child in both}


def test_a_code_is_one_that_the_childs_true_group_has_in_its_list(region: TrueRegion, mart: pl.DataFrame):
    truth = {row["person_id"]: row["ethnic_group"] for row in region.truth("persons").iter_rows(named=True)}
    read = mart.filter(pl.col("recording_status").is_in(["fine", "coarse"]))
    assert set(read["code_system"]) == set(LISTS)
    for row in read.iter_rows(named=True):
        code = row["code_system"], row["ethnicity_code"]
        assert code[1] == ETHNIC_CODES[truth[row["child_id"]]][code[0]]
        assert (row["recording_status"] == "coarse") == (code in COARSE)


def test_conflicts_and_offers_are_those_counted_by_hand(mart: pl.DataFrame):
    children: dict[str, list[dict]] = defaultdict(list)
    for row in mart.iter_rows(named=True):
        children[row["child_id"]].append(row)
    offers = 0
    for rows in children.values():
        behind = {
            row["agency"]: groups_behind(row["code_system"], row["ethnicity_code"])
            for row in rows
            if row["recording_status"] in ("fine", "coarse")
        }
        for row in rows:
            mine = behind.get(row["agency"])
            others = {agency: groups for agency, groups in behind.items() if agency != row["agency"]}
            conflicting = sum(1 for groups in others.values() if mine is not None and not mine & groups)
            fine = {each["agency"] for each in rows if each["recording_status"] == "fine"} - {row["agency"]}
            values = {group for agency in fine for group in others[agency]}
            is_open = row["recording_status"] not in ("fine", "refused")
            fits = mine is None or values <= mine
            wanted = min(fine) if is_open and len(values) == 1 and fits else None
            assert (row["conflicting_agencies_count"], row["offered_by_agency"]) == (conflicting, wanted)
            offers += wanted is not None
    assert offers > 100


def test_welsh_a_stays_a_and_is_offered_the_schools_fine_code(mart: pl.DataFrame):
    welsh_a = (pl.col("code_system") == "wales_fhir") & (pl.col("ethnicity_code") == "A")
    found = mart.filter(welsh_a & (pl.col("offered_code") == "WBRI"))
    assert found.height > 0
    assert set(found["recording_status"]) == {"coarse"}
