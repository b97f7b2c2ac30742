"""Explanations add up, say no value of a person, and reveal nothing that is sealed."""

import pytest

from linkage.explain import ExplanationRefusedError, explain_child, explain_pair, in_words, save_chart
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
            found = explain_pair(con, *keys)
            assert sum(step.bits for step in found.steps) == pytest.approx(pair["weight"], abs=1e-3)
            assert found.decision == pair["decision"]


def test_a_pair_that_was_never_a_candidate_is_explained_too(run, child, tmp_path, store):
    other = child(SCHOOL, forename="TOMOS", surname="WOJCIK", postcode="SA628QT", address_line=None, birth_date=None)
    run(child(HEALTH), other, identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_pair(con, HEALTH, SCHOOL)
    assert not found.is_stored
    assert not found.is_one_child


def test_twins_are_explained_in_words_without_any_of_their_values(run, child, tmp_path, store):
    run(child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"), identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_pair(con, HEALTH, SCHOOL)
    assert found.veto == "twin"
    words = in_words(found)
    assert "same birth date, another forename" in words
    assert not any(value in words for value in ("TEGAN", "SIONED", "PROTHEROE", "CF991AA", "2015"))


def test_sealed_and_unknown_records_get_the_same_answer(run, child, tmp_path, store):
    run(child(HEALTH), child(CARE, is_sealed=True), identity=tmp_path / "identity.duckdb")
    said = []
    with store() as con:
        for keys in ((HEALTH, CARE), (HEALTH, "no|such|record")):
            with pytest.raises(ExplanationRefusedError) as raised:
                explain_pair(con, *keys)
            said.append(str(raised.value))
        with pytest.raises(ExplanationRefusedError):
            explain_child(con, "00000000-0000-0000-0000-000000000000")
    assert len(set(said)) == 1


def test_a_child_is_explained_by_its_records_the_links_that_hold_it_and_its_history(run, child, tmp_path, store):
    linked = run(child(HEALTH), child(SCHOOL), identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_child(con, linked.clusters[HEALTH]["child_id"])
    assert [key for key, _ in found.members] == [SCHOOL, HEALTH]
    assert len(found.links) == 1
    assert {one["kind"] for one in found.events} == {"create", "attach"}
    assert in_words(found)


def test_the_chart_works_offline_and_without_scripts(run, child, tmp_path, store):
    run(child(HEALTH), child(SCHOOL), identity=tmp_path / "identity.duckdb")
    with store() as con:
        found = explain_pair(con, HEALTH, SCHOOL)
    save_chart(found, tmp_path / "pair.html")
    save_chart(found, tmp_path / "pair.svg")
    page = (tmp_path / "pair.html").read_text()
    assert "<script src=" not in page
    assert "<svg" in page
    assert "<table" in page
    assert (tmp_path / "pair.svg").read_text().count("<rect") >= 6
    assert (tmp_path / "pair.html").stat().st_mode & 0o777 == 0o600
