"""Check digits of the simulator against the worked examples of the domain rules."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.identifiers import break_nhs_number, is_valid_nhs_number, issue_nhs_numbers, issue_upns, upn_check_letter


def test_the_worked_example_of_an_nhs_number_is_valid() -> None:
    assert is_valid_nhs_number("9434765919")
    assert not is_valid_nhs_number(break_nhs_number("9434765919"))


def test_issued_nhs_numbers_are_distinct_valid_and_from_the_test_range() -> None:
    numbers = issue_nhs_numbers(np.random.default_rng(1), 150_000)
    assert len(set(numbers)) == 150_000
    assert all(number.startswith("999") for number in numbers)
    assert all(is_valid_nhs_number(number) for number in numbers[:3000])


@pytest.mark.parametrize("upn", ["B801200005001", "D681400025001", "C68140002501A"])
def test_the_worked_examples_of_upns_have_their_letter(upn: str) -> None:
    assert upn_check_letter(upn[1:]) == upn[0]


def test_issued_upns_agree_with_the_scalar_check() -> None:
    upns = issue_upns(np.array([681, 673]), np.array([4000, 2101]), np.array([2002, 2020]), np.array([5001, 17]))
    assert [upn_check_letter(upn[1:]) for upn in upns] == [upn[0] for upn in upns]
