"""The review queue, the batches that leave and come back, and the second reader."""

import csv
import datetime as dt
import json

import pytest

from linkage import LinkageConfig, outputs, review
from linkage.decisions import DecisionError, add_decisions
from linkage.store import open_store

HEALTH, SCHOOL, CARE = "health|PARIS|1", "education|SIMS|1", "social_care|WCCIS|1"
NOW = dt.datetime(2025, 8, 30, 9, tzinfo=dt.UTC)


@pytest.fixture
def opened(tmp_path):
    """The store of the last run, with its queue."""
    stack = []

    def make(flags=None):
        manager = open_store(tmp_path / "identity.duckdb", "1GB", tmp_path / "spill", keeps=False)
        con = manager.__enter__()
        stack.append(manager)
        outputs.read_state(con, LinkageConfig())
        review.build_queue(con, flags)
        return con

    yield make
    for manager in stack:
        manager.__exit__(None, None, None)


@pytest.fixture
def twins(run, child, tmp_path):
    return run(
        child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"), identity=tmp_path / "identity.duckdb"
    )


def test_every_kind_of_the_queue_says_what_is_at_stake():
    assert all(weight >= 1 and reason for weight, reason in review.HARM.values())


def test_twins_wait_for_a_person_with_their_evidence_in_words(twins, opened):
    head = review.queue(opened(), 10).to_dict("records")
    assert [one["kind"] for one in head] == ["twin"]
    assert head[0]["forename"] == "another name"
    assert head[0]["birth_date"] == "equal"
    assert head[0]["telephone"] == "not recorded in both"


def test_the_most_harmful_pairs_come_first_and_a_child_on_the_register_before_others(run, region, tmp_path, opened):
    rows, _, _ = region.make_region(600, seed=7, twin_share=0.1)
    run(*rows, identity=tmp_path / "identity.duckdb", min_labels=500)
    con = opened()
    order = review.queue(con, 10_000)
    assert order["priority"].is_monotonic_decreasing
    last = order.iloc[-1]
    flags = tmp_path / "flags.parquet"
    con.execute(
        f"COPY (SELECT '{last.record_key_l}' AS record_key, true AS is_on_register, false AS is_looked_after) "
        f"TO '{flags}' (FORMAT parquet)"
    )
    review.build_queue(con, flags)
    again = review.queue(con, 10_000)
    risen = again[(again.record_key_l == last.record_key_l) & (again.record_key_r == last.record_key_r)].iloc[0]
    assert risen.priority > last.priority


def test_a_blind_batch_hides_what_the_machines_think_and_is_for_its_owner_only(twins, opened, tmp_path):
    review.export_batch(opened(), tmp_path / "batch.csv", 10, is_blind=True)
    header = (tmp_path / "batch.csv").read_text().splitlines()[0].split(",")
    assert not {"probability", "second_probability", "kind", "priority"} & set(header)
    assert {"record_key_l", "forename", "verdict", "reason"} <= set(header)
    assert (tmp_path / "batch.csv").stat().st_mode & 0o777 == 0o600


def test_a_batch_that_a_person_filled_in_comes_back_as_decisions_and_holds(twins, run, child, opened, tmp_path):
    review.export_batch(opened(), tmp_path / "batch.csv", 10)
    with (tmp_path / "batch.csv").open() as written:
        rows = list(csv.DictReader(written))
    rows[0] |= {"verdict": "same", "reason": "known by both names"}
    with (tmp_path / "batch.csv").open("w", newline="") as written:
        writer = csv.DictWriter(written, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    add_decisions(
        tmp_path / "decisions", review.import_batch(tmp_path / "batch.csv", decided_by="reviewer 7", decided_at=NOW)
    )
    linked = run(child(HEALTH, forename="TEGAN"), child(SCHOOL, forename="SIONED"), decided=tmp_path / "decisions")
    assert linked.together(HEALTH, SCHOOL)


def test_a_batch_with_two_answers_or_an_unknown_one_is_refused_by_its_lines(tmp_path):
    path = tmp_path / "batch.csv"
    path.write_text("record_key_l,record_key_r,verdict,reason\na,b,same,x\na,b,not_same,x\na,c,perhaps,x\na,d,,\n")
    with pytest.raises(DecisionError, match=r"lines 2 and 3: two different verdicts.*line 4: verdict must be one of"):
        review.import_batch(path, decided_by="reviewer 7", decided_at=NOW)


def test_a_batch_in_the_annotation_format_of_recordlinkage_comes_back(twins, opened, tmp_path):
    path = tmp_path / "batch.json"
    assert review.export_annotation(opened(), path, 10) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    annotated = json.loads(path.read_text())
    annotated["pairs"][0]["label"] = 0
    path.write_text(json.dumps(annotated))
    rows = review.import_annotation(path, decided_by="reviewer 7", decided_at=NOW)
    assert [(one["verdict"], {one["record_key_l"], one["record_key_r"]}) for one in rows] == [
        ("not_same", {HEALTH, SCHOOL})
    ]


def test_a_sealed_record_never_waits_in_the_queue(run, child, tmp_path, opened):
    run(child(HEALTH, forename="TEGAN"), child(CARE, forename="SIONED", is_sealed=True),
        identity=tmp_path / "identity.duckdb")  # fmt: skip
    assert review.queue(opened(), 10).empty


def test_two_records_under_one_seal_are_not_shown_in_the_queue_either(run, child, tmp_path, opened):
    sealed = {"is_sealed": True, "nhs_number": "9990000018"}
    linked = run(child(CARE, forename="TEGAN", **sealed), child("social_care|WCCIS|2", forename="SIONED", **sealed),
                 identity=tmp_path / "identity.duckdb")  # fmt: skip
    assert linked.summary.review == 1
    con = opened()
    assert review.queue(con, 10).empty
    assert review.export_annotation(con, tmp_path / "batch.json", 10) == 0


def test_two_children_with_pairs_in_both_directions_are_settled_once(run, child, tmp_path, opened):
    told = tmp_path / "decisions"
    rows = [child(f"health|PARIS|{n}", forename="TEGAN") for n in (1, 4)]
    rows += [child(f"health|PARIS|{n}", forename="SIONED") for n in (2, 3)]
    run(*rows, identity=tmp_path / "identity.duckdb", decided=told)
    con = opened()
    keys = ", ".join(f"('health|PARIS|{n}', 'p')" for n in (1, 2, 3, 4))
    con.execute(f"COPY (SELECT * FROM (VALUES {keys}) t(record_key, person_id)) "
                f"TO '{tmp_path}/truth.parquet' (FORMAT parquet)")  # fmt: skip
    assert review.settled(con, tmp_path / "truth.parquet", 100) == 4


def test_the_second_reader_agrees_with_most_and_its_figures_are_in_the_summary(run, region, tmp_path, opened):
    rows, truth, _ = region.make_region(1_000, seed=7, twin_share=0.06)
    linked = run(*rows, identity=tmp_path / "identity.duckdb", min_labels=500)
    read = linked.summary.second_reader
    assert read["read"] > 1_000
    assert read["agree"] / read["read"] > 0.9
    truth.to_parquet(tmp_path / "truth.parquet")
    con = opened()
    assert con.execute("SELECT count(*) FROM second_reading").fetchall()[0][0] == read["read"]
    first, all_of_them = (review.settled(con, tmp_path / "truth.parquet", count) for count in (20, 500))
    assert 0 < first <= all_of_them


def test_with_few_labels_nothing_is_read_again(run, child):
    assert run(child(HEALTH), child(SCHOOL)).summary.second_reader["read"] == 0
