"""The matching model as data: blocking rules, comparisons with their levels, safety rules, settings.

Put here: every choice that decides whether two records are one child, each with its reason. Keep out: code that
computes anything from persons; the modules that do so read their numbers here. A change here changes MODEL_FORMAT,
and the model of an installation must be trained anew.

Two kinds of number are told apart. *m* and *u* are the shares of true pairs and of random pairs that reach a level:
they are starting values, which training replaces where it has seen enough (training.py). Everything else is a choice.
Weights are log2 odds throughout: `p = 1 / (1 + 2 ** -weight)`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from linkage.errors import ConfigurationError

MODEL_FORMAT: Final = "2"
"""Patterns of one format cannot be read with another."""


@dataclass(frozen=True)
class LinkageConfig:
    """What a region may set. Everything else is the model and is versioned with it."""

    link: float = 0.95
    """From this probability a pair is linked without a person looking at it."""
    review: float = 0.5
    """From this probability, and under `link`, a pair is for a person to decide."""
    unlink: float = 0.2
    """Records that are one child already come apart only under this probability, so that ids do not flicker."""
    merge: float = 0.99
    """Two children that have ids already become one only from this probability."""
    max_block_size: int = 300
    """Blocks with more records than this are cut (counted and reported): 300 records make 44,850 pairs."""
    keep: float = 0.001
    """Pairs under this probability are counted and not stored. Low pairs above it are evidence against a cluster."""
    max_cluster_size: int = 60
    """A child with more records than this raises an alarm, and is taken apart by asking more of its links."""
    accepts_review: bool = False
    """On only to measure what the review queue could bring: pairs for review count as if a person had said yes."""
    variants: Path | None = None
    """CSV of forename variants, for persons that do not bring their groups of variants with them."""
    has_twin_rule: bool = True
    """Off only where the persons are not children: equal birth dates in one house are twins."""
    has_hysteresis: bool = True
    """Off only to compare a chain of nights with one full run."""
    min_labels: int = 1_000
    """Labelled pairs from which a first model is trained by itself; under it the declared weights stand."""
    min_records_without_labels: int = 1_000_000_000
    """Records from which a first model is trained without labels, which persons of one issuer do not have."""
    memory_limit: str = "3GB"
    """Of DuckDB; it spills to disk beyond."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        shares = (self.keep, self.review, self.link, self.unlink, self.merge)
        if not (self.keep <= self.review < self.link and all(0.0 < one < 1.0 for one in shares[1:]) and self.keep >= 0):
            message = "linkage thresholds must lie between 0 and 1, with keep <= review < link"
            raise ConfigurationError(message)
        if self.max_block_size < 2 or self.max_cluster_size < 2:
            message = "max_block_size and max_cluster_size must be at least 2"
            raise ConfigurationError(message)


@dataclass(frozen=True)
class BlockingRule:
    """Records that share a key of a rule become candidate pairs."""

    name: str
    key: str
    """SQL over a row of blocking.KEYED; what may hold several values is unnested, so history counts as extra rows."""
    reason: str
    one_of_two: str = ""
    """A condition that one of the two records must meet, for rules that would pair far too much otherwise."""


BLOCKING_RULES: Final = (
    BlockingRule("nhs_number", "nhs_current", "the same valid number, also where one replaced the other"),
    BlockingRule("upn", "unnest(upns)", "the same pupil number, now or formerly"),
    BlockingRule("other_identifier", "other_identifier", "another number that systems share"),
    BlockingRule("surname_birth_date", "unnest(surname_sounds), birth", "forename mistyped, missing or a variant"),
    BlockingRule("forename_birth_date", "unnest(forename_sounds), birth", "surname changed"),
    BlockingRule("surname_swapped_date", "surname_sound, unnest(swapped_dates)", "day and month in each other's place"),
    BlockingRule("names_birth_year", "forename_sound, surname_sound, birth_year", "day and month mistyped"),
    BlockingRule("names_birthday", "forename, surname, birth[5:8]", "year mistyped"),
    BlockingRule(
        "place_birth_date",
        "unnest(places), birth",
        "both names differ: a nickname, and a parent's marriage; a place is a postcode or a house",
    ),
    BlockingRule("place_forename", "unnest(places), forename_sound", "surname changed and date mistyped"),
    BlockingRule(
        "place_surname_year",
        "unnest(places), surname_sound, birth_year",
        "forename is a variant and the date is mistyped; the year keeps siblings apart",
    ),
    BlockingRule(
        "names_swapped",
        "least(forename, surname), greatest(forename, surname), birth_year",
        "forename and surname in each other's place",
    ),
    BlockingRule(
        "household_birth_date",
        "unnest(household), birth",
        "moved, and the names are spelt otherwise: parents and telephones move with the child",
    ),
    BlockingRule(
        "names_without_date",
        "forename_sound, surname_sound",
        "police know an age, and have no date to block on",
        "birth IS NULL",
    ),
    BlockingRule(
        "unborn_family",
        "family",
        "an unborn child has no name and no birth date, but the council knows the family",
        "is_unborn",
    ),
    BlockingRule(
        "unborn_household",
        "unnest(places), unnest(surname_sounds)",
        "an unborn child and the baby at the same address, in two agencies",
        "is_unborn",
    ),
)
MERGED_RULE: Final = "merged_record"
"""Pairs that a source itself declared to be one record (HL7 A40, FHIR link). Always candidates, never cut."""
DECIDED_RULE: Final = "decision"
"""Pairs that a person decided on; always candidates, so that the decision can be shown with its evidence."""


@dataclass(frozen=True)
class Level:
    """One outcome of a comparison. The first level whose condition holds is taken; the last one takes the rest."""

    name: str
    condition: str
    """SQL over the columns of both records, `_l` and `_r`; empty for the last level."""
    m: float
    u: float
    agreement: float
    """For people and for the second reader: 1 equal, 0 different."""
    reason: str


@dataclass(frozen=True)
class Comparison:
    """One field of evidence, published as `cmp_<field>`. Missing on either side is no evidence at all."""

    field: str
    missing: str
    """SQL condition under which there is nothing to compare."""
    levels: tuple[Level, ...]
    frequency_of: str | None = None
    """Column whose rarity counts when the first level is reached."""
    is_identifier: bool = False
    """Identifiers are kept out of what is learnt from identifiers."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the levels, best first."""
        return tuple(level.name for level in self.levels)


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


COMPARISONS: Final = (
    Comparison(
        "forename",
        _missing("forename"),
        (
            Level("exact", "forename_l = forename_r", 0.86, 0.006, 1.0, "equal; worth more the rarer the name"),
            Level(
                "swapped",
                "forename_l = surname_r AND forename_r = surname_l",
                0.002,
                0.00001,
                0.95,
                "forename and surname in each other's place",
            ),
            Level(
                "alias",
                "list_contains(other_forenames_l, forename_r) OR list_contains(other_forenames_r, forename_l)"
                " OR forename_l = middle_names_r OR forename_r = middle_names_l"
                " OR list_has_any(other_forenames_l, other_forenames_r)",
                0.02,
                0.003,
                0.95,
                "equal to a preferred, former, alternative or middle name of the other record",
            ),
            Level(
                "close", "jaro_winkler_similarity(forename_l, forename_r) >= 0.92", 0.03, 0.004, 0.9, "a spelling slip"
            ),
            Level(
                "variant",
                "list_has_any(forename_groups_l, forename_groups_r)"
                " OR (length(forename_l) >= 3 AND length(forename_r) >= 3"
                " AND (starts_with(forename_l, forename_r) OR starts_with(forename_r, forename_l)))",
                0.045,
                0.003,
                0.9,
                "a known variant (Dafydd and David), or a short form; no spelling distance sees these",
            ),
            Level(
                "similar",
                "jaro_winkler_similarity(forename_l, forename_r) >= 0.85",
                0.008,
                0.006,
                0.6,
                "alike, no more",
            ),
            Level("sound", "forename_sound_l = forename_sound_r", 0.004, 0.004, 0.5, "sounds alike"),
            Level(
                "initial",
                "forename_l[1] = forename_r[1] AND (length(forename_l) = 1 OR length(forename_r) = 1)",
                0.003,
                0.001,
                0.5,
                "an initial that fits",
            ),
            Level("differs", "", 0.028, 0.97299, 0.0, "another name"),
        ),
        frequency_of="forename",
    ),
    Comparison(
        "surname",
        _missing("surname"),
        (
            Level("exact", "surname_l = surname_r", 0.88, 0.008, 1.0, "equal; worth more the rarer the name"),
            Level(
                "swapped",
                "forename_l = surname_r AND forename_r = surname_l",
                0.002,
                0.00001,
                0.95,
                "forename and surname in each other's place",
            ),
            Level(
                "alias",
                "list_contains(other_surnames_l, surname_r) OR list_contains(other_surnames_r, surname_l)"
                " OR list_has_any(other_surnames_l, other_surnames_r)",
                0.03,
                0.003,
                0.9,
                "equal to a former surname or an alias",
            ),
            Level(
                "part",
                "list_contains(surname_parts_l, surname_r) OR list_contains(surname_parts_r, surname_l)"
                " OR list_has_any(surname_parts_l, surname_parts_r)",
                0.015,
                0.002,
                0.85,
                "a part of a double name",
            ),
            Level(
                "close", "jaro_winkler_similarity(surname_l, surname_r) >= 0.92", 0.02, 0.003, 0.8, "a spelling slip"
            ),
            Level(
                "similar", "jaro_winkler_similarity(surname_l, surname_r) >= 0.85", 0.005, 0.01, 0.5, "alike, no more"
            ),
            Level("differs", "", 0.048, 0.97399, 0.0, "another name; usual after a change of family"),
        ),
        frequency_of="surname",
    ),
    Comparison(
        "birth_date",
        "(birth_l IS NULL OR birth_r IS NULL)"
        " AND (coalesce(expected_date_l, expected_date_r) IS NULL OR NOT (is_unborn_l OR is_unborn_r)"
        " OR coalesce(birth_date_l, expected_date_l) IS NULL OR coalesce(birth_date_r, expected_date_r) IS NULL)"
        " AND (birth_year_l IS NULL OR birth_year_r IS NULL OR is_unborn_l OR is_unborn_r)",
        (
            Level(
                "exact_default",
                "birth_l = birth_r AND birth_l[5:8] = '0101'",
                0.004,
                0.0000007,
                1.0,
                "equal, and the first of January, which stands for an unknown day",
            ),
            Level("exact", "birth_l = birth_r", 0.965, 0.00019, 1.0, "equal"),
            Level("swapped", "birth_l = birth_swapped_r", 0.004, 0.0001, 0.8, "day and month in each other's place"),
            Level("slip", "hamming(birth_l, birth_r) = 1", 0.01, 0.0025, 0.7, "one digit of the eight differs"),
            Level(
                "near",
                "birth_l[1:4] = birth_r[1:4] AND (birth_l[5:6] = birth_r[5:6] OR birth_l[7:8] = birth_r[7:8])",
                0.005,
                0.006,
                0.5,
                "the year and the month, or the year and the day",
            ),
            Level("two_slips", "hamming(birth_l, birth_r) = 2", 0.004, 0.02, 0.3, "two digits differ"),
            Level("differs_in_year", "birth_l[1:4] = birth_r[1:4]", 0.003, 0.045, 0.1, "nothing but the year agrees"),
            Level(
                "expected_near",
                "(is_unborn_l OR is_unborn_r) AND CASE WHEN is_unborn_l AND is_unborn_r"
                " THEN abs(date_diff('day', expected_date_l, expected_date_r)) <= 21"
                " WHEN is_unborn_l THEN date_diff('day', expected_date_l, birth_date_r) BETWEEN -110 AND 21"
                " ELSE date_diff('day', expected_date_r, birth_date_l) BETWEEN -110 AND 21 END",
                0.0008,
                0.000016,
                0.8,
                "born, from the 24th week on, where the other record expects the birth",
            ),
            Level("expected_far", "is_unborn_l OR is_unborn_r", 0.000015, 0.004, 0.0, "another pregnancy"),
            Level(
                "estimate_near",
                "(birth_l IS NULL OR birth_r IS NULL) AND abs(birth_year_l - birth_year_r) <= 2",
                0.009,
                0.004,
                0.5,
                "an officer's estimate of the age fits within two years",
            ),
            Level(
                "estimate_far", "birth_l IS NULL OR birth_r IS NULL", 0.0005, 0.016, 0.0, "the estimate does not fit"
            ),
            Level("differs", "", 0.0025, 0.90211, 0.0, "another date"),
        ),
    ),
    Comparison(
        "sex",
        _missing("sex"),
        (
            Level("same", "sex_l = sex_r", 0.99, 0.5, 1.0, "equal"),
            Level("differs", "", 0.01, 0.5, 0.0, "evidence, not a veto: sexes are miskeyed and recorded differently"),
        ),
    ),
    Comparison(
        "place",
        "(postcode_l IS NULL OR postcode_r IS NULL) AND (address_line_l IS NULL OR address_line_r IS NULL)",
        (
            Level(
                "address",
                "postcode_l = postcode_r AND (address_line_l = address_line_r OR (address_numbers_l = address_numbers_r"
                " AND jaro_winkler_similarity(address_line_l, address_line_r) >= 0.85))",
                0.5,
                0.00002,
                1.0,
                "the same postcode and the same house",
            ),
            Level(
                "postcode",
                "postcode_l = postcode_r AND (address_line_l IS NULL OR address_line_r IS NULL)",
                0.12,
                0.00006,
                0.9,
                "the same postcode; the house is not known",
            ),
            Level(
                "former_address",
                "list_contains(other_address_lines_l, address_line_r)"
                " OR list_contains(other_address_lines_r, address_line_l)"
                " OR list_has_any(other_address_lines_l, other_address_lines_r)",
                0.06,
                0.00002,
                0.9,
                "a house in common, which one of the two has left",
            ),
            Level(
                "former_postcode",
                "list_contains(other_postcodes_l, postcode_r) OR list_contains(other_postcodes_r, postcode_l)"
                " OR list_has_any(other_postcodes_l, other_postcodes_r)",
                0.04,
                0.0001,
                0.8,
                "a postcode in common, which one of the two has left",
            ),
            Level("neighbour", "postcode_l = postcode_r", 0.05, 0.0001, 0.6, "the same postcode and another house"),
            Level(
                "slip",
                "CASE WHEN length(postcode_l) = length(postcode_r) THEN hamming(postcode_l, postcode_r) = 1 END"
                " OR (address_line_l = address_line_r AND length(address_line_l) > 8)",
                0.02,
                0.003,
                0.7,
                "one character of the postcode differs, or the house is the same and the postcode is not",
            ),
            Level("sector", "postcode_sector_l = postcode_sector_r", 0.03, 0.012, 0.5, "the same postal sector"),
            Level("district", "postcode_district_l = postcode_district_r", 0.05, 0.04, 0.4, "the same postal district"),
            Level("area", "postcode_area_l = postcode_area_r", 0.12, 0.8, 0.1, "the same postal area, no more"),
            Level("differs", "", 0.01, 0.14469, 0.0, "elsewhere; children move"),
        ),
    ),
    Comparison(
        "middle_names",
        _missing("middle_names"),
        (
            Level("same", "middle_names_l = middle_names_r", 0.85, 0.02, 1.0, "equal"),
            Level(
                "partly",
                "middle_names_l[1] = middle_names_r[1] AND (length(middle_names_l) = 1 OR length(middle_names_r) = 1)"
                " OR jaro_winkler_similarity(middle_names_l, middle_names_r) >= 0.9",
                0.1,
                0.03,
                0.7,
                "an initial that fits, one of two names, or a slip",
            ),
            Level("differs", "", 0.05, 0.95, 0.0, "another middle name"),
        ),
    ),
    Comparison(
        "guardians",
        "(guardian_names_l IS NULL OR guardian_names_r IS NULL)"
        " AND (family_l IS NULL OR family_r IS NULL OR system_l <> system_r)",
        (
            Level("same", "list_has_any(guardian_names_l, guardian_names_r)", 0.75, 0.0002, 1.0, "a parent in common"),
            Level(
                "family",
                "family_l = family_r",
                0.1,
                0.00002,
                0.9,
                "the same family of the same council, which brothers and sisters share too",
            ),
            Level(
                "forename",
                "list_has_any(guardian_forenames_l, guardian_forenames_r)",
                0.06,
                0.02,
                0.6,
                "a parent of the same forename: surnames of parents change",
            ),
            Level("differs", "", 0.09, 0.97978, 0.0, "other parents; a record often names only one of two"),
        ),
    ),
    Comparison(
        "telephone",
        _missing("telephones"),
        (
            Level(
                "same", "list_has_any(telephones_l, telephones_r)", 0.7, 0.00005, 1.0, "a telephone number in common"
            ),
            Level("differs", "", 0.3, 0.99995, 0.0, "other numbers; weak, because numbers change"),
        ),
    ),
    Comparison(
        "school",
        _missing("schools"),
        (
            Level(
                "same", "list_has_any(schools_l, schools_r)", 0.85, 0.015, 1.0, "a school in common, now or formerly"
            ),
            Level("differs", "", 0.15, 0.985, 0.0, "other schools"),
        ),
    ),
    Comparison(
        "nhs_number",
        _missing("nhs_current"),
        (
            Level(
                "same",
                "nhs_number_l = nhs_number_r",
                0.985,
                0.0000005,
                1.0,
                "strong, not proof: a sibling's number is typed in one record of a thousand",
            ),
            Level(
                "superseded",
                "nhs_current_l = nhs_current_r",
                0.005,
                0.0000005,
                0.9,
                "a source says that one of the two numbers replaced the other",
            ),
            Level(
                "slip",
                "CASE WHEN length(nhs_current_l) = length(nhs_current_r)"
                " THEN hamming(nhs_current_l, nhs_current_r) = 1 END",
                0.002,
                0.00001,
                0.3,
                "one digit differs, and yet both are valid: two numbers",
            ),
            Level("differs", "", 0.008, 0.999989, 0.0, "also a veto"),
        ),
        is_identifier=True,
    ),
    Comparison(
        "upn",
        _missing("upn"),
        (
            Level("same", "upn_l = upn_r", 0.97, 0.0000005, 1.0, "strong, not proof"),
            Level(
                "former",
                "list_contains(former_upns_l, upn_r) OR list_contains(former_upns_r, upn_l)",
                0.01,
                0.0000005,
                0.9,
                "equal to a number that one of the two had before",
            ),
            Level("differs", "", 0.02, 0.999999, 0.0, "strong but soft: one number in a hundred is issued again"),
        ),
        is_identifier=True,
    ),
    Comparison(
        "other_identifier",
        _missing("other_identifier"),
        (
            Level(
                "same",
                "other_identifier_l = other_identifier_r",
                0.93,
                0.000001,
                1.0,
                "a number of another issuer agrees",
            ),
            Level(
                "slip",
                "CASE WHEN length(other_identifier_l) = length(other_identifier_r)"
                " THEN hamming(other_identifier_l, other_identifier_r) = 1 END",
                0.05,
                0.00001,
                0.7,
                "one character differs",
            ),
            Level("differs", "", 0.02, 0.999989, 0.0, "another number"),
        ),
        is_identifier=True,
    ),
)
FIELDS: Final = {comparison.field: comparison for comparison in COMPARISONS}


@dataclass(frozen=True)
class Veto:
    """A reason why a pair is not linked automatically, whatever its probability."""

    name: str
    reason: str
    keeps_apart: bool = False
    """Whether the two records should not meet in one child through other records either."""
    always_review: bool = False
    """Whether a person should see the pair however improbable it is, because something in a record wants mending."""


VETOES: Final = (
    Veto(
        "sealed",
        "an adopted or protected child's record links only within its system and by the same identifier; "
        "a stored pair would itself be the path to the earlier identity",
        keeps_apart=True,
    ),
    Veto("nhs_number_differs", "two different valid NHS numbers", keeps_apart=True),
    Veto("decision", "a person decided that the two are not one child, or could not tell"),
    Veto(
        "twin",
        "same birth date, another forename, and two of surname, address and parents in common",
        keeps_apart=True,
    ),
    Veto(
        "identifier_conflict",
        "an identifier agrees, forename and birth date do not: a sibling's number on the wrong child",
        keeps_apart=True,
        always_review=True,
    ),
    Veto("upn_differs", "two different UPNs and no NHS number to settle it"),
    Veto("former_upn", "only a former UPN agrees: a pupil number is changed at adoption and for children at risk"),
    Veto("no_birth_date", "an age or nothing in the place of a birth date, and no identifier"),
    Veto("other_birth_date", "two birth dates that no slip explains, and no identifier"),
    Veto(
        "other_family",
        "name and birth date agree, and no place, parent, telephone, school or number: as after an adoption",
    ),
    Veto("unborn", "an unborn child without family, household or date in common"),
    Veto("ambiguous", "a record without forename or birth date that fits two records which are kept apart"),
    Veto(
        "cluster_conflict",
        "good enough to link, but other records of the two children speak against it, or both have an id "
        "and the evidence is not strong enough to give one up",
    ),
)
VETO_CODE: Final = {veto.name: code for code, veto in enumerate(VETOES, start=1)}
"""Numbers under which vetoes are stored; 0 is none."""

MAX_OCTAVE: Final = 11
"""Rarity of a name in octaves: `clip(floor(-log2(frequency)) - 4, 0, MAX_OCTAVE)`."""

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
OPTIONAL_TEXT_COLUMNS: Final = ("other_identifier", "town")
OPTIONAL_LIST_COLUMNS: Final = (
    "former_nhs_numbers",
    "other_address_lines",
    "telephones",
    "guardian_names",
    "schools",
)
"""Evidence that a persons table need not have; a missing column is no evidence, and no error."""
