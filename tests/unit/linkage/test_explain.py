"""Explanations: they add up, they are plain, they hold no value of a person, and nothing leads to a sealed record."""

import dataclasses
import datetime as dt
import re
import xml.etree.ElementTree as ET
from contextlib import contextmanager

import duckdb
import pytest

import linkage
from linkage import explain
from linkage.decisions import add_decisions
from linkage.explain import ExplanationRefusedError, explain_child, explain_pair, in_words, save_chart
from linkage.model import COMPARISONS, VETO_CODE

HEALTH, SCHOOL, CARE, POLICE = "health|PARIS|1", "education|SIMS|1", "social_care|WCCIS|1", "police|NICHE|1"
DAY = dt.date(2025, 9, 1)
NHS_1, NHS_2 = "9990000018", "9990000026"


@pytest.fixture
def night(region, tmp_path):
    """Link rows into a store that is kept from night to night."""
    nights = iter(range(100))

    def link(*rows, decided=None, **settings):
        number = next(nights)
        persons = region.write_persons(list(rows), tmp_path / f"persons{number}.parquet")
        return linkage.link(
            persons,
            tmp_path / "linkage",
            as_of=DAY + dt.timedelta(number),
            config=linkage.LinkageConfig(**settings),
            identity=tmp_path / "identity.duckdb",
            decided=decided,
        )

    return link


@pytest.fixture
def opened(tmp_path):
    @contextmanager
    def connect():
        with duckdb.connect(str(tmp_path / "identity.duckdb"), read_only=True) as con:
            yield con

    return connect


@pytest.fixture(scope="module")
def trained(region, tmp_path_factory):
    """A store whose model was trained; read only."""
    folder = tmp_path_factory.mktemp("trained")
    persons = region.write_persons(region.make_region(700, seed=5)[0], folder / "persons.parquet")
    config = linkage.LinkageConfig(min_labels=300)
    summary = linkage.link(persons, folder / "out", as_of=DAY, config=config, identity=folder / "identity.duckdb")
    assert summary.model_version != "declared"
    with duckdb.connect(str(folder / "identity.duckdb"), read_only=True) as con:
        yield con


def decide(folder, one, other, verdict):
    row = {"record_key_l": one, "record_key_r": other, "verdict": verdict, "decided_by": "reviewer 7",
           "decided_at": "2025-08-30T10:00:00+00:00", "reason": "seen"}  # fmt: skip
    add_decisions(folder, [row])
    return folder


def stored(con, limit=400):
    return con.execute(
        f"""
        SELECT a.record_key, b.record_key, p.weight, p.veto FROM pair p
        JOIN record a ON a.record = p.l JOIN record b ON b.record = p.r ORDER BY hash(p.l, p.r) LIMIT {limit}
        """
    ).fetchall()


def child_of(con, key):
    return con.execute(
        "SELECT child_id FROM membership JOIN record USING (record) WHERE record_key = ? AND valid_to_run IS NULL",
        [key],
    ).fetchone()[0]


def texts(one):
    """Everything that an explanation says."""
    return f"{in_words(one)} {dataclasses.asdict(one)}"


def test_the_steps_of_a_trained_model_add_up_to_the_stored_weight_of_every_pair(trained):
    for key_l, key_r, weight, _ in stored(trained, 150):
        one = explain_pair(trained, key_l, key_r)
        assert one.weight == pytest.approx(weight, abs=1e-6)
        assert sum(step.bits for step in one.steps) == pytest.approx(weight, abs=1e-3)
        assert sum(step.learnt != 0 for step in one.steps) > 1


def test_the_steps_of_the_declared_model_add_up_too_also_where_they_are_cut_off(night, opened, child):
    night(child(HEALTH, nhs_number=NHS_1, upn="A1"), child(CARE, nhs_number=NHS_1, upn="A1"), child("health|PARIS|2"))
    with opened() as con:
        found = stored(con)
        assert len(found) == 3
        for key_l, key_r, weight, _ in found:
            one = explain_pair(con, key_l, key_r)
            assert sum(step.bits for step in one.steps) == pytest.approx(weight, abs=1e-3)
        assert [step.name for step in explain_pair(con, HEALTH, CARE).steps if step.kind == "limit"] == [
            "identifiers",
            "agreement",
        ]


def test_it_does_not_matter_which_record_is_named_first(night, opened, child):
    night(child(HEALTH), child(SCHOOL, surname="WOJCIK"))
    with opened() as con:
        assert explain_pair(con, HEALTH, SCHOOL) == explain_pair(con, SCHOOL, HEALTH)


def test_a_pair_that_no_run_kept_is_scored_on_the_spot(night, opened, child):
    night(child(HEALTH), child(SCHOOL, forename="MABLI", surname="WOJCIK", birth_date=dt.date(2009, 1, 30)))
    with opened() as con:
        one = explain_pair(con, HEALTH, SCHOOL)
    assert (one.is_stored, one.rules, one.decision) == (False, (), "no_link")
    assert sum(step.bits for step in one.steps) == pytest.approx(one.weight, abs=1e-3)
    assert "too little in common" in in_words(one)


def test_every_field_says_its_level_and_what_is_missing_is_not_held_against_anybody(night, opened, child):
    night(child(HEALTH), child(SCHOOL, birth_date=dt.date(2015, 9, 3), sex=None))
    with opened() as con:
        one = explain_pair(con, HEALTH, SCHOOL)
    levels = {step.name: step.level for step in one.steps if step.kind == "field"}
    assert levels["birth_date"] == "swapped"
    assert levels["sex"] == "missing"
    words = in_words(one)
    assert "Birth date: day and month in each other's place. This speaks strongly for one child." in words
    assert re.search("Not known in both records: .*sex", words)


def test_twins_are_told_in_words(night, opened, child):
    night(child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"))
    with opened() as con:
        one = explain_pair(con, HEALTH, SCHOOL)
    assert (one.veto, one.is_one_child) == ("twin", False)
    assert "same birth date, another forename" in in_words(one)


def test_a_learnt_twin_pattern_is_named_among_the_combinations(trained):
    twins = [row[:2] for row in stored(trained, 100_000) if row[3] == VETO_CODE["twin"]]
    said = [step.words for pair in twins[:20] for step in explain_pair(trained, *pair).steps if step.kind == "together"]
    assert any("twins look like this" in words and "forename different though" in words for words in said)


def test_no_value_of_a_person_is_in_an_explanation(night, opened, child, tmp_path):
    night(child(HEALTH, nhs_number=NHS_1, upn="A12345"), child(SCHOOL, upn="A12345", forename="ANGHARRAD"))
    with opened() as con:
        pair, whole = explain_pair(con, HEALTH, SCHOOL), explain_child(con, child_of(con, HEALTH))
    save_chart(whole, tmp_path / "chart.html")
    said = (texts(pair) + texts(whole) + (tmp_path / "chart.html").read_text().split("<script>")[0]).upper()
    for value in ("ANGHA", "PROTHEROE", "2015", "HEOL Y BRYN", "CF99", NHS_1, "A12345"):
        assert value not in said


def test_words_hold_no_jargon(trained):
    said = " ".join(in_words(explain_pair(trained, key_l, key_r)) for key_l, key_r, *_ in stored(trained, 60)).lower()
    for word in ("bits", "odds", "log2", "fellegi", "bayes", "veto", "probability", "pattern", "coefficient", "none"):
        assert not re.search(rf"\b{word}\b", said), word


@pytest.mark.parametrize(
    "pair",
    [
        (CARE, HEALTH),
        (CARE, SCHOOL),
        (CARE, "social_care|WCCIS|2"),
        ("social_care|WCCIS|2", HEALTH),
        (HEALTH, "nobody|X|1"),
        (HEALTH, HEALTH),
    ],
)
def test_sealed_and_unknown_records_are_refused_in_the_same_words(night, opened, child, pair):
    """The second record is sealed only because it carries the number of a sealed one."""
    night(
        child(CARE, is_sealed=True, nhs_number=NHS_1),
        child("social_care|WCCIS|2", nhs_number=NHS_1),
        child(HEALTH, nhs_number=NHS_1),
        child(SCHOOL),
    )
    with opened() as con, pytest.raises(ExplanationRefusedError) as raised:
        explain_pair(con, *pair)
    assert str(raised.value) == explain.REFUSAL


def test_records_that_a_person_sealed_from_each_other_are_refused(night, opened, child, tmp_path):
    """The third record fits both and must not lead from the one to the other either."""
    night(child(HEALTH), child(SCHOOL), child(CARE), decided=decide(tmp_path / "d", HEALTH, SCHOOL, "sealed"))
    with opened() as con:
        apart = HEALTH if child_of(con, CARE) == child_of(con, SCHOOL) else SCHOOL
        for other in (SCHOOL if apart == HEALTH else HEALTH, CARE):
            with pytest.raises(ExplanationRefusedError, match=explain.REFUSAL):
                explain_pair(con, apart, other)
        for key in (HEALTH, SCHOOL):
            other = SCHOOL if key == HEALTH else HEALTH
            assert other not in texts(explain_child(con, child_of(con, key)))


@pytest.mark.parametrize("asked", ["not an id", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_id_is_refused(night, opened, child, asked):
    night(child(HEALTH))
    with opened() as con, pytest.raises(ExplanationRefusedError, match=explain.REFUSAL):
        explain_child(con, asked)


def test_a_record_that_was_sealed_later_leaves_no_word_in_the_child_it_left(night, opened, child):
    night(child(HEALTH), child(SCHOOL), child(CARE))
    night(child(HEALTH), child(SCHOOL), child(CARE, is_sealed=True))
    with opened() as con:
        left = texts(explain_child(con, child_of(con, HEALTH)))
        with pytest.raises(ExplanationRefusedError, match=explain.REFUSAL):
            explain_child(con, child_of(con, CARE))
    assert "social_care" not in left
    assert "seal" not in left


def test_a_child_is_explained_by_its_members_its_links_and_what_became_of_its_id(night, opened, child):
    night(child(HEALTH, nhs_number=NHS_1), child(CARE, nhs_number=NHS_1))
    night(child(HEALTH, nhs_number=NHS_1), child(CARE, nhs_number=NHS_1), child(SCHOOL))
    with opened() as con:
        one = explain_child(con, child_of(con, SCHOOL))
    assert one.members == ((SCHOOL, "education"), (HEALTH, "health"), (CARE, "social_care"))
    assert len(one.links) == 2
    assert {key for link in one.links for key in (link.record_key_l, link.record_key_r)} == {HEALTH, SCHOOL, CARE}
    assert all(link.decision == "link" for link in one.links)
    assert f"2025-09-02: {SCHOOL} joined" in in_words(one)


def test_what_speaks_against_a_child_is_told(night, opened, child):
    night(child(HEALTH, forename="TEGAN", nhs_number=NHS_1), child(CARE, forename="SIONED", nhs_number=NHS_1))
    with opened() as con:
        one = explain_child(con, child_of(con, HEALTH))
    assert [(pair.record_key_l, pair.record_key_r, pair.veto) for pair in one.against] == [(HEALTH, CARE, "twin")]


def test_an_id_that_ended_in_another_is_explained_as_the_other(night, opened, child, tmp_path):
    there = {"forename": "MABLI", "birth_date": dt.date(2012, 5, 4), "postcode": "SA628QT"}
    night(child(HEALTH), child(SCHOOL, **there))
    with opened() as con:
        before = child_of(con, HEALTH), child_of(con, SCHOOL)
    night(child(HEALTH), child(SCHOOL, **there), decided=decide(tmp_path / "d", HEALTH, SCHOOL, "same"))
    with opened() as con:
        explained = [explain_child(con, one) for one in before]
        pair = explain_pair(con, HEALTH, SCHOOL)
    assert explained[0] == explained[1]
    assert "they were found to be one child" in in_words(explained[0])
    assert (pair.verdict, pair.decision) == ("same", "link")
    assert "A person decided that these two records are the same child." in in_words(pair)


def test_the_picture_shows_every_step_and_speaks_to_screen_readers(night, opened, child, tmp_path):
    night(child(HEALTH), child(SCHOOL, surname="WOJCIK"))
    with opened() as con:
        one = explain_pair(con, HEALTH, SCHOOL)
    save_chart(one, tmp_path / "chart.svg")
    svg = (tmp_path / "chart.svg").read_text()
    names = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert {"title", "desc", "rect", "text"} <= names
    for step in one.steps:
        assert abs(step.bits) < explain.NOUGHT or f"{step.bits:+.1f}" in svg
    assert f"{one.weight:+.1f}" in svg
    assert "doubles the odds" in svg


def test_the_page_holds_all_it_needs_and_fetches_nothing(night, opened, child, tmp_path):
    night(child(HEALTH), child(SCHOOL, surname="WOJCIK"), child(CARE))
    with opened() as con:
        save_chart(explain_pair(con, HEALTH, SCHOOL), tmp_path / "pair.html", language="cy")
        save_chart(explain_child(con, child_of(con, HEALTH)), tmp_path / "child.html")
    page = (tmp_path / "pair.html").read_text()
    without_scripts = page.split("<script>")[0]
    assert not re.search(r"(src|href)=", without_scripts)
    assert "<script " not in page.replace(without_scripts, "")[:1000]
    assert "default-src 'none'" in without_scripts
    assert all(part in without_scripts for part in ("<table>", "<svg", "Dyddiad geni"))
    assert (tmp_path / "child.html").read_text().count("<figure>") == 2
    assert oct((tmp_path / "pair.html").stat().st_mode)[-3:] == "600"


def test_a_chart_of_another_kind_is_refused(night, opened, child, tmp_path):
    night(child(HEALTH), child(SCHOOL))
    with opened() as con, pytest.raises(ValueError, match=r"saved as \.html"):
        save_chart(explain_pair(con, HEALTH, SCHOOL), tmp_path / "chart.png")


def test_every_code_has_an_english_and_a_welsh_word():
    assert all(word["en"] and word["cy"] for word in explain.LABELS.values())
    assert {one.field for one in COMPARISONS} <= set(explain.LABELS)
    assert {explain.strength(bits) for bits in (-10, -6, -3, -1, 0, 1, 3, 6, 10)} <= set(explain.LABELS)
