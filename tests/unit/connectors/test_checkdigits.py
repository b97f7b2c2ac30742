"""The check digits against the worked examples of the sources, and against a second way of computing them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import checkdigits
from connectors.checkdigits import UPN_LETTERS

unhurried = settings(deadline=None, max_examples=60)


def is_nhs_number(text: str | None) -> bool | None:
    return pl.DataFrame({"v": [text]}, schema={"v": pl.String}).select(checkdigits.is_nhs_number(pl.col("v"))).item()


def is_upn(text: str | None) -> bool | None:
    return pl.DataFrame({"v": [text]}, schema={"v": pl.String}).select(checkdigits.is_upn(pl.col("v"))).item()


def valid_upns(upns: list[str]) -> list[str]:
    """Those of the UPNs that are valid."""
    frame = pl.DataFrame({"v": upns})
    return frame.filter(checkdigits.is_upn(pl.col("v")))["v"].to_list()


def upn_letter(body: str) -> str:
    """The letter by the rule's own words: characters 2 to 13 times 2 to 13, remainder of 23."""
    values = [UPN_LETTERS.index(c) if c.isalpha() else int(c) for c in body]
    return UPN_LETTERS[sum(value * weight for weight, value in enumerate(values, start=2)) % 23]


def test_the_published_nhs_number_is_valid():
    assert is_nhs_number("9434765919")


@pytest.mark.parametrize("last", range(10))
def test_a_body_whose_check_digit_would_be_ten_has_no_valid_number(last: int):
    # 999123456x: sum 298, remainder 1, 11 - 1 = 10.
    assert not is_nhs_number(f"999123456{last}")


@pytest.mark.parametrize("text", ["", "943476591", "94347659190", "943 476 5919", "943476591A", "٩٤٣٤٧٦٥٩١٩"])
def test_what_is_not_ten_digits_is_no_nhs_number(text: str):
    assert not is_nhs_number(text)


def test_a_missing_number_is_neither_valid_nor_invalid():
    assert is_nhs_number(None) is None
    assert is_upn(None) is None


@unhurried
@given(st.integers(0, 999_999).map(lambda n: f"999{n:06d}"))
def test_at_most_one_check_digit_makes_an_nhs_number_valid(body: str):
    valid = [digit for digit in range(10) if is_nhs_number(f"{body}{digit}")]
    expected = (11 - sum(int(d) * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11) % 11
    assert valid == ([] if expected == 10 else [expected])


@unhurried
@given(st.integers(0, 999_999), st.integers(0, 8))
def test_two_neighbouring_digits_that_are_swapped_are_noticed(number: int, place: int):
    body = f"999{number:06d}"
    check = (11 - sum(int(d) * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11) % 11
    whole = f"{body}{check}"
    swapped = whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]
    assert check == 10 or swapped == whole or not is_nhs_number(swapped)


@pytest.mark.parametrize("upn", ["B801200005001", "D681400025001", "C68140002501A"])
def test_the_worked_upns_are_valid_permanent_welsh_and_temporary(upn: str):
    assert is_upn(upn)


@pytest.mark.parametrize(
    "upn", ["A801200005001", "B80120000500", "B8012000050011", "b801200005001", "I801200005001", "C68140002501O", ""]
)
def test_a_upn_with_another_letter_or_form_is_not_valid(upn: str):
    assert not is_upn(upn)


@unhurried
@given(st.integers(0, 10**11 - 1), st.sampled_from([*"0123456789", *UPN_LETTERS]))
def test_exactly_one_first_letter_makes_a_upn_valid(middle: int, last: str):
    body = f"{middle:011d}{last}"
    assert valid_upns([letter + body for letter in UPN_LETTERS]) == [upn_letter(body) + body]


@unhurried
@given(st.text(max_size=15))
def test_any_text_gets_an_answer(text: str):
    assert is_nhs_number(text) in (True, False)
    assert is_upn(text) in (True, False)
