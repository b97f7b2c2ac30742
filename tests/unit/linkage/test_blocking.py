"""Candidates: which pairs are worth comparing, and what the rules and the patterns are made of."""

import datetime as dt

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.blocking import RULE_NAMES
from linkage.model import BLOCKING_RULES, COMPARISONS, VETOES
from linkage.records import FEATURES
from linkage.scoring import DIGITS, PLACES, columns_of_pairs, read_patterns


def test_there_are_twelve_to_sixteen_rules_and_each_says_why():
    assert 12 <= len(BLOCKING_RULES) <= 16
    assert all(rule.reason for rule in BLOCKING_RULES)
    assert len(set(RULE_NAMES)) == len(RULE_NAMES)


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.field)
def test_declared_shares_add_up_and_the_best_level_speaks_for_a_match(comparison):
    assert sum(level.m for level in comparison.levels) == pytest.approx(1, abs=0.01)
    assert sum(level.u for level in comparison.levels) == pytest.approx(1, abs=0.01)
    assert comparison.levels[0].m > comparison.levels[0].u
    assert comparison.levels[-1].m < comparison.levels[-1].u
    assert all(level.reason for level in comparison.levels)
    assert [level.condition == "" for level in comparison.levels] == [False] * (len(comparison.levels) - 1) + [True]


def test_comparisons_speak_of_features_only():
    assert set(columns_of_pairs()) <= {*FEATURES, "system"}


def test_every_veto_has_a_reason():
    assert all(veto.reason for veto in VETOES)


@given(st.data())
def test_a_pattern_read_back_gives_the_digits_it_was_made_of(data):
    digits = [data.draw(st.integers(0, len(names) - 1)) for names in DIGITS.values()]
    pattern = sum(digit * PLACES[field] for digit, field in zip(digits, DIGITS, strict=True))
    assert read_patterns(np.array([pattern], dtype=np.int64)).digits[0].tolist() == digits


def test_a_block_over_the_cap_is_cut_and_counted_and_other_rules_still_find_the_pairs(run, child):
    rows = [child(f"health|PARIS|{n}", postcode=f"CF99{n}AA", nhs_number=f"999{n % 3}") for n in range(6)]
    counted = run(*rows, max_block_size=4).summary.blocking
    assert counted["surname_birth_date"].blocks_cut == 1
    assert counted["surname_birth_date"].records_in_cut_blocks == 6
    assert counted["surname_birth_date"].pairs == 0
    assert counted["nhs_number"].pairs == 3


def test_missing_values_never_make_a_block(run, region):
    linked = run(region.row("a|s|1", surname="PUGH"), region.row("b|s|1", surname="PUGH"))
    assert linked.summary.pairs_compared == 0


def test_blank_text_is_no_value(run, region):
    blank = {"forename": " ", "surname": "", "postcode": "", "nhs_number": " "}
    assert run(region.row("a|s|1", **blank), region.row("b|s|1", **blank)).summary.pairs_compared == 0


def test_a_pair_says_every_rule_that_found_it(run, child):
    found = run(child("a|s|1", upn="A1"), child("b|s|1", upn="A1")).pair("a|s|1", "b|s|1")["blocking_rules"].split(",")
    assert {"upn", "surname_birth_date", "place_forename"} <= set(found)
    assert "nhs_number" not in found


def test_a_family_that_moved_is_found_by_a_telephone_or_a_parent(run, child):
    moved = {"forename": "ZOSIA", "surname": "WOJCIK", "postcode": "SA628QT", "address_line": "3 FERRY LANE"}
    for evidence in ({"telephones": ["02920000001"]}, {"guardian_names": ["MAIR PROTHEROE"]}):
        linked = run(child("a|s|1", **evidence), child("b|s|1", **moved, **evidence))
        assert "household_birth_date" in linked.pair("a|s|1", "b|s|1")["blocking_rules"]


def test_former_names_and_postcodes_are_keys_too(run, child):
    there = child("b|s|1", surname="WOJCIK", other_surnames=["PROTHEROE"], birth_date=dt.date(2015, 3, 9), forename="X")
    assert "surname_birth_date" in run(child("a|s|1"), there).pair("a|s|1", "b|s|1")["blocking_rules"]


def test_no_value_of_a_person_is_stored_with_a_pair(run, child, tmp_path):
    identity = tmp_path / "identity.duckdb"
    run(child("a|s|1"), child("b|s|1"), identity=identity)
    con = duckdb.connect(str(identity))
    kinds = {name: kind for name, kind, *_ in con.execute("DESCRIBE pair").fetchall()}
    assert set(kinds) == {"l", "r", "rules", "pattern", "weight", "veto"}
    assert "VARCHAR" not in kinds.values()
