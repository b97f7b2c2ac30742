"""Who lives in the region: families, children, addresses, schools and identifiers, as they truly are.

Put here: true attributes, drawn vectorised over all children. Keep out: what happens to a child (`lives_*`) and how an
agency writes it down (`noise`, `write_*`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from simulator import names
from simulator.clock import stream, to_day
from simulator.identifiers import issue_nhs_numbers, issue_upns

YEAR = 365.2425
TWIN_MATERNITIES = 0.015  # gives 3 % of children
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass
class Population:
    """Columns of equal length, one entry per child identity; `people` real children come first."""

    as_of: int
    people: int
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    addresses: dict[str, np.ndarray] = field(default_factory=dict)
    schools: dict[str, np.ndarray] = field(default_factory=dict)

    def __getattr__(self, name: str) -> np.ndarray:
        """Return a column by its name."""
        try:
            return self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def size(self) -> int:
        """Return the number of identities (children, adoptive second identities, unborn)."""
        return len(self.columns["birth_day"])

    def ages(self, day: int) -> np.ndarray:
        """Return ages in years on a day; negative before birth."""
        return (day - self.columns["birth_day"]) / YEAR


def _weights(count: int) -> np.ndarray:
    """Popularity of a list in its own order: a long tail, as real names have."""
    weight = (np.arange(count) + 4.0) ** -0.8
    return weight / weight.sum()


def _pick(rng: np.random.Generator, values: tuple[str, ...], count: int) -> np.ndarray:
    return np.array(values, dtype=object)[rng.choice(len(values), count, p=_weights(len(values)))]


def _pick_by(rng: np.random.Generator, groups: np.ndarray, lists: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Pick one name per entry from the list of the entry's heritage."""
    out = np.empty(len(groups), dtype=object)
    for index, heritage in enumerate(names.HERITAGES):
        mask = groups == index
        out[mask] = _pick(rng, lists[heritage], int(mask.sum()))
    return out


def _families(rng: np.random.Generator, children: int, as_of: int) -> tuple[np.ndarray, ...]:
    """Return family, birth day and twin group of exactly `children` children."""
    count = int(children / 1.55) + 60
    size = rng.choice([1, 2, 3, 4, 5], count, p=[0.37, 0.41, 0.15, 0.05, 0.02])
    family = np.repeat(np.arange(count), size)
    position = np.arange(len(family)) - np.repeat(np.cumsum(size) - size, size)
    eldest = rng.uniform(0, 18.0, count)
    gap = rng.uniform(1.1, 4.2, len(family)) * (position > 0)
    run = np.cumsum(gap)
    start = run[np.cumsum(size) - size]
    age = eldest[family] - (run - start[family])
    family, age = family[age > 0.01], age[age > 0.01]
    twin = rng.random(len(family)) < TWIN_MATERNITIES
    order = np.argsort(np.concatenate([np.arange(len(family)), np.flatnonzero(twin) + 0.5]), kind="stable")
    group = np.where(twin, np.arange(len(family)), -1)
    family = np.concatenate([family, family[twin]])[order]
    age = np.concatenate([age, age[twin]])[order]
    group = np.concatenate([group, group[twin]])[order]
    keep = slice(0, children)
    birth = as_of - np.maximum(1, np.floor(age[keep] * YEAR)).astype(np.int64)
    group = group[keep].copy()
    values, uses = np.unique(group, return_counts=True)
    group[np.isin(group, values[uses == 1])] = -1
    return family[keep], birth, group


def _addresses(rng: np.random.Generator, count: int, families: int) -> dict[str, np.ndarray]:
    """Invent addresses; outward codes CF97-CF99 are not in use."""
    total = min(12_000, families // 12 + 40)
    codes = rng.permutation(3 * 10 * 400)[:total]
    outward = np.array(["CF97", "CF98", "CF99"], dtype=object)[codes % 3]
    rest = codes // 3
    letters = np.array([a + b for a in _INWARD for b in _INWARD], dtype=object)
    postcode = outward + " " + (rest % 10).astype(str).astype(object) + letters[rest // 10]
    welsh = rng.random(total) < 0.45
    first = np.array(names.STREET_FIRST, dtype=object)[rng.integers(0, len(names.STREET_FIRST), total)]
    second = np.array(names.STREET_WELSH, dtype=object)[rng.integers(0, len(names.STREET_WELSH), total)]
    left = np.array(names.STREET_ENGLISH, dtype=object)[rng.integers(0, len(names.STREET_ENGLISH), total)]
    right = np.array(names.STREET_LAST, dtype=object)[rng.integers(0, len(names.STREET_LAST), total)]
    street = np.where(welsh, first + " " + second, left + " " + right)
    in_vale = outward == "CF97"
    town = np.where(
        in_vale,
        np.array(names.TOWNS_673, dtype=object)[rng.integers(0, len(names.TOWNS_673), total)],
        np.array(names.TOWNS_681, dtype=object)[rng.integers(0, len(names.TOWNS_681), total)],
    )
    where = rng.integers(0, total, count)
    flat = rng.random(count) < 0.12
    house = rng.integers(1, 140, count).astype(str).astype(object)
    line = np.where(flat, "Flat " + rng.integers(1, 30, count).astype(str).astype(object) + ", ", "")
    return {
        "line": line + house + " " + street[where],
        "town": town[where],
        "postcode": postcode[where],
        "council": np.where(in_vale, 673, 681)[where],
        "area": where,
    }


def _schools(rng: np.random.Generator, council: np.ndarray, age: np.ndarray) -> dict[str, np.ndarray]:
    rows: list[tuple[int, int, str, str]] = []
    for authority in (681, 673):
        for phase, low, high, room in (("primary", 4, 11, 230), ("secondary", 11, 17, 850)):
            pupils = int(((council == authority) & (age >= low) & (age < high)).sum())
            for number in range(max(2, round(pupils / room))):
                estab = (2100 if phase == "primary" else 4040) + number
                kind = ("Ysgol Gynradd " if number % 3 == 0 else "") if phase == "primary" else "Ysgol Uwchradd "
                tail = " Primary School" if phase == "primary" and number % 3 else ""
                base = names.SCHOOL_FIRST[int(rng.integers(0, len(names.SCHOOL_FIRST)))]
                rows.append((authority, estab, phase, f"{kind}{base}{tail}"))
    columns = list(zip(*rows, strict=True))
    return {
        "authority": np.array(columns[0]),
        "estab": np.array(columns[1]),
        "phase": np.array(columns[2], dtype=object),
        "name": np.array(columns[3], dtype=object),
    }


def _school_of(rng: np.random.Generator, pop: Population) -> np.ndarray:
    """Return each child's school (-1: none): the school of the area, another for some."""
    age = pop.ages(pop.as_of)
    council = pop.addresses["council"][pop.address]
    area = pop.addresses["area"][pop.address]
    school = np.full(pop.size, -1)
    at_school = (age >= 4.2) & ((age < 16.4) | ((age < 18) & (rng.random(pop.size) < 0.35)))
    at_school &= rng.random(pop.size) > 0.035  # independent school, home education, missing education
    elsewhere = rng.random(pop.size) < 0.1
    shift = rng.integers(0, 1000, pop.size)
    for authority in (681, 673):
        for phase, low, high in (("primary", 4.2, 11.3), ("secondary", 11.3, 18.0)):
            options = np.flatnonzero((pop.schools["authority"] == authority) & (pop.schools["phase"] == phase))
            mask = at_school & (council == authority) & (age >= low) & (age < high)
            choice = np.where(elsewhere, shift, area) % len(options)
            school[mask] = options[choice[mask]]
    return school


def _name_children(rng: np.random.Generator, pop: Population, heritage: np.ndarray) -> None:
    """Draw forenames; brothers and sisters, twins above all, never share one."""
    columns = pop.columns
    size = pop.size
    blend = heritage.copy()
    blend[(heritage == 1) & (rng.random(size) < 0.16)] = 0  # English-named families like Welsh forenames
    boy = columns["sex"] == "M"
    fore = np.empty(size, dtype=object)
    todo = np.ones(size, dtype=bool)
    while todo.any():
        for mask, lists in ((todo & boy, names.BOYS), (todo & ~boy, names.GIRLS)):
            fore[mask] = _pick_by(rng, blend[mask], lists)
        key = np.char.add(columns["family"].astype(str), fore.astype(str))
        _, first = np.unique(key, return_index=True)
        todo = np.ones(size, dtype=bool)
        todo[first] = False
    middle = np.empty(size, dtype=object)
    for mask, lists in ((boy, names.BOYS), (~boy, names.GIRLS)):
        middle[mask] = _pick_by(rng, blend[mask], lists)
    middle[(rng.random(size) < 0.38) | (middle == fore)] = None
    columns["forename"], columns["middle"] = fore, middle


def _surnames(rng: np.random.Generator, pop: Population, heritage: np.ndarray, families: int) -> None:
    """Mother's, father's, double and patronymic surnames; step-families and changes of name."""
    columns, family, size = pop.columns, pop.columns["family"], pop.size
    mixed = rng.random(families) < 0.08
    mother_heritage = np.zeros(families, dtype=np.int64)
    mother_heritage[family] = heritage
    father_heritage = np.where(
        mixed, rng.choice(len(names.HERITAGES), families, p=names.HERITAGE_SHARE), mother_heritage
    )
    mother = _pick_by(rng, mother_heritage, names.SURNAMES)
    father = _pick_by(rng, father_heritage, names.SURNAMES)
    step = _pick_by(rng, mother_heritage, names.SURNAMES)
    father_fore = _pick_by(rng, father_heritage, names.BOYS)
    step_family = rng.random(families) < 0.14
    rule = rng.choice(3, families, p=[0.68, 0.22, 0.10])  # father's, mother's, double
    plain = np.where(rule == 0, father, np.where(rule == 1, mother, mother + "-" + father))
    surname = plain[family].astype(object)
    # Later children of a step-family carry the step-father's name; some of the elder change to it.
    position = np.arange(size) - np.maximum.accumulate(
        np.where(np.r_[True, family[1:] != family[:-1]], np.arange(size), 0)
    )
    half = step_family[family] & (position > 0)
    surname[half] = step[family][half]
    columns["former_surname"] = np.full(size, None, dtype=object)
    change = (step_family[family] & ~half & (rng.random(size) < 0.45)) | (rng.random(size) < 0.012)
    change &= pop.ages(pop.as_of) > 2.0
    columns["former_surname"][change] = surname[change]
    surname[change] = np.where(step_family[family], step[family], mother[family])[change]
    same = change & (columns["former_surname"] == surname)
    columns["former_surname"][same] = None
    patronymic = (heritage == 0) & (rng.random(families) < 0.03)[family] & ~change
    for sex, masculine in (("M", True), ("F", False)):
        for index in np.flatnonzero(patronymic & (columns["sex"] == sex)):
            name = father_fore[family[index]]
            surname[index] = (("ab " if name[0] in "AEIOUWY" else "ap ") if masculine else "ferch ") + name
    columns["surname"] = surname
    age_days = np.maximum(pop.as_of - columns["birth_day"], 2)
    columns["surname_changed"] = pop.as_of - (rng.random(size) * np.minimum(age_days * 0.7, 5 * YEAR)).astype(np.int64)
    columns["mother_surname"] = mother[family]
    columns["mother_forename"] = _pick_by(rng, mother_heritage, names.GIRLS)[family]
    columns["father_surname"] = np.where(half, step[family], father[family])
    columns["father_forename"] = father_fore[family]
    eldest = np.full(families, pop.as_of)
    np.minimum.at(eldest, family, columns["birth_day"])
    columns["mother_birth"] = (eldest - ((19 + 15 * rng.random(families)) * YEAR).astype(np.int64))[family]


def _extend(rng: np.random.Generator, pop: Population) -> None:
    """Add second identities of adopted children and unborn brothers and sisters."""
    columns, people, as_of = pop.columns, pop.people, pop.as_of
    age = pop.ages(as_of)
    ready = np.flatnonzero((age > 2) & (age < 12) & (columns["twin_group"] < 0))
    adopted = rng.permutation(ready)[: max(3, people // 350)]
    new_home = rng.integers(0, people, len(adopted))
    expecting = rng.permutation(np.flatnonzero(age < 5))[: max(4, people // 500)]
    source = np.concatenate([np.arange(people), adopted, expecting])
    for name, values in list(columns.items()):
        columns[name] = values[source].copy()
    second = slice(people, people + len(adopted))
    unborn = slice(people + len(adopted), len(source))
    columns["adopted_from"] = np.full(len(source), -1)
    columns["adopted_from"][second] = adopted
    columns["sealed_on"] = np.full(len(source), -1)
    sealed = as_of - rng.integers(60, 500, len(adopted))
    sealed = np.maximum(sealed, columns["birth_day"][adopted] + 400)
    columns["sealed_on"][adopted] = sealed
    columns["sealed_on"][second] = sealed
    columns["family"][second] = columns["family"].max() + 1 + np.arange(len(adopted))
    for name in ("surname", "address", "mother_surname", "mother_forename", "father_surname", "father_forename"):
        columns[name][second] = columns[name][new_home]
    columns["former_surname"][second] = None
    columns["moved"][second] = -1
    columns["is_second"] = np.arange(len(source)) >= people
    columns["is_second"][unborn] = False
    columns["is_unborn"] = np.arange(len(source)) >= people + len(adopted)
    columns["birth_day"][unborn] = as_of + rng.integers(14, 170, len(expecting))
    columns["forename"][unborn] = None
    columns["middle"][unborn] = None
    columns["former_surname"][unborn] = None
    columns["twin_group"][unborn] = -1
    columns["surname"][unborn] = columns["mother_surname"][unborn]


def _education(rng: np.random.Generator, pop: Population, seed: int) -> None:
    columns, as_of = pop.columns, pop.as_of
    pop.schools = _schools(stream(seed, "schools"), pop.addresses["council"][columns["address"]], pop.ages(as_of))
    columns["school"] = _school_of(rng, pop)
    columns["school"][columns["sealed_on"] >= 0] = np.where(columns["is_second"], columns["school"], -1)[
        columns["sealed_on"] >= 0
    ]
    age = pop.ages(as_of)
    issued = (columns["school"] >= 0) | (age > 4.6)
    # A UPN is issued by the first school: its number and the year of entry stay in it.
    birth_year = 1970 + (columns["birth_day"] / YEAR).astype(np.int64)
    entry_year = birth_year + 4
    council = pop.addresses["council"][columns["address"]]
    first_school = 2100 + rng.integers(0, max(40, pop.size // 2500), pop.size)
    key = (council * 10_000 + first_school) * 100 + entry_year % 100
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    start = np.maximum.accumulate(np.where(np.r_[True, ranked[1:] != ranked[:-1]], np.arange(pop.size), 0))
    serial = np.empty(pop.size, dtype=np.int64)
    serial[order] = np.arange(pop.size) - start + 1
    upn = issue_upns(council, first_school, entry_year, serial)
    upn[~issued | (rng.random(pop.size) < 0.012)] = None
    columns["upn"] = upn
    columns["former_upn"] = np.full(pop.size, None, dtype=object)
    reissued = (rng.random(pop.size) < 0.01) & (upn != None)  # noqa: E711 - element-wise on an object array
    other = issue_upns(np.where(council == 681, 673, 681), first_school, entry_year, 900 + serial % 99)
    columns["former_upn"][reissued] = other[reissued]
    columns["ncy"] = np.clip(_school_year(columns["birth_day"], as_of), -1, 13)
    columns["entry_day"] = _entry_days(columns["birth_day"], columns["ncy"], as_of)


def _school_year(birth: np.ndarray, as_of: int) -> np.ndarray:
    """Return the year group (0 = reception) on a day; the school year starts on 1 September."""
    months = (np.datetime64("1970-01-01") + birth).astype("datetime64[M]").astype(np.int64)
    today = int((np.datetime64("1970-01-01") + as_of).astype("datetime64[M]").astype(np.int64))
    start_year = (today - 8) // 12 + 1970
    birth_school_year = (months - 8) // 12 + 1970
    return start_year - birth_school_year - 5


def _entry_days(birth: np.ndarray, ncy: np.ndarray, as_of: int) -> np.ndarray:
    """Return the September when the child joined the present school."""
    years_there = np.where(ncy >= 7, ncy - 7, ncy)
    today = np.datetime64("1970-01-01") + as_of
    year = int(today.astype("datetime64[Y]").astype(np.int64)) + 1970
    september = np.array([to_day(date(y, 9, 3)) for y in range(year - 20, year + 1)])
    current = 20 if september[20] <= as_of else 19
    return np.maximum(september[np.clip(current - years_there, 0, 20)], birth + 1000)


def build(children: int, seed: int, as_of: date) -> Population:
    """Draw the whole population of a region."""
    today = to_day(as_of)
    rng = stream(seed, "population")
    family, birth, twins = _families(rng, children, today)
    _, family = np.unique(family, return_inverse=True)
    families = int(family.max()) + 1
    pop = Population(today, children)
    heritage = rng.choice(len(names.HERITAGES), families, p=names.HERITAGE_SHARE)[family]
    pop.columns.update(
        family=family,
        birth_day=birth,
        twin_group=twins,
        heritage=heritage,
        sex=np.where(rng.random(children) < 0.512, "M", "F").astype(object),
    )
    _name_children(rng, pop, heritage)
    _surnames(rng, pop, heritage, families)
    # Two addresses per family: home now, and the one before; some share a house with another family.
    pop.addresses = _addresses(rng, families * 2, families)
    home = np.arange(families)
    shared = rng.random(families) < 0.025
    home[shared] = rng.integers(0, families, int(shared.sum()))
    pop.columns["address"] = home[family]
    pop.columns["old_address"] = (np.arange(families) + families)[family]
    moved = np.where(rng.random(families) < 0.22, today - rng.integers(3, 1100, families), -1)[family]
    pop.columns["moved"] = np.where(moved > birth, moved, -1)
    group = np.array([names.ETHNIC_BY_HERITAGE[h][0] for h in names.HERITAGES], dtype=object)[heritage]
    for index, heritage_name in enumerate(names.HERITAGES):
        options = np.array(names.ETHNIC_BY_HERITAGE[heritage_name], dtype=object)
        mask = heritage == index
        group[mask] = options[rng.integers(0, len(options), families)[family][mask]]
    group[rng.random(children) < 0.03] = "mixed_other"
    pop.columns["ethnic"] = group
    welsh_speaking = rng.random(families)[family] < np.where(heritage == 0, 0.45, 0.06)
    pop.columns["language"] = np.where(welsh_speaking, "cy", "en").astype(object)
    pop.columns["practice"] = (pop.addresses["area"][pop.columns["address"]] % max(6, families // 1400)).astype(
        np.int64
    )
    _extend(rng, pop)
    nhs = issue_nhs_numbers(stream(seed, "nhs"), pop.size)
    nhs[pop.is_unborn] = None
    nhs[rng.random(pop.size) < 0.006] = None  # newly arrived, never registered
    pop.columns["nhs"] = nhs
    pop.columns["has_gp"] = rng.random(pop.size) < 0.985
    _education(rng, pop, seed)
    pop.columns["person_id"] = np.char.add("P", np.char.zfill(np.arange(1, pop.size + 1).astype(str), 7)).astype(object)
    return pop
