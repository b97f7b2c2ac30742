"""Makes a region of up to a million person records with the truth, in the shape of the persons table.

The families are the simulator's; what four agencies hold of them follows the "synthetic region" of the linkage
reference: shares, identifiers and error rates. `python -m tests.benchmarks.linkage_region 100000 FOLDER`.

Put here: how many records a child has, how each agency misspells, misses or dates what it holds, and the next night.
Keep out: file formats of agencies (the simulator writes those) and judging links (linkage.evaluate does).

Where the simulator's lists are too short for a million records the region is widened: a tail of rare names, and
postcodes in outward codes that are not in use. Telephone numbers begin 04 and 06, which nobody is given.
"""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator import names, population
from simulator.clock import stream, to_day
from simulator.identifiers import issue_nhs_numbers, issue_upns
from simulator.noise import fold

Columns = dict[str, np.ndarray]

AS_OF = date(2026, 11, 20)
VARIANTS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "forename_variants.csv"
TODAY = to_day(AS_OF)
YEAR = population.YEAR
RECORDS_PER_CHILD = 2.63
RESERVE = 0.01  # records held back, and records that will change: the stuff that the next nights are made of

AGENCIES = ("health", "education", "social_care", "police")
FEEDS = ("health/adt", "education/school_census", "social_care/case_export", "police/ppn")
SYSTEMS = (
    ("PIMS", "Paris", "Community child health"),
    ("SIMS", "ONE", "SIMS"),
    ("CareDirector", "Mosaic", "CareDirector"),
    ("Niche", "Niche", "Niche"),
)
HEALTH, EDUCATION, SOCIAL_CARE, POLICE = range(4)


def _by_agency(health: float, education: float, social_care: float, police: float) -> np.ndarray:
    return np.array([health, education, social_care, police])


# From here on: what a region is made of. A share by agency has the order of AGENCIES.
# Shares of children by their number of records, from none up. Care and police know few families, and those well.
RECORDS_HEALTH = (0.02, 0.79, 0.165, 0.02, 0.005)
RECORDS_EDUCATION = (0.03, 0.69, 0.23, 0.05)
RECORDS_CARE = {True: (0.35, 0.46, 0.14, 0.05), False: (0.935, 0.06, 0.005, 0.0)}
RECORDS_POLICE = {True: (0.68, 0.20, 0.07, 0.03, 0.02), False: (0.94, 0.045, 0.01, 0.004, 0.001)}
KNOWN_FAMILIES = 0.3

ERRORS = _by_agency(1.0, 1.3, 2.2, 3.6)
FORENAME_TYPO, SURNAME_TYPO, VARIANT, WELSH_VARIANT = 0.016, 0.013, 0.028, 0.05
WRONG_BIRTH_DATE, SWAPPED_NAMES, SIBLING_NUMBER, BAD_CHECK_DIGIT = 0.0085, 0.0016, 0.0012, 0.001
SEX_MISSING, SEX_WRONG, POSTCODE_TYPO, TELEPHONE_TYPO = 0.003, 0.0012, 0.012, 0.004
HAS_NHS = _by_agency(0.985, 0.0, 0.62, 0.0)
HAS_UPN = _by_agency(0.0, 0.985, 0.48, 0.0)
IS_VERIFIED = _by_agency(0.98, 0.0, 0.4, 0.0)
HAS_MIDDLE = _by_agency(0.70, 0.60, 0.40, 0.15)
HAS_TELEPHONE = _by_agency(0.70, 0.75, 0.55, 0.30)
HAS_GUARDIAN = _by_agency(0.55, 0.70, 0.70, 0.40)
HAS_SCHOOL = _by_agency(0.30, 1.0, 0.50, 0.25)
NO_ADDRESS = _by_agency(0.025, 0.035, 0.08, 0.16)
NO_LINE = _by_agency(0.03, 0.02, 0.05, 0.08)
OLD_POSTCODES = _by_agency(0.8, 0.05, 0.3, 0.0)  # of records that hold a mover's new address
IS_REFRESHED = _by_agency(0.20, 0.45, 0.25, 0.0)  # records that are kept up to date; the others rest as last written
AT_OTHER_PARENT = _by_agency(0.12, 0.22, 0.30, 0.35)

SURNAME_CHANGES, ADOPTIONS, TWO_NUMBERS = 0.07, 0.004, 0.001
MOVED_FAMILIES, MOVES_WITHIN, SECOND_MOVE, SEPARATED = 0.47, 2600, 0.5, 0.22
MIDDLE_NAMES, RARE_FORENAMES, RARE_SURNAMES = 0.80, 0.12, 0.30
SAME_SEX_TWINS = 0.67
UNBORN, MERGED, AGE_ONLY, NOT_NAMED_YET = 0.003, 0.001, 0.03, 0.15

_OUTWARD = [
    f"{area}{number}" for area, first in (("SA", 81), ("LL", 80), ("NP", 50)) for number in range(first, first + 20)
]
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
_SYLLABLES = (
    "BA BEL BRO CAR CLE COR DA DEN DRE FAR FEN GAL GLY HAR HOL KE LAN LOR MA MER NOR PEN QUI RAD RHO SEL STA TAV TRE",
    "A BE CO DI LA LE LI MA ME NA NI RI RO SA TE TO VE WI",
    "CK D DGE FORD LEY LL N NS R RD SH ST TH TON TT VER WELL WY",
)
_SHORT = {
    "ROAD": "RD", "STREET": "ST", "AVENUE": "AVE", "CLOSE": "CL", "CRESCENT": "CRES", "DRIVE": "DR", "TERRACE": "TERR",
    "GARDENS": "GDNS", "PLACE": "PL", "LANE": "LN", "STRYD": "ST", "FFORDD": "FFD",
}  # fmt: skip
_TEXT = (
    "record_key", "agency", "feed", "system", "source_person_id", "forename", "middle_names", "surname", "sex",
    "nhs_number", "nhs_number_reason", "upn", "upn_reason", "address_line", "postcode", "merged_into_record_key",
    "family_group_id", "person_id",
)  # fmt: skip
_LISTS = (
    "other_forenames", "other_surnames", "former_nhs_numbers", "former_upns", "other_address_lines", "other_postcodes",
    "telephones", "guardian_names", "schools",
)  # fmt: skip
_CONTENT = (
    "forename", "middle_names", "surname", "other_forenames", "other_surnames", "birth_date", "expected_birth_date",
    "estimated_birth_year", "is_unborn", "sex", "nhs_number", "nhs_number_reason", "is_nhs_number_verified",
    "former_nhs_numbers", "upn", "upn_reason", "former_upns", "address_line", "postcode", "other_address_lines",
    "other_postcodes", "telephones", "guardian_names", "schools", "merged_into_record_key", "is_sealed",
    "family_group_id",
)  # fmt: skip
_COLUMNS = (
    "record_key", "agency", "feed", "system", "source_person_id", *_CONTENT, "first_seen_date", "data_current_to",
)  # fmt: skip


def make_region(records: int, seed: int, folder: Path) -> None:
    """Write a region of exactly so many records, its truth, and the reserve that `make_delta` draws on.

    Args:
        records: rows of persons.parquet.
        seed: the same seed gives the same region.
        folder: receives persons.parquet, truth.parquet (record_key, person_id), people.parquet (person_id, family_id,
            birth_date, twin_group, second_identity_of, name_origin, is_welsh_name, sex, area) and reserve.parquet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held_back = max(4, round(records * RESERVE))
    children, homes = _children(max(400, round((records + held_back) / RECORDS_PER_CHILD)), seed)
    entries = _entries(children, records + held_back, seed)
    rows = _observe(children, homes, entries, seed)
    order = stream(seed, "held back").permutation(records + held_back)
    base, new, changed = order[:records], order[records:], order[: min(records, 6 * held_back)]
    rows["merged_into_record_key"][~np.isin(rows["merged_into"], base)] = None
    revised = _revise(children, homes, _take(entries, changed), _take(rows, changed), held_back, seed)
    new_rows = _take(rows, new)
    new_rows["first_seen_date"] = new_rows["data_current_to"] = np.full(len(new), TODAY + 1)
    revised["data_current_to"] = np.full(len(revised["record_key"]), TODAY + 1)
    with duckdb.connect() as con:
        con.execute("SET threads = 2")
        con.register("base", _table(_take(rows, base)))
        con.register("new", _table(new_rows))
        con.register("changed", _table(revised))
        columns = f"{', '.join(_COLUMNS)}, md5(CAST(row({', '.join(_CONTENT)}) AS VARCHAR)) AS record_hash"
        con.execute(f"COPY (SELECT {columns} FROM base ORDER BY record_key) TO '{folder}/persons.parquet'")
        con.execute(f"COPY (SELECT record_key, person_id FROM base ORDER BY ALL) TO '{folder}/truth.parquet'")
        con.execute(
            f"COPY (SELECT {columns}, person_id, 'new' AS kind FROM new UNION ALL BY NAME "
            f"SELECT {columns}, person_id, 'changed' AS kind FROM changed ORDER BY record_key) "
            f"TO '{folder}/reserve.parquet'"
        )
    _write_people(children, homes, folder / "people.parquet")


def make_delta(folder: Path, changed: int, seed: int, out: Path) -> None:
    """Write the next night of a region: half of `changed` are new records, half are records that say something else.

    Args:
        folder: what `make_region` wrote.
        changed: records that differ from the base region; about two per cent of it are in reserve.
        seed: another seed draws another night.
        out: receives persons.parquet and truth.parquet of the whole region as it is the next night.
    """
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("SET threads = 2")
        con.execute(
            f"""
            CREATE TABLE drawn AS SELECT * EXCLUDE (place) FROM (
                SELECT *, row_number() OVER (PARTITION BY kind ORDER BY md5(record_key || '{seed}')) AS place
                FROM (SELECT r.* FROM read_parquet('{folder}/reserve.parquet') r
                      LEFT JOIN read_parquet('{folder}/persons.parquet') p USING (record_key)
                      WHERE p.record_hash IS DISTINCT FROM r.record_hash))
            WHERE place <= CASE kind WHEN 'new' THEN {changed - changed // 2} ELSE {changed // 2} END
            """
        )
        (found,) = con.execute("SELECT count(*) FROM drawn").fetchall()[0]
        if found < changed:
            message = f"the reserve of {folder} gives {found}, not {changed}; ask for fewer"
            raise ValueError(message)
        con.execute(
            f"COPY (SELECT * FROM read_parquet('{folder}/persons.parquet') ANTI JOIN drawn USING (record_key) "
            f"UNION ALL BY NAME SELECT * EXCLUDE (person_id, kind) FROM drawn ORDER BY record_key) "
            f"TO '{out}/persons.parquet'"
        )
        con.execute(
            f"COPY (SELECT * FROM read_parquet('{folder}/truth.parquet') UNION ALL BY NAME "
            f"SELECT record_key, person_id FROM drawn WHERE kind = 'new' ORDER BY record_key) "
            f"TO '{out}/truth.parquet'"
        )


# --- who lives there


def _children(count: int, seed: int) -> tuple[Columns, Columns]:
    """The simulator's families with what it has too little of; and the places where they live or lived."""
    pop = population.build(count, seed, AS_OF)
    rng = stream(seed, "linkage children")
    c = {name: values.copy() for name, values in pop.columns.items()}
    _adopt_more(rng, c, pop, seed)
    size, person = len(c["birth_day"]), ~c["is_unborn"]
    families = int(c["family"].max()) + 1
    _widen_names(rng, c, families)
    _pair_twins(rng, c)
    c["person_id"] = np.char.add("P", np.char.zfill(np.arange(1, size + 1).astype(str), 7)).astype(object)
    age = TODAY - c["birth_day"]
    c["age"] = age / YEAR

    more = person & ~_has(c["former_surname"]) & (age > 2 * YEAR) & ~c["is_second"]
    already = int(_has(c["former_surname"]).sum())
    extra = rng.permutation(np.flatnonzero(more))[: max(0, round(SURNAME_CHANGES * person.sum()) - already)]
    c["former_surname"][extra] = c["surname"][extra]
    c["surname"][extra] = np.where(
        c["surname"][extra] == c["mother_surname"][extra], c["father_surname"][extra], c["mother_surname"][extra]
    )

    no_middle = np.flatnonzero(~_has(c["middle"]) & person)
    wanted = max(0, round(MIDDLE_NAMES * person.sum()) - int(_has(c["middle"]).sum()))
    for sex in "FM":
        given = c["forename"][person & (c["sex"] == sex)]
        fill = rng.permutation(no_middle)[:wanted]
        fill = fill[c["sex"][fill] == sex]
        c["middle"][fill] = given[rng.integers(0, len(given), len(fill))]

    shared = pd.Series(c["former_upn"]).duplicated(keep=False).to_numpy() & _has(c["former_upn"])
    c["former_upn"][shared] = None
    c["upn_changed"] = (c["birth_day"] + 5 * YEAR + rng.random(size) * np.maximum(age - 5 * YEAR, 1)).astype(np.int64)
    c["former_nhs"] = np.full(size, None, dtype=object)
    two = np.flatnonzero((rng.random(size) < TWO_NUMBERS) & person)
    spare = issue_nhs_numbers(stream(seed, "nhs"), size + len(two))[size:]
    c["former_nhs"][two] = spare

    c["known"] = (rng.random(families) < KNOWN_FAMILIES)[c["family"]] | (c["sealed_on"] >= 0)
    _contacts(rng, c, families)
    homes = _homes(rng, c, pop, count)
    _schooling(rng, c, homes, pop)
    return c, homes


def _adopt_more(rng: np.random.Generator, c: Columns, pop: population.Population, seed: int) -> None:
    """Add second identities until the wanted share is reached; each has new numbers, a new name and a new home."""
    age = pop.ages(TODAY)
    ready = (age > 2) & (age < 12) & (c["twin_group"] < 0) & (c["sealed_on"] < 0) & ~c["is_unborn"]
    wanted = max(0, round(ADOPTIONS * pop.people) - int(c["is_second"].sum()))
    source = rng.permutation(np.flatnonzero(ready))[:wanted]
    count, size = len(source), pop.size
    if not count:
        return
    sealed = np.maximum(TODAY - rng.integers(60, 500, count), c["birth_day"][source] + 400)
    c["sealed_on"][source] = sealed
    new_home = rng.integers(0, pop.people, count)
    for name in list(c):
        c[name] = np.concatenate([c[name], c[name][source]])
    second = slice(size, size + count)
    c["adopted_from"][second] = source
    c["is_second"][second] = True
    c["family"][second] = c["family"][:size].max() + 1 + np.arange(count)
    for name in ("surname", "address", "mother_surname", "mother_forename", "father_surname", "father_forename"):
        c[name][second] = c[name][new_home]
    c["former_surname"][second] = None
    c["former_upn"][second] = None
    c["moved"][second] = -1
    serial = np.arange(count)
    upn = issue_upns(np.full(count, 681), 3000 + serial // 900, 2016 + serial % 5, serial % 900)
    c["upn"][second] = _only(_has(c["upn"][source]), upn)
    c["nhs"][second] = issue_nhs_numbers(stream(seed, "nhs"), size + count)[size:]


def _widen_names(rng: np.random.Generator, c: Columns, families: int) -> None:
    """Write names as dbt does, and give some children and families names that few others bear."""
    size = len(c["family"])
    double = c["surname"] == c["mother_surname"] + "-" + c["father_surname"]
    surnames = ("surname", "former_surname", "mother_surname", "father_surname")
    for column in (*surnames, "forename", "middle", "mother_forename", "father_forename"):
        c[column] = _standardised(c[column])
    # One family's name becomes one rare name, wherever the family bears it.
    text = np.concatenate([c[column] for column in surnames])
    codes = pd.factorize(pd.Series(text))[0].astype(np.int64)
    bearer, key = pd.factorize(np.tile(c["family"], len(surnames)) * (codes.max() + 2) + codes)
    pool = _words(rng, families // 10 + 40)
    rare = np.full(len(key), None, dtype=object)
    chosen = rng.random(len(key)) < RARE_SURNAMES
    rare[chosen] = pool[(len(pool) * rng.random(int(chosen.sum())) ** 1.6).astype(np.int64)]
    plain = (codes >= 0) & ~np.array([value is not None and " " in value for value in text])
    replaced = np.where(plain & _has(rare[bearer]), rare[bearer], text)
    for column, values in zip(surnames, np.split(replaced, len(surnames)), strict=True):
        c[column] = values
    c["surname"] = np.where(double, c["mother_surname"] + " " + c["father_surname"], c["surname"])
    named = np.flatnonzero((rng.random(size) < RARE_FORENAMES) & _has(c["forename"]) & ~c["is_second"])
    pool = _words(rng, size // 60 + 60)
    endings = {"F": np.array(["A", "IE", "ELLE"], dtype=object), "M": np.array(["N", "ON", "O"], dtype=object)}
    for sex, ending in endings.items():
        at = named[c["sex"][named] == sex]
        c["forename"][at] = pool[rng.integers(0, len(pool), len(at))] + ending[rng.integers(0, 3, len(at))]
    adopted = np.flatnonzero(c["adopted_from"] >= 0)
    c["forename"][adopted] = c["forename"][c["adopted_from"][adopted]]


def _pair_twins(rng: np.random.Generator, c: Columns) -> None:
    """Twins are of one sex more often than by chance; some brothers of a sister become sisters, or the reverse."""
    group, sex, forename = c["twin_group"], c["sex"], c["forename"]
    second = 1 + np.flatnonzero((group[1:] >= 0) & (group[1:] == group[:-1]) & (sex[1:] != sex[:-1]))
    second = second[rng.random(len(second)) < (SAME_SEX_TWINS - 0.5) / 0.5]
    name = np.full(len(group), None, dtype=object)
    for heritage in range(len(names.HERITAGES)):
        for other in "FM":
            at = second[(c["heritage"][second] == heritage) & (sex[second] != other)]
            given = forename[(c["heritage"] == heritage) & (sex == other) & _has(forename)]
            if len(given):
                name[at] = given[rng.integers(0, len(given), len(at))]
    taken = pd.MultiIndex.from_arrays([c["family"], forename])
    free = second[~pd.MultiIndex.from_arrays([c["family"][second], name[second]]).isin(taken) & _has(name[second])]
    forename[free], sex[free] = name[free], sex[free - 1]


def _standardised(values: np.ndarray) -> np.ndarray:
    """Upper case without accents and apostrophes, hyphens as spaces; once per distinct value."""
    codes, distinct = pd.factorize(pd.Series(values))
    plain = [fold(value).upper().replace("'", "").replace("-", " ") for value in distinct]
    return np.append(np.array(plain, dtype=object), None)[codes]


def _words(rng: np.random.Generator, count: int) -> np.ndarray:
    """Made-up names."""
    start, middle, end = (np.array(part.split(), dtype=object) for part in _SYLLABLES)
    two = rng.random(count * 3) < 0.5
    parts = [pool[rng.integers(0, len(pool), count * 3)] for pool in (start, middle, middle, end)]
    words = pd.unique(parts[0] + np.where(two, parts[1], parts[1] + parts[2]) + parts[3])
    return words[:count]


def _contacts(rng: np.random.Generator, c: Columns, families: int) -> None:
    """Telephones of a family, which change once for some, and whose name the mother bears."""
    family = c["family"]
    numbers = rng.permutation(families * 4)[: families * 4].reshape(4, families) + 10_000_000
    for place, (name, prefix) in enumerate(
        (("mother", "067"), ("mother_before", "067"), ("father", "067"), ("home", "042"))
    ):
        c[f"telephone_{name}"] = (prefix + pd.Series(numbers[place]).astype(str).to_numpy(dtype=object))[family]
    c["telephone_changed"] = np.where(rng.random(families) < 0.15, TODAY - rng.integers(10, 2500, families), -1)[family]
    married = (rng.random(families) < 0.55)[family]
    maiden = c["mother_forename"] + " " + c["mother_surname"]
    c["mother_maiden"] = _only(married, maiden)
    c["mother"] = np.where(married, c["mother_forename"] + " " + c["father_surname"], maiden)
    c["father"] = c["father_forename"] + " " + c["father_surname"]


def _homes(rng: np.random.Generator, c: Columns, pop: population.Population, count: int) -> Columns:
    """Places by number: where families live, lived before and before that, and where the other parent lives."""
    families = len(pop.addresses["line"]) // 2
    total = max(60, families // 5)
    districts = int(np.clip(round(count / 6500), 4, len(_OUTWARD)))
    weight = rng.gamma(3.0, size=districts)
    district = np.sort(rng.choice(districts, total, p=weight / weight.sum()))
    first = np.searchsorted(district, np.arange(districts))
    rank = np.arange(total) - first[district]
    letters = np.array([a + b for a in _INWARD for b in _INWARD], dtype=object)
    postcode = (
        np.array(_OUTWARD, dtype=object)[district]
        + (rank % 10).astype(str).astype(object)
        + letters[(rank // 10 * 7 + district * 31) % len(letters)]
    )
    welsh = rng.random(total) < 0.45
    pick = [np.array(pool, dtype=object)[rng.integers(0, len(pool), total)]
            for pool in (names.STREET_FIRST, names.STREET_WELSH, names.STREET_ENGLISH, names.STREET_LAST)]  # fmt: skip
    street = _standardised(np.where(welsh, pick[0] + " " + pick[1], pick[2] + " " + pick[3]))
    now = rng.integers(0, total, families)
    sizes = np.bincount(district, minlength=districts)

    def near(place: np.ndarray, share: float) -> np.ndarray:
        """Another place, in the same district for a share."""
        inside = first[district[place]] + (rng.random(families) * sizes[district[place]]).astype(np.int64)
        return np.where(rng.random(families) < share, inside, rng.integers(0, total, families))

    before = near(now, 0.6)
    where = np.concatenate([now, before, near(before, 0.6), near(now, 0.5)])
    flat = rng.random(len(where)) < 0.12
    number = rng.integers(1, 140, len(where)).astype(str).astype(object)
    flats = np.where(flat, "FLAT " + rng.integers(1, 30, len(where)).astype(str).astype(object) + " ", "")

    moved = np.where(rng.random(families) < MOVED_FAMILIES, TODAY - rng.integers(3, MOVES_WITHIN, families), -1)
    earlier = np.where(
        (moved >= 0) & (rng.random(families) < SECOND_MOVE), moved - rng.integers(100, 1800, families), -1
    )
    separated = rng.random(families) < SEPARATED
    born = np.flatnonzero(~c["is_second"])
    family = np.minimum(c["family"], families - 1)
    for name, values, none in (("moved", moved, -1), ("moved_earlier", earlier, -1)):
        c[name] = np.full(len(family), none)
        c[name][born] = np.where(values[family[born]] > c["birth_day"][born], values[family[born]], none)
    c["separated"] = separated[family] & ~c["is_second"]
    c["home"] = c["address"]
    c["home_before"] = family + families
    c["home_earlier"] = family + 2 * families
    c["home_other_parent"] = family + 3 * families
    return {
        "flat": flats.astype(object), "number": number, "street": street[where], "postcode": postcode[where],
        "district": np.array(_OUTWARD, dtype=object)[district][where],
        "authority": np.where(district < districts * 0.6, 681, 673)[where], "area": where,
    }  # fmt: skip


def _schooling(rng: np.random.Generator, c: Columns, homes: Columns, pop: population.Population) -> None:
    """The primary school of the area, or another; the secondary school that follows; and the school before."""
    size, families = len(c["home"]), int(c["family"].max()) + 1
    schools = pop.schools
    code = (schools["authority"] * 10_000 + schools["estab"]).astype(str).astype(object)
    home = c["home"]
    for name, phase, elsewhere in (
        ("primary", "primary", 0.10),
        ("other", "primary", 1.0),
        ("secondary", "secondary", 0.10),
    ):
        c[name] = np.full(size, None, dtype=object)
        away = (rng.random(families) < elsewhere)[c["family"]]
        anywhere = rng.integers(0, 10_000, families)[c["family"]]
        for authority in (681, 673):
            options = code[(schools["authority"] == authority) & (schools["phase"] == phase)]
            mask = homes["authority"][home] == authority
            c[name][mask] = options[np.where(away, anywhere, homes["area"][home])[mask] % len(options)]
    older = c["age"] >= 11.3
    c["school_now"] = np.where(older, c["secondary"], c["primary"])
    c["school_before"] = np.where(older, c["primary"], c["other"])


def _write_people(c: Columns, homes: Columns, path: Path) -> None:
    origin = np.array(names.HERITAGES, dtype=object)[c["heritage"]]
    second = np.full(len(origin), None, dtype=object)
    is_second = c["is_second"]
    second[is_second] = c["person_id"][c["adopted_from"][is_second]]
    group = _only(c["twin_group"] >= 0, "T" + c["twin_group"].astype(str).astype(object))
    group[is_second] = None
    table = pa.table(
        {
            "person_id": pa.array(c["person_id"], pa.string()),
            "family_id": pa.array("F" + c["family"].astype(str).astype(object), pa.string()),
            "birth_date": _dates(np.where(c["is_unborn"], _NONE, c["birth_day"])),
            "twin_group": pa.array(group, pa.string()),
            "second_identity_of": pa.array(second, pa.string()),
            "name_origin": pa.array(origin, pa.string()),
            "is_welsh_name": pa.array(origin == "welsh"),
            "sex": pa.array(c["sex"], pa.string()),
            "area": pa.array(homes["district"][c["home"]], pa.string()),
        }
    )
    pq.write_table(table, path)


# --- which records agencies hold


def _entries(c: Columns, wanted: int, seed: int) -> Columns:
    """One entry a record: child, agency, which of the child's records there, when opened and when last written."""
    rng = stream(seed, "linkage entries")
    born = ~c["is_unborn"]
    held = [
        _held(rng, np.flatnonzero(born), HEALTH, RECORDS_HEALTH),
        _held(rng, np.flatnonzero(born & (c["age"] >= 4.2)), EDUCATION, RECORDS_EDUCATION),
    ]
    for known in (True, False):
        who = np.flatnonzero(born & (c["known"] == known))
        held += [
            _held(rng, who, SOCIAL_CARE, RECORDS_CARE[known], c["is_second"][who]),
            _held(rng, who, POLICE, RECORDS_POLICE[known]),
        ]
    e = {name: np.concatenate([part[name] for part in held]) for name in held[0]}
    opened, left = _opened(rng, c, e)
    # An adopted child's first identity ends when the second begins.
    sealed = c["sealed_on"][e["child"]]
    first = (sealed >= 0) & ~c["is_second"][e["child"]]
    second = (sealed >= 0) & ~first
    possible = ~(first & (e["agency"] == EDUCATION) & (opened >= sealed))
    opened = np.where(second, np.maximum(opened, sealed), np.where(first, np.minimum(opened, sealed - 1), opened))
    left = np.where(first, sealed, left)
    refreshed = rng.random(len(opened)) < IS_REFRESHED[e["agency"]]
    refreshed |= (e["agency"] == EDUCATION) & (e["rank"] > 0)
    written = np.where(refreshed, left, opened + (rng.random(len(opened)) * (left - opened) * 0.6).astype(np.int64))
    written = np.where((e["agency"] == POLICE) | (written < opened), opened, written)
    e |= {"opened": opened, "written": written, "is_unborn": np.zeros(len(opened), dtype=bool)}

    expecting = _expecting(rng, c, max(2, round(wanted * 0.12 * UNBORN)))
    keep = rng.permutation(np.flatnonzero(possible))[: wanted - len(expecting["child"])]
    e = {name: np.concatenate([values[np.sort(keep)], expecting[name]]) for name, values in e.items()}
    short = wanted - len(e["child"])
    if short > 0:
        again = rng.choice(np.flatnonzero(e["agency"] == HEALTH), short, replace=False)
        more = _take(e, again) | {"rank": e["rank"][again] + 1}
        e = {name: np.concatenate([values, more[name]]) for name, values in e.items()}
    order = np.lexsort((e["rank"], e["agency"], e["child"]))
    return _take(e, order)


def _held(
    rng: np.random.Generator,
    who: np.ndarray,
    agency: int,
    shares: tuple[float, ...],
    at_least_one: np.ndarray | None = None,
) -> Columns:
    held = rng.choice(len(shares), len(who), p=shares)
    if at_least_one is not None:
        held = np.maximum(held, at_least_one)
    rank = np.arange(int(held.sum())) - np.repeat(np.cumsum(held) - held, held)
    return {"child": np.repeat(who, held), "agency": np.full(len(rank), agency), "rank": rank}


def _opened(rng: np.random.Generator, c: Columns, e: Columns) -> tuple[np.ndarray, np.ndarray]:
    """When each record was opened, and the last day on which it could have been written."""
    birth, count = c["birth_day"][e["child"]], len(e["child"])
    lived = np.maximum(TODAY - birth, 1)
    sometime = birth + (rng.random(count) * lived).astype(np.int64)
    lately = birth + (rng.beta(2.0, 1.3, count) * lived).astype(np.int64)
    at_birth = birth + rng.exponential(12.0, count).astype(np.int64)
    begins = birth + (np.array(4.3) * YEAR + rng.integers(0, 60, count)).astype(np.int64)
    changes = birth + (11.4 * YEAR + rng.integers(0, 60, count)).astype(np.int64)
    older = c["age"][e["child"]] >= 11.5
    later = begins + (rng.random(count) * np.maximum(TODAY - begins, 1)).astype(np.int64)
    is_now = e["rank"] == 0
    school = np.where(is_now & older, changes, begins)
    left_school = np.where(older, changes, later)
    opened = np.select(
        [e["agency"] == HEALTH, e["agency"] == EDUCATION],
        [np.where(is_now & (rng.random(count) < 0.75), at_birth, sometime), school],
        lately,
    )
    left = np.where((e["agency"] == EDUCATION) & ~is_now, left_school, TODAY)
    opened = np.minimum(opened, TODAY)
    return opened, np.maximum(np.minimum(left, TODAY), opened)


def _expecting(rng: np.random.Generator, c: Columns, count: int) -> Columns:
    """Records that social care opened before a birth; half of the children are born since, and not renamed there."""
    unborn = rng.permutation(np.flatnonzero(c["is_unborn"]))[: count - count // 2]
    babies = np.flatnonzero(~c["is_unborn"] & (c["age"] < 0.7) & ~c["is_second"])
    child = np.concatenate([unborn, rng.permutation(babies)[: count // 2]])
    opened = np.minimum(c["birth_day"][child] - rng.integers(20, 150, len(child)), TODAY - 1)
    return {
        "child": child, "agency": np.full(len(child), SOCIAL_CARE), "rank": np.full(len(child), 9),
        "opened": opened, "written": opened, "is_unborn": np.ones(len(child), dtype=bool),
    }  # fmt: skip


# --- what the records say


def _observe(c: Columns, homes: Columns, e: Columns, seed: int) -> Columns:
    """Every record as its agency holds it; a list column is a column of several rows of values."""
    rng = stream(seed, "linkage records")
    child, agency, count = e["child"], e["agency"], len(e["child"])
    scale = ERRORS[agency]
    may_tell = ~c["is_second"][child]  # a sealed identity shows no history

    def chance(share: np.ndarray | float) -> np.ndarray:
        return rng.random(count) < share

    rows = _keys(rng, c, homes, e)
    rows |= {"person_id": c["person_id"][child], "is_unborn": e["is_unborn"]}
    rows["is_sealed"] = c["is_second"][child] & (agency == SOCIAL_CARE)
    rows["first_seen_date"], rows["data_current_to"] = e["opened"], np.full(count, TODAY)
    rows |= _names_written(rng, c, e, may_tell)

    birth = c["birth_day"][child].copy()
    wrong = np.flatnonzero(chance(WRONG_BIRTH_DATE * scale) & ~e["is_unborn"])
    birth[wrong] = _wrong_days(rng, birth[wrong])
    expected = c["birth_day"][child] + np.rint(rng.normal(0, 9, count)).astype(np.int64)
    expected = np.where(c["is_unborn"][child], np.maximum(c["birth_day"][child], TODAY), expected)
    age_only = (agency == POLICE) & chance(AGE_ONLY)
    year = birth.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    guess = year + np.where(chance(0.3), rng.choice([-1, 1], count), 0)
    rows["birth_date"] = np.where(e["is_unborn"] | age_only, _NONE, birth)
    rows["expected_birth_date"] = np.where(e["is_unborn"], expected, _NONE)
    rows["estimated_birth_year"] = np.where(age_only, guess, _NONE)

    sex = c["sex"][child].copy()
    sex = np.where(chance(SEX_WRONG * scale), np.where(sex == "M", "F", "M"), sex)
    rows["sex"] = _only(~(chance(SEX_MISSING * scale) | e["is_unborn"]), sex)
    rows |= _numbers(rng, c, e, may_tell)
    rows |= _address(rng, c, homes, e, may_tell)
    rows |= _people_around(rng, c, e)
    return rows


def _keys(rng: np.random.Generator, c: Columns, homes: Columns, e: Columns) -> Columns:
    child, agency, rank, count = e["child"], e["agency"], e["rank"], len(e["child"])
    here = (homes["authority"][c["home"][child]] == 673).astype(np.int64)
    start = rng.integers(0, 3, len(c["home"]))[child]
    again = rng.random(count) < 0.2  # a second record in the same health system, by mistake
    health = (start + np.where(again, 0, rank)) % 3
    which = np.select([agency == HEALTH, agency == POLICE], [health, 0], here)
    system = np.array(SYSTEMS, dtype=object)[agency, which]
    source = (rng.permutation(count) + 1_000_000).astype(str).astype(object)
    name = np.array(AGENCIES, dtype=object)[agency]
    key = name + "|" + system + "|" + source
    family = _only(agency == SOCIAL_CARE, "G" + (c["family"][child] * 7 + here).astype(str).astype(object))

    # Of two records of a child in one health system, the source itself has merged some.
    into = np.full(count, -1)
    twice = np.flatnonzero((child[1:] == child[:-1]) & (agency[1:] == HEALTH) & (agency[:-1] == HEALTH)) + 1
    merged = rng.permutation(twice)[: round(MERGED * int((agency == HEALTH).sum()))]
    merged = merged[~np.isin(merged - 1, merged)]
    into[merged] = merged - 1
    system[merged] = system[merged - 1]
    key[merged] = name[merged] + "|" + system[merged] + "|" + source[merged]
    merged_into = _only(into >= 0, key[into])
    return {
        "record_key": key, "agency": name, "feed": np.array(FEEDS, dtype=object)[agency], "system": system,
        "source_person_id": source, "family_group_id": family, "merged_into_record_key": merged_into,
        "merged_into": into,
    }  # fmt: skip


def _names_written(rng: np.random.Generator, c: Columns, e: Columns, may_tell: np.ndarray) -> Columns:
    child, agency, count = e["child"], e["agency"], len(e["child"])
    scale = ERRORS[agency]

    def chance(share: np.ndarray | float) -> np.ndarray:
        return rng.random(count) < share

    true = c["forename"][child]
    forename = true.copy()
    shortened = np.flatnonzero(chance(VARIANT * scale + WELSH_VARIANT * (c["heritage"][child] == 0)) & _has(true))
    forename[shortened] = _variants(rng, true[shortened])
    is_variant = forename != true
    other_forename = _only(is_variant & chance(0.25) & may_tell, true)
    known_as = np.flatnonzero(~is_variant & chance(0.015) & may_tell & _has(true))
    other_forename[known_as] = _variants(rng, true[known_as])
    other_forename[other_forename == forename] = None

    former = c["former_surname"][child]
    has_former = _has(former)
    before = e["written"] < c["surname_changed"][child]
    behind = has_former & (before | chance(0.1))
    surname = np.where(behind, former, c["surname"][child])
    other_surname = _only(has_former & ~before & ~behind & chance(0.5) & may_tell, former)
    surname = np.where(e["is_unborn"], c["mother_surname"][child], surname)
    double = np.flatnonzero(_has_blank(surname) & chance(0.12 * scale))
    surname[double] = [
        value.split(" ")[side] for value, side in zip(surname[double], rng.choice([0, -1], len(double)), strict=True)
    ]

    for values, share in ((forename, FORENAME_TYPO), (surname, SURNAME_TYPO)):
        at = np.flatnonzero(chance(share * scale) & _has(values))
        values[at] = _typos(rng, values[at])
    baby = (agency == HEALTH) & (c["age"][child] < 1) & chance(NOT_NAMED_YET)
    forename = _only(~(baby | e["is_unborn"]), forename)
    swapped = chance(SWAPPED_NAMES * scale) & _has(forename)
    forename, surname = np.where(swapped, surname, forename), np.where(swapped, forename, surname)
    other_forename = _only(_has(forename), other_forename)

    middle = _only(chance(HAS_MIDDLE[agency]) & _has(forename), c["middle"][child])
    at = np.flatnonzero(chance(FORENAME_TYPO * scale) & _has(middle))
    middle[at] = _typos(rng, middle[at])
    at = np.flatnonzero(chance(0.08) & _has(middle))
    middle[at] = [value[0] for value in middle[at]]

    parts = np.full((2, count), None, dtype=object)  # as dbt does: the parts of a double name are names too
    at = np.flatnonzero(_has_blank(surname) & may_tell)
    for row, side in ((0, 0), (1, -1)):
        part = np.array([value.split(" ")[side] for value in surname[at]], dtype=object)
        parts[row, at] = _only(~np.isin(part, ["AP", "AB", "FERCH", "AL", "EL"]), part)
    other_surnames = np.vstack([other_surname, parts])
    other_surnames[1:][other_surnames[1:] == other_surnames[0]] = None
    return {
        "forename": forename, "middle_names": middle, "surname": surname,
        "other_forenames": other_forename[None], "other_surnames": other_surnames,
    }  # fmt: skip


def _has_blank(values: np.ndarray) -> np.ndarray:
    codes, distinct = pd.factorize(pd.Series(values))
    return np.append(np.array([" " in value for value in distinct], dtype=bool), False)[codes]


def _variants(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """The same forename as another office writes it: mostly from the table that linkage has, some that it has not."""
    groups: dict[str, set[str]] = {}
    with VARIANTS.open(encoding="utf-8", newline="") as seed:
        for row in csv.DictReader(seed):
            groups.setdefault(row["variant_group"], set()).add(row["name"])
    known = {
        name: sorted(set().union(*(group for group in groups.values() if name in group)) - {name})
        for name in set().union(*groups.values())
    }
    heard = {fold(name).upper(): [fold(o).upper() for o in others] for name, others in names.VARIANTS.items()}
    out = values.copy()
    for at, (name, by_table, draw) in enumerate(
        zip(values, rng.random(len(values)) < 0.8, rng.random(len(values)), strict=True)
    ):
        options = (known.get(name) or heard.get(name)) if by_table else (heard.get(name) or known.get(name))
        if options:
            out[at] = options[int(draw * len(options))]
        elif len(name) > 5:
            out[at] = name[: 3 + int(draw * 2)]
    return out


def _typos(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """One keying error each: a letter dropped, doubled, swapped with the next, or another."""
    kinds, places, letters = rng.integers(0, 4, len(values)), rng.random(len(values)), rng.integers(65, 91, len(values))
    out = values.copy()
    for i, (text, kind, place, letter) in enumerate(zip(values, kinds, places, letters, strict=True)):
        if len(text) < 3:
            continue
        at = int(place * (len(text) - 1))
        if kind == 0:
            out[i] = text[:at] + text[at + 1 :]
        elif kind == 1:
            out[i] = text[:at] + text[at] + text[at:]
        elif kind == 2:
            out[i] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        else:
            out[i] = text[:at] + chr(letter) + text[at + 1 :]
    return np.array([" ".join(text.split()) for text in out], dtype=object)


def _wrong_days(rng: np.random.Generator, days: np.ndarray) -> np.ndarray:
    """Day and month swapped where both can be (40 %), one digit or part off (45 %), or another day of that time."""
    dates = days.astype("datetime64[D]")
    month_start = dates.astype("datetime64[M]")
    year_start = dates.astype("datetime64[Y]")
    day = (dates - month_start).astype(np.int64)
    month = (month_start - year_start.astype("datetime64[M]")).astype(np.int64)
    kind, sign = rng.random(len(days)), rng.choice([-1, 1], len(days))
    swapped = (year_start.astype("datetime64[M]") + day).astype("datetime64[D]").astype(np.int64) + month
    one_day = days + sign * rng.choice([1, 1, 10], len(days))
    one_month = (month_start + sign).astype("datetime64[D]").astype(np.int64) + np.minimum(day, 27)
    one_year = ((year_start + sign).astype("datetime64[M]") + month).astype("datetime64[D]").astype(np.int64)
    one_year += np.minimum(day, 27)
    new_year = year_start.astype("datetime64[D]").astype(np.int64)
    near = days + rng.integers(-90, 90, len(days))
    wrong = np.select(
        [(kind < 0.4) & (day < 12) & (day != month), kind < 0.6, kind < 0.72, kind < 0.85, kind < 0.9],
        [swapped, one_day, one_month, one_year, new_year],
        near,
    )
    return np.minimum(wrong, TODAY)


def _numbers(rng: np.random.Generator, c: Columns, e: Columns, may_tell: np.ndarray) -> Columns:
    child, agency, count = e["child"], e["agency"], len(e["child"])
    scale = ERRORS[agency]

    def chance(share: np.ndarray | float) -> np.ndarray:
        return rng.random(count) < share

    has_nhs = _has(c["nhs"])[child]
    has_upn = _has(c["upn"])[child]
    # Shares count all records of an agency, also of children who have no such number.
    nhs_share, upn_share = np.zeros(4), np.zeros(4)
    for which in range(4):
        of = agency == which
        nhs_share[which] = min(1.0, HAS_NHS[which] / max(has_nhs[of].mean(), 1e-9)) if of.any() else 0
        upn_share[which] = min(1.0, HAS_UPN[which] / max(has_upn[of].mean(), 1e-9)) if of.any() else 0
    nhs = _only(chance(nhs_share[agency]), c["nhs"][child])
    upn = _only(chance(upn_share[agency]), c["upn"][child])
    nhs[e["is_unborn"]] = upn[e["is_unborn"]] = None

    # Where a child has had two numbers, social care holds the first and health knows of both.
    first_nhs = c["former_nhs"][child]
    two = _has(first_nhs) & _has(nhs)
    behind = two & (agency == SOCIAL_CARE) & chance(0.5)
    nhs[behind] = first_nhs[behind]
    former_nhs = _only(two & (agency == HEALTH) & chance(0.8) & may_tell, first_nhs)

    first_upn = c["former_upn"][child]
    reissued = _has(first_upn) & _has(upn)
    before = e["written"] < c["upn_changed"][child]
    upn[reissued & before] = first_upn[reissued & before]
    former_upn = _only(reissued & ~before & chance(0.5) & may_tell, first_upn)

    beside = np.where(np.arange(len(c["family"])) % 2 == 0, 1, -1)
    for step in (beside, -beside):  # the one next to the child in the family, on either side
        other = np.clip(np.arange(len(c["family"])) + step, 0, len(c["family"]) - 1)
        beside = np.where(c["family"][other] == c["family"], step, beside)
    sibling = np.clip(np.arange(len(c["family"])) + beside, 0, len(c["family"]) - 1)
    has_sibling = ((c["family"][sibling] == c["family"]) & _has(c["nhs"][sibling]))[child]
    candidates = has_sibling & _has(nhs)
    taken = candidates & chance(SIBLING_NUMBER * scale * _has(nhs).sum() / max(candidates.sum(), 1))
    nhs[taken] = c["nhs"][sibling[child[taken]]]

    broken_nhs = _has(nhs) & chance(BAD_CHECK_DIGIT * scale)
    broken_upn = _has(upn) & chance(BAD_CHECK_DIGIT * scale)
    nhs[broken_nhs] = upn[broken_upn] = None
    return {
        "nhs_number": nhs,
        "nhs_number_reason": _reason(nhs, broken_nhs, "test_range_ok", "check_digit"),
        "is_nhs_number_verified": _has(nhs) & chance(IS_VERIFIED[agency]),
        "former_nhs_numbers": former_nhs[None],
        "upn": upn,
        "upn_reason": _reason(upn, broken_upn, "valid", "check_letter"),
        "former_upns": former_upn[None],
    }


def _reason(values: np.ndarray, broken: np.ndarray, good: str, bad: str) -> np.ndarray:
    return np.where(_has(values), good, np.where(broken, bad, "absent")).astype(object)


def _address(rng: np.random.Generator, c: Columns, homes: Columns, e: Columns, may_tell: np.ndarray) -> Columns:
    child, agency, count = e["child"], e["agency"], len(e["child"])

    def chance(share: np.ndarray | float) -> np.ndarray:
        return rng.random(count) < share

    moved, earlier, written = c["moved"][child], c["moved_earlier"][child], e["written"]
    place = np.where(
        written >= moved,
        c["home"][child],
        np.where(written >= earlier, c["home_before"][child], c["home_earlier"][child]),
    )
    is_new = (moved >= 0) & (written >= moved)
    other_parent = c["separated"][child] & chance(AT_OTHER_PARENT[agency])
    place = np.where(other_parent, c["home_other_parent"][child], place)
    postcode, line = homes["postcode"][place], _lines(rng, homes, place, ERRORS[agency])
    at = np.flatnonzero(chance(POSTCODE_TYPO * ERRORS[agency]))
    postcode[at] = [
        code[:-1] + letter for code, letter in zip(postcode[at], rng.choice(list(_INWARD), len(at)), strict=True)
    ]
    nowhere = chance(NO_ADDRESS[agency])
    tells = is_new & ~other_parent & chance(OLD_POSTCODES[agency]) & may_tell
    before = c["home_before"][child]
    old_postcode = _only(tells, homes["postcode"][before])
    old_line = _only(tells & chance(0.8), _lines(rng, homes, before, ERRORS[agency]))
    second_home = c["separated"][child] & ~other_parent & chance(0.1) & may_tell
    others = np.vstack([old_postcode, _only(second_home, homes["postcode"][c["home_other_parent"][child]])])
    others[others == postcode] = None
    return {
        "postcode": _only(~nowhere, postcode),
        "address_line": _only(~(nowhere | chance(NO_LINE[agency])), line),
        "other_postcodes": others,
        "other_address_lines": old_line[None],
    }


def _lines(rng: np.random.Generator, homes: Columns, place: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """House and street as an office writes them: in full or short, without the flat, with a typing error."""
    count = len(place)
    street = homes["street"][place].copy()
    short = np.flatnonzero(rng.random(count) < 0.22)
    codes, distinct = pd.factorize(pd.Series(street[short]))
    street[short] = np.array([" ".join(_SHORT.get(w, w) for w in name.split()) for name in distinct], dtype=object)[
        codes
    ]
    at = np.flatnonzero(rng.random(count) < 0.012 * scale)
    street[at] = _typos(rng, street[at])
    flat = np.where(rng.random(count) < 0.15, "", homes["flat"][place])
    number = np.where(rng.random(count) < 0.008 * scale, "", homes["number"][place] + " ")
    return flat + number + street


def _people_around(rng: np.random.Generator, c: Columns, e: Columns) -> Columns:
    """Telephones, parents and schools: what brothers and sisters share."""
    child, agency, count = e["child"], e["agency"], len(e["child"])
    scale = ERRORS[agency]

    def chance(share: np.ndarray | float) -> np.ndarray:
        return rng.random(count) < share

    before = e["written"] < c["telephone_changed"][child]
    has, mother, father = chance(HAS_TELEPHONE[agency]), chance(0.8), chance(0.3)
    telephones = np.vstack([
        _only(has & mother, np.where(before, c["telephone_mother_before"][child], c["telephone_mother"][child])),
        _only(has & (father | ~mother), c["telephone_father"][child]),
        _only(has & chance(0.22), c["telephone_home"][child]),
    ])  # fmt: skip
    row, at = np.nonzero(_has(telephones) & chance(TELEPHONE_TYPO * scale))
    digits = rng.integers(0, 10, len(at)).astype(str)
    telephones[row, at] = [
        value[:6] + digit + value[7:] for value, digit in zip(telephones[row, at], digits, strict=True)
    ]

    has, mother, father = chance(HAS_GUARDIAN[agency]), chance(0.85), chance(0.4)
    maiden = c["mother_maiden"][child]
    written = np.where(_has(maiden) & chance(0.12), maiden, c["mother"][child])
    guardians = np.vstack([
        _only(has & mother, written), _only(has & (father | ~mother), c["father"][child])
    ])  # fmt: skip
    row, at = np.nonzero(_has(guardians) & chance(2 * FORENAME_TYPO * scale))
    guardians[row, at] = _typos(rng, guardians[row, at])

    at_school = (c["age"][child] >= 4.2) & ~e["is_unborn"]
    old = np.where(agency == EDUCATION, e["rank"] > 0, chance(0.15))
    school = np.where(old, c["school_before"][child], c["school_now"][child])
    has_school = at_school & chance(HAS_SCHOOL[agency])
    also = has_school & ~old & (agency == EDUCATION) & chance(0.15)
    schools = np.vstack([_only(has_school, school), _only(also, c["school_before"][child])])
    schools[1][schools[1] == schools[0]] = None
    return {"telephones": telephones, "guardian_names": guardians, "schools": schools}


def _revise(c: Columns, homes: Columns, e: Columns, rows: Columns, wanted: int, seed: int) -> Columns:
    """The records as they are when somebody corrected them: a number filled in, a name spelt right, a new address."""
    rng = stream(seed, "linkage revisions")
    child, agency, count = e["child"], e["agency"], len(e["child"])
    rows = {name: values.copy() for name, values in rows.items()}
    born = ~e["is_unborn"]
    wish = rng.integers(0, 3, count)
    fill_nhs = (wish == 0) & born & ~_has(rows["nhs_number"]) & _has(c["nhs"][child]) & (agency <= SOCIAL_CARE)
    fill_nhs &= agency != EDUCATION
    fill_upn = (wish == 0) & born & ~_has(rows["upn"]) & _has(c["upn"][child])
    fill_upn &= (agency == EDUCATION) | (agency == SOCIAL_CARE)
    rows["nhs_number"] = np.where(fill_nhs, c["nhs"][child], rows["nhs_number"])
    rows["nhs_number_reason"] = np.where(fill_nhs, "test_range_ok", rows["nhs_number_reason"])
    rows["upn"] = np.where(fill_upn, c["upn"][child], rows["upn"])
    rows["upn_reason"] = np.where(fill_upn, "valid", rows["upn_reason"])

    respell = (
        (wish == 1) & born & ((rows["forename"] != c["forename"][child]) | (rows["surname"] != c["surname"][child]))
    )
    rows["forename"] = np.where(respell, c["forename"][child], rows["forename"])
    rows["surname"] = np.where(respell, c["surname"][child], rows["surname"])
    redate = (wish == 1) & born & (rows["birth_date"] != c["birth_day"][child])
    rows["birth_date"] = np.where(redate, c["birth_day"][child], rows["birth_date"])
    rows["estimated_birth_year"] = np.where(redate, _NONE, rows["estimated_birth_year"])

    moves = ~(fill_nhs | fill_upn | respell | redate)
    place = rng.integers(0, len(homes["postcode"]), len(homes["postcode"]))[c["home"][child]]  # a family moves together
    tells = moves & _has(rows["postcode"]) & ~c["is_second"][child] & (rng.random(count) < 0.5)
    left = _only(tells, rows["postcode"])
    rows["other_postcodes"] = np.vstack([left, rows["other_postcodes"]])
    rows["other_postcodes"][1:][rows["other_postcodes"][1:] == left] = None
    rows["other_address_lines"] = np.vstack([_only(tells, rows["address_line"]), rows["other_address_lines"]])
    rows["postcode"] = np.where(moves, homes["postcode"][place], rows["postcode"])
    rows["address_line"] = np.where(moves, _lines(rng, homes, place, ERRORS[agency]), rows["address_line"])
    # At most a third each has a number or a name put right; the others move.
    kinds = (fill_nhs | fill_upn, respell | redate)
    at = [np.flatnonzero(kind)[: wanted // 3] for kind in kinds]
    at.append(np.flatnonzero(moves)[: wanted - sum(map(len, at))])
    return _take(rows, np.concatenate(at))


# --- rows and columns

_NONE = np.iinfo(np.int32).min


def _has(values: np.ndarray) -> np.ndarray:
    """Which entries hold a value."""
    return values != None  # noqa: E711 - element-wise on an object array


def _only(where: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values where a condition holds, else none."""
    out = np.full(values.shape, None, dtype=object)
    out[where] = values[where]
    return out


def _take(columns: Columns, at: np.ndarray) -> Columns:
    return {name: values[..., at] for name, values in columns.items()}


def _table(rows: Columns) -> pa.Table:
    made: dict[str, Any] = {name: pa.array(rows[name], pa.string()) for name in _TEXT}
    made |= {name: _lists(rows[name]) for name in _LISTS}
    made |= {
        name: _dates(rows[name]) for name in ("birth_date", "expected_birth_date", "first_seen_date", "data_current_to")
    }
    made |= {name: pa.array(rows[name].astype(bool)) for name in ("is_unborn", "is_nhs_number_verified", "is_sealed")}
    year = rows["estimated_birth_year"]
    made["estimated_birth_year"] = pa.array(year.astype(np.int32), mask=year == _NONE)
    return pa.table(made)


def _dates(days: np.ndarray) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32(), mask=days == _NONE).cast(pa.date32())


def _lists(values: np.ndarray) -> pa.Array:
    """Row-wise lists of the values that there are."""
    values = values.T
    filled = _has(values)
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values[filled], pa.string()))


if __name__ == "__main__":
    wanted, target = int(sys.argv[1]), Path(sys.argv[2])
    make_region(wanted, 20261120, target)
    make_delta(target, max(2, wanted // 200), 1, target / "delta")
