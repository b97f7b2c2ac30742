"""Decisions of people: what is refused, what holds on which day, and that nothing is lost."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage import decisions
from linkage.decisions import COLUMNS, DecisionError, add_decisions, export_csv, import_csv, load

DAY = dt.date(2026, 11, 25)


def decision(left="a|s|1", right="b|s|1", verdict="same", **values):
    ordinary = {
        "record_key_l": left, "record_key_r": right, "verdict": verdict, "decided_by": "reviewer 7",
        "decided_at": "2026-11-25T09:00:00+00:00", "reason": "birth certificate seen", "expires_on": "",
    }  # fmt: skip
    return ordinary | values


def verdicts(folder, as_of=DAY):
    frame = load(folder, as_of).frame
    return {(one.record_key_l, one.record_key_r): one.verdict for one in frame.itertuples()}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"verdict": "maybe"}, "verdict must be one of"),
        ({"right": "a|s|1"}, "compared with itself"),
        ({"decided_by": " "}, "decided_by must be given"),
        ({"reason": ""}, "reason must be given"),
        ({"decided_at": "yesterday"}, "decided_at must be a time"),
        ({"decided_at": "2026-11-25T09:00:00"}, "decided_at must be a time"),
        ({"expires_on": "2026-11-24"}, "expires before it was decided"),
        ({"expires_on": "next year"}, "expires_on must be a date"),
        ({"scope": "family"}, "scope must be one of"),
        ({"scope": "children"}, "needs the identity store"),
    ],
)
def test_a_row_that_cannot_hold_is_refused_with_its_line_and_nothing_is_stored(tmp_path, wrong, message):
    with pytest.raises(DecisionError, match=message) as raised:
        add_decisions(tmp_path, [decision("c|s|1", "d|s|1"), decision(**wrong)])
    assert "line 2" in str(raised.value)
    assert "a|s|1" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_two_verdicts_on_one_pair_in_one_file_are_refused(tmp_path):
    with pytest.raises(DecisionError, match="lines 1 and 2: two different verdicts"):
        add_decisions(tmp_path, [decision(), decision("b|s|1", "a|s|1", "not_same")])


def test_a_chain_that_joins_what_is_held_apart_is_refused_within_a_file_and_against_older_ones(tmp_path):
    chain = [decision("a|s|1", "b|s|1"), decision("b|s|1", "c|s|1"), decision("a|s|1", "c|s|1", "not_same")]
    with pytest.raises(DecisionError, match="joins two records that are held apart"):
        add_decisions(tmp_path, chain)
    add_decisions(tmp_path, chain[1:])
    with pytest.raises(DecisionError, match="line 1: with other decisions"):
        add_decisions(tmp_path, chain[:1])


@pytest.mark.parametrize("verdict", ["same", "not_same", "unsure"])
def test_no_other_verdict_lifts_a_seal_that_is_in_force(tmp_path, verdict):
    add_decisions(tmp_path, [decision(verdict="sealed")])
    with pytest.raises(DecisionError, match="sealed from each other"):
        add_decisions(tmp_path, [decision(verdict=verdict, decided_at="2026-11-26T09:00:00+00:00")])


@pytest.mark.parametrize("expires_on", ["", "2030-01-01"])
def test_a_seal_or_chain_counts_against_new_decisions_as_long_as_it_is_in_force(tmp_path, expires_on):
    add_decisions(
        tmp_path,
        [
            decision("a|s|1", "b|s|1", "sealed", expires_on=expires_on),
            decision("c|s|1", "d|s|1", "not_same", expires_on=expires_on),
            decision("d|s|1", "e|s|1", expires_on=expires_on),
        ],
    )
    later = {"decided_at": "2026-11-26T09:00:00+00:00"}
    with pytest.raises(DecisionError, match="line 1: the two records are sealed from each other"):
        add_decisions(tmp_path, [decision("a|s|1", "b|s|1", **later)])
    with pytest.raises(DecisionError, match="line 1: with other decisions it joins two records that are held apart"):
        add_decisions(tmp_path, [decision("c|s|1", "e|s|1", **later)])


def test_a_seal_that_has_expired_no_longer_counts_against_new_decisions(tmp_path):
    add_decisions(tmp_path, [decision(verdict="sealed", expires_on="2026-11-30")])
    add_decisions(tmp_path, [decision(decided_at="2026-12-01T09:00:00+00:00")])
    assert verdicts(tmp_path, dt.date(2026, 12, 1)) == {("a|s|1", "b|s|1"): "same"}


def test_a_decision_of_earlier_date_is_judged_with_those_that_came_after_it(tmp_path):
    add_decisions(tmp_path, [decision("a|s|1", "b|s|1"), decision("b|s|1", "c|s|1")])
    early = {"decided_at": "2026-01-01T09:00:00+00:00", "verdict": "not_same"}
    with pytest.raises(DecisionError, match="line 2: with other decisions"):
        add_decisions(tmp_path, [decision("a|s|1", "b|s|1", **early), decision("a|s|1", "c|s|1", **early)])
    add_decisions(tmp_path, [decision("a|s|1", "b|s|1", **early)])
    assert set(verdicts(tmp_path).values()) == {"same"}


def test_a_decision_on_children_can_be_exported_and_imported_elsewhere(tmp_path):
    members = {"a|s|1": ["a|s|1", "a|s|2"], "b|s|1": ["b|s|1"]}
    add_decisions(tmp_path / "one", [decision(scope="children")], members=members.__getitem__)
    export_csv(tmp_path / "one", tmp_path / "all.csv", DAY)
    import_csv(tmp_path / "two", tmp_path / "all.csv")
    assert load(tmp_path / "two", DAY).frame.equals(load(tmp_path / "one", DAY).frame)


def test_a_reviewer_may_change_their_mind_and_the_newest_verdict_holds(tmp_path):
    add_decisions(tmp_path, [decision()])
    add_decisions(tmp_path, [decision(verdict="not_same", decided_at="2026-11-25T10:00:00+00:00")])
    assert verdicts(tmp_path) == {("a|s|1", "b|s|1"): "not_same"}


@pytest.mark.parametrize(("days", "holds"), [(-1, True), (0, True), (1, False)])
def test_a_decision_holds_until_the_day_it_expires_and_an_older_one_does_not_come_back(tmp_path, days, holds):
    expiry = dt.date(2027, 3, 1)
    add_decisions(tmp_path, [decision(verdict="unsure", decided_at="2026-01-01T09:00:00+00:00")])
    add_decisions(tmp_path, [decision(expires_on=expiry.isoformat())])
    assert bool(verdicts(tmp_path, expiry + dt.timedelta(days))) is holds


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (1, True)])
def test_a_decision_is_in_force_from_the_day_it_was_made(tmp_path, days, holds):
    add_decisions(tmp_path, [decision()])
    assert bool(verdicts(tmp_path, DAY + dt.timedelta(days))) is holds


def test_a_decision_on_children_is_written_out_for_all_their_records(tmp_path):
    members = {"a|s|1": ["a|s|1", "a|s|2"], "b|s|1": ["b|s|1", "b|s|2"]}
    imported = add_decisions(tmp_path, [decision(verdict="not_same", scope="children")], members=members.__getitem__)
    assert imported.rows == len(verdicts(tmp_path)) == 4


def test_a_file_exported_and_imported_elsewhere_gives_the_same_decisions(tmp_path):
    add_decisions(tmp_path / "one", [decision(), decision("c|s|1", "d|s|1", "not_same", expires_on="2027-01-01")])
    assert export_csv(tmp_path / "one", tmp_path / "all.csv", DAY) == 2
    import_csv(tmp_path / "two", tmp_path / "all.csv")
    assert load(tmp_path / "two", DAY).frame.equals(load(tmp_path / "one", DAY).frame)


def test_a_file_without_a_column_is_refused_by_name(tmp_path):
    (tmp_path / "in.csv").write_text("record_key_l,verdict\na|s|1,same\n")
    with pytest.raises(DecisionError, match=r"in.csv lacks the column\(s\) record_key_r"):
        import_csv(tmp_path / "decisions", tmp_path / "in.csv")


def test_lines_are_counted_as_in_the_file(tmp_path):
    header = ",".join(COLUMNS)
    (tmp_path / "in.csv").write_text(f"{header}\na|s|1,b|s|1,perhaps,x,2026-11-25T09:00:00+00:00,seen,,pair\n")
    with pytest.raises(DecisionError, match="line 2: verdict"):
        import_csv(tmp_path / "decisions", tmp_path / "in.csv")


def test_an_import_that_breaks_off_leaves_the_decisions_as_they_were(tmp_path, monkeypatch):
    add_decisions(tmp_path, [decision()])
    monkeypatch.setattr(decisions.os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        add_decisions(tmp_path, [decision("c|s|1", "d|s|1")])
    assert verdicts(tmp_path) == {("a|s|1", "b|s|1"): "same"}


def test_a_stray_file_in_the_folder_is_refused(tmp_path):
    (tmp_path / "notes.csv").write_text("who,what\nx,y\n")
    with pytest.raises(DecisionError, match=r"notes\.csv in the folder of decisions is not a file that Dolen wrote"):
        load(tmp_path, DAY)


@given(st.permutations(range(4)))
def test_the_order_of_the_files_never_decides_what_holds(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("decisions")
    for hour in order:
        when = f"2026-11-25T1{hour}:00:00+00:00"
        add_decisions(folder, [decision(verdict=("same", "unsure", "not_same", "same")[hour], decided_at=when)])
    assert verdicts(folder) == {("a|s|1", "b|s|1"): "same"}
