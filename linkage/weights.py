"""The model of an installation, and what it says a pattern is worth.

Put here: the model as data and the arithmetic from pattern to weight. Keep out: where the numbers come from
(training.py, silver.py) and what follows from a weight (rules.py, clustering.py).

A weight is built in three steps, each of which can be shown to a person:

1. *Fellegi-Sunter*: the prior and, for every field, `log2(m / u)` of the level reached; for an equal name
   `log2(m / frequency)`. It adds the fields up as if they were independent, which twins are not.
2. *Silver*: corrections for levels, and for two or three levels that occur together, learnt from the pairs that an
   identifier decides (`coefficients`). With few labels they stay near nought.
3. *Identifiers and prior*: NHS number and UPN as Bayes factors, and the share of true pairs among the candidates of
   the two sources.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
from scipy import sparse

from linkage.model import COMPARISONS, FIELDS, MODEL_FORMAT
from linkage.scoring import DIGITS, Levels, read_patterns

EVIDENCE: Final = tuple(c.field for c in COMPARISONS if not c.is_identifier)
IDENTIFIERS: Final = tuple(c.field for c in COMPARISONS if c.is_identifier)
MAX_BITS: Final = 30.0
"""Fellegi-Sunter weights are clipped here, so that no sum of agreements becomes certainty."""
MAX_OFFSET_BITS: Final = 12.0
"""... and here where silver corrections start from them: beyond, more agreement says nothing new."""
MAX_SILVER_BITS: Final = 18.0
MAX_IDENTIFIER_BITS: Final = 10.0
"""One record in a thousand carries the number of a brother, a sister or a stranger, so no identifier is worth more."""
ALPHA_LABELS: Final = 500.0
"""Labels at which the silver weight counts half."""
DECLARED_RECORDS: Final = 100_000
"""Size of region for which the declared prior speaks."""
DECLARED_PRIOR: Final = 1.4 / DECLARED_RECORDS
SAME_SYSTEM_BITS: Final = -2.0
"""A system should hold a child once, so two records of one system need more; learnt where there are labels."""


def _groups(field_name: str) -> tuple[str, ...]:
    """Coarse outcome of each digit, for outcomes that occur together."""
    coarse = {
        "forename": {"swapped": "near", "alias": "near", "close": "near", "variant": "near", "similar": "weak",
                     "sound": "weak", "initial": "weak"},
        "surname": {"swapped": "near", "alias": "near", "part": "near", "close": "near", "similar": "weak"},
        "birth_date": {"exact_default": "exact", "slip": "slip", "swapped": "slip", "near": "near",
                       "two_slips": "near", "differs_in_year": "differs", "expected_near": "unborn",
                       "expected_far": "unborn", "estimate_near": "estimate", "estimate_far": "estimate"},
        "place": {"address": "house", "former_address": "house", "postcode": "postcode",
                  "former_postcode": "postcode", "slip": "neighbour", "sector": "nearby", "district": "nearby",
                  "area": "far", "differs": "far"},
        "guardians": {"family": "same"},
    }.get(field_name, {})  # fmt: skip
    found = []
    for name in DIGITS[field_name]:
        plain, _, octave = name.rpartition("_")
        if octave.isdigit():
            found.append(f"{plain}_rare" if int(octave) >= 5 else f"{plain}_common")
        else:
            found.append(coarse.get(name, name))
    return tuple(found)


GROUPS: Final = {name: _groups(name) for name in EVIDENCE}
PAIRS: Final = tuple((one, other) for i, one in enumerate(EVIDENCE) for other in EVIDENCE[i + 1 :])
TRIPLES: Final = (
    ("forename", "surname", "birth_date"),
    ("forename", "birth_date", "place"),
    ("surname", "birth_date", "place"),
    ("forename", "surname", "place"),
    ("forename", "birth_date", "guardians"),
    ("forename", "birth_date", "telephone"),
    ("forename", "sex", "birth_date"),
    ("forename", "birth_date", "middle_names"),
)
"""Where twins, brothers and sisters live: equal in everything but the forename."""


@dataclass(frozen=True)
class Model:
    """One version of the numbers. Saved as JSON, so a person can read it and another machine can use it."""

    version: str
    records: int
    """Present records when it was trained; 0 for the declared model."""
    prior: float
    """Probability that two random records are one child."""
    m: dict[str, list[float]]
    """By field, share of true pairs at each level, in the order of model.COMPARISONS."""
    u: dict[str, list[float]]
    """... of random pairs."""
    learnt_levels: list[str] = field(default_factory=list)
    """Levels whose m and u were seen often enough; the others keep the declared ones."""
    labels: int = 0
    """Pairs that an identifier decided and the silver weights were learnt from."""
    labelled_share: float = 0.5
    """Share of matches among them."""
    max_identifier_bits: float = MAX_IDENTIFIER_BITS
    intercept: float = 0.0
    coefficients: dict[str, float] = field(default_factory=dict)
    """Silver corrections in bits, by `field=level` or by several of `field~group` joined with ` & `."""
    source_priors: dict[str, float] = field(default_factory=dict)
    """Share of true pairs among the candidates of two sources."""
    pattern_shares: dict[str, float] = field(default_factory=dict)
    """Share of candidates at each level when it was trained: what drift is measured against."""
    format: str = MODEL_FORMAT

    @property
    def alpha(self) -> float:
        """Part of the silver weight in the weight."""
        return self.labels / (self.labels + ALPHA_LABELS)

    def to_json(self) -> str:
        """The same text for the same model."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Model":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def declared_model() -> Model:
    """The model before anything is learnt."""
    return Model(
        version="declared",
        records=0,
        prior=DECLARED_PRIOR,
        m={c.field: [level.m for level in c.levels] for c in COMPARISONS},
        u={c.field: [level.u for level in c.levels] for c in COMPARISONS},
    )


def logit(share: np.ndarray | float) -> np.ndarray:
    """Log2 odds of a probability."""
    share = np.asarray(share, dtype=float)
    return np.log2(share) - np.log2(1 - share)


def probability(weight: np.ndarray | float) -> np.ndarray:
    """The probability of log2 odds; never quite 0 or 1."""
    return np.clip(1 / (1 + np.exp2(-np.clip(np.asarray(weight, dtype=float), -60, 60))), 1e-9, 1 - 1e-9)


def field_bits(model: Model, name: str) -> np.ndarray:
    """Fellegi-Sunter evidence of every digit of a field; missing is nought."""
    comparison, bits = FIELDS[name], [0.0]
    for level, m, u in zip(comparison.levels, model.m[name], model.u[name], strict=True):
        if comparison.frequency_of is not None and level.name == "exact":
            octaves = [digit for digit in DIGITS[name] if digit.startswith("exact_") and digit[6:].isdigit()]
            bits += [float(np.log2(m) + int(digit[6:]) + 4.5) for digit in octaves]
        else:
            bits.append(float(np.log2(m / u)))
    return np.array(bits)


@dataclass(frozen=True)
class Parts:
    """What patterns are worth, before the sources are known. Arrays of one entry a pattern, in bits."""

    fellegi_sunter: np.ndarray
    """Fields other than identifiers, with the prior of two random records."""
    silver: np.ndarray
    """The same after the corrections, against the labelled pairs' own share of matches."""
    identifiers: np.ndarray


def weigh(model: Model, patterns: np.ndarray) -> Parts:
    """Work out the parts of the weight of distinct patterns."""
    levels = read_patterns(patterns)
    fellegi_sunter = np.full(len(patterns), float(logit(model.prior)))
    for name in EVIDENCE:
        fellegi_sunter += field_bits(model, name)[levels.of(name)]
    identifiers = np.zeros(len(patterns))
    for name in IDENTIFIERS:
        identifiers += field_bits(model, name)[levels.of(name)]
    identifiers = np.minimum(identifiers, model.max_identifier_bits)
    silver = np.zeros(len(patterns))
    if model.coefficients:
        matrix, names = design(levels)
        bits = np.array([model.coefficients.get(name, 0.0) for name in names])
        offset = np.clip(fellegi_sunter, -MAX_OFFSET_BITS, MAX_OFFSET_BITS)
        silver = np.clip(offset + model.intercept + matrix @ bits, -MAX_SILVER_BITS, MAX_SILVER_BITS)
        silver -= float(logit(model.labelled_share))
    return Parts(fellegi_sunter, silver, identifiers)


def combine(model: Model, parts: Parts, source_prior: np.ndarray, same_system: np.ndarray) -> np.ndarray:
    """The weight of patterns between given sources.

    Args:
        model: the numbers.
        parts: of the patterns.
        source_prior: share of true pairs among the candidates of the two sources, one entry a pattern.
        same_system: whether both records are of one system, which counts where nothing is learnt.
    """
    plain = np.clip(parts.fellegi_sunter + parts.identifiers, -MAX_BITS, MAX_BITS) + SAME_SYSTEM_BITS * same_system
    if not model.alpha:
        return plain
    silver = parts.silver + parts.identifiers + logit(source_prior)
    return model.alpha * silver + (1 - model.alpha) * plain


def design(levels: Levels) -> tuple[sparse.csr_matrix, list[str]]:
    """One column a level and a combination of levels, one row a pattern."""
    columns, names, start = [], [], 0
    for name in EVIDENCE:
        columns.append(levels.of(name).astype(np.int64) + start)
        names += [f"{name}={digit}" for digit in DIGITS[name]]
        start += len(DIGITS[name])
    codes, labels = {}, {}
    for name in EVIDENCE:
        labels[name] = sorted(set(GROUPS[name]))
        codes[name] = np.array([labels[name].index(group) for group in GROUPS[name]])[levels.of(name)]
    for fields in (*PAIRS, *TRIPLES):
        code, texts = np.zeros(len(levels.digits), dtype=np.int64), [""]
        for name in fields:
            code = code * len(labels[name]) + codes[name]
            texts = [f"{text} & {name}~{group}".removeprefix(" & ") for text in texts for group in labels[name]]
        columns.append(code + start)
        names += texts
        start += len(texts)
    rows = len(levels.digits)
    indices = np.stack(columns, axis=1).ravel() if rows else np.zeros(0, dtype=np.int64)
    matrix = sparse.csr_matrix(
        (np.ones(len(indices)), indices, np.arange(rows + 1) * len(columns)), shape=(rows, start)
    )
    return matrix, names
