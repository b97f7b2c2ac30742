"""The region file: the example is right, and a mistake gives one message with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import ConfigurationError
from orchestration.region import load_region
from orchestration.settings import Settings

GOOD = """
name = "A region"
jurisdiction = "wales"

[[feeds]]
feed = "police/ppn"
system = "Niche"
path = "police/ppn/*"
mode = "delta"
cadence = "weekly"
arrival_deadline_days = 1
"""


def _load(tmp_path: Path, text: str):
    path = tmp_path / "region.toml"
    path.write_text(text, encoding="utf-8")
    return load_region(path)


def test_the_documented_example_is_a_valid_region(repository: Path):
    region = load_region(repository / "region.toml")
    assert region.jurisdiction == "wales"
    assert {terms.feed for terms in region.feeds} >= {"health/adt", "health/fhir", "police/ppn"}


def test_thresholds_have_defaults(tmp_path: Path):
    assert _load(tmp_path, GOOD).thresholds.link == 0.95


@pytest.mark.parametrize(
    ("right", "wrong", "key"),
    [
        ('jurisdiction = "wales"', 'jurisdiction = "scotland"', "jurisdiction"),
        ('cadence = "weekly"', 'cadence = "hourly"', "feeds.1.cadence"),
        ('feed = "police/ppn"', 'feed = "police/nothing"', "feeds.1.feed"),
        ("arrival_deadline_days = 1", "arrival_deadline_days = -1", "feeds.1.arrival_deadline_days"),
        ('name = "A region"', 'title = "A region"', "name"),
        ('mode = "delta"', 'mode = "delta"\ncolour = "red"', "feeds.1.colour"),
    ],
)
def test_a_mistake_is_named_by_its_key(tmp_path: Path, right: str, wrong: str, key: str):
    with pytest.raises(ConfigurationError, match=rf"region\.toml: {key}:"):
        _load(tmp_path, GOOD.replace(right, wrong))


def test_a_review_threshold_above_the_link_threshold_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="thresholds"):
        _load(tmp_path, GOOD + "\n[thresholds]\nlink = 0.8\nreview = 0.9\n")


def test_text_that_is_no_toml_is_named_with_its_line(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="line 2"):
        _load(tmp_path, 'name = "A"\n[[feeds\n')


def test_a_missing_region_file_says_where_it_was_looked_for(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        load_region(tmp_path / "nowhere.toml")


def test_two_councils_systems_are_told_apart_by_their_path(tmp_path: Path):
    second = GOOD.split("[[feeds]]")[1].replace("Niche", "Second").replace("police/ppn/*", "police/ppn/second_*")
    region = _load(tmp_path, GOOD + "[[feeds]]" + second)
    assert region.system_for("police/ppn", Path("other_2026-01-01.csv")) == "Niche"
    assert region.system_for("police/ppn", Path("second_2026-01-01.csv")) == "Niche"
    narrow = _load(tmp_path, GOOD.replace("police/ppn/*", "police/ppn/first_*") + "[[feeds]]" + second)
    assert narrow.system_for("police/ppn", Path("second_2026-01-01.csv")) == "Second"


def test_a_feed_that_the_region_does_not_name_is_its_own_system(tmp_path: Path):
    assert _load(tmp_path, GOOD).system_for("health/adt", Path("a.hl7")) == "health/adt"


def test_an_override_of_a_rule_that_does_not_exist_is_refused(tmp_path: Path):
    path = tmp_path / "region.toml"
    override = '\n[[rule_overrides]]\nrule_id = "no_such_rule"\nvalue = 1\nunit = "month"\nreason = "x"\n'
    path.write_text(GOOD + override, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no_such_rule"):
        Settings(home=tmp_path, region=path).load_region()


def test_two_entries_of_one_system_are_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="stands twice"):
        _load(tmp_path, GOOD + "[[feeds]]" + GOOD.split("[[feeds]]")[1])


@pytest.mark.parametrize("pattern", ["", "/etc/*", "../*"])
def test_a_pattern_outside_the_inbox_is_refused(tmp_path: Path, pattern: str):
    with pytest.raises(ConfigurationError, match=r"feeds\.1\.path"):
        _load(tmp_path, GOOD.replace('path = "police/ppn/*"', f'path = "{pattern}"'))
