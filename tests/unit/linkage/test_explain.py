"""Explanations add up, say no value of a person, and reveal nothing that is sealed."""

import pytest

from linkage import LinkageConfig
from linkage.explain import (
    ExplanationError,
    child_in_words,
    explain_child,
    explain_pair,
    in_words,
    save_chart,
    strength,
)
from linkage.store import open_store

HEALTH, SCHOOL, CARE = "health|PARIS|1", "education|SIMS|1", "social_care|WCCIS|1"


@pytest.fixture
def store(tmp_path):
    def opened():
        return open_store(tmp_path / "identity.duckdb", "1GB", tmp_path / "spill", keeps=False)

    return opened


def test_the_steps_of_a_pair_add_up_to_the_weight_it_was_decided_by(run, region, tmp_path, store):
    rows, _, _ = region.make_region(1_000, seed=7)
    linked = run(*rows, identity=tmp_path / "identity.duckdb", min_labels=500)
    assert linked.summary.model_version != "declared"
    with store() as con:
        for keys, pair in list(linked.pairs.items())[::150]:
            found = explain_pair(con, *keys, LinkageConfig())
            assert sum(step.bits for step in found.steps) == pytest.approx(pair["weight"], abs=1e-3)
            assert found.veto == pair["veto"] or pair["veto"] in {"ambiguous", "cluster_conflict"}


def test_a_pair_that_was_never_a_candidate_is_explained_too(run, child, tmp_path, store):
    other = child(SCHOOL, forename="TOMOS", surname="WOJCIK", postcode="SA628QT", address_line=None, sex="M")
    run(child(HEALTH), other | {"birth_date": None}, identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_pair(con, HEALTH, SCHOOL, LinkageConfig())
    assert found.decision == "two children"
    assert "Compared because of: your question" in in_words(found)


def test_twins_are_explained_in_words_without_any_of_their_values(run, child, tmp_path, store):
    run(child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"), identity=tmp_path / "identity.duckdb")
    with store() as con:
        words = in_words(explain_pair(con, HEALTH, SCHOOL, LinkageConfig()))
        welsh = in_words(explain_pair(con, HEALTH, SCHOOL, LinkageConfig()), "cy")
    assert "same birth date, another forename, and two of surname, address and parents in common" in words
    assert "forename: another name; speaks strongly against one child" in words
    assert "dyddiad geni" in welsh
    assert not any(value in words + welsh for value in ("TEGAN", "SIONED", "PROTHEROE", "CF991AA", "2015"))


def test_sealed_and_unknown_records_get_the_same_answer(run, child, tmp_path, store):
    run(child(HEALTH), child(CARE, is_sealed=True), identity=tmp_path / "identity.duckdb")
    said = []
    with store() as con:
        for keys in ((HEALTH, CARE), (HEALTH, "no|such|record")):
            with pytest.raises(ExplanationError) as raised:
                explain_pair(con, *keys, LinkageConfig())
            said.append(str(raised.value))
        with pytest.raises(ExplanationError):
            explain_child(con, "not an id", LinkageConfig())
    assert len(set(said)) == 1


def test_a_child_is_explained_by_its_records_its_pairs_and_its_history(run, child, tmp_path, store):
    linked = run(child(HEALTH), child(SCHOOL), identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_child(con, linked.clusters[HEALTH]["child_id"], LinkageConfig())
    assert found.records == (SCHOOL, HEALTH)
    assert [one["kind"] for one in found.history] == ["create", "attach", "attach"]
    assert "Pairs, weakest first" in child_in_words(found)


def test_the_chart_works_offline_and_without_scripts(run, child, tmp_path, store):
    run(child(HEALTH), child(SCHOOL), identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_pair(con, HEALTH, SCHOOL, LinkageConfig())
    save_chart(found, tmp_path / "pair.html")
    save_chart(found, tmp_path / "pair.svg")
    page = (tmp_path / "pair.html").read_text()
    assert "<script src=" not in page
    assert "vegaEmbed" in page
    assert "<noscript><svg" in page
    assert page.count("<tr><td>") == len(found.steps)
    assert (tmp_path / "pair.svg").read_text().count("<rect") == len(found.steps)


@pytest.mark.parametrize(
    ("bits", "words"), [(6.0, "very strongly for"), (5.9, "strongly for"), (0.0, "says little"), (-7.0, "very strongly against")]
)  # fmt: skip
def test_strength_is_said_in_words(bits, words):
    assert words in strength(bits)
