"""Check digits and ranges of the identifiers that the simulator issues.

Put here: vectorised NHS number and UPN issue, and deliberately wrong ones. Keep out: who receives an identifier
(`population`) and which agency holds it (`noise`).
"""

from __future__ import annotations

import numpy as np

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_NHS_WEIGHTS = np.arange(10, 1, -1)


def nhs_check_digits(bodies: np.ndarray) -> np.ndarray:
    """Return the check digit of each nine-digit body; 10 marks a body that can never be issued."""
    digits = (bodies[:, None] // 10 ** np.arange(8, -1, -1)) % 10
    check = 11 - (digits * _NHS_WEIGHTS).sum(axis=1) % 11
    return np.where(check == 11, 0, check)


def issue_nhs_numbers(rng: np.random.Generator, count: int) -> np.ndarray:
    """Issue distinct, valid NHS numbers from the 999 test range (about 909,000 exist)."""
    bodies = 999_000_000 + rng.permutation(1_000_000)
    check = nhs_check_digits(bodies)
    good = check < 10
    numbers = bodies[good] * 10 + check[good]
    if count > len(numbers):
        raise ValueError("the 999 range has too few NHS numbers for this region")
    return numbers[:count].astype(str).astype(object)


def is_valid_nhs_number(value: str) -> bool:
    """Say whether a ten-digit text has the right check digit."""
    if len(value) != 10 or not value.isdigit():
        return False
    return int(nhs_check_digits(np.array([int(value[:9])]))[0]) == int(value[9])


def break_nhs_number(value: str) -> str:
    """Return the number with a wrong check digit."""
    return value[:9] + str((int(value[9]) + 1) % 10)


def space_nhs_number(value: str) -> str:
    """Return the number as people write it, in groups of 3, 3 and 4."""
    return f"{value[:3]} {value[3:6]} {value[6:]}"


def issue_upns(authority: np.ndarray, school: np.ndarray, year: np.ndarray, serial: np.ndarray) -> np.ndarray:
    """Issue permanent UPNs: check letter, authority (3), school (4), year (2), serial (3)."""
    bodies = ((authority.astype(np.int64) * 10_000 + school) * 100 + year % 100) * 1_000 + serial % 1_000
    digits = (bodies[:, None] // 10 ** np.arange(11, -1, -1)) % 10
    letters = np.array(list(UPN_LETTERS), dtype=object)[(digits * np.arange(2, 14)).sum(axis=1) % 23]
    return letters + np.char.zfill(bodies.astype(str), 12).astype(object)


def upn_check_letter(body: str) -> str:
    """Return the check letter of a twelve-character UPN body (a last letter makes it a temporary UPN)."""
    values = [UPN_LETTERS.index(c) if c.isalpha() else int(c) for c in body]
    return UPN_LETTERS[sum(w * v for w, v in zip(range(2, 14), values, strict=True)) % 23]
