"""The review queue: the pairs that a person should look at, most harmful first.

Put here: the order of the queue, evidence in words, and batches that leave and come back. Keep out: applying a
decision (decisions.py, clustering.py).
"""

import csv
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pandas as pd
import recordlinkage as rl

from linkage.decisions import DecisionError
from linkage.model import COMPARISONS, VETO_CODE
from linkage.scoring import DIGITS, read_patterns
from linkage.second_reader import TABLE as READING_TABLE

HARM: Final = {
    "twin": (3.0, "one child's life under another child's name, in one family"),
    "nhs_number_differs": (3.0, "two children, or a number that nobody has put right"),
    "identifier_conflict": (3.0, "a brother's or a sister's number in the record"),
    "cluster_conflict": (2.5, "two ids whose other records disagree"),
    "two_ids": (2.5, "two histories that may be one child's"),
    "second_reader": (2.5, "an automatic link that another model doubts"),
    "former_upn": (2.0, "as after an adoption"),
    "other_family": (2.0, "as after an adoption"),
    "ambiguous": (2.0, "a baby that fits two"),
    "upn_differs": (1.5, "a pupil number issued again, or two children"),
    "unborn": (1.5, "a pregnancy that nobody has joined to the child"),
    "no_birth_date": (1.0, "a notice that reaches nobody"),
    "other_birth_date": (1.0, "a mistyped date"),
    "band": (1.0, "likely, and not sure enough"),
}
"""What it costs if the pair stays as it is and that is wrong, by kind, with the reason."""
AT_RISK: Final = 1.5
"""How much more a pair counts whose child is on the register or looked after, or that the second reader disputes."""
VERDICTS: Final = ("same", "not_same", "unsure")


def build_queue(con: duckdb.DuckDBPyConnection, flags: Path | None = None) -> None:
    """Make the temporary table `review_queue`, in its order.

    Args:
        con: the store, with `pair_decision` and `current_child` (outputs.find_children, outputs.decide).
        flags: Parquet with record_key, is_on_register and is_looked_after; without it nobody is known to be.
    """
    con.execute(READING_TABLE)
    risky = (
        f"SELECT r.record FROM read_parquet({_quoted(flags)}) f JOIN record r USING (record_key) "
        "WHERE f.is_on_register OR f.is_looked_after"
        if flags is not None
        else "SELECT record FROM record WHERE false"
    )
    names = " ".join(f"WHEN {code} THEN '{name}'" for name, code in VETO_CODE.items())
    harm = " ".join(f"WHEN '{kind}' THEN {weight}" for kind, (weight, _) in HARM.items())
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE review_queue AS
        WITH sealed_child AS (SELECT child_id FROM child WHERE is_sealed),
        at_risk AS (SELECT DISTINCT child_id FROM current_child WHERE record IN ({risky})), asked AS (
            SELECT p.l, p.r, p.pattern, p.child_l, p.child_r,
                   1 / (1 + pow(2, -CAST(p.weight AS DOUBLE))) AS probability,
                   CAST(s.probability AS DOUBLE) AS second_probability,
                   CASE WHEN p.decision = 'link' THEN 'second_reader' WHEN p.veto > 0 THEN CASE p.veto {names} END
                        WHEN a.cluster_size > 1 AND b.cluster_size > 1 THEN 'two_ids' ELSE 'band' END AS kind,
                   p.child_l IN (FROM at_risk) OR p.child_r IN (FROM at_risk) AS is_at_risk
            FROM pair_decision p
            JOIN current_child a ON a.record = p.l JOIN current_child b ON b.record = p.r
            LEFT JOIN second_reading s ON s.l = p.l AND s.r = p.r
            WHERE p.verdict IS NULL
            AND p.child_l NOT IN (FROM sealed_child) AND p.child_r NOT IN (FROM sealed_child)
            AND ((p.decision = 'review' AND p.child_l <> p.child_r)
                                         OR (p.decision = 'link' AND s.probability < 0.02))
        )
        SELECT q.*, x.record_key AS record_key_l, y.record_key AS record_key_r,
               CASE kind {harm} ELSE 1.0 END
               * CASE WHEN kind = 'second_reader' THEN 1 - coalesce(second_probability, 0.5)
                      ELSE greatest(probability, 0.05) END
               * CASE WHEN is_at_risk THEN {AT_RISK} ELSE 1.0 END
               * CASE WHEN abs(second_probability - probability) > 0.5 THEN {AT_RISK} ELSE 1.0 END AS priority
        FROM asked q JOIN record x ON x.record = q.l JOIN record y ON y.record = q.r
        """
    )


def queue(con: duckdb.DuckDBPyConnection, first: int) -> pd.DataFrame:
    """The head of the queue: one row a pair, with the evidence of every field in words."""
    found = con.execute(
        f"SELECT * FROM review_queue ORDER BY priority DESC, record_key_l, record_key_r LIMIT {int(first)}"
    ).df()
    levels = read_patterns(found["pattern"].to_numpy(dtype=np.int64))
    for comparison in COMPARISONS:
        words = {"missing": "not recorded in both"} | {level.name: level.reason for level in comparison.levels}
        names = [DIGITS[comparison.field][digit] for digit in levels.of(comparison.field)]
        found[comparison.field] = [words.get(name) or words["exact"] for name in names]
    return found.drop(columns=["l", "r", "pattern", "child_l", "child_r"])


def export_batch(con: duckdb.DuckDBPyConnection, path: Path, size: int, *, is_blind: bool = False) -> int:
    """Write the head of the queue as CSV with empty columns `verdict` and `reason`, for one person; gives the rows.

    Blind, it holds nothing of what the machines think, in an order that says nothing.
    """
    rows, batch = queue(con, size), secrets.token_hex(4)
    if is_blind:
        rows = rows.drop(columns=["probability", "second_probability", "kind", "priority", "is_at_risk"])
        rows = rows.sample(frac=1, random_state=int(batch, 16) % 2**32)
    rows = rows.assign(batch=batch, verdict="", reason="")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as written:
        rows.to_csv(written, index=False)
    return len(rows)


def import_batch(path: Path, *, decided_by: str, decided_at: datetime) -> list[dict[str, str]]:
    """Read a filled-in batch as rows for decisions.add_decisions; pairs without a verdict are left out.

    Raises:
        DecisionError: a verdict is unknown, or a pair has two; names the lines.
    """
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = [row for row in enumerate(csv.DictReader(opened), start=2) if (row[1].get("verdict") or "").strip()]
    faults, answers = [], {}
    for line, row in rows:
        pair, verdict = (row["record_key_l"], row["record_key_r"]), row["verdict"].strip()
        if verdict not in VERDICTS:
            faults.append(f"line {line}: verdict must be one of {', '.join(VERDICTS)}")
        elif answers.setdefault(pair, (line, verdict))[1] != verdict:
            faults.append(f"lines {answers[pair][0]} and {line}: two different verdicts on one pair")
    if faults:
        raise DecisionError("no decision was taken in: " + "; ".join(faults))
    return [_decision(row, decided_by, decided_at) for _, row in rows]


def _decision(row: dict[str, str], decided_by: str, decided_at: datetime) -> dict[str, str]:
    return {
        "record_key_l": row["record_key_l"],
        "record_key_r": row["record_key_r"],
        "verdict": row["verdict"].strip(),
        "decided_by": decided_by,
        "decided_at": decided_at.isoformat(),
        "reason": (row.get("reason") or "").strip() or "reviewed in a batch",
        "expires_on": "",
    }


def export_annotation(con: duckdb.DuckDBPyConnection, path: Path, size: int) -> int:
    """Write the head of the queue in recordlinkage's annotation format, which shows both records; gives the pairs.

    The file holds values of persons: it is for its owner only, and for one review.
    """
    rows = queue(con, size)
    con.register("annotated", rows[["record_key_l", "record_key_r"]])
    people = con.execute(
        """
        SELECT record_key, forename, middle_names, surname, birth, sex, postcode, address_line FROM record
        WHERE record_key IN (SELECT record_key_l FROM annotated UNION SELECT record_key_r FROM annotated)
        ORDER BY record_key
        """
    ).df()
    con.unregister("annotated")
    people = people.set_index("record_key").astype(object)
    pairs = pd.MultiIndex.from_frame(rows[["record_key_l", "record_key_r"]])
    old = os.umask(0o077)
    try:
        rl.write_annotation_file(str(path), pairs, people, people, dataset_a_name="Dolen", dataset_b_name="Dolen")
    finally:
        os.umask(old)
    return len(rows)


def import_annotation(path: Path, *, decided_by: str, decided_at: datetime) -> list[dict[str, str]]:
    """Read an annotated file as rows for decisions.add_decisions: links are `same`, distinct pairs `not_same`."""
    found = rl.read_annotation_file(str(path))
    sides: Iterable[tuple[str, pd.MultiIndex]] = (("same", found.links), ("not_same", found.distinct))
    return [
        _decision({"record_key_l": one, "record_key_r": other, "verdict": verdict}, decided_by, decided_at)
        for verdict, pairs in sides
        if pairs is not None
        for one, other in pairs
    ]


def count_by_kind(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Size of the queue by kind."""
    return dict(con.execute("SELECT kind, count(*) FROM review_queue GROUP BY 1 ORDER BY 2 DESC, 1").fetchall())


def settled(con: duckdb.DuckDBPyConnection, truth: Path, first: int) -> int:
    """True pairs of records under two ids that the first pairs of the queue would bring together.

    Args:
        con: with `review_queue`.
        truth: Parquet with record_key and person_id; simulated regions only.
        first: pairs of the queue.
    """
    return con.execute(
        f"""
        WITH known AS (
            SELECT r.record, t.person_id FROM read_parquet({_quoted(truth)}) t JOIN record r USING (record_key)
        ),
        head AS (SELECT DISTINCT least(child_l, child_r) AS child_l, greatest(child_l, child_r) AS child_r FROM (
            SELECT q.*, a.person_id = b.person_id AS is_true FROM review_queue q
            JOIN known a ON a.record = q.l JOIN known b ON b.record = q.r
            ORDER BY priority DESC, record_key_l, record_key_r LIMIT {int(first)}
        ) WHERE is_true AND child_l <> child_r)
        SELECT count(*) FROM head h
        JOIN current_child a ON a.child_id = h.child_l JOIN current_child b ON b.child_id = h.child_r
        JOIN known x ON x.record = a.record JOIN known y ON y.record = b.record AND y.person_id = x.person_id
        """
    ).fetchall()[0][0]


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"
