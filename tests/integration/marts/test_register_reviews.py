"""register_reviews against the truth of the region."""

from __future__ import annotations

from tests.integration.marts.conftest import TrueRegion


def test_every_registration_of_the_truth_is_there_with_its_days_and_its_child(region: TrueRegion):
    expected = {
        (row["person_id"], row["registration_id"], row["registered_date"], row["deregistered_date"])
        for row in region.truth("case_registrations").iter_rows(named=True)
        if row["registered_date"] <= region.as_of
    }
    columns = ("child_id", "registration_id", "registered_date", "deregistered_date")
    assert len(expected) > 20
    assert set(region.mart("register_reviews").select(columns).iter_rows()) == expected
