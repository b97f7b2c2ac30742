"""Compares candidate pairs field by field and says which level each comparison reached.

Put here: what it takes to reach a level. Keep out: what a level is worth (model.py, classify.py) and what
follows from it (vetoes.py).
"""

import re
from dataclasses import dataclass

import numpy as np
from recordlinkage.algorithms.string import jarowinkler_similarity

from linkage.model import COMPARISONS, FIELDS, Limits
from linkage.names import compare_names, shares_value
from linkage.persons import NO_DATE, Persons

MISSING = -1
"""Level of a comparison for which one of the two records has no value."""

_COLUMN = {comparison.field: column for column, comparison in enumerate(COMPARISONS)}


@dataclass(frozen=True)
class Levels:
    """One row a pair, one column a comparison: the number of the level reached, best 0, MISSING if not comparable."""

    matrix: np.ndarray
    forename_similarity: np.ndarray
    """Kept for the twin rule, which draws its line elsewhere than the levels do."""

    def of(self, field: str) -> np.ndarray:
        """The levels of one comparison."""
        return self.matrix[:, _COLUMN[field]]

    def is_level(self, field: str, *names: str) -> np.ndarray:
        """Which pairs reached one of the named levels."""
        wanted = [FIELDS[field].names.index(name) for name in names]
        return np.isin(self.of(field), wanted)


def compare(persons: Persons, lefts: np.ndarray, rights: np.ndarray, limits: Limits) -> Levels:
    """Compare pairs of records, given by position."""
    matrix = np.full((len(lefts), len(COMPARISONS)), MISSING, dtype=np.int8)
    forename, surname, similarity = _names(persons, lefts, rights, limits)
    found = {
        "forename": forename,
        "surname": surname,
        "birth_date": _birth_date(persons, lefts, rights),
        "sex": _equal_codes(persons.sex, lefts, rights),
        "place": _place(persons, lefts, rights, limits),
        "middle_names": _middle_names(persons, lefts, rights),
        "expected_date": _expected_date(persons, lefts, rights, limits),
        "family": _family_of_unborn(persons, lefts, rights),
        "birth_year": _birth_year(persons, lefts, rights, limits),
        "nhs_number": _equal_codes(persons.nhs_number, lefts, rights),
        "upn": _upn(persons, lefts, rights),
    }
    for field, levels in found.items():
        matrix[:, _COLUMN[field]] = levels
    return Levels(matrix, similarity)


def _choose(field: str, known: np.ndarray, **reached: np.ndarray) -> np.ndarray:
    """The best level reached; the last level where none is; MISSING where not known."""
    names = FIELDS[field].names
    levels = np.full(len(known), len(names) - 1, dtype=np.int8)
    for number in reversed(range(len(names) - 1)):
        levels[reached[names[number]]] = number
    levels[~known] = MISSING
    return levels


def _names(
    persons: Persons, lefts: np.ndarray, rights: np.ndarray, limits: Limits
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    forename = compare_names(persons.forenames, persons.forenames, lefts, rights, limits, with_variants=True)
    surname = compare_names(persons.surnames, persons.surnames, lefts, rights, limits, with_variants=False)
    swapped = np.zeros(len(lefts), dtype=bool)
    doubtful = np.flatnonzero((forename.similarity < limits.partly_name) & (surname.similarity < limits.partly_name))
    if len(doubtful):
        there = compare_names(
            persons.forenames, persons.surnames, lefts[doubtful], rights[doubtful], limits, with_variants=False
        )
        back = compare_names(
            persons.surnames, persons.forenames, lefts[doubtful], rights[doubtful], limits, with_variants=False
        )
        swapped[doubtful] = there.is_alias & back.is_alias
    similarity = np.where(swapped, 1.0, forename.similarity)
    forename_level = _choose(
        "forename",
        forename.is_known,
        exact_rare=forename.is_equal & forename.is_rare,
        exact=forename.is_equal,
        alias=forename.is_alias | swapped,
        variant=similarity >= limits.similar_name,
        partly=similarity >= limits.partly_name,
    )
    surname_level = _choose(
        "surname",
        surname.is_known,
        exact_rare=surname.is_equal & surname.is_rare,
        exact=surname.is_equal,
        alias=surname.is_alias | swapped,
        similar=surname.similarity >= limits.similar_name,
    )
    return forename_level, surname_level, np.where(forename.is_known, similarity, np.nan)


def _birth_date(persons: Persons, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    known = (persons.birth_date[lefts] != NO_DATE) & (persons.birth_date[rights] != NO_DATE)
    digits, parts = _digits(persons.birth_date)
    one, other = parts[lefts], parts[rights]
    swapped = (one[:, 0] == other[:, 0]) & (one[:, 1] == other[:, 2]) & (one[:, 2] == other[:, 1])
    return _choose(
        "birth_date",
        known,
        exact=persons.birth_date[lefts] == persons.birth_date[rights],
        swapped=swapped,
        one_digit=np.count_nonzero(digits[lefts] != digits[rights], axis=1) == 1,
    )


def _digits(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eight digits of each date, and its year, month and day."""
    dates = np.where(days == NO_DATE, 0, days).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (dates - months).astype(np.int64) + 1
    whole = year * 10_000 + month * 100 + day
    digits = np.stack([whole // 10**place % 10 for place in range(8)], axis=1).astype(np.int8)
    return digits, np.stack([year, month, day], axis=1)


def _equal_codes(codes: np.ndarray, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    known = (codes[lefts] >= 0) & (codes[rights] >= 0)
    return np.where(known, np.where(codes[lefts] == codes[rights], 0, 1), MISSING).astype(np.int8)


def _place(persons: Persons, lefts: np.ndarray, rights: np.ndarray, limits: Limits) -> np.ndarray:
    has_place = persons.postcodes.has_name()
    known = has_place[lefts] & has_place[rights]
    postcode = shares_value(persons.postcodes, lefts, rights)
    address = np.zeros(len(lefts), dtype=bool)
    same = (persons.postcode[lefts] == persons.postcode[rights]) & (persons.postcode[lefts] >= 0)
    asked = np.flatnonzero(same & (persons.address[lefts] >= 0) & (persons.address[rights] >= 0))
    if len(asked):
        address[asked] = _same_address(
            persons.addresses, persons.address[lefts[asked]], persons.address[rights[asked]], limits
        )
    return _choose(
        "place", known, address=address, postcode=postcode, district=shares_value(persons.districts, lefts, rights)
    )


def _same_address(addresses: np.ndarray, one: np.ndarray, other: np.ndarray, limits: Limits) -> np.ndarray:
    """Alike, and the same house: 12 and 14 High Street are nearly the same text and two families."""
    distinct, back = np.unique(one * len(addresses) + other, return_inverse=True)
    left, right = addresses[distinct // len(addresses)], addresses[distinct % len(addresses)]
    alike = jarowinkler_similarity(left, right).to_numpy(dtype=float) >= limits.similar_address
    same_house = np.fromiter(
        (_numbers(a) == _numbers(b) for a, b in zip(left, right, strict=True)), bool, len(distinct)
    )
    return (alike & same_house)[back]


def _numbers(address: str) -> list[str]:
    return re.findall(r"\d+", address)


def _middle_names(persons: Persons, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    has_middle = np.fromiter((isinstance(name, str) for name in persons.middle_names), bool, len(persons))
    known = has_middle[lefts] & has_middle[rights]
    same, initial = np.zeros(len(lefts), dtype=bool), np.zeros(len(lefts), dtype=bool)
    for pair in np.flatnonzero(known):
        one, other = persons.middle_names[lefts[pair]], persons.middle_names[rights[pair]]
        same[pair] = one == other
        initial[pair] = one[:1] == other[:1] and min(len(one), len(other)) == 1
    return _choose("middle_names", known, same=same, initial=initial)


def _expected_date(persons: Persons, lefts: np.ndarray, rights: np.ndarray, limits: Limits) -> np.ndarray:
    """An unborn child's expected date against the birth date, or the expected date, of the other record."""
    unborn_l, unborn_r = persons.is_unborn[lefts], persons.is_unborn[rights]
    expected = np.where(unborn_l, persons.expected_date[lefts], persons.expected_date[rights])
    born = np.where(unborn_l, persons.birth_date[rights], persons.birth_date[lefts])
    both = unborn_l & unborn_r
    other = np.where(both, persons.expected_date[rights], born)
    known = (unborn_l | unborn_r) & (expected != NO_DATE) & (other != NO_DATE)
    days = other - expected
    earliest = np.where(both, -limits.days_after_expected, -limits.days_before_expected)
    return _choose("expected_date", known, near=(days >= earliest) & (days <= limits.days_after_expected))


def _family_of_unborn(persons: Persons, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    unborn = persons.is_unborn[lefts] | persons.is_unborn[rights]
    same_system = persons.system[lefts] == persons.system[rights]
    return np.where(unborn & same_system, _equal_codes(persons.family, lefts, rights), MISSING).astype(np.int8)


def _birth_year(persons: Persons, lefts: np.ndarray, rights: np.ndarray, limits: Limits) -> np.ndarray:
    """Asked only where a birth date is missing; otherwise the date says it better."""
    dated = (persons.birth_date[lefts] != NO_DATE) & (persons.birth_date[rights] != NO_DATE)
    known = ~dated & (persons.birth_year[lefts] >= 0) & (persons.birth_year[rights] >= 0)
    return _choose(
        "birth_year",
        known,
        near=np.abs(persons.birth_year[lefts] - persons.birth_year[rights]) <= limits.estimated_years,
    )


def _upn(persons: Persons, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    has_upn = persons.upns.has_name()
    return _choose("upn", has_upn[lefts] & has_upn[rights], same=shares_value(persons.upns, lefts, rights))
