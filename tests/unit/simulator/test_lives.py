"""What happened: enough of it, and in an order that can be true."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from .conftest import AS_OF, Region

MONTH = timedelta(days=30.44)


def test_a_small_region_has_enough_looked_after_and_registered_children(region: Region) -> None:
    assert region.summary.looked_after_now >= 25
    assert region.summary.registered_now >= 25
    assert region.summary.unborn >= 4


def test_about_a_tenth_of_the_children_have_a_police_notification(region: Region) -> None:
    assert 0.07 < region.summary.with_police_notification / region.summary.children < 0.12


@pytest.mark.parametrize("months", [3, 12, 15, 18, 24])
def test_some_children_are_on_the_register_for_long(region: Region, months: int) -> None:
    now = region.truth("registrations").filter(pl.col("deregistered_date").is_null())
    limit = 14 if months == 15 else months  # the bands are drawn, their edges are not
    assert (now["registered_date"] < AS_OF - limit * MONTH).any()


def test_no_review_conference_lies_before_its_registration(region: Region) -> None:
    joined = region.case_table("review_conferences").join(region.case_table("registrations"), on="registration_id")
    assert len(joined) > 20
    assert (joined["review_date"] > joined["registered_date"]).all()
    ended = joined.filter(pl.col("deregistered_date").is_not_null())
    assert (ended["review_date"] <= ended["deregistered_date"]).all()


def test_registration_is_on_the_day_of_the_initial_conference_and_after_the_strategy_discussion(region: Region) -> None:
    conferences = region.case_table("initial_conferences")
    registered = region.case_table("registrations").join(conferences, on="conference_id")
    assert (registered["registered_date"] == registered["conference_date"]).all()
    enquiries = conferences.join(region.case_table("s47_enquiries"), on="s47_id")
    assert len(enquiries) == len(conferences)
    assert (enquiries["strategy_discussion_date"] < enquiries["conference_date"]).all()
    assert registered["registered_date"].dt.weekday().max() <= 5


def test_brothers_and_sisters_sit_in_the_same_conference(region: Region) -> None:
    meetings = (
        region.case_table("initial_conferences")
        .group_by("meeting_id")
        .agg(pl.len(), pl.col("conference_date").n_unique())
    )
    assert meetings["len"].max() > 1
    assert meetings["conference_date"].unique().to_list() == [1]


def test_a_child_is_registered_once_at_a_time(region: Region) -> None:
    rows = region.truth("registrations").sort("person_id", "registered_date")
    following = rows.with_columns(pl.col("registered_date").shift(-1).over("person_id").alias("next"))
    again = following.filter(pl.col("next").is_not_null())
    assert (again["deregistered_date"] <= again["next"]).all()


def test_episodes_of_care_follow_one_another_without_a_gap(region: Region) -> None:
    rows = region.case_table("looked_after_episodes").sort("source_person_id", "started_date", "episode_id")
    following = rows.with_columns(
        pl.col("started_date", "start_reason_code").shift(-1).over("source_person_id").name.prefix("next_")
    ).filter(pl.col("next_start_reason_code").is_not_null() & (pl.col("next_start_reason_code") != "S"))
    assert len(following) > 5
    assert (following["ended_date"] == following["next_started_date"]).all()


def test_health_assessments_are_requested_before_they_are_done(region: Region) -> None:
    rows = region.case_table("health_assessments")
    done = rows.filter(pl.col("assessment_date").is_not_null() & pl.col("requested_date").is_not_null())
    assert len(done) > 20
    assert (done["requested_date"] < done["assessment_date"]).all()
    assert set(rows["status"]) >= {"completed", "refused", "not_brought", "booked"}


def test_some_assessments_are_known_to_one_agency_only(region: Region) -> None:
    truth = region.truth("health_assessments")
    assert {"both", "social_care", "health", "nobody"} <= set(truth["recorded_by"])
    assert {"in_time", "late", "refused", "missing", "pending"} <= set(truth["outcome"])
    both = truth.filter((pl.col("recorded_by") == "both") & pl.col("done_date").is_not_null())
    assert (both["social_care_date"] != both["health_date"]).any()


def test_nothing_happened_after_the_day_of_the_extract(region: Region) -> None:
    for table, column in (
        ("contacts", "contact_date"),
        ("referrals", "decision_date"),
        ("assessments", "completed_date"),
        ("visits", "visit_date"),
        ("registrations", "deregistered_date"),
        ("review_conferences", "review_date"),
        ("core_groups", "core_group_date"),
        ("looked_after_episodes", "ended_date"),
        ("looked_after_reviews", "review_date"),
        ("health_assessments", "recorded_date"),
        ("health_assessments", "offered_date"),
        ("missing_episodes", "ended_date"),
        ("early_help", "closed_date"),
        ("persons", "birth_date"),
    ):
        latest = region.case_table(table)[column].max()
        assert latest is None or latest <= AS_OF, f"{table}.{column}"


def test_nobody_is_visited_at_school_age_before_birth(region: Region) -> None:
    people = region.case_table("persons").filter(pl.col("birth_date").is_not_null())
    care = region.case_table("looked_after_episodes").join(people, on="source_person_id")
    assert (
        care["started_date"] >= care["birth_date"] - timedelta(days=370)
    ).all()  # a recorded birth year may be off by one
