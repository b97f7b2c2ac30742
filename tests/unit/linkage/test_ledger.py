"""The identity ledger: ids stay, and every change of them is an event that can be replayed."""

import datetime as dt
from itertools import count

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import ledger
from linkage.errors import ClusterInvariantError

RECORDS = 8
partitions = st.lists(st.integers(0, RECORDS - 1), min_size=RECORDS, max_size=RECORDS)


class Book:
    """A ledger over a few records, in the words of the tests."""

    def __init__(self, records=RECORDS):
        self.con = duckdb.connect()
        self.con.execute(
            "CREATE TABLE record (record INTEGER, record_key VARCHAR, is_present BOOLEAN, is_sealed BOOLEAN, "
            "content_hash UBIGINT)"
        )
        self.con.execute(f"INSERT INTO record SELECT i, 'a|s|' || i, true, false, 1 FROM range({records}) t(i)")
        self.con.execute("CREATE TEMP TABLE sealed_now (record INTEGER, seal UBIGINT)")
        ledger.create_tables(self.con)
        self.days = count()

    def run(self, partition, order="record", reason="matched"):
        """Apply a partition, given as one group number a record."""
        day = dt.date(2026, 1, 1) + dt.timedelta(next(self.days))
        number = ledger.start_run(self.con, day, "m", "d")
        rows = [(record, group, reason) for record, group in enumerate(partition) if group is not None]
        self.con.execute("CREATE OR REPLACE TEMP TABLE solved (record INTEGER, cluster BIGINT, reason VARCHAR)")
        if order == "backwards":
            rows.reverse()
        self.con.executemany("INSERT INTO solved VALUES (?, ?, ?)", rows)
        ledger.seal(self.con, number)
        return ledger.apply(self.con, number)

    @property
    def ids(self):
        found = self.con.execute("SELECT record, child_id FROM membership WHERE valid_to_run IS NULL").fetchall()
        return {record: str(child) for record, child in found}

    def kinds(self):
        return [row[0] for row in self.con.execute("SELECT kind FROM event ORDER BY event").fetchall()]


@given(st.lists(partitions, min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_chain_of_nights_replayed_from_the_events_gives_the_memberships(nights):
    book, seen = Book(), set()
    for partition in nights:
        retired = {str(r[0]) for r in book.con.execute("SELECT child_id FROM child WHERE retired_run > 0").fetchall()}
        book.run(partition)
        ledger.verify(book.con)
        groups = {}
        for record, group in enumerate(partition):
            groups.setdefault(group, set()).add(record)
        assert {frozenset(g) for g in groups.values()} == {
            frozenset(r for r, c in book.ids.items() if c == child) for child in set(book.ids.values())
        }
        assert not retired & set(book.ids.values())
        seen |= set(book.ids.values())
    created = [r[0] for r in book.con.execute("SELECT child_id FROM event WHERE kind = 'create'").fetchall()]
    assert len(created) == len(set(created))


@given(partitions)
@settings(max_examples=20, deadline=None)
def test_a_night_without_news_changes_no_id_and_writes_no_event(partition):
    book = Book()
    book.run(partition)
    before, events = book.ids, len(book.kinds())
    changes = book.run(partition, "backwards")
    assert book.ids == before
    assert len(book.kinds()) == events
    assert changes == ledger.Changes()


@given(partitions, partitions)
@settings(max_examples=20, deadline=None)
def test_who_keeps_an_id_never_depends_on_the_order_of_the_rows(first, second):
    kept = []
    for order in ("record", "backwards"):
        book = Book()
        book.run(first)
        before = book.ids
        book.run(second, order)
        kept.append({record for record in before if book.ids[record] == before[record]})
    oldest_first = [len(part) for part in kept]
    assert oldest_first[0] == oldest_first[1]


def test_merge_then_split_returns_the_members_and_the_larger_part_keeps_the_id():
    book = Book(5)
    book.run([0, 0, 0, 1, 1])
    before = book.ids
    book.run([0] * 5)
    assert set(book.ids.values()) == {before[0]}
    changes = book.run([0, 0, 0, 1, 1])
    assert {book.ids[0], book.ids[1], book.ids[2]} == {before[0]}
    assert book.ids[3] == book.ids[4]
    assert book.ids[3] not in before.values(), "a retired id never comes back"
    assert (changes.split, changes.ids_changed) == (1, 2)


def test_the_older_of_two_ids_with_equally_many_members_survives_and_the_other_leads_to_it():
    book = Book(2)
    book.run([0, None])
    old = book.ids[0]
    book.run([0, 1])
    young = book.ids[1]
    changes = book.run([0, 0])
    assert set(book.ids.values()) == {old}
    assert changes.merged == changes.ids_changed == 1
    assert str(ledger.resolve(book.con, young)) == old
    assert "merge" in book.kinds()
    assert "redirect" in book.kinds()


def test_a_record_that_changes_sides_is_detached_and_attached_with_its_reason():
    book = Book(4)
    book.run([0, 0, 1, 1])
    book.run([0, 1, 1, 1], reason="decision")
    history = ledger.history_of_record(book.con, "a|s|1")
    assert [one["kind"] for one in history] == ["attach", "detach", "attach"]
    assert [one["reason"] for one in history] == ["first_seen", "decision", "decision"]


def test_every_earlier_day_can_be_read_again():
    book, then = Book(4), []
    for partition in ([0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 2, 3]):
        book.run(partition)
        then.append(book.ids)
    for day, ids in enumerate(then):
        as_of = dt.date(2026, 1, 1) + dt.timedelta(day)
        rows = book.con.execute(ledger.as_of_sql(as_of)).fetchall()
        assert {record: str(child) for record, child in rows} == ids


def test_a_sealed_record_leaves_no_path_between_its_ids():
    book = Book(3)
    book.run([0, 0, 1])
    earlier = book.ids[0]
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77)")
    book.run([0, 1, 2])
    new = book.ids[0]
    assert new not in {earlier, book.ids[1], book.ids[2]}
    assert book.ids[1] == earlier
    assert ledger.resolve(book.con, new) is None
    around = sharing_rows_with(book, new)
    assert {value for kind, value in around if kind == "child"} == {new}
    assert {value for kind, value in around if kind == "run"} == {ledger.NO_RUN}
    assert {value for kind, value in around if kind == "record"} == {0}
    of_earlier = book.con.execute("SELECT record FROM membership WHERE child_id = ?", [earlier]).fetchall()
    assert (0,) not in of_earlier
    assert all(one["child_id"] == new for one in ledger.history_of_record(book.con, "a|s|0"))
    runs = book.con.execute("SELECT DISTINCT run FROM event WHERE child_id = ?", [new]).fetchall()
    assert runs == [(ledger.NO_RUN,)]
    ledger.verify(book.con)


MEANINGS = {
    "record": "record", "run": "run", "created_run": "run", "retired_run": "run", "valid_from_run": "run",
    "valid_to_run": "run", "child_id": "child", "other_child_id": "child", "heir": "child", "event": "event",
}  # fmt: skip


def sharing_rows_with(book, child_id):
    """All that shares a row with an id, or with something that does."""
    rows = []
    for table in ("record", "event", "membership", "child"):
        found = book.con.execute(f"FROM {table}")
        names = [MEANINGS.get(column[0]) for column in found.description]
        for row in found.fetchall():
            values = [str(value) if name == "child" else value for name, value in zip(names, row, strict=True)]
            rows.append({(n, v) for n, v, raw in zip(names, values, row, strict=True) if n and raw is not None})
    reached = {("child", child_id)}
    while more := set().union(*(row for row in rows if row & reached)) - reached:
        reached |= more
    return reached


def test_neither_numbers_nor_clocks_nor_the_order_of_rows_tell_when_a_seal_was_put_on():
    book = Book(6)
    book.run([0, 0, 1, 2, 3, 4])
    clocks = {str(row[0])[:13] for row in book.con.execute("SELECT child_id FROM child").fetchall()}
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77)")
    book.run([0, 1, 2, 3, 4, 5])
    new = book.ids[0]
    assert new[:13] in clocks, "the clock of another child"
    assert new[14] == "7", "another version would mark a sealed child wherever its id is shown"
    numbers = book.con.execute("SELECT event FROM event WHERE child_id = ?", [new]).fetchall()
    assert all(number < 0 for (number,) in numbers)
    for table, order in (("child", "child_id"), ("membership", "record, valid_from_run"), ("event", "event")):
        rows = book.con.execute(f"FROM {table}").fetchall()
        assert rows == book.con.execute(f"FROM {table} ORDER BY {order}").fetchall(), table


def test_records_sealed_together_get_one_id_and_later_ones_join_it_without_a_date():
    book = Book(4)
    book.run([0, 0, 1, 2])
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77), (2, 77)")
    changes = book.run([0, 1, 0, 2])
    new = book.ids[0]
    assert book.ids[2] == new
    assert changes == ledger.Changes()
    book.con.execute("INSERT INTO sealed_now VALUES (3, 77)")
    assert book.run([0, 1, 0, 0]) == ledger.Changes()
    assert book.ids[3] == new
    assert {value for kind, value in sharing_rows_with(book, new) if kind == "run"} == {ledger.NO_RUN}
    ledger.verify(book.con)


def test_a_part_of_a_sealed_child_stays_sealed():
    book = Book(2)
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77), (1, 77)")
    book.run([0, 0])
    book.run([0, 1])
    assert len(set(book.ids.values())) == 2
    assert book.con.execute("SELECT bool_and(is_sealed) FROM child").fetchone() == (True,)


def test_an_id_that_only_sealed_records_had_ends_and_what_is_left_of_another_may_merge():
    book = Book(4)
    book.run([0, 1, 1, 2])
    alone, shared = book.ids[0], book.ids[1]
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77), (1, 78)")
    book.run([0, 1, 2, 2])
    assert ledger.resolve(book.con, alone) is None
    assert str(ledger.resolve(book.con, shared)) in {book.ids[2]}
    ledger.verify(book.con)


def test_sealing_twice_changes_nothing():
    book = Book(2)
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77)")
    book.run([0, 1])
    before = book.ids
    assert book.run([0, 1]) == ledger.Changes()
    assert book.ids == before


def test_a_partition_that_puts_a_sealed_child_with_another_is_refused():
    book = Book(2)
    book.con.execute("INSERT INTO sealed_now VALUES (0, 77)")
    book.run([0, 1])
    with pytest.raises(ClusterInvariantError, match="put a sealed child together"):
        book.run([0, 0])


def test_a_ledger_that_was_tampered_with_is_found_out():
    book = Book(2)
    book.run([0, 1])
    book.con.execute("UPDATE membership SET child_id = gen_random_uuid() WHERE record = 0")
    with pytest.raises(ClusterInvariantError, match="the ledger contradicts itself: 1 memberships"):
        ledger.verify(book.con)
