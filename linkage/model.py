"""The matching model as data: settings, blocking rules, comparisons with their levels and weights, vetoes.

Put here: every number that decides whether two records are one child, each with its reason. Keep out: code
that computes anything from persons; the modules that do so read their numbers here. A change here changes
MODEL_VERSION.

Two kinds of number are told apart. *m* and *u* are the shares of true and of false candidate pairs that
reach a level. They are starting values: where there are enough pairs the classifier learns its own, within
bounds (see classify.py). *Bits* are fixed evidence, for things that are too rare or too sparse to be learnt
without labels.
"""

from dataclasses import dataclass, field
from typing import Final

from linkage.errors import ConfigurationError

MODEL_NAME: Final = "recordlinkage-ecm"
MODEL_VERSION: Final = "1.0.0"


@dataclass(frozen=True)
class LinkageConfig:
    """What a region may set. Everything else is the model and is versioned with it."""

    link: float = 0.95
    """From this probability a pair is linked without a person looking at it."""
    review: float = 0.5
    """From this probability, and under `link`, a pair is for a person to decide."""
    max_block_size: int = 300
    """Blocks with more records than this are cut (counted and reported): 300 records make 44,850 pairs."""
    keep: float = 0.001
    """Pairs under this probability are counted and not stored. Low pairs above it are evidence for the next model."""
    chunk_pairs: int = 400_000
    """Candidate pairs compared at a time; bounds the memory."""
    memory_limit: str = "2GB"
    """Of DuckDB, for blocking; it spills to disk beyond."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if not 0.0 <= self.keep <= self.review < self.link < 1.0:
            message = "linkage thresholds must hold 0 <= keep <= review < link < 1"
            raise ConfigurationError(message)
        if self.max_block_size < 2 or self.chunk_pairs < 1:
            message = "max_block_size must be at least 2 and chunk_pairs at least 1"
            raise ConfigurationError(message)


@dataclass(frozen=True)
class BlockingRule:
    """Records that agree on every key of a rule become candidate pairs. Keys are named in blocking.KEYS."""

    name: str
    keys: tuple[str, ...]
    reason: str
    only: str | None = None
    """A condition on the pair (l, r: the two persons), for rules that would otherwise pair far too much."""


BLOCKING_RULES: Final = (
    BlockingRule("nhs_number", ("nhs_number",), "the same valid number, whatever else was mistyped"),
    BlockingRule("upn", ("any_upn",), "the same pupil number, now or formerly"),
    BlockingRule("surname_birth_date", ("any_surname_sound", "birth_date"), "forename mistyped, missing or a variant"),
    BlockingRule("forename_birth_date", ("any_forename_sound", "birth_date"), "surname changed"),
    BlockingRule("names_birth_year", ("any_forename", "any_surname", "birth_year"), "day and month mistyped"),
    BlockingRule("names_birthday", ("any_forename", "any_surname", "birth_day_month"), "year mistyped"),
    BlockingRule(
        "surname_swapped_date",
        ("any_surname_sound", "date_or_swap"),
        "day and month in each other's place",
        only="l.birth_date <> r.birth_date",
    ),
    BlockingRule(
        "forename_swapped_date",
        ("any_forename_sound", "date_or_swap"),
        "day and month swapped and the surname changed",
        only="l.birth_date <> r.birth_date",
    ),
    BlockingRule("postcode_forename", ("any_postcode", "any_forename_sound"), "surname changed and date mistyped"),
    BlockingRule(
        "postcode_birth_date", ("any_postcode", "birth_date"), "both names differ, as after a nickname and a marriage"
    ),
    BlockingRule(
        "postcode_surname_year",
        ("any_postcode", "any_surname_sound", "birth_year"),
        "forename is a variant and the date is mistyped; a year keeps siblings apart",
    ),
    BlockingRule("names_swapped", ("names_unordered", "birth_date"), "forename and surname in each other's place"),
    BlockingRule(
        "names_without_date",
        ("any_forename", "any_surname"),
        "police records with an age only have no date to block on",
        only="l.birth_date IS NULL OR r.birth_date IS NULL",
    ),
    BlockingRule(
        "unborn_family",
        ("family",),
        "an unborn child has no name and no birth date, but the council knows the family",
        only="l.unborn OR r.unborn",
    ),
    BlockingRule(
        "unborn_household",
        ("any_surname_sound", "any_postcode"),
        "an unborn child and the baby at the same address, in two agencies",
        only="l.unborn OR r.unborn",
    ),
)

MERGED_RULE: Final = "merged_record"
"""Pairs that a source itself declared to be one record (HL7 A40, FHIR link). Always candidates, never cut."""


@dataclass(frozen=True)
class Level:
    """One outcome of a comparison. Levels are declared best first; the last one is disagreement."""

    name: str
    agreement: float
    m: float
    u: float
    reason: str


@dataclass(frozen=True)
class Comparison:
    """One field of evidence, published as `cmp_<field>`. Missing on either side is no evidence at all."""

    field: str
    levels: tuple[Level, ...]
    is_learnt: bool
    """Whether the classifier may learn m and u; sparse fields keep the declared ones."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the levels, best first."""
        return tuple(level.name for level in self.levels)


COMPARISONS: Final = (
    Comparison(
        "forename",
        (
            Level("exact_rare", 1.0, 0.36, 0.008, "few children have this forename"),
            Level("exact", 1.0, 0.50, 0.05, "equal"),
            Level(
                "alias", 0.95, 0.04, 0.01, "equal to a preferred, former or alternative forename of the other record"
            ),
            Level("variant", 0.9, 0.05, 0.02, "a known variant (Dafydd/David), a short form, or a spelling slip"),
            Level("partly", 0.6, 0.02, 0.05, "looks alike, no more"),
            Level("differs", 0.0, 0.03, 0.862, "another name"),
        ),
        is_learnt=True,
    ),
    Comparison(
        "surname",
        (
            Level("exact_rare", 1.0, 0.42, 0.06, "few children have this surname"),
            Level("exact", 1.0, 0.44, 0.30, "equal"),
            Level("alias", 0.9, 0.06, 0.02, "equal to a former surname, an alias or a part of a double name"),
            Level("similar", 0.8, 0.04, 0.08, "a spelling slip"),
            Level("differs", 0.0, 0.04, 0.54, "another name; usual after a change of family, so weak"),
        ),
        is_learnt=True,
    ),
    Comparison(
        "birth_date",
        (
            Level("exact", 1.0, 0.97, 0.40, "equal; most candidates were found by it, hence the high u"),
            Level("swapped", 0.8, 0.008, 0.02, "day and month in each other's place"),
            Level("one_digit", 0.7, 0.015, 0.06, "one digit of the eight differs"),
            Level("differs", 0.0, 0.007, 0.52, "another date"),
        ),
        is_learnt=True,
    ),
    Comparison(
        "sex",
        (
            Level("same", 1.0, 0.99, 0.55, "equal"),
            Level("differs", 0.0, 0.01, 0.45, "evidence, not a veto: sexes are miskeyed and recorded differently"),
        ),
        is_learnt=True,
    ),
    Comparison(
        "place",
        (
            Level("address", 1.0, 0.55, 0.03, "the same postcode and the same address line"),
            Level("postcode", 0.9, 0.25, 0.08, "a postcode in common, now or formerly"),
            Level("district", 0.4, 0.08, 0.17, "the same postal district: moved nearby, or chance"),
            Level("differs", 0.0, 0.12, 0.72, "elsewhere; children move"),
        ),
        is_learnt=True,
    ),
    Comparison(
        "middle_names",
        (
            Level("same", 1.0, 0.80, 0.06, "equal"),
            Level("initial", 0.6, 0.12, 0.06, "an initial that fits"),
            Level("differs", 0.0, 0.08, 0.88, "another middle name"),
        ),
        is_learnt=False,
    ),
    Comparison(
        "expected_date",
        (
            Level("near", 0.8, 0.97, 0.03, "born (or expected) where the other record expects the birth"),
            Level("differs", 0.0, 0.03, 0.97, "another pregnancy"),
        ),
        is_learnt=False,
    ),
    Comparison(
        "family",
        (
            Level(
                "same",
                0.8,
                0.90,
                0.05,
                "the same family of the same council; asked of unborn children only, because siblings share it",
            ),
            Level("differs", 0.0, 0.10, 0.95, "another family"),
        ),
        is_learnt=False,
    ),
    Comparison(
        "birth_year",
        (
            Level("near", 0.5, 0.90, 0.20, "an officer's estimate of the age fits within two years"),
            Level("differs", 0.0, 0.10, 0.80, "it does not"),
        ),
        is_learnt=False,
    ),
    Comparison(
        "nhs_number",
        (
            Level(
                "same", 1.0, 0.995, 0.0005, "strong, not proof: a sibling's number is typed in one record of a thousand"
            ),
            Level("differs", 0.0, 0.005, 0.9995, "also a veto"),
        ),
        is_learnt=False,
    ),
    Comparison(
        "upn",
        (
            Level("same", 1.0, 0.97, 0.0005, "equal, or equal to a former number of the other record"),
            Level("differs", 0.0, 0.03, 0.9995, "strong but soft: one number in a hundred is issued again"),
        ),
        is_learnt=False,
    ),
)

FIELDS: Final = {comparison.field: comparison for comparison in COMPARISONS}


@dataclass(frozen=True)
class Veto:
    """A reason why a pair is not linked automatically, whatever its probability."""

    name: str
    decision: str
    """What becomes of the pair at most: `review`, or `withheld` (counted, and no row is written)."""
    keeps_apart: bool
    """Whether the two records may not meet in one child through other records either."""
    reason: str
    always_review: bool = False
    """Whether a person should see the pair however improbable it is, because something in a record wants mending."""


VETOES: Final = (
    Veto(
        "sealed",
        "withheld",
        keeps_apart=True,
        reason="an adopted or protected child's record links only within its system and by the same identifier; "
        "a stored pair would itself be the path to the earlier identity",
    ),
    Veto("nhs_number_differs", "review", keeps_apart=True, reason="two different valid NHS numbers"),
    Veto(
        "twin",
        "review",
        keeps_apart=True,
        reason="same birth date, another forename, and two of surname, address and family in common",
    ),
    Veto(
        "identifier_conflict",
        "review",
        keeps_apart=True,
        reason="an identifier agrees, forename and birth date do not: a sibling's number on the wrong child",
        always_review=True,
    ),
    Veto("upn_differs", "review", keeps_apart=False, reason="two different UPNs and no NHS number to settle it"),
    Veto(
        "former_upn",
        "review",
        keeps_apart=False,
        reason="only a former UPN agrees: a pupil number is changed at adoption and for children at risk",
    ),
    Veto(
        "no_birth_date",
        "review",
        keeps_apart=False,
        reason="an age or nothing in the place of a birth date, and no identifier",
    ),
    Veto("unborn", "review", keeps_apart=False, reason="an unborn child without family, household or date in common"),
    Veto(
        "ambiguous",
        "review",
        keeps_apart=False,
        reason="a record without forename that fits two records which are kept apart, as twins before naming",
    ),
)

CLUSTER_VETO: Final = "cluster_conflict"
"""Set after clustering, on pairs good enough to link whose children are kept apart by another pair."""


@dataclass(frozen=True)
class Limits:
    """Thresholds inside comparisons and rules."""

    similar_name: float = 0.90
    """Jaro-Winkler from which a name counts as a spelling slip."""
    partly_name: float = 0.85
    prefix_letters: int = 3
    """Ben/Benjamin: a whole forename of at least this length that begins the other."""
    similar_address: float = 0.9
    rare_share: float = 0.002
    """A name borne by at most this share of the records is rare."""
    corroborated_name: float = 0.8
    """With an identifier or a middle name in common, a forename at least this similar is a slip and not a twin."""
    days_before_expected: int = 110
    """Earliest birth before the expected date (24 weeks' gestation)."""
    days_after_expected: int = 21
    estimated_years: int = 2
    same_system_bits: float = -2.0
    """A system should hold a child once, so two live records of one system need more evidence."""


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Learning:
    """When, and how far, the classifier may move away from the declared m and u."""

    prior: float = 0.3
    """Share of true pairs among candidates, before anything is learnt."""
    min_known: float = 0.3
    """A field known in fewer of the pairs is left out and keeps its declared weights; one column that a region never
    fills must not keep the others from being learnt."""
    min_fields: int = 3
    """Two fields cannot tell true pairs from others; three just can."""
    min_pairs: int = 1_000
    """Complete candidate pairs needed before anything is learnt."""
    max_pairs: int = 300_000
    """Pairs learnt from at most: every n-th of the sorted candidates."""
    declared_weight: float = 200.0
    """The declared values count as this many pairs, so few pairs move them little and no probability becomes nought."""
    max_shift_bits: float = 1.0
    """No level's weight moves further from the declared one than this."""
    prior_bounds: tuple[float, float] = (0.02, 0.95)
    """A learnt share of true pairs outside is a degenerate result."""
    max_flipped: int = 0
    """Comparisons whose best level may speak against a match before the result counts as flipped."""
    max_iterations: int = 200
    tolerance: float = 1e-5


LEARNING: Final = Learning()

TEXT_COLUMNS: Final = (
    "record_key",
    "agency",
    "system",
    "forename",
    "middle_names",
    "surname",
    "sex",
    "nhs_number",
    "upn",
    "address_line",
    "postcode",
    "merged_into_record_key",
    "family_group_id",
)
LIST_COLUMNS: Final = ("other_forenames", "other_surnames", "former_upns", "other_postcodes")
DATE_COLUMNS: Final = ("birth_date", "expected_birth_date")
BOOLEAN_COLUMNS: Final = ("is_unborn", "is_sealed")
INTEGER_COLUMNS: Final = ("estimated_birth_year",)
REQUIRED_COLUMNS: Final = TEXT_COLUMNS + LIST_COLUMNS + DATE_COLUMNS + BOOLEAN_COLUMNS + INTEGER_COLUMNS


@dataclass(frozen=True)
class Model:
    """Everything above in one value, so that tests and the next model can pass their own."""

    rules: tuple[BlockingRule, ...] = BLOCKING_RULES
    comparisons: tuple[Comparison, ...] = COMPARISONS
    vetoes: tuple[Veto, ...] = VETOES
    limits: Limits = field(default_factory=Limits)
    learning: Learning = field(default_factory=Learning)
