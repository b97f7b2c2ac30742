"""Finds the pairs of records that are worth comparing.

Put here: blocking keys and the joins over them. Keep out: which rules there are (model.py) and any look at how well
two records agree.

A key is a hash of a rule and its values, one row a record and value. The store keeps the keys, so that a night joins
the keys of the changed records to those of all and the cost follows the change.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from linkage.model import BLOCKING_RULES, DECIDED_RULE, MERGED_RULE, BlockingRule

KEY_TABLE: Final = "CREATE TABLE IF NOT EXISTS block_key (key UBIGINT, record INTEGER, rule UTINYINT, is_one BOOLEAN)"

RULE_NAMES: Final = (*(rule.name for rule in BLOCKING_RULES), MERGED_RULE, DECIDED_RULE)
"""Bit n of a pair's `rules` is the n-th of these."""

_KEYED: Final = """
SELECT record, birth, birth_year, forename, surname, forename_sound, surname_sound, nhs_current, other_identifier,
       family, is_unborn,
       CASE WHEN upn IS NULL THEN former_upns
            ELSE list_distinct(list_append(coalesce(former_upns, []), upn)) END AS upns,
       CASE WHEN surname_sound IS NULL THEN other_surname_sounds
            ELSE list_distinct(list_append(coalesce(other_surname_sounds, []), surname_sound)) END AS surname_sounds,
       CASE WHEN forename_sound IS NULL THEN other_forename_sounds
            ELSE list_distinct(list_append(coalesce(other_forename_sounds, []), forename_sound)) END AS forename_sounds,
       list_concat(CASE WHEN postcode IS NULL THEN other_postcodes
                        ELSE list_distinct(list_append(coalesce(other_postcodes, []), postcode)) END,
                   CASE WHEN address_numbers <> '' THEN
                        [address_numbers || ':' || left(regexp_extract(address_line, '[A-Z]{3,}'), 4)] END) AS places,
       CASE WHEN birth_swapped IS NOT NULL THEN [least(birth, birth_swapped)] END AS swapped_dates,
       list_concat(telephones, guardian_names) AS household
FROM record
"""


@dataclass(frozen=True)
class RuleCount:
    """What one rule did in a run."""

    pairs: int
    """Distinct candidate pairs that it found, alone or with others."""
    pairs_alone: int
    """... that no other rule found."""
    blocks_cut: int
    """Blocks over the size limit, left out."""
    records_in_cut_blocks: int


def update_keys(con: duckdb.DuckDBPyConnection) -> None:
    """Replace the keys of the records in the temporary tables `changed` and `gone`."""
    con.execute("DELETE FROM block_key WHERE record IN (FROM changed UNION ALL FROM gone)")
    con.execute(f"CREATE OR REPLACE TEMP TABLE keyed_record AS {_KEYED} WHERE record IN (FROM changed)")
    for number, rule in enumerate(BLOCKING_RULES):
        con.execute(f"INSERT INTO block_key {_rule_keys(number, rule, 'keyed_record')}")
    con.execute("DROP TABLE keyed_record")


def _rule_keys(number: int, rule: BlockingRule, table: str) -> str:
    """The keys of one rule; a key with a part missing is none."""
    parts = [f"{part.strip()} AS k{place}" for place, part in enumerate(_split(rule.key))]
    names = [f"k{place}" for place in range(len(parts))]
    known = " AND ".join(f"{name} IS NOT NULL" for name in names)
    one = rule.one_of_two or "NULL"
    return (
        f"SELECT hash({number}, {', '.join(names)}) AS key, record, {number} AS rule, is_one FROM "
        f"(SELECT record, {', '.join(parts)}, {one} AS is_one FROM {table}) WHERE {known}"
    )


def _split(key: str) -> list[str]:
    """The parts of a key: commas outside brackets."""
    parts, depth = [""], 0
    for letter in key:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def find_candidates(con: duckdb.DuckDBPyConnection, max_block_size: int, *, is_full: bool) -> dict[str, RuleCount]:
    """Find the candidate pairs of the changed records, as temporary table `candidate(l, r, rules)` with l < r.

    Args:
        con: the store, with keys up to date and the temporary tables `changed` and `decision_now(l, r, verdict)`.
        max_block_size: blocks with more records are left out and counted.
        is_full: all records are new or changed, so the whole table is joined with itself.

    Returns:
        Counts by rule name.
    """
    touched = "" if is_full else "WHERE key IN (SELECT key FROM block_key WHERE record IN (FROM changed))"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE block AS
        SELECT key, any_value(rule) AS rule, count(*) AS records FROM block_key {touched} GROUP BY key
        HAVING count(*) > 1
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE live_key AS
        SELECT k.key, k.record, k.rule, k.is_one FROM block_key k
        SEMI JOIN (SELECT key FROM block WHERE records <= {max_block_size}) b USING (key)
        """
    )
    left = "live_key" if is_full else "(SELECT * FROM live_key WHERE record IN (FROM changed))"
    order = "a.record < b.record" if is_full else "a.record <> b.record"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE candidate AS
        SELECT l, r, CAST(bit_or(rules) AS UINTEGER) AS rules FROM (
            SELECT least(a.record, b.record) AS l, greatest(a.record, b.record) AS r,
                   CAST(1 AS UINTEGER) << a.rule AS rules
            FROM {left} a JOIN live_key b ON a.key = b.key AND {order} AND (coalesce(a.is_one, true) OR b.is_one)
            UNION ALL
            SELECT least(m.record, r.record), greatest(m.record, r.record), CAST({1 << len(BLOCKING_RULES)} AS UINTEGER)
            FROM record m JOIN record r ON r.record_key = m.merged_into_record_key AND r.record <> m.record
            WHERE r.is_present AND (m.record IN (FROM changed) OR r.record IN (FROM changed))
            UNION ALL
            SELECT d.l, d.r, CAST({1 << len(BLOCKING_RULES) + 1} AS UINTEGER)
            FROM decision_now d
            WHERE d.l IN (FROM changed) OR d.r IN (FROM changed)
            OR NOT EXISTS (FROM pair p WHERE p.l = d.l AND p.r = d.r)
        ) GROUP BY l, r
        """
    )
    cut = {
        rule: (blocks, records)
        for rule, blocks, records in con.execute(
            f"SELECT rule, count(*), sum(records) FROM block WHERE records > {max_block_size} GROUP BY rule"
        ).fetchall()
    }
    bits = ", ".join(
        f"count(*) FILTER (rules & {1 << number} > 0), count(*) FILTER (rules = {1 << number})"
        for number in range(len(RULE_NAMES))
    )
    found = con.execute(f"SELECT {bits} FROM candidate").fetchall()[0]
    con.execute("DROP TABLE block; DROP TABLE live_key")
    return {
        name: RuleCount(found[2 * number], found[2 * number + 1], *map(int, cut.get(number, (0, 0))))
        for number, name in enumerate(RULE_NAMES)
    }
