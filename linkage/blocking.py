"""Finds candidate pairs: records that agree on the keys of at least one blocking rule.

Put here: what a key is, joining on it, and the cap on the size of a block. Keep out: which rules there are
and why (model.py).

The joins run in DuckDB on record positions. `recordlinkage.Index` would do the same join in pandas, but it
cannot cap a block, forgets which rule found a pair, and unites its results as an index of tuples.
"""

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linkage.model import MERGED_RULE, BlockingRule

KEYS: Final = {
    "nhs_number": "SELECT record, nhs_number AS value FROM person",
    "any_upn": "SELECT record, value FROM upns",
    "any_forename": "SELECT record, value FROM forenames",
    "any_surname": "SELECT record, value FROM surnames",
    "any_forename_sound": "SELECT record, value FROM forenames_sound",
    "any_surname_sound": "SELECT record, value FROM surnames_sound",
    "any_postcode": "SELECT record, value FROM postcodes",
    "family": "SELECT record, agency || '|' || system || '|' || family_group_id AS value FROM person",
    "birth_date": "SELECT record, CAST(birth_date AS VARCHAR) AS value FROM person",
    "birth_year": "SELECT record, CAST(year(birth_date) AS VARCHAR) AS value FROM person",
    "birth_day_month": "SELECT record, strftime(birth_date, '%m-%d') AS value FROM person",
    "date_or_swap": """
        SELECT record, CAST(birth_date AS VARCHAR) AS value FROM person
        UNION SELECT record, CAST(make_date(year(birth_date), day(birth_date), month(birth_date)) AS VARCHAR)
        FROM person WHERE day(birth_date) <= 12""",
    "names_unordered": """
        SELECT record, least(forename, surname) || ' ' || greatest(forename, surname) AS value
        FROM person WHERE forename IS NOT NULL AND surname IS NOT NULL""",
}


@dataclass(frozen=True)
class RuleCount:
    """What one rule did."""

    pairs: int
    blocks_cut: int
    records_in_cut_blocks: int


@dataclass(frozen=True)
class Candidates:
    """Distinct candidate pairs, left before right, sorted."""

    left: np.ndarray
    right: np.ndarray
    found_by: np.ndarray
    """Bit set of rules, in the order of `rule_names`."""
    rule_names: tuple[str, ...]
    counts: dict[str, RuleCount]

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.left)


def find_candidates(con: duckdb.DuckDBPyConnection, rules: tuple[BlockingRule, ...], max_block_size: int) -> Candidates:
    """Run every rule over the prepared persons and unite the pairs."""
    con.execute("CREATE OR REPLACE TABLE candidate (l INTEGER, r INTEGER, rule UBIGINT)")
    counts: dict[str, RuleCount] = {}
    for number, rule in enumerate(rules):
        counts[rule.name] = _run_rule(con, rule, number, max_block_size)
    names = (*(rule.name for rule in rules), MERGED_RULE)
    con.execute(
        """
        INSERT INTO candidate
        SELECT least(p.record, m.record), greatest(p.record, m.record), $bit
        FROM person p JOIN person m ON m.record_key = p.merged_into_record_key AND m.record <> p.record
        """,
        {"bit": 1 << (len(names) - 1)},
    )
    found = con.execute("SELECT l, r, bit_or(rule) AS found_by FROM candidate GROUP BY l, r ORDER BY l, r").fetchnumpy()
    con.execute("DROP TABLE candidate")
    found_by = np.asarray(found["found_by"], dtype=np.uint64)
    counts[MERGED_RULE] = RuleCount(int(np.count_nonzero(found_by >> np.uint64(len(names) - 1))), 0, 0)
    return Candidates(
        np.asarray(found["l"], dtype=np.int64), np.asarray(found["r"], dtype=np.int64), found_by, names, counts
    )


def _run_rule(con: duckdb.DuckDBPyConnection, rule: BlockingRule, number: int, max_block_size: int) -> RuleCount:
    joined = f"({KEYS[rule.keys[0]]}) k0"
    for position, key in enumerate(rule.keys[1:], start=1):
        joined += f" JOIN ({KEYS[key]}) k{position} ON k{position}.record = k0.record"
    value = " || '~' || ".join(f"k{position}.value" for position in range(len(rule.keys)))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE keyed AS "
        f"SELECT DISTINCT k0.record, {value} AS block FROM {joined} WHERE {value} IS NOT NULL"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE sized AS "
        "SELECT block, count(*) AS records FROM keyed GROUP BY block HAVING count(*) > 1"
    )
    cut, records = con.execute(
        "SELECT count(*), coalesce(sum(records), 0) FROM sized WHERE records > $cap", {"cap": max_block_size}
    ).fetchall()[0]
    condition = f"AND ({rule.only})" if rule.only else ""
    persons = "JOIN person l ON l.record = a.record JOIN person r ON r.record = b.record" if rule.only else ""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE paired AS
        WITH small AS (SELECT k.record, k.block FROM keyed k JOIN sized s USING (block) WHERE s.records <= $cap)
        SELECT DISTINCT a.record AS l, b.record AS r
        FROM small a JOIN small b ON a.block = b.block AND a.record < b.record {persons}
        WHERE true {condition}
        """,
        {"cap": max_block_size},
    )
    con.execute("INSERT INTO candidate SELECT l, r, $bit FROM paired", {"bit": 1 << number})
    pairs = con.execute("SELECT count(*) FROM paired").fetchall()[0][0]
    return RuleCount(int(pairs), int(cut), int(records))
