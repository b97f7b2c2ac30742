"""Which patterns must not be linked automatically, whatever their weight, and why.

Put here: the conditions of the vetoes that model.py names, as far as the pattern of a pair shows them. Keep out:
decisions and seals, which belong to records (linker.py), and carrying a veto through a chain of records
(clustering.py).
"""

import numpy as np

from linkage.model import VETO_CODE, VETOES
from linkage.scoring import Levels

KEEPS_APART = np.array([False, *(veto.keeps_apart for veto in VETOES)])
"""By code: whether a pair speaks against one child for all records around it."""
ALWAYS_REVIEW = np.array([False, *(veto.always_review for veto in VETOES)])


def find_vetoes(levels: Levels, *, has_twin_rule: bool) -> np.ndarray:
    """For each pattern the code of the first veto that holds, in the order of model.VETOES, or 0."""
    nhs_same = levels.reached("nhs_number", "same", "superseded")
    identified = nhs_same | levels.reached("upn", "same") | levels.reached("other_identifier", "same")
    agrees = _forename_agrees(levels, identified)
    unborn = levels.reached("birth_date", "expected_near", "expected_far")
    dated = levels.known("birth_date") & ~levels.reached("birth_date", "estimate_near", "estimate_far")
    conditions = {
        "nhs_number_differs": levels.reached("nhs_number", "differs", "slip"),
        "twin": _twin(levels, agrees) & has_twin_rule,
        "identifier_conflict": identified
        & has_twin_rule
        & ~agrees
        & ~levels.reached("birth_date", "exact", "exact_default", "swapped", "slip", "expected_near"),
        "upn_differs": levels.reached("upn", "differs") & ~nhs_same,
        "former_upn": levels.reached("upn", "former") & ~nhs_same,
        "no_birth_date": ~dated & ~identified & has_twin_rule,
        "other_birth_date": levels.reached("birth_date", "differs", "differs_in_year") & ~identified & has_twin_rule,
        "other_family": _other_family(levels) & ~identified & has_twin_rule,
        "unborn": unborn & ~_known_pregnancy(levels, nhs_same),
    }
    codes = np.zeros(len(levels.digits), dtype=np.uint8)
    for name in reversed(conditions):
        codes[conditions[name]] = VETO_CODE[name]
    return codes


def _forename_agrees(levels: Levels, identified: np.ndarray) -> np.ndarray:
    """Whether two forenames are one name.

    Oliver and Olivia are alike, Ieuan and Evan are variants, and yet both are twins somewhere. So a slip or a variant
    is one name only where neither sex nor pupil number says otherwise.
    """
    equal = levels.reached("forename", "exact", "swapped", "alias")
    doubted = levels.reached("sex", "differs") | levels.reached("upn", "differs")
    slip = levels.reached("forename", "close", "variant")
    corroborated = identified | levels.reached("middle_names", "same")
    near = corroborated & levels.reached("forename", "similar", "sound", "initial")
    return equal | ((slip | near) & ~doubted)


def _twin(levels: Levels, forename_agrees: np.ndarray) -> np.ndarray:
    surname = levels.reached("surname", "exact", "alias", "part", "close")
    place = levels.reached("place", "address", "postcode", "former_address", "former_postcode", "neighbour")
    parents = levels.reached("guardians", "same", "family") | levels.reached("telephone", "same")
    in_common = surname.astype(np.int8) + place + parents
    same_day = levels.reached("birth_date", "exact", "exact_default")
    return same_day & levels.known("forename") & ~forename_agrees & (in_common >= 2)


def _other_family(levels: Levels) -> np.ndarray:
    """Whether the child lives elsewhere and no parent, telephone or school is in common either."""
    shared = levels.reached("guardians", "same", "family")
    shared |= levels.reached("telephone", "same") | levels.reached("school", "same")
    return levels.reached("place", "area", "differs") & ~shared


def _known_pregnancy(levels: Levels, nhs_same: np.ndarray) -> np.ndarray:
    household = levels.reached("surname", "exact", "alias", "part") & levels.reached(
        "place", "address", "postcode", "former_address", "former_postcode", "neighbour"
    )
    family = levels.reached("guardians", "same", "family")
    return nhs_same | (levels.reached("birth_date", "expected_near") & (family | household))


__all__ = ["ALWAYS_REVIEW", "KEEPS_APART", "find_vetoes"]
