"""Candidate pairs, and likeness of names."""

import numpy as np
import pytest

from linkage.blocking import KEYS
from linkage.model import BLOCKING_RULES, COMPARISONS, LIMITS, VETOES
from linkage.names import VARIANT_SIMILARITY, NameIndex, compare_names, sounds, variant_groups


def test_every_rule_blocks_on_keys_that_exist_and_says_why():
    assert all(set(rule.keys) <= set(KEYS) and rule.reason for rule in BLOCKING_RULES)
    assert len({rule.name for rule in BLOCKING_RULES}) == len(BLOCKING_RULES)


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.field)
def test_declared_shares_add_up_and_the_best_level_speaks_for_a_match(comparison):
    assert sum(level.m for level in comparison.levels) == pytest.approx(1)
    assert sum(level.u for level in comparison.levels) == pytest.approx(1)
    assert comparison.levels[0].m > comparison.levels[0].u
    assert comparison.levels[-1].m < comparison.levels[-1].u
    assert all(level.reason for level in comparison.levels)


def test_every_veto_has_a_reason_and_a_known_decision():
    assert all(veto.reason and veto.decision in {"review", "withheld"} for veto in VETOES)


def test_a_block_over_the_cap_is_cut_and_counted_and_other_rules_still_find_the_pairs(run, child):
    rows = [child(f"health|PARIS|{n}", postcode=f"CF99{n}AA", nhs_number=f"999{n % 3}") for n in range(6)]
    linked = run(*rows, max_block_size=4)
    counted = linked.summary.blocking
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
    assert {"upn", "surname_birth_date", "postcode_forename"} <= set(found)
    assert "nhs_number" not in found


def _compare(one: list[str], other: list[str]):
    owner = np.array([0] * len(one) + [1] * len(other))
    is_current = np.array([position in (0, len(one)) for position in range(len(owner))])
    index = NameIndex.build(2, owner, np.array(one + other, dtype=object), is_current, LIMITS.rare_share)
    return compare_names(index, index, np.array([0]), np.array([1]), LIMITS, with_variants=True)


def test_the_best_of_all_names_counts():
    found = _compare(["MYFANWY", "ZIGGY"], ["ANGHARAD", "ZIGGY"])
    assert found.is_alias[0]
    assert not found.is_equal[0]
    assert found.similarity[0] == 1.0


def test_a_known_variant_is_lifted_and_never_equal():
    found = _compare(["DAFYDD"], ["DAVID"])
    assert found.similarity[0] == VARIANT_SIMILARITY
    assert not found.is_alias[0]


def test_names_without_letters_have_no_sound():
    assert sounds(["SMITH", "", "-", "1"])[0] == "S530"
    assert sounds(["", "-", "1"]) == [None, None, None]


def test_the_variants_table_is_upper_case_and_every_group_has_two_names():
    groups = variant_groups()
    assert all(name == name.upper() and name.isalpha() for name in groups)
    sizes = {group: sum(group in found for found in groups.values()) for found in groups.values() for group in found}
    assert min(sizes.values()) >= 2
