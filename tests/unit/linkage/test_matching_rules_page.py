"""The examples of docs/matching-rules.md are true of the program: every line of its tables is run."""

import datetime as dt
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "matching-rules.md"
OUTCOMES = {"**One child**": "link", "**A person decides**": "review", "**Kept apart**": "apart"}
FIRST, SECOND, THIRD = "health|PARIS|1", "education|SIMS|1", "social_care|WCCIS|1"
NHS_1, NHS_2 = "9990000018", "9990000026"
FAR = {"postcode": "SA628QT", "address_line": "3 FERRY LANE"}
UNBORN = {"forename": None, "birth_date": None, "sex": None, "is_unborn": True,
          "expected_birth_date": dt.date(2015, 3, 20)}  # fmt: skip
OTHER_DATE = {"birth_date": dt.date(2013, 7, 22)}
GERAINT = {"forename": "GERAINT", "sex": "M"}

CASES = {
    "Four agencies": [{"nhs_number": NHS_1}, {"nhs_number": NHS_1}],
    "No number at all": [{}, {}],
    "Welsh and English name": [{"forename": "DAFYDD"}, {"forename": "DAVID"}],
    "Short name": [{"forename": "BENJAMIN"}, {"forename": "BEN"}],
    "Preferred name": [{"forename": "MYFANWY", "other_forenames": ["ZIGGY"]}, {"forename": "ZIGGY"}],
    "Spelling slip": [{}, {"forename": "ANGHARRAD"}],
    "New surname": [{}, {"surname": "WOJCIK"}],
    "Moved, with a new surname": [
        {}, {**FAR, "surname": "WOJCIK", "other_surnames": ["PROTHEROE"], "other_postcodes": ["CF991AA"]},
    ],
    "Names the wrong way round": [{}, {"forename": "PROTHEROE", "surname": "ANGHARAD"}],
    "Day and month the wrong way round": [{}, {"birth_date": dt.date(2015, 9, 3)}],
    "One digit of the date": [{}, {"birth_date": dt.date(2014, 3, 9)}],
    "Another sex": [{}, {"sex": "M"}],
    "Baby without a name yet": [{"forename": None}, {"forename": "MABLI"}],
    "Unborn, then born": [{"forename": "MABLI"}, UNBORN],
    "Merged by its own system": [{}, {"surname": "UNKNOWN", "merged_into_record_key": FIRST}],
    "Twins": [{"forename": "TEGAN"}, {"forename": "SIONED"}],
    "Twins with a number in common": [
        {"forename": "TEGAN", "nhs_number": NHS_1}, {"forename": "SIONED", "nhs_number": NHS_1},
    ],
    "A boy and a girl with names alike": [{"forename": "OLIVER", "sex": "M"}, {"forename": "OLIVIA"}],
    "A record without a name that fits both twins": [{"forename": None}, {"forename": "TEGAN"}, {"forename": "SIONED"}],
    "One unborn, two born": [UNBORN, {"forename": "TEGAN"}, {"forename": "SIONED"}],
    "Two NHS numbers": [{"nhs_number": NHS_1}, {"nhs_number": NHS_2}],
    "A merge of two NHS numbers": [{"nhs_number": NHS_1}, {"nhs_number": NHS_2, "merged_into_record_key": FIRST}],
    "A brother's number": [
        {"nhs_number": NHS_1}, {**GERAINT, "birth_date": dt.date(2011, 11, 30), "nhs_number": NHS_1},
    ],
    "Two pupil numbers": [{"upn": "A1"}, {"upn": "A2"}],
    "Only a former pupil number": [{"upn": "A1"}, {"upn": "A2", "former_upns": ["A1"]}],
    "Another family": [{}, FAR],
    "Two birth dates": [{}, OTHER_DATE],
    "An age in place of a birth date": [{}, {"birth_date": None, "estimated_birth_year": 2014}],
    "Cousins of one name": [{}, {**FAR, **OTHER_DATE}],
    "Brother and sister": [{}, {**GERAINT, "birth_date": dt.date(2012, 11, 30)}],
    "Unborn, and an elder sister": [{}, {**UNBORN, "expected_birth_date": dt.date(2018, 1, 1)}],
    "Adopted": [{"nhs_number": NHS_1}, {"nhs_number": NHS_1, "is_sealed": True}],
}  # fmt: skip
"""The records of every case, as they differ from Angharad's."""


def told():
    """Case and outcome of every line of the page's tables that says one."""
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cases = [row for row in rows if len(row) > 4 and row[3].strip() in OUTCOMES and "*" not in row[1]]
    return {row[1].strip(): OUTCOMES[row[3].strip()] for row in cases}


def test_every_case_of_the_page_is_run():
    assert set(told()) == set(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "-"))
def test_a_case_of_the_page_is_true(run, child, case):
    rows = [child(key, **values) for key, values in zip((FIRST, SECOND, THIRD), CASES[case], strict=False)]
    linked = run(*rows)
    outcome = told()[case]
    assert linked.together(FIRST, SECOND) is (outcome == "link")
    if outcome != "link":
        pair = linked.pairs.get((SECOND, FIRST))
        assert (pair is not None and pair["decision"] == "review") is (outcome == "review")
