"""The figures that tell how good the clusters are."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import linkage

CLUSTERS = [("a|s|1", "X"), ("b|s|1", "X"), ("a|s|2", "Y"), ("b|s|2", "X"), ("c|s|3", "Z")]
TRUTH = [("a|s|1", "P1"), ("b|s|1", "P1"), ("a|s|2", "P2"), ("b|s|2", "P2")]


@pytest.fixture
def clusters(tmp_path: Path) -> Path:
    path = tmp_path / "clusters.parquet"
    pd.DataFrame(CLUSTERS, columns=["record_key", "child_id"]).to_parquet(path)
    return path


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.parquet"
    pd.DataFrame(TRUTH, columns=["record_key", "person_id"]).to_parquet(path)
    return path


def test_precision_and_recall_count_pairs_of_records(clusters, truth):
    found = linkage.evaluate(clusters, truth)
    assert (found.pairs.true_pairs, found.pairs.linked_pairs, found.pairs.correct_pairs) == (2, 3, 1)
    assert found.pairs.precision == pytest.approx(1 / 3)
    assert found.pairs.recall == pytest.approx(1 / 2)
    assert found.records == 4
    assert (found.mixed_ids, found.split_children) == (1, 1)
    assert found.twins is None


def test_figures_by_source_pair_add_up_to_the_whole(clusters, truth):
    found = linkage.evaluate(clusters, truth)
    assert set(found.by_source_pair) == {"a-b", "b-b"}
    assert sum(pair.linked_pairs for pair in found.by_source_pair.values()) == found.pairs.linked_pairs


def test_twins_and_second_identities_that_share_an_id_are_counted(clusters, truth, tmp_path):
    people = tmp_path / "people.parquet"
    born = dt.date(2015, 1, 1)
    pd.DataFrame(
        {
            "person_id": ["P1", "P2"], "family_id": ["F", "F"], "birth_date": [born, born],
            "birth_identity_person_id": [None, "P1"],
        }
    ).to_parquet(people)  # fmt: skip
    found = linkage.evaluate(clusters, truth, people=people)
    assert (found.twins, found.twins_sharing_an_id) == (2, 2)
    assert (found.second_identities, found.second_identities_revealed) == (1, 1)


def test_truth_keyed_by_feed_is_joined_through_the_persons(clusters, tmp_path):
    truth, persons = tmp_path / "by_feed.parquet", tmp_path / "persons.parquet"
    rows = [(key[0], "f", key[-1], person) for key, person in TRUTH]
    pd.DataFrame(rows, columns=["agency", "feed", "source_person_id", "person_id"]).to_parquet(truth)
    keyed = [(key[0], "f", key[-1], key) for key, _ in CLUSTERS]
    pd.DataFrame(keyed, columns=["agency", "feed", "source_person_id", "record_key"]).to_parquet(persons)
    assert linkage.evaluate(clusters, truth, persons=persons).pairs.correct_pairs == 1
    with pytest.raises(linkage.TruthContractError):
        linkage.evaluate(clusters, truth)


def test_truth_keyed_by_system_needs_no_persons(clusters, tmp_path):
    truth = tmp_path / "by_system.parquet"
    rows = [(key[0], "s", key[-1], person) for key, person in TRUTH]
    pd.DataFrame(rows, columns=["agency", "system", "source_person_id", "person_id"]).to_parquet(truth)
    assert linkage.evaluate(clusters, truth).pairs.true_pairs == 2


def test_the_figures_print_as_plain_values(clusters, truth):
    assert linkage.evaluate(clusters, truth).as_dict()["pairs"]["precision"] == pytest.approx(0.333333)


def test_nothing_to_judge_is_no_error(clusters, tmp_path):
    truth = tmp_path / "none.parquet"
    pd.DataFrame([("zz|s|1", "P9")], columns=["record_key", "person_id"]).to_parquet(truth)
    found = linkage.evaluate(clusters, truth)
    assert found.records == 0
    assert found.pairs.precision == found.pairs.recall == 1.0


def test_a_cluster_counts_only_if_it_is_exactly_one_person(tmp_path):
    pd.DataFrame(
        [("a|s|1", "X"), ("b|s|1", "X"), ("a|s|2", "Y"), ("a|s|3", "Z"), ("b|s|3", "Z"), ("a|s|4", "V")],
        columns=["record_key", "child_id"],
    ).to_parquet(tmp_path / "clusters.parquet")
    pd.DataFrame(
        [("a|s|1", "1"), ("b|s|1", "1"), ("a|s|2", "2"), ("a|s|3", "3"), ("b|s|3", "4"), ("a|s|4", "4")],
        columns=["record_key", "person_id"],
    ).to_parquet(tmp_path / "truth.parquet")
    found = linkage.evaluate(tmp_path / "clusters.parquet", tmp_path / "truth.parquet").clusters
    # X and Y are persons 1 and 2; Z holds two persons, and V half of one.
    assert (found.made_clusters, found.true_clusters, found.exact_clusters) == (4, 4, 2)
    assert found.precision == found.recall == found.f1 == 0.5


def test_figures_by_a_column_judge_the_pairs_that_touch_each_of_its_values(clusters, truth, tmp_path):
    people = tmp_path / "people.parquet"
    born = dt.date(2015, 1, 1)
    pd.DataFrame(
        {"person_id": ["P1", "P2"], "family_id": ["F", "G"], "birth_date": [born, born], "origin": ["welsh", None]}
    ).to_parquet(people)
    found = linkage.evaluate(clusters, truth, people=people, slices=["origin"]).by_slice["origin"]
    # X holds both records of P1 and one of P2: three pairs, all touch P1, two touch P2.
    assert (found["welsh"].true_pairs, found["welsh"].linked_pairs, found["welsh"].correct_pairs) == (1, 3, 1)
    assert (found["not known"].true_pairs, found["not known"].linked_pairs, found["not known"].correct_pairs) == (
        1,
        2,
        0,
    )


def test_figures_by_a_column_of_the_records_need_the_persons(clusters, truth, tmp_path):
    persons = tmp_path / "persons.parquet"
    pd.DataFrame({"record_key": [key for key, _ in CLUSTERS], "sex": ["F", "F", "M", "M", "F"]}).to_parquet(persons)
    found = linkage.evaluate(clusters, truth, persons=persons, slices=["sex"])
    assert found.by_slice["sex"]["F"].linked_pairs == 3
    assert found.as_dict()["by_slice"]["sex"]["F"]["recall"] == 1.0
    with pytest.raises(linkage.TruthContractError, match="have a column shoe"):
        linkage.evaluate(clusters, truth, persons=persons, slices=["shoe"])
