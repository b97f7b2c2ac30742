"""Which pairs must not be linked automatically, and why.

Put here: the conditions of the vetoes that model.py names. Keep out: carrying a veto through a chain of
records (cluster.py).
"""

import numpy as np

from linkage.comparison import MISSING, Levels
from linkage.model import VETOES, Limits
from linkage.persons import NO_DATE, Persons

NO_VETO = -1
_CODE = {veto.name: code for code, veto in enumerate(VETOES)}


def veto_code(name: str) -> int:
    """The number of a veto in model.VETOES."""
    return _CODE[name]


def find_vetoes(persons: Persons, lefts: np.ndarray, rights: np.ndarray, levels: Levels, limits: Limits) -> np.ndarray:
    """For each pair the first veto that holds, in the order of model.VETOES, or NO_VETO."""
    identified = levels.is_level("nhs_number", "same") | levels.is_level("upn", "same")
    forename_agrees = _forename_agrees(levels, identified, limits)
    date_known = levels.of("birth_date") != MISSING
    unborn = persons.is_unborn[lefts] | persons.is_unborn[rights]
    conditions = {
        "sealed": _sealed(persons, lefts, rights),
        "nhs_number_differs": levels.is_level("nhs_number", "differs"),
        "twin": _twin(persons, lefts, rights, levels, forename_agrees),
        "identifier_conflict": identified
        & ~forename_agrees
        & ~levels.is_level("birth_date", "exact", "swapped", "one_digit")
        & ~levels.is_level("expected_date", "near"),
        "upn_differs": levels.is_level("upn", "differs") & ~levels.is_level("nhs_number", "same"),
        "former_upn": _by_former_upn(persons, lefts, rights, levels),
        "no_birth_date": ~date_known & ~unborn & ~identified,
        "unborn": unborn & ~_known_pregnancy(levels),
    }
    codes = np.full(len(lefts), NO_VETO, dtype=np.int8)
    for name, holds in reversed(conditions.items()):
        codes[holds] = _CODE[name]
    return codes


def _by_former_upn(persons: Persons, lefts: np.ndarray, rights: np.ndarray, levels: Levels) -> np.ndarray:
    """Whether a pupil number agrees that one of the two no longer has, and no NHS number does."""
    differs_now = persons.upns.primary[lefts] != persons.upns.primary[rights]
    return levels.is_level("upn", "same") & differs_now & ~levels.is_level("nhs_number", "same")


def _forename_agrees(levels: Levels, identified: np.ndarray, limits: Limits) -> np.ndarray:
    """Whether two forenames are one name.

    Oliver and Olivia are alike, Ieuan and Evan are variants, and yet both are twins somewhere. So a slip or a variant
    is one name only where neither sex nor pupil number says otherwise.
    """
    equal = levels.is_level("forename", "exact_rare", "exact", "alias")
    doubted = levels.is_level("sex", "differs") | levels.is_level("upn", "differs")
    slip = levels.is_level("forename", "variant")
    corroborated = identified | levels.is_level("middle_names", "same")
    near = corroborated & (levels.forename_similarity >= limits.corroborated_name)
    return equal | ((slip | near) & ~doubted)


def _twin(
    persons: Persons, lefts: np.ndarray, rights: np.ndarray, levels: Levels, forename_agrees: np.ndarray
) -> np.ndarray:
    other_forename = (levels.of("forename") != MISSING) & ~forename_agrees
    surname = levels.is_level("surname", "exact_rare", "exact", "alias", "similar")
    place = levels.is_level("place", "address", "postcode")
    family = (persons.family[lefts] == persons.family[rights]) & (persons.family[lefts] >= 0)
    in_common = surname.astype(np.int8) + place + family
    return levels.is_level("birth_date", "exact") & other_forename & (in_common >= 2)


def _known_pregnancy(levels: Levels) -> np.ndarray:
    household = levels.is_level("surname", "exact_rare", "exact", "alias") & levels.is_level(
        "place", "address", "postcode"
    )
    same_birth = levels.is_level("expected_date", "near") & (levels.is_level("family", "same") | household)
    return same_birth | levels.is_level("nhs_number", "same")


def seal_groups(persons: Persons) -> np.ndarray:
    """Code of system and identifier together; a sealed record may share a child only with records of its own group.

    A record without identifier is a group of its own.
    """
    identifier = np.where(
        persons.nhs_number >= 0,
        persons.nhs_number * 2,
        np.where(persons.upns.primary >= 0, persons.upns.primary * 2 + 1, -1),
    )
    alone = -1 - np.arange(len(persons), dtype=np.int64)
    return np.where(identifier >= 0, persons.system.astype(np.int64) * (np.int64(1) << 32) + identifier, alone)


def _sealed(persons: Persons, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    groups = seal_groups(persons)
    return (persons.is_sealed[lefts] | persons.is_sealed[rights]) & (groups[lefts] != groups[rights])


def is_incomplete(persons: Persons) -> np.ndarray:
    """Records that name nobody yet: no forename, or no birth date."""
    return ~persons.forenames.has_name() | (persons.birth_date == NO_DATE)


def find_ambiguous(
    persons: Persons,
    lefts: np.ndarray,
    rights: np.ndarray,
    wants_link: np.ndarray,
    is_identified: np.ndarray,
    apart: frozenset[tuple[int, int]],
) -> np.ndarray:
    """Links of a record without forename that fits two records which are kept apart; an identifier settles the matter.

    Two records are kept apart by a veto that keeps apart, or by two NHS numbers.
    """
    incomplete = is_incomplete(persons)
    ambiguous = np.zeros(len(lefts), dtype=bool)
    asked = np.flatnonzero(wants_link & ~is_identified & (incomplete[lefts] | incomplete[rights]))
    partners: dict[int, list[tuple[int, int]]] = {}
    for pair in asked:
        for record, partner in ((int(lefts[pair]), int(rights[pair])), (int(rights[pair]), int(lefts[pair]))):
            if incomplete[record]:
                partners.setdefault(record, []).append((partner, int(pair)))
    for found in partners.values():
        if any(_are_apart(persons, a, b, apart) for i, (a, _) in enumerate(found) for b, _ in found[i + 1 :]):
            ambiguous[[pair for _, pair in found]] = True
    return ambiguous


def _are_apart(persons: Persons, a: int, b: int, apart: frozenset[tuple[int, int]]) -> bool:
    numbers = persons.nhs_number[a], persons.nhs_number[b]
    return (min(a, b), max(a, b)) in apart or (numbers[0] >= 0 and numbers[1] >= 0 and numbers[0] != numbers[1])
