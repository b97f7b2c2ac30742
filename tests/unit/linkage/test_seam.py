"""What goes in and what comes out: the promises of `linkage.link` to dbt and to the orchestration."""

import datetime as dt
import random
import uuid

import duckdb
import pytest

import linkage
from linkage.model import COMPARISONS, REQUIRED_COLUMNS

HEALTH, SCHOOL = "health|PARIS|1", "education|SIMS|1"
FILES = ("clusters.parquet", "pairs.parquet", "quality.parquet", "summary.json")


def test_no_records_give_empty_files_and_a_summary_of_noughts(run):
    linked = run()
    assert linked.clusters == {}
    assert linked.pairs == {}
    assert linked.written["records"] == linked.written["children"] == 0


def test_one_record_is_one_child(run, child):
    linked = run(child(HEALTH))
    only = linked.clusters[HEALTH]
    assert (only["cluster_size"], only["link_confidence"], only["link_method"]) == (1, 1.0, "singleton")
    assert only["linked_on"] == dt.date(2025, 9, 1)


def test_every_record_is_in_the_clusters_once_and_the_counts_agree_with_the_files(run, region):
    rows, _, _ = region.make_region(150, seed=5)
    linked = run(*rows)
    assert len(linked.clusters) == len(rows) == linked.written["records"]
    assert linked.written["children"] == len(linked.children)
    decisions = [pair["decision"] for pair in linked.pairs.values()]
    assert linked.written["links"] == decisions.count("link")
    assert linked.written["review"] == decisions.count("review")
    assert linked.written["pairs_kept"] == len(decisions)
    assert sum(linked.written["records_by_method"].values()) == len(rows)


def test_linked_pairs_share_a_child_and_pairs_are_ordered_left_before_right(run, region):
    rows, _, _ = region.make_region(150, seed=5)
    linked = run(*rows)
    for (one, other), pair in linked.pairs.items():
        assert one < other
        if pair["decision"] == "link":
            assert linked.together(one, other)
            assert pair["veto"] is None


def test_a_rerun_in_any_order_of_the_input_does_not_change_a_byte(run, region, tmp_path):
    rows, _, _ = region.make_region(150, seed=6)
    shuffled = rows.copy()
    random.Random(1).shuffle(shuffled)
    identity = tmp_path / "identity.duckdb"
    one, other = run(*rows, identity=identity), run(*shuffled, identity=identity)
    assert other.summary.records_new == other.summary.records_changed == other.summary.ids_changed == 0
    for name in ("clusters.parquet", "pairs.parquet"):
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name


def test_the_order_of_the_input_never_decides_who_belongs_together(run, region):
    rows, _, _ = region.make_region(150, seed=6)
    shuffled = rows.copy()
    random.Random(2).shuffle(shuffled)
    one, other = run(*rows), run(*shuffled)
    assert one.children == other.children
    assert one.pairs == other.pairs


def test_a_child_id_is_an_opaque_uuid_that_stays_when_records_join(run, child, tmp_path):
    identity = tmp_path / "identity.duckdb"
    before = run(child(SCHOOL), identity=identity).clusters[SCHOOL]["child_id"]
    after = run(child(SCHOOL), child(HEALTH), identity=identity).clusters[HEALTH]["child_id"]
    assert before == after == str(uuid.UUID(after))
    assert uuid.UUID(after).version == 7
    assert "SIMS" not in after


def test_the_pairs_have_the_columns_of_the_seam(run, child):
    pair = run(child(HEALTH), child(SCHOOL)).pair(HEALTH, SCHOOL)
    assert list(pair) == [
        "record_key_l", "record_key_r", "probability", "decision", "blocking_rules", "veto",
        *(f"cmp_{comparison.field}" for comparison in COMPARISONS), "weight",
    ]  # fmt: skip
    assert pair["cmp_nhs_number"] is None


def test_missing_columns_are_named(run, child, tmp_path):
    persons = tmp_path / "persons.parquet"
    duckdb.execute(f"COPY (SELECT 'a|b|c' AS record_key, 'a' AS agency) TO '{persons}' (FORMAT parquet)")
    with pytest.raises(linkage.PersonsContractError, match=r"lacks the column\(s\) system, forename"):
        linkage.link(persons, tmp_path / "out", as_of=dt.date(2025, 1, 1), config=linkage.LinkageConfig())
    assert not (tmp_path / "out").exists()


def test_a_column_of_another_type_is_named_without_its_values(region, child, tmp_path):
    persons, wrong = tmp_path / "persons.parquet", tmp_path / "wrong.parquet"
    region.write_persons([child(HEALTH)], persons)
    duckdb.execute(
        f"COPY (SELECT * REPLACE ('ninth of March' AS birth_date) FROM '{persons}') TO '{wrong}' (FORMAT parquet)"
    )
    with pytest.raises(linkage.PersonsContractError, match="birth_date is VARCHAR, not DATE") as raised:
        linkage.link(wrong, tmp_path / "out", as_of=dt.date(2025, 1, 1), config=linkage.LinkageConfig())
    assert "ninth" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_repeated_record_key_is_refused_with_a_count(run, child):
    with pytest.raises(linkage.PersonsContractError, match="and 1 rows with a record_key that is there already"):
        run(child(HEALTH), child(HEALTH))


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(linkage.PersonsContractError, match="does not exist"):
        linkage.link(tmp_path / "x.parquet", tmp_path, as_of=dt.date(2025, 1, 1), config=linkage.LinkageConfig())


def test_columns_that_linkage_does_not_know_do_no_harm(region, child, tmp_path):
    persons, more = tmp_path / "persons.parquet", tmp_path / "more.parquet"
    region.write_persons([child(HEALTH)], persons)
    duckdb.execute(f"COPY (SELECT *, 1 AS another FROM '{persons}') TO '{more}' (FORMAT parquet)")
    summary = linkage.link(more, tmp_path / "out", as_of=dt.date(2025, 1, 1), config=linkage.LinkageConfig())
    assert summary.records == 1


def test_an_interrupted_run_leaves_the_last_files_as_they_were(run, region, child, tmp_path, monkeypatch):
    persons = region.write_persons([child(HEALTH), child(SCHOOL)], tmp_path / "persons.parquet")
    out = tmp_path / "out"
    arguments = {"as_of": dt.date(2025, 1, 1), "config": linkage.LinkageConfig()}
    linkage.link(persons, out, **arguments)
    before = {name: (out / name).read_bytes() for name in FILES}
    monkeypatch.setattr("linkage.summary.LinkageSummary.to_json", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        linkage.link(persons, out, as_of=dt.date(2026, 1, 1), config=linkage.LinkageConfig())
    assert before == {name: (out / name).read_bytes() for name in FILES}


def test_the_summary_names_the_model_and_no_duration(run, child):
    written = run(child(HEALTH)).written
    assert written["model_version"] == "declared"
    assert not any(name.endswith("seconds") or "duration" in name for name in written)


@pytest.mark.parametrize("wrong", [{"link": 0.4}, {"link": 1.0}, {"review": 0.0}, {"max_block_size": 1}])
def test_settings_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(linkage.ConfigurationError):
        linkage.LinkageConfig(**wrong)


def test_the_required_columns_are_in_the_rows_of_the_tests(region):
    assert set(REQUIRED_COLUMNS) <= set(region.row("a|b|c"))


def test_a_higher_threshold_turns_a_link_into_a_review(run, child):
    loose = run(child(HEALTH), child(SCHOOL, surname="WOJCIK"))
    strict = run(child(HEALTH), child(SCHOOL, surname="WOJCIK"), link=0.9999999)
    assert loose.pair(HEALTH, SCHOOL)["decision"] == "link"
    assert strict.pair(HEALTH, SCHOOL)["decision"] == "review"


def test_the_out_folder_is_made_and_holds_nothing_but_the_four_files(region, child, tmp_path):
    persons = region.write_persons([child(HEALTH), child(SCHOOL)], tmp_path / "persons.parquet")
    out = tmp_path / "not" / "there" / "yet"
    linkage.link(persons, out, as_of=dt.date(2025, 1, 1), config=linkage.LinkageConfig(memory_limit="200MB"))
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
