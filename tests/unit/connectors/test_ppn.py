"""Police notifications: names in camelCase or snake_case, who is a child, times of London, adults kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import LINEAGE
from connectors.delivery import Delivery, Places, Terms
from connectors.landing import land
from connectors.police.ppn import FEED, PERSONS

AS_AT = date(2026, 3, 31)
REQUIRED = {
    "notificationReference": "PPN1",
    "personRole": "subject",
    "policePersonId": "N1",
    "createdAt": "2026-03-02T10:00:00Z",
    "sentAt": "2026-03-02T11:00:00Z",
    "notificationType": "child_concern",
}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def put(tmp_path: Path, *people: dict[str, str]) -> Path:
    header = list(dict.fromkeys(name for person in [REQUIRED, *people] for name in person))
    lines = [",".join(header)]
    lines += [",".join((REQUIRED | person).get(name, "") for name in header) for person in people]
    path = tmp_path / "niche_ppn_2026-03-31_delta.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(places: Places, delivery: Delivery) -> pl.DataFrame:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / "notification_persons.parquet")


def one(tmp_path: Path, places: Places, **person: str) -> dict[str, object]:
    return read(places, land(FEED, [put(tmp_path, person)], places, Terms(system="Niche"))).row(0, named=True)


def test_a_whole_notification_lands_with_every_column(tmp_path: Path, places: Places):
    row = one(
        tmp_path, places, incidentAt="2026-03-01T23:10:00Z", riskGrade="high", givenName="Siân", middleName="Mair",
        surname="ap Rhys", dateOfBirth="2014-05-06", dateOfBirthKnown="true", estimatedAge="11", sex="F",
        selfDefinedEthnicity="W1", officerDefinedEthnicity="1", addressLine="2 Heol y Bont", postcode="CF10 1AA",
        schoolName="Ysgol Glan", isChild="true", wasPresent="true", acknowledgedAt="2026-03-03T09:00:00Z",
        circumstancesCode="C12",
    )  # fmt: skip
    content = {name: value for name, value in row.items() if name not in LINEAGE}
    assert list(content) == [column.name for column in PERSONS.columns]
    assert None not in content.values()
    assert (content["given_name"], content["date_of_birth"]) == ("Siân", date(2014, 5, 6))
    assert content["incident_at"] == datetime(2026, 3, 1, 23, 10, tzinfo=UTC)


def test_headers_may_be_snake_case(tmp_path: Path, places: Places):
    path = tmp_path / "ppn_2026-03-31_delta.csv"
    header = "notification_reference,person_role,police_person_id,created_at,sent_at,notification_type,given_name"
    path.write_text(header + "\nP1,victim,N1,2026-03-02T10:00:00Z,2026-03-02T11:00:00Z,missing,Ann\n")
    assert read(places, land(FEED, [path], places, Terms()))["given_name"].to_list() == ["Ann"]


@pytest.mark.parametrize(
    ("person", "is_child"),
    [
        ({"dateOfBirth": "2008-03-03", "incidentAt": "2026-03-02T10:00:00Z"}, True),
        ({"dateOfBirth": "2008-03-02", "incidentAt": "2026-03-02T10:00:00Z"}, False),
        # Half past midnight in London is still the day before in UTC.
        ({"dateOfBirth": "2007-07-10", "incidentAt": "2025-07-09T23:30:00Z"}, False),
        ({"dateOfBirth": "2007-07-10", "incidentAt": "2025-07-09T22:30:00Z"}, True),
        ({"dateOfBirth": "2000-01-01", "dateOfBirthKnown": "false", "estimatedAge": "16"}, True),
        ({"dateOfBirth": "2012-01-01", "dateOfBirthKnown": "false", "under18": "false"}, False),
        ({"dateOfBirth": "2012-01-01", "dateOfBirthKnown": "false"}, True),
        ({"dateOfBirth": "1990-01-01", "under18": "true"}, False),
        ({"estimatedAge": "17"}, True),
        ({"estimatedAge": "18"}, False),
        ({"estimatedAge": "19", "isChild": "true"}, True),
        ({"under18": "Y"}, True),
        ({"isChild": "false"}, False),
        ({}, None),
    ],
)
def test_who_is_a_child(person: dict[str, str], is_child: bool | None, tmp_path: Path, places: Places):
    assert one(tmp_path, places, **person)["is_child"] is is_child


def test_a_person_of_whom_nothing_says_the_age_is_remarked(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {})], places, Terms())
    assert delivery.warnings_by_rule["ppn-age-not-computable"] == 1


def test_adults_land_too(tmp_path: Path, places: Places):
    adult = {"personRole": "suspect", "policePersonId": "N2", "dateOfBirth": "1980-01-01"}
    delivery = land(FEED, [put(tmp_path, {"under18": "true"}, adult)], places, Terms())
    assert read(places, delivery)["is_child"].to_list() == [True, False]


def test_times_without_a_zone_are_those_of_london(tmp_path: Path, places: Places):
    row = one(tmp_path, places, createdAt="2025-07-01T10:00:00", sentAt="01/07/2025 11:30")
    assert row["created_at"] == datetime(2025, 7, 1, 9, tzinfo=UTC)
    assert row["sent_at"] == datetime(2025, 7, 1, 10, 30, tzinfo=UTC)


def test_an_unknown_type_or_role_lands_as_other_and_is_kept_in_quarantine(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"notificationType": "rumour", "personRole": "Bystander"})], places, Terms())
    row = read(places, delivery).row(0, named=True)
    assert (row["notification_type"], row["person_role"]) == ("other", "other")
    assert delivery.warnings_by_rule["ppn-code-as-other"] == 2
    records = pl.read_parquet(places.held(FEED, delivery.delivery_id) / "records.parquet")
    assert b"rumour" in records["raw"][0]


def test_types_and_roles_may_be_written_as_words(tmp_path: Path, places: Places):
    row = one(tmp_path, places, notificationType="Domestic Abuse", personRole="VICTIM")
    assert (row["notification_type"], row["person_role"]) == ("domestic_abuse", "victim")


@pytest.mark.parametrize("column", REQUIRED)
def test_each_required_value_sends_its_row_alone_to_quarantine(column: str, tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {column: ""}, {"policePersonId": "N2"})], places, Terms())
    assert (delivery.records_landed, delivery.rejects_by_rule) == (1, {"value-missing": 1})


@pytest.mark.parametrize("column", REQUIRED)
def test_a_file_without_a_required_column_is_held_and_says_which(column: str, tmp_path: Path, places: Places):
    path = tmp_path / "ppn.csv"
    names = [name for name in REQUIRED if name != column]
    path.write_text(",".join(names) + "\n" + ",".join(REQUIRED[name] for name in names) + "\n")
    delivery = land(FEED, [path], places, Terms())
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")
    assert column in (delivery.hold_detail or "")


def test_a_birth_in_the_future_is_cleared_and_the_notification_lands(tmp_path: Path, places: Places):
    row = one(tmp_path, places, dateOfBirth="2031-01-01", under18="true")
    assert (row["date_of_birth"], row["is_child"]) == (None, True)


def test_free_text_is_not_landed(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {"narrative": "what was seen"})], places, Terms())
    assert delivery.warnings_by_rule["column-unknown"] == 1
    assert "narrative" not in read(places, delivery).columns


def test_one_person_in_two_roles_has_two_rows(tmp_path: Path, places: Places):
    delivery = land(FEED, [put(tmp_path, {}, {"personRole": "witness"}, {})], places, Terms())
    assert (delivery.records_landed, delivery.records_duplicate) == (2, 1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries({
            "personRole": st.sampled_from(["subject", "Victim", "?", ""]),
            "dateOfBirth": st.one_of(st.dates().map(str), st.text("0123456789/-T:", max_size=10)),
            "createdAt": st.one_of(st.datetimes().map(str), st.text("0123456789/-T: Z", max_size=20)),
            "estimatedAge": st.text("0123456789.-", max_size=4),
            "under18": st.sampled_from(["true", "no", "?", ""]),
        }),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_any_values_balance_the_books(people: list[dict[str, str]]):
    with TemporaryDirectory() as folder:
        places = Places(Path(folder) / "landing", Path(folder) / "quarantine")
        delivery = land(FEED, [put(Path(folder), *people)], places, Terms())
        assert delivery.state == "landed"
        assert delivery.records_in == len(people)
        assert delivery.records_in == (
            delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=60).map(lambda data: ",".join(REQUIRED).encode() + b"\n" + data))
def test_any_bytes_below_the_header_land_or_are_held(data: bytes):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ppn.csv"
        path.write_bytes(data)
        places = Places(Path(folder) / "landing", Path(folder) / "quarantine")
        assert land(FEED, [path], places, Terms()).state in ("landed", "held")
