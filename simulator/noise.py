"""How agencies write a child down: typing errors, variants, swapped dates, old addresses, wrong numbers.

Put here: the error model, scaled per agency (rates follow the synthetic region of the linkage reference). Keep out:
true attributes (`population`) and file formats (`write_*`).
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

import numpy as np

from simulator import names
from simulator.clock import to_date, to_day
from simulator.identifiers import break_nhs_number
from simulator.population import Population

FORENAME_TYPO, SURNAME_TYPO, VARIANT, WELSH_VARIANT = 0.016, 0.013, 0.028, 0.05
WRONG_BIRTH_DATE, SWAPPED_NAMES, SIBLING_NUMBER, BAD_CHECK_DIGIT = 0.0085, 0.0016, 0.0012, 0.0025
_NEAR = {"a": "s", "e": "r", "i": "o", "o": "p", "n": "m", "m": "n", "s": "d", "t": "y", "l": "k", "r": "t", "h": "j"}
_PHONETIC = (
    ("ph", "f"),
    ("ff", "f"),
    ("ll", "l"),
    ("dd", "th"),
    ("ck", "k"),
    ("y", "i"),
    ("wy", "we"),
    ("ee", "ea"),
    ("sh", "ch"),
    ("au", "or"),
    ("c", "k"),
    ("ie", "y"),
    ("nn", "n"),
    ("th", "t"),
)


@dataclass
class Observed:
    """A system's picture of some children; all arrays have one entry per record."""

    child: np.ndarray
    forename: np.ndarray
    middle: np.ndarray
    surname: np.ndarray
    birth_day: np.ndarray
    sex: np.ndarray
    address: np.ndarray
    nhs: np.ndarray
    upn: np.ndarray

    def take(self, rows: np.ndarray) -> Observed:
        """Return the picture of some of the records."""
        return Observed(**{name: values[rows] for name, values in self.__dict__.items()})


def fold(text: str) -> str:
    """Drop accents, as systems without Unicode do."""
    plain = text.replace("ł", "l").replace("Ł", "L")
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def typo(draw: random.Random, text: str) -> str:
    """Make one keying error: drop, double, swap or replace a letter."""
    if len(text) < 3:
        return text
    at = draw.randrange(1, len(text) - 1)
    kind = draw.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + _NEAR.get(text[at], "e") + text[at + 1 :]


def phonetic(draw: random.Random, text: str) -> str:
    """Write a name as an officer hears it at the door."""
    out = fold(text)
    for heard, written in draw.sample(_PHONETIC, len(_PHONETIC)):
        if heard in out:
            return out.replace(heard, written, 1)
    return typo(draw, out)


def variant(draw: random.Random, name: str) -> str:
    """Return another accepted form of a forename, or the name itself."""
    options = names.VARIANTS.get(name)
    return draw.choice(options) if options else fold(name)


def wrong_birth_day(draw: random.Random, day: int) -> int:
    """Swap day and month, or miss by one in the day, the month or the year."""
    true = to_date(day)
    kind = draw.randrange(4)
    if kind == 0 and true.day <= 12:
        return to_day(true.replace(month=true.day, day=true.month))
    if kind == 1:
        return day + draw.choice((-1, 1, 10, -10))
    if kind == 2:
        return to_day(true.replace(month=true.month % 12 + 1, day=min(true.day, 28)))
    return to_day(true.replace(year=true.year - draw.choice((-1, 1, 1)), day=min(true.day, 28)))


def observe(
    pop: Population,
    child: np.ndarray,
    rng: np.random.Generator,
    draw: random.Random,
    *,
    scale: float,
    nhs_share: float,
    upn_share: float,
    stale: float,
    phonetic_share: float = 0.0,
) -> Observed:
    """Return how one system sees the children given by index.

    Args:
        pop: the true population.
        child: indexes of the children, one per record.
        rng: generator of this system.
        draw: scalar generator of this system.
        scale: multiplier of the base error rates.
        nhs_share: share of records that hold the NHS number.
        upn_share: share of records that hold the UPN.
        stale: share of movers that are still at their old address here.
        phonetic_share: share of names taken down by ear.
    """
    count = len(child)
    fore, sur = pop.forename[child].copy(), pop.surname[child].copy()
    birth, sex = pop.birth_day[child].copy(), pop.sex[child].copy()
    roll = rng.random((9, count))
    named = fore != None  # noqa: E711 - element-wise on an object array
    welsh = pop.heritage[child] == 0
    for at in np.flatnonzero(named & (roll[0] < VARIANT * scale + WELSH_VARIANT * welsh)):
        fore[at] = variant(draw, fore[at])
    for at in np.flatnonzero(named & (roll[1] < FORENAME_TYPO * scale)):
        fore[at] = typo(draw, fore[at])
    # A changed surname arrives late in some systems.
    former = pop.former_surname[child]
    behind = (former != None) & (roll[2] < 0.22)  # noqa: E711
    sur[behind] = former[behind]
    for at in np.flatnonzero(roll[3] < SURNAME_TYPO * scale):
        options = names.SURNAME_VARIANTS.get(sur[at])
        sur[at] = draw.choice(options) if options and draw.random() < 0.5 else typo(draw, sur[at])
    double = np.array(["-" in name and not name.startswith(("Al-", "El-")) for name in sur])
    for at in np.flatnonzero(double & (roll[4] < 0.12 * scale)):
        parts = sur[at].split("-")
        sur[at] = draw.choice((parts[0], parts[-1], " ".join(parts), "-".join(reversed(parts))))
    for at in np.flatnonzero((roll[5] < phonetic_share) & named):
        fore[at] = phonetic(draw, fore[at])
        if draw.random() < 0.5:
            sur[at] = phonetic(draw, sur[at])
    for at in np.flatnonzero(~pop.is_unborn[child] & (roll[6] < WRONG_BIRTH_DATE * scale)):
        birth[at] = min(wrong_birth_day(draw, int(birth[at])), pop.as_of)
    swapped = named & (roll[7] < SWAPPED_NAMES * scale)
    fore[swapped], sur[swapped] = sur[swapped], fore[swapped]
    sex[rng.random(count) < 0.002 * scale] = "U"
    sex[pop.is_unborn[child]] = "U"
    address = pop.address[child].copy()
    mover = (pop.moved[child] >= 0) & (roll[8] < stale)
    address[mover] = pop.old_address[child][mover]
    nhs = pop.nhs[child].copy()
    nhs[rng.random(count) >= nhs_share] = None
    upn = pop.upn[child].copy()
    upn[rng.random(count) >= upn_share] = None
    _wrong_numbers(pop, child, nhs, rng, scale)
    return Observed(child, fore, pop.middle[child], sur, birth, sex, address, nhs, upn)


def _wrong_numbers(pop: Population, child: np.ndarray, nhs: np.ndarray, rng: np.random.Generator, scale: float) -> None:
    """Give some children a brother's or sister's number, and break some check digits."""
    held = nhs != None  # noqa: E711
    next_one = np.minimum(child + 1, pop.people - 1)
    sibling = (pop.family[next_one] == pop.family[child]) & (child < pop.people - 1)
    take = held & sibling & (rng.random(len(child)) < SIBLING_NUMBER * scale * 2)
    nhs[take] = pop.nhs[next_one][take]
    for at in np.flatnonzero((nhs != None) & (rng.random(len(child)) < BAD_CHECK_DIGIT * scale)):  # noqa: E711
        nhs[at] = break_nhs_number(nhs[at])
