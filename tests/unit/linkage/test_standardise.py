"""What sources write, and the one form it takes; and the columns that follow from a person's row."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from linkage import standardise


def said(rule, *values: object, **settings: object) -> list[object]:
    """What a rule makes of values, in their order."""
    query = f"SELECT {rule('value', **settings)} FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS value)"
    return [row[0] for row in duckdb.execute(query, [list(values)]).fetchall()]


def derive(column: str, variants: Path | None = None, **row: object) -> object:
    kinds = {"birth_date": "DATE", "other_forenames": "VARCHAR[]"}
    names = ("forename", "other_forenames", "surname", "birth_date", "postcode")
    columns = ", ".join(f"CAST(${name} AS {kinds.get(name, 'VARCHAR')}) AS {name}" for name in names)
    query = f"SELECT {standardise.derived(variants)[column]} FROM (SELECT {columns})"
    return duckdb.execute(query, {name: row.get(name) for name in names}).fetchall()[0][0]


def test_names_lose_accents_apostrophes_and_odd_spaces_but_keep_hyphens():
    given = ("  siân ", "O'Brien", "Anne  -  Marie", "Łukasz", "d’Arcy", "", None)
    assert said(standardise.standardise_forename, *given) == [
        "SIAN", "OBRIEN", "ANNE-MARIE", "LUKASZ", "DARCY", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "typed", ["Baby", "BABY OF JONES", "Twin 1", "infant", "Male", "baby girl", "not known", "Baby Jones", "B/O Jones"]
)
def test_what_is_typed_when_there_is_no_forename_yet_is_none(typed):
    assert said(standardise.standardise_forename, typed) == [None]


def test_names_that_only_begin_like_a_placeholder_are_kept():
    assert said(standardise.standardise_forename, "Babette", "Malea") == ["BABETTE", "MALEA"]
    assert said(standardise.standardise_surname, "Unknown", "Male") == [None, "MALE"]


def test_dates_of_every_usual_form_are_read_day_first():
    given = ("20150309", "2015-03-09", "2015-03-09 00:00:00", "9/3/2015", "09.03.2015")
    assert said(standardise.parse_date, *given) == [dt.date(2015, 3, 9)] * 5


def test_days_that_are_none_are_no_date():
    assert said(standardise.parse_date, "20150231", "31/02/2015", "00000000", "soon", "15", None) == [None] * 6


def test_a_date_in_a_form_of_its_own_is_read_by_that_form_only():
    assert said(standardise.parse_date, "9 Mar 2015", "2015-03-09", form="%d %b %Y") == [dt.date(2015, 3, 9), None]


def test_postcodes_lose_blanks_and_pseudo_postcodes_are_none():
    assert said(standardise.standardise_postcode, "cf99 1aa", "ZZ99 3VZ", "2612", "0000") == [
        "CF991AA", None, "2612", None,
    ]  # fmt: skip


def test_abbreviated_streets_become_whole_words_and_saints_stay_saints():
    given = ("12, High St.", "3 St James Rd", "Flt 2, 7 Saint Mary's Ave", "4 Heol y Bryn")
    assert said(standardise.standardise_address, *given) == [
        "12 HIGH STREET", "3 ST JAMES ROAD", "FLAT 2 7 ST MARY S AVENUE", "4 HEOL Y BRYN",
    ]  # fmt: skip


def test_sexes_are_two_letters_or_nothing():
    assert said(standardise.standardise_sex, "female", "1", " m ", "X", "9", None) == ["F", "M", "M", None, None, None]


def test_telephone_numbers_agree_however_they_are_typed():
    given = ("07700 900 123", "+44 7700 900123", "0044 (0)7700-900123", "07700 900123 ext 5", "00000000000", "999")
    assert said(standardise.standardise_telephone, *given) == ["07700900123"] * 4 + [None, None]


def test_schools_agree_by_number_or_by_name_without_the_word_school():
    given = ("681/4040", "Ysgol Bryn Coed", "The Bryn Coed School")
    assert said(standardise.standardise_school, *given) == ["6814040", "BRYN COED", "BRYN COED"]


def test_identifiers_with_a_wrong_check_digit_are_none():
    assert said(standardise.nhs_number_valid, "999 000 0018", "9990000019", "9999999999", "999") == [
        "9990000018", None, None, None,
    ]  # fmt: skip
    assert said(standardise.upn_valid, "H801200001001", "h80120000100A", "A801200001001", "H80120000100I") == [
        "H801200001001", None, None, None,
    ]  # fmt: skip
    assert said(standardise.standardise_identifier, "69-88 048", "0000000", "-") == ["6988048", None, None]


@pytest.mark.parametrize(
    ("surname", "parts"),
    [
        ("SMITH", ["SMITH"]),
        ("SMITH-JONES", ["JONES", "SMITH"]),
        ("SMITH JONES", ["JONES", "SMITH"]),
        ("VAN DER BERG", ["BERG", "VAN DER BERG"]),
        ("AP RHYS-JONES", ["AP RHYS", "JONES", "RHYS"]),
        ("FERCH OWAIN", ["FERCH OWAIN", "OWAIN"]),
        ("MC CARTHY", ["CARTHY", "MCCARTHY"]),
        ("MCCARTHY", ["CARTHY", "MCCARTHY"]),
        ("O BRIEN", ["BRIEN", "OBRIEN"]),
        ("VANDERBERG", ["VANDERBERG"]),
        ("LE", ["LE"]),
        (None, []),
    ],
)
def test_double_surnames_come_apart_and_little_words_stay_with_their_name(surname, parts):
    assert derive("surname_parts", surname=surname) == parts


def test_a_forename_is_in_every_group_of_any_of_its_persons_forenames(tmp_path):
    variants = tmp_path / "forename_variants.csv"
    variants.write_text(
        "variant_group,name,note\njohn,JOHN,\njohn,JAC,\njacob,JAC,\njacob,JACOB,\ndavid,DAI,\n", encoding="utf-8"
    )
    assert derive("forename_groups", variants, forename="JAC", other_forenames=[]) == ["jacob", "john"]
    assert derive("forename_groups", variants, forename="JACOB", other_forenames=["DAI", "ZED"]) == ["david", "jacob"]
    assert derive("forename_groups", variants, forename="ZED") == []
    assert derive("forename_groups", forename="JAC") == []


def test_day_and_month_are_exchanged_only_where_that_is_another_date():
    assert derive("birth_date_swapped", birth_date=dt.date(2015, 3, 9)) == dt.date(2015, 9, 3)
    assert derive("birth_date_swapped", birth_date=dt.date(2015, 3, 13)) is None
    assert derive("birth_date_swapped", birth_date=dt.date(2015, 3, 3)) is None


@pytest.mark.parametrize(
    ("postcode", "expected"),
    [("CF991AA", ("CF991", "CF99", "CF")), ("N19GU", ("N19", "N1", "N")), ("2612", ("2612", "2612", "26")),
     ("CF99", (None, "CF99", "CF")), (None, (None, None, None))],
)  # fmt: skip
def test_a_postcode_gives_sector_district_and_area_whatever_the_country(postcode, expected):
    kinds = ("postcode_sector", "postcode_district", "postcode_area")
    assert tuple(derive(kind, postcode=postcode) for kind in kinds) == expected
