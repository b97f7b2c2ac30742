"""One spelling for what sources spell in many ways, as DuckDB SQL.

Put here: SQL that turns a raw value into the form the persons table holds, and SQL for the columns that follow from a
row of that table by itself. Keep out: judging whether two spellings are one person, and anything about files
(standalone.py).

An installation standardises in dbt (dbt_project/macros/standardise.sql and identifiers.sql); the rules here are the
same ones, for persons that come without dbt. Every function takes SQL for a value and gives SQL; no value of a person
passes through Python.
"""

from pathlib import Path
from typing import Final

_CHILD: Final = (
    "(BABY|BABI|BABAN|INFANT|NEWBORN|NEW BORN|UNBORN|NEONATE|FETUS|FOETUS|TWIN|TRIPLET"
    "|BOY|GIRL|MALE|FEMALE|BACHGEN|MERCH)"
)
_WHICH: Final = "(OF|ONE|TWO|THREE|FIRST|SECOND|THIRD|1ST|2ND|3RD|I{1,3}|[ABC123])"
_NOBODY: Final = "(UNKNOWN|ANHYSBYS|UNNAMED|NO NAME|NONAME|NOT KNOWN|NOT GIVEN|NK|XX+|TBC|TBA)"
# A letter needs its blank, or Malea were MALE A.
_NO_FORENAME: Final = (
    f"^(({_WHICH}[ -])*{_CHILD}([ -]?{_CHILD}|[ -]{_WHICH}|[123])*([ -]OF[ -].*)?"
    f"|(BABY|BABI|BABAN|B[ -]?O)[ -].*|{_NOBODY})$"
)
_NO_SURNAME: Final = "^(UNKNOWN|ANHYSBYS|NOT KNOWN|NOT GIVEN|NK|XX+|TBC|TBA)$"
_NO_POSTCODE: Final = "^(ZZ99.*|NFA|NK|UNKNOWN|N?0+|)$"
_UPN_LETTERS: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"
_PARTICLES: Final = (
    "AP|AB|FERCH|VERCH|UCH|AL|EL|DE|DA|DI|DU|DEL|DEN|DOS|DAS|LA|LE|VAN|VON|DER|TER|BIN|BINT|IBN|ST|MC|MAC"
)
"""Little words of a surname, which belong to the word after them."""

ABBREVIATIONS: Final = {
    "RD": "ROAD",
    "STR": "STREET",
    "AVE": "AVENUE",
    "AV": "AVENUE",
    "DR": "DRIVE",
    "CL": "CLOSE",
    "CRES": "CRESCENT",
    "CRESC": "CRESCENT",
    "CR": "CRESCENT",
    "CCT": "CIRCUIT",
    "PL": "PLACE",
    "LN": "LANE",
    "CT": "COURT",
    "GDNS": "GARDENS",
    "GDN": "GARDENS",
    "GRV": "GROVE",
    "GR": "GROVE",
    "TCE": "TERRACE",
    "TER": "TERRACE",
    "TERR": "TERRACE",
    "SQ": "SQUARE",
    "PK": "PARK",
    "HSE": "HOUSE",
    "BLDG": "BUILDING",
    "FLT": "FLAT",
    "APT": "APARTMENT",
    "HL": "HEOL",
    "FFD": "FFORDD",
    "SAINT": "ST",
}
"""Words of an address and the one form they take. Welsh words are not translated: Heol y Bryn is not Bryn Road."""


def fold_text(value: str) -> str:
    """Upper case without accents; letters that have no accent to take off are spelt out."""
    folded = f"translate(nfc_normalize({value}), 'łŁøØđĐðÐıħĦ', 'lLoOdDdDihH')"
    for letter, plain in {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}.items():
        folded = f"replace({folded}, '{letter}', '{plain}')"
    return f"strip_accents(upper({folded}))"


def standardise_name(value: str) -> str:
    """A name in upper case, without accents, apostrophes and other punctuation but single spaces and hyphens."""
    return (
        f"nullif(trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace({fold_text(value)}, "
        r"'[''’‘`´ʼ" + r'"' + r"]', '', 'g'), '[^\p{L}\p{N}-]+', ' ', 'g'), '\s*-[\s-]*', '-', 'g'), "
        r"'^[\s-]+|[\s-]+$', '', 'g')), '')"
    )


def standardise_forename(value: str) -> str:
    """A forename; null for what is typed when there is none yet: BABY, BABY JONES, B/O JONES, TWIN 1, MALE, UNKNOWN."""
    name = standardise_name(value)
    return f"CASE WHEN NOT regexp_matches({name}, '{_NO_FORENAME}') THEN {name} END"


def standardise_surname(value: str) -> str:
    """A surname; null for what is typed when it is not known."""
    name = standardise_name(value)
    return f"CASE WHEN NOT regexp_matches({name}, '{_NO_SURNAME}') THEN {name} END"


def name_parts(name: str) -> str:
    """The parts of a standardised double name as a list, without the little words; empty for a name of one part."""
    return (
        f"CASE WHEN regexp_matches({name}, '[ -]') THEN list_filter(regexp_split_to_array({name}, '[ -]'), "
        f"lambda part: NOT regexp_matches(part, '^(.|{_PARTICLES})$')) ELSE CAST([] AS VARCHAR[]) END"
    )


def standardise_postcode(value: str) -> str:
    """A postcode in upper case without blanks; null for pseudo postcodes: no fixed abode, place not known."""
    code = f"regexp_replace(upper({value}), '[^A-Z0-9]', '', 'g')"
    return f"CASE WHEN NOT regexp_matches({code}, '{_NO_POSTCODE}') THEN {code} END"


def standardise_address(value: str) -> str:
    """An address line in upper case with single blanks, no punctuation and no abbreviations.

    ST that ends the line is STREET, anywhere else it is a saint.
    """
    words = " ".join(f"WHEN '{short}' THEN '{full}'" for short, full in ABBREVIATIONS.items())
    spelt = f"list_transform(string_split({_plain_line(value)}, ' '), lambda word: CASE word {words} ELSE word END)"
    return f"regexp_replace(array_to_string({spelt}, ' '), '([^ ]) ST$', '\\1 STREET')"


def _plain_line(value: str) -> str:
    """Upper case, single blanks, no punctuation."""
    return rf"nullif(trim(regexp_replace({fold_text(value)}, '[^\p{{L}}\p{{N}}]+', ' ', 'g')), '')"


def standardise_sex(value: str) -> str:
    """M, F, or null for everything else that was said; censuses say 1 and 2."""
    said = f"upper(trim({value}))"
    return f"CASE WHEN {said} IN ('M', 'MALE', '1') THEN 'M' WHEN {said} IN ('F', 'FEMALE', '2') THEN 'F' END"


def standardise_telephone(value: str) -> str:
    """The digits of a telephone number as dialled at home: +44 becomes 0; an extension and a second number go.

    Null when under ten digits, or all but the first are one digit: 00000000000.
    """
    first = rf"regexp_replace(lower({value}), '([0-9])[^0-9x/;,]*[x/;,].*$', '\1')"
    digits = f"regexp_replace({first}, '[^0-9]', '', 'g')"
    number = rf"regexp_replace({digits}, '^((00)?440?([1-9][0-9]{{8,9}})|([1-9][0-9]{{9}}))$', '0\3\4')"
    return (
        f"CASE WHEN regexp_matches({number}, '^[0-9]{{10,15}}$') "
        f"AND length(replace({number}, {number}[2], '')) > 1 AND {number} <> '01234567890' THEN {number} END"
    )


def standardise_school(value: str) -> str:
    """The number of a school without separators (681/4040), or its name without The, School and Ysgol."""
    name = (
        f"nullif(trim(regexp_replace(regexp_replace({_plain_line(value)}, "
        r"'\b(THE|SCHOOL|YSGOL)\b', ' ', 'g'), ' +', ' ', 'g')), '')"
    )
    number = f"regexp_replace({value}, '[^0-9]', '', 'g')"
    return f"CASE WHEN regexp_matches({value}, '[A-Za-z]') THEN {name} ELSE nullif({number}, '') END"


def standardise_identifier(value: str) -> str:
    """An identifier of any issuer: letters and digits in upper case; null for one character repeated (000000)."""
    kept = f"nullif(regexp_replace(upper({value}), '[^A-Z0-9]', '', 'g'), '')"
    return f"CASE WHEN {kept} <> repeat({kept}[1], length({kept})) THEN {kept} END"


def parse_date(value: str, form: str | None = None) -> str:
    """A date; null for what is none (31 February, a year before 1850 or after 2100).

    Args:
        value: SQL for the text.
        form: its strptime format. Without it: 20150309, 2015-03-09 with or without a time, 9/3/2015, 09.03.2015.
    """
    text = f"trim({value})"
    if form is None:
        day_first = f"translate({text}, '.-', '//')"
        parsed = (
            f"CASE WHEN regexp_matches({text}, '^[0-9]{{8}}$') THEN try_strptime({text}, '%Y%m%d') "
            f"WHEN regexp_matches({text}, '^[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}($|[T ])') "
            f"THEN try_strptime(regexp_extract({text}, '^[0-9-]+'), '%Y-%m-%d') "
            f"WHEN regexp_matches({text}, '^[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-][0-9]{{4}}$') "
            f"THEN try_strptime({day_first}, '%d/%m/%Y') END"
        )
    else:
        parsed = f"try_strptime({text}, '{_quoted(form)}')"
    return f"CASE WHEN year({parsed}) BETWEEN 1850 AND 2100 THEN CAST({parsed} AS DATE) END"


def squeeze_identifier(value: str) -> str:
    """An identifier without the blanks and hyphens that people type; null when nothing is left."""
    return rf"nullif(upper(regexp_replace({value}, '[\s\-]', '', 'g')), '')"


def nhs_number_valid(value: str) -> str:
    """The NHS number when its check digit (modulus 11) is right and it is not one digit repeated, else null."""
    number = squeeze_identifier(value)
    total = " + ".join(f"{_digit(number, place)} * {11 - place}" for place in range(1, 10))
    return (
        f"CASE WHEN regexp_matches({number}, '^[0-9]{{10}}$') AND {number} <> repeat({number}[1], 10) "
        f"AND (11 - ({total}) % 11) % 11 = {_digit(number, 10)} THEN {number} END"
    )


def upn_valid(value: str) -> str:
    """The UPN, permanent or temporary, when its check letter (modulus 23, no I, O, S) is right, else null."""
    upn = squeeze_identifier(value)
    total = " + ".join(f"{_digit(upn, place)} * {place}" for place in range(2, 13))
    last = f"coalesce({_digit(upn, 13)}, strpos('{_UPN_LETTERS}', {upn}[13]) - 1) * 13"
    return (
        f"CASE WHEN regexp_matches({upn}, '^[{_UPN_LETTERS}][0-9]{{11}}[0-9{_UPN_LETTERS}]$') "
        f"AND '{_UPN_LETTERS}'[CAST(({total} + {last}) % 23 + 1 AS INTEGER)] = {upn}[1] THEN {upn} END"
    )


def _digit(value: str, place: int) -> str:
    return f"try_cast({value}[{place}] AS INTEGER)"


def derived(variants: Path | None = None) -> dict[str, str]:
    """SQL for the columns that follow from a row of the persons table.

    Use as `SELECT *, {sql} AS {column} FROM persons` for the columns that the table lacks.

    - surname_parts: each word of the surname, and with the little words before it, sorted: AP RHYS gives AP RHYS and
      RHYS, VAN DER BERG-LLOYD gives BERG, LLOYD and VAN DER BERG, O BRIEN also OBRIEN, MCCARTHY also CARTHY. A name
      without any is its own part.
    - forename_groups: the groups of variants that the forename or another forename is in, sorted.
    - birth_date_swapped: day and month exchanged, if that is another date.
    - postcode_sector, postcode_district, postcode_area: CF991AA is in CF991, CF99, CF. Half a postcode has no sector. A
      code of another country is its own sector and district, and its first two characters are the area.

    Args:
        variants: CSV with a heading and the columns variant_group and name, one row a group and name. Without it no
            forename has variants.
    """
    return {
        "surname_parts": _SURNAME_PARTS,
        "forename_groups": "CAST([] AS VARCHAR[])" if variants is None else _forename_groups(variants),
        "birth_date_swapped": (
            "CASE WHEN day(birth_date) <= 12 AND day(birth_date) <> month(birth_date) "
            "THEN make_date(year(birth_date), day(birth_date), month(birth_date)) END"
        ),
        "postcode_sector": (
            f"CASE WHEN {_IS_UK} THEN nullif(regexp_extract(postcode, '^(.+)[A-Z]{{2}}$', 1), '') ELSE postcode END"
        ),
        "postcode_district": f"CASE WHEN {_IS_UK} THEN regexp_extract(postcode, '{_UK}', 1) ELSE postcode END",
        "postcode_area": f"CASE WHEN {_IS_UK} THEN regexp_extract(postcode, '^[A-Z]+') ELSE postcode[:2] END",
    }


def _forename_groups(variants: Path) -> str:
    """The joins of a correlated subquery: one for the forename, one for the few records with other forenames."""
    table = (
        "(SELECT name AS variant, list(variant_group) AS variant_groups "
        f"FROM read_csv('{_quoted(str(variants))}', header = true, all_varchar = true) GROUP BY name)"
    )
    own = f"(SELECT variant_groups FROM {table} WHERE variant = forename)"
    others = (
        f"(SELECT flatten(list(variant_groups)) FROM {table} "
        "JOIN (SELECT unnest(other_forenames) AS other) ON variant = other)"
    )
    return f"list_sort(list_distinct(coalesce(list_concat({own}, {others}), CAST([] AS VARCHAR[]))))"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


_UK: Final = "^([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})?$"
_IS_UK: Final = f"regexp_matches(postcode, '{_UK}')"
_WORDS: Final = "regexp_split_to_array(surname, '[ -]')"
_WITH_PARTICLES: Final = (
    r"regexp_extract_all(regexp_replace(surname, '\b(MC|MAC|O)[ -]', '\1', 'g'), "
    f"'(?:(?:{_PARTICLES})[ -])*[^ -]+')"
)
_PARTS: Final = f"""list_filter(
    list_distinct(list_concat(
        {_WORDS},
        list_transform({_WITH_PARTICLES}, lambda part: replace(part, '-', ' ')),
        list_transform({_WORDS}, lambda part: regexp_extract(part, '^MC(.{{3,}})$', 1))
    )),
    lambda part: NOT regexp_matches(part, '^(.?|{_PARTICLES})$')
)"""
# Most surnames are one word, and the short way for them is ten times as quick.
_SURNAME_PARTS: Final = f"""CASE
    WHEN surname IS NULL THEN CAST([] AS VARCHAR[])
    WHEN NOT contains(surname, ' ') AND NOT contains(surname, '-') AND NOT starts_with(surname, 'MC') THEN [surname]
    WHEN len({_PARTS}) = 0 THEN [surname]
    ELSE list_sort({_PARTS})
END"""

DERIVED: Final = derived()
"""The derived columns without variants of forenames."""
