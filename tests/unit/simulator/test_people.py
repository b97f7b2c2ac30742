"""The population: families, twins, names, identities."""

from __future__ import annotations

import polars as pl

from simulator import population
from simulator.identifiers import is_valid_nhs_number, upn_check_letter

from .conftest import AS_OF, Region


def test_every_true_nhs_number_is_valid_distinct_and_from_the_999_range(region: Region) -> None:
    numbers = region.truth("persons")["nhs_number"].drop_nulls()
    assert numbers.n_unique() == len(numbers)
    assert all(number.startswith("999") and is_valid_nhs_number(number) for number in numbers)


def test_every_true_upn_is_welsh_distinct_and_has_the_right_letter(region: Region) -> None:
    upns = region.truth("persons")["upn"].drop_nulls()
    assert upns.n_unique() == len(upns)
    assert all(upn[1:4] in {"681", "673"} and upn_check_letter(upn[1:]) == upn[0] for upn in upns)


def test_twins_share_birth_date_and_surname_family_but_not_the_forename(region: Region) -> None:
    twins = region.truth("persons").filter(pl.col("twin_group").is_not_null()).group_by("twin_group")
    pairs = twins.agg(pl.len(), pl.col("birth_date", "family_id", "forename").n_unique())
    assert len(pairs) > 0
    assert pairs["len"].unique().to_list() == [2]
    assert pairs["birth_date"].unique().to_list() == pairs["family_id"].unique().to_list() == [1]
    assert pairs["forename"].unique().to_list() == [2]


def test_about_three_children_in_a_hundred_are_twins() -> None:
    pop = population.build(20_000, 3, AS_OF)
    share = (pop.twin_group[: pop.people] >= 0).mean()
    assert 0.025 < share < 0.036


def test_brothers_and_sisters_never_share_a_forename(region: Region) -> None:
    named = region.truth("persons").filter(pl.col("forename").is_not_null())
    assert not named.select("family_id", "forename").is_duplicated().any()


def test_names_have_welsh_double_changed_and_patronymic_forms() -> None:
    pop = population.build(8_000, 5, AS_OF)
    surnames = set(pop.surname)
    assert any("-" in name for name in surnames)
    assert any(name.startswith(("ap ", "ab ")) for name in surnames)
    assert any(name.startswith("ferch ") for name in surnames)
    assert {"Siân", "Dafydd"} <= set(pop.forename)
    changed = sum(name is not None for name in pop.former_surname)
    assert 0.02 < changed / pop.size < 0.09


def test_an_adopted_child_has_a_second_identity_with_nothing_of_the_first(region: Region) -> None:
    people = region.truth("persons")
    second = people.filter(pl.col("is_second_identity"))
    first = people.join(second.select(person_id="birth_identity_person_id", new="person_id"), on="person_id")
    both = first.join(second, left_on="new", right_on="person_id", suffix="_new")
    assert len(both) >= 3
    assert (both["birth_date"] == both["birth_date_new"]).all()
    for column in ("nhs_number", "upn", "family_id"):
        assert not (both[column] == both[f"{column}_new"]).fill_null(value=False).any()


def test_unborn_children_have_a_date_to_come_and_no_name_or_number(region: Region) -> None:
    unborn = region.truth("persons").filter(pl.col("is_unborn"))
    assert len(unborn) >= 4
    assert unborn["birth_date"].min() > AS_OF
    assert unborn.select("forename", "nhs_number", "upn").null_count().row(0) == (len(unborn),) * 3
