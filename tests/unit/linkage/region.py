"""A tiny seeded region for the tests of linkage: true children and the person rows that four agencies hold
of them.

Put here: lives and noise in the shape of the persons table. Keep out: file formats and services; the
simulator makes those.
"""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

SURNAMES = [
    "JONES",
    "DAVIES",
    "WILLIAMS",
    "EVANS",
    "THOMAS",
    "ROBERTS",
    "LEWIS",
    "HUGHES",
    "MORGAN",
    "GRIFFITHS",
    "EDWARDS",
    "SMITH",
    "JAMES",
    "REES",
    "OWEN",
    "PRICE",
    "MORRIS",
    "MOORE",
    "PHILLIPS",
    "JENKINS",
    "PARRY",
    "PUGH",
    "POWELL",
    "BEVAN",
    "HOWELLS",
    "LLOYD",
    "VAUGHAN",
    "BOWEN",
    "PRITCHARD",
    "HARRIS",
]
FORENAMES = {
    "F": [
        "OLIVIA",
        "AMELIA",
        "SIAN",
        "MEGAN",
        "ELIN",
        "CARYS",
        "FFION",
        "CATRIN",
        "MALI",
        "GWEN",
        "ISLA",
        "EMILY",
        "AVA",
        "ALYS",
        "SEREN",
        "LOWRI",
        "ERIN",
        "CADI",
        "BETHAN",
        "HANNAH",
        "SIONED",
    ],
    "M": [
        "OLIVER",
        "NOAH",
        "DAFYDD",
        "RHYS",
        "OWAIN",
        "TOMOS",
        "GRUFFYDD",
        "IOAN",
        "JACOB",
        "OSIAN",
        "HARRI",
        "EVAN",
        "LEO",
        "GEORGE",
        "JAC",
        "STEFFAN",
        "IEUAN",
        "GWILYM",
        "ARTHUR",
        "MORGAN",
    ],
}
VARIANTS = dict(
    pair.split("/")
    for pair in [
        "DAFYDD/DAVID",
        "SIAN/JANE",
        "TOMOS/THOMAS",
        "OWAIN/OWEN",
        "CATRIN/CATHERINE",
        "GRUFFYDD/GRIFFITH",
        "STEFFAN/STEPHEN",
        "HARRI/HARRY",
        "GWILYM/WILLIAM",
        "RHYS/REECE",
        "ELIN/ELLEN",
        "LOWRI/LAURA",
        "ALYS/ALICE",
        "OLIVIA/LIVVY",
        "JACOB/JAKE",
    ]
)
SYSTEMS = {"health": "PARIS", "education": "TEACHER CENTRE", "social_care": "CAREDIRECTOR", "police": "NICHE"}
ERRORS = {"health": 1.0, "education": 1.3, "social_care": 2.2, "police": 3.6}
START = dt.date(2008, 1, 1)


def row(key: str, **values: object) -> dict[str, object]:
    """One persons row with every column of the contract; what is not given is missing."""
    agency, system, source_person_id = key.split("|")
    base: dict[str, object] = {
        "record_key": key, "agency": agency, "feed": "feed", "system": system, "source_person_id": source_person_id,
        "forename": None, "middle_names": None, "surname": None, "other_forenames": [], "other_surnames": [],
        "birth_date": None, "expected_birth_date": None, "estimated_birth_year": None, "is_unborn": False,
        "sex": None, "nhs_number": None, "nhs_number_reason": "absent", "is_nhs_number_verified": False, "upn": None,
        "upn_reason": "absent", "former_upns": [], "address_line": None, "postcode": None, "other_postcodes": [],
        "merged_into_record_key": None, "is_sealed": False, "family_group_id": None,
        "telephones": [], "guardian_names": [], "schools": [], "former_nhs_numbers": [], "other_address_lines": [],
        "first_seen_date": dt.date(2024, 1, 1), "data_current_to": dt.date(2025, 1, 1), "record_hash": "x",
    }  # fmt: skip
    return base | values


def write_persons(rows: list[dict[str, object]], path: Path) -> Path:
    """Write persons rows with the types of the contract."""
    columns = row("a|b|c")
    kinds = {
        **dict.fromkeys(columns, "VARCHAR"),
        **dict.fromkeys(("birth_date", "expected_birth_date", "first_seen_date", "data_current_to"), "DATE"),
        **dict.fromkeys(("is_unborn", "is_sealed", "is_nhs_number_verified"), "BOOLEAN"),
        **dict.fromkeys(
            (
                "other_forenames",
                "other_surnames",
                "former_upns",
                "other_postcodes",
                "telephones",
                "guardian_names",
                "schools",
                "former_nhs_numbers",
                "other_address_lines",
            ),
            "VARCHAR[]",
        ),
        "estimated_birth_year": "INTEGER",
    }
    frame = pd.DataFrame(rows, columns=list(columns)).astype(object)
    frame["estimated_birth_year"] = pd.array(frame["estimated_birth_year"].tolist(), dtype="Int32")
    con = duckdb.connect()
    if rows:
        con.register("frame", frame)
        select = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in kinds.items())
        con.execute(f"COPY (SELECT {select} FROM frame) TO '{path}' (FORMAT parquet)")
    else:
        select = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in kinds.items())
        con.execute(f"COPY (SELECT {select} WHERE false) TO '{path}' (FORMAT parquet)")
    con.close()
    return path


@dataclass
class _Child:
    person_id: str
    family_id: str
    forename: str
    middle: str
    surname: str
    former_surname: str | None
    birth_date: dt.date
    sex: str
    nhs_number: str
    upn: str
    homes: list[tuple[str, str]] = field(default_factory=list)


def make_region(
    children: int, seed: int, twin_share: float = 0.03
) -> tuple[list[dict[str, object]], pd.DataFrame, pd.DataFrame]:
    """Rows of the persons table, the true person of each record, and the true persons."""
    rng = np.random.default_rng(seed)
    surnames, weights = _surnames(rng, children)
    forenames = {sex: _forenames(rng, sex) for sex in "FM"}
    true: list[_Child] = []
    while len(true) < children:
        family = f"F{len(true)}"
        surname = str(rng.choice(surnames, p=weights))
        homes = [_home(rng, children) for _ in range(1 + int(rng.random() < 0.35))]
        born = START + dt.timedelta(days=int(rng.integers(0, 6200)))
        for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.35, 0.4, 0.18, 0.07]))):
            for _ in range(2 if rng.random() < twin_share / 2 else 1):
                true.append(_child(rng, len(true), family, surname, born, homes, forenames, true))
            born += dt.timedelta(days=int(rng.integers(330, 1500)))
    rows, truth = [], []
    by_family: dict[str, list[_Child]] = {}
    for child in true:
        by_family.setdefault(child.family_id, []).append(child)
    for child in true:
        for agency, system in SYSTEMS.items():
            for _ in range(_records(rng, agency)):
                key = f"{agency}|{system}|{len(rows):07d}"
                rows.append(_record(rng, key, agency, child, by_family[child.family_id], len(true)))
                truth.append((key, child.person_id))
    people = pd.DataFrame(
        [(c.person_id, c.family_id, c.birth_date) for c in true], columns=["person_id", "family_id", "birth_date"]
    )
    return rows, pd.DataFrame(truth, columns=["record_key", "person_id"]), people


def _surnames(rng: np.random.Generator, children: int) -> tuple[list[str], np.ndarray]:
    made = sorted({_word(rng) for _ in range(max(60, children // 12))})
    names = SURNAMES + made
    weights = np.concatenate(
        [0.55 / np.arange(1, len(SURNAMES) + 1) ** 0.7 / 8.2, np.full(len(made), 0.45 / len(made))]
    )
    return names, weights / weights.sum()


def _forenames(rng: np.random.Generator, sex: str) -> list[str]:
    return FORENAMES[sex] * 6 + sorted({_word(rng) + ("A" if sex == "F" else "") for _ in range(250)})


def _word(rng: np.random.Generator) -> str:
    parts = [
        "BA",
        "CE",
        "DO",
        "FI",
        "GA",
        "HE",
        "LO",
        "MA",
        "NE",
        "PO",
        "RA",
        "SI",
        "TU",
        "WE",
        "YA",
        "KE",
        "LI",
        "NO",
        "RO",
        "SA",
        "TE",
        "VI",
        "ZA",
        "BRO",
        "CLE",
        "DRE",
        "GLY",
        "TRE",
        "LLA",
        "RHO",
        "PEN",
    ]
    return "".join(rng.choice(parts, size=int(rng.integers(2, 4)))) + str(
        rng.choice(["N", "S", "R", "TT", "LL", "D", "Y"])
    )


def _home(rng: np.random.Generator, children: int) -> tuple[str, str]:
    code = f"CF{rng.integers(3, 65)}{rng.integers(1, 9)}{chr(65 + rng.integers(0, 20))}{chr(65 + rng.integers(0, 20))}"
    return f"{rng.integers(1, 150)} {_word(rng)} {rng.choice(['STREET', 'ROAD', 'CLOSE', 'HEOL'])}", code


def _child(rng, number, family, surname, born, homes, forenames, others) -> _Child:
    sex = str(rng.choice(["F", "M"]))
    taken = {child.forename for child in others[-6:] if child.family_id == family}
    forename = next(name for name in rng.permutation(forenames[sex]) if name not in taken)
    former = _word(rng) if rng.random() < 0.07 else None
    numbers = f"999{number:07d}", f"A{681000000000 + number}"
    return _Child(
        f"P{number}",
        family,
        str(forename),
        str(rng.choice(forenames[sex])),
        surname,
        former,
        born,
        sex,
        *numbers,
        homes,
    )


def _records(rng: np.random.Generator, agency: str) -> int:
    share = {
        "health": (0.0, 0.75, 0.25),
        "education": (0.2, 0.65, 0.15),
        "social_care": (0.7, 0.27, 0.03),
        "police": (0.82, 0.14, 0.04),
    }
    return int(rng.choice(3, p=share[agency]))


def _record(rng, key, agency, child: _Child, family: list[_Child], children: int) -> dict[str, object]:
    times = ERRORS[agency]
    forename, surname, born = child.forename, child.surname, child.birth_date
    other_surnames = [child.former_surname] if child.former_surname and rng.random() < 0.4 else []
    if child.former_surname and rng.random() < 0.4:
        surname, other_surnames = child.former_surname, [child.surname] if rng.random() < 0.3 else []
    if rng.random() < 0.03:
        forename = VARIANTS.get(forename, forename[:3])
    if rng.random() < 0.016 * times:
        forename = _typo(rng, forename)
    if rng.random() < 0.013 * times:
        surname = _typo(rng, surname)
    if rng.random() < 0.0085 * times:
        born = _wrong_date(rng, born)
    if rng.random() < 0.0016 * times:
        forename, surname = surname, forename
    home = child.homes[0] if rng.random() < 0.8 else child.homes[-1]
    nhs_chance = {"health": 0.985, "education": 0.0, "social_care": 0.62, "police": 0.0}[agency]
    upn_chance = {"health": 0.0, "education": 0.985, "social_care": 0.48, "police": 0.0}[agency]
    owner = family[int(rng.integers(len(family)))] if rng.random() < 0.0012 else child
    numbers = {
        "nhs_number": owner.nhs_number if rng.random() < nhs_chance else None,
        "upn": child.upn if rng.random() < upn_chance else None,
    }
    if numbers["upn"] and rng.random() < 0.01:
        numbers["upn"] = child.upn.replace("A", "B")
    return row(
        key,
        forename=None if rng.random() < 0.004 else forename,
        middle_names=child.middle if rng.random() < 0.4 else None,
        surname=surname,
        other_surnames=other_surnames,
        birth_date=None if agency == "police" and rng.random() < 0.05 else born,
        estimated_birth_year=born.year if agency == "police" else None,
        sex=child.sex if rng.random() < 0.99 else None,
        address_line=home[0] if rng.random() < 0.85 else None,
        postcode=home[1] if rng.random() < 0.96 else None,
        other_postcodes=[child.homes[0][1]] if rng.random() < 0.3 else [],
        family_group_id=child.family_id if agency == "social_care" else None,
        **numbers,
    )


def _typo(rng: np.random.Generator, name: str) -> str:
    at = int(rng.integers(len(name)))
    kind = int(rng.integers(3))
    letter = chr(65 + int(rng.integers(26)))
    if kind == 0:
        return name[:at] + letter + name[at + 1 :]
    if kind == 1:
        return (name[:at] + name[at + 1 :]) or name
    return name[:at] + letter + name[at:]


def _wrong_date(rng: np.random.Generator, born: dt.date) -> dt.date:
    if born.day <= 12 and rng.random() < 0.4:
        return dt.date(born.year, born.day, born.month)
    if rng.random() < 0.5:
        return born.replace(year=born.year + int(rng.choice([-1, 1])), day=min(born.day, 28))
    return born + dt.timedelta(days=int(rng.integers(1, 40)))
