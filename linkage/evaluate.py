"""Measures clusters against a known truth.

Put here: figures over pairs of records, over children and over twins. Keep out: anything that linking
itself uses; truth exists for simulated regions only.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from linkage.errors import TruthContractError


@dataclass(frozen=True)
class Accuracy:
    """Pairs of records under one id, against pairs of records of one person."""

    true_pairs: int
    linked_pairs: int
    correct_pairs: int

    @property
    def precision(self) -> float:
        """Share of the linked pairs that are true; 1 if nothing is linked."""
        return self.correct_pairs / self.linked_pairs if self.linked_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that are linked; 1 if there is none."""
        return self.correct_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Evaluation:
    """How good the clusters are."""

    records: int
    """Records that have both a cluster and a truth; the others are not judged."""
    persons: int
    children: int
    pairs: Accuracy
    by_source_pair: dict[str, Accuracy]
    """By the two agencies, in alphabetical order, as `education-health`."""
    mixed_ids: int
    """Ids that hold records of more than one person."""
    split_children: int
    """Persons whose records are under more than one id."""
    twins: int | None
    """Persons with a twin among the judged; None where the truth does not know birth dates and families."""
    twins_sharing_an_id: int | None
    second_identities: int | None
    """Adopted children whose earlier identity is among the judged too; the truth counts the two as two persons."""
    second_identities_revealed: int | None
    """... and shares an id with the new one. Must be nought."""

    def as_dict(self) -> dict[str, object]:
        """All figures, for printing and JSON."""
        rounded = {
            name: {**asdict(a), "precision": round(a.precision, 6), "recall": round(a.recall, 6), "f1": round(a.f1, 6)}
            for name, a in self._accuracies()
        }
        overall = rounded.pop("")
        return {
            **{key: value for key, value in asdict(self).items() if key not in ("pairs", "by_source_pair")},
            "pairs": overall,
            "by_source_pair": rounded,
        }

    def _accuracies(self) -> list[tuple[str, Accuracy]]:
        return [("", self.pairs), *self.by_source_pair.items()]


def evaluate(clusters: Path, truth: Path, *, persons: Path | None = None, people: Path | None = None) -> Evaluation:
    """Compare clusters.parquet with the true person of every source record.

    Args:
        clusters: what `link` wrote; only record_key and child_id are read.
        truth: person_id of each record, keyed by record_key, or by agency, system and source_person_id, or by agency,
            feed and source_person_id; the last needs `persons`.
        persons: the persons table, which translates feed to record_key.
        people: one row a true person with person_id, and twin_group or else family_id and birth_date; optionally
            birth_identity_person_id. Without it twins and second identities are not counted.
    """
    con = duckdb.connect()
    con.execute("CREATE TABLE truth AS " + _truth_query(con, truth, persons))
    con.execute(
        """
        CREATE TABLE judged AS
        SELECT t.record_key, split_part(t.record_key, '|', 1) AS agency, c.child_id, t.person_id
        FROM truth t JOIN read_parquet($clusters) c USING (record_key)
        """,
        {"clusters": str(clusters)},
    )
    sources = con.execute(_BY_SOURCE_PAIR).fetchall()
    by_source_pair = {
        f"{one}-{other}": Accuracy(int(true), int(linked), int(correct))
        for one, other, true, linked, correct in sources
    }
    overall = Accuracy(
        *(
            sum(getattr(a, name) for a in by_source_pair.values())
            for name in ("true_pairs", "linked_pairs", "correct_pairs")
        )
    )
    counts = con.execute(
        """
        SELECT count(*), count(DISTINCT person_id), count(DISTINCT child_id),
               (SELECT count(*) FROM (SELECT child_id FROM judged GROUP BY 1 HAVING count(DISTINCT person_id) > 1)),
               (SELECT count(*) FROM (SELECT person_id FROM judged GROUP BY 1 HAVING count(DISTINCT child_id) > 1))
        FROM judged
        """
    ).fetchall()[0]
    twins, sharing, second, revealed = _related(con, people) if people else (None, None, None, None)
    con.close()
    return Evaluation(
        counts[0], counts[1], counts[2], overall, by_source_pair, counts[3], counts[4], twins, sharing, second, revealed
    )


_BY_SOURCE_PAIR = """
    -- Pairs are counted from group sizes, never listed: a bad run may hold one cluster of a hundred thousand records.
    WITH sides AS (SELECT 'true' AS kind, person_id AS id, agency, count(*) AS n FROM judged GROUP BY ALL
        UNION ALL SELECT 'linked', child_id, agency, count(*) FROM judged GROUP BY ALL
        UNION ALL SELECT 'correct', person_id || '~' || child_id, agency, count(*) FROM judged GROUP BY ALL),
    paired AS (SELECT a.kind, a.agency AS one, b.agency AS other,
            CASE WHEN a.agency = b.agency THEN a.n * (a.n - 1) // 2 ELSE a.n * b.n END AS pairs
        FROM sides a JOIN sides b ON a.kind = b.kind AND a.id = b.id AND a.agency <= b.agency)
    SELECT one, other, coalesce(sum(pairs) FILTER (kind = 'true'), 0), coalesce(sum(pairs) FILTER (kind = 'linked'), 0),
           coalesce(sum(pairs) FILTER (kind = 'correct'), 0)
    FROM paired GROUP BY ALL HAVING sum(pairs) > 0 ORDER BY ALL
"""


def _truth_query(con: duckdb.DuckDBPyConnection, truth: Path, persons: Path | None) -> str:
    columns = set(con.read_parquet(str(truth)).columns)
    source = f"read_parquet('{_quoted(truth)}')"
    if "person_id" not in columns:
        message = "the truth lacks the column person_id"
        raise TruthContractError(message)
    if "record_key" in columns:
        return f"SELECT DISTINCT record_key, CAST(person_id AS VARCHAR) AS person_id FROM {source}"
    if {"agency", "system", "source_person_id"} <= columns:
        key = "agency || '|' || system || '|' || source_person_id"
        return f"SELECT DISTINCT {key} AS record_key, CAST(person_id AS VARCHAR) AS person_id FROM {source}"
    if {"agency", "feed", "source_person_id"} <= columns and persons:
        return (
            f"SELECT DISTINCT p.record_key, CAST(t.person_id AS VARCHAR) AS person_id FROM {source} t "
            f"JOIN read_parquet('{_quoted(persons)}') p USING (agency, feed, source_person_id)"
        )
    message = (
        "the truth needs record_key, or agency, system and source_person_id, "
        "or agency, feed and source_person_id with the persons table"
    )
    raise TruthContractError(message)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _related(con: duckdb.DuckDBPyConnection, people: Path) -> tuple[int, int, int | None, int | None]:
    columns = set(con.read_parquet(str(people)).columns)
    twins = _count_shared(con, people, _TWINS_BY_GROUP if "twin_group" in columns else _TWINS_BY_FAMILY)
    second = (None, None)
    if "birth_identity_person_id" in columns:
        second = _count_shared(con, people, _SECOND_IDENTITIES)
    return *twins, *second


def _count_shared(con: duckdb.DuckDBPyConnection, people: Path, pairs: str) -> tuple[int, int]:
    """Judged persons of a kind of pair (one, other), and those who share an id with their other."""
    con.execute(
        f"""
        CREATE OR REPLACE TABLE related AS
        SELECT DISTINCT CAST(one AS VARCHAR) AS one, CAST(other AS VARCHAR) AS other FROM ({pairs})
        WHERE CAST(one AS VARCHAR) IN (SELECT person_id FROM judged)
          AND CAST(other AS VARCHAR) IN (SELECT person_id FROM judged)
        """,
        {"people": str(people)},
    )
    return con.execute(
        """
        SELECT (SELECT count(DISTINCT one) FROM related),
               (SELECT count(DISTINCT one) FROM related JOIN judged a ON a.person_id = one
                JOIN judged b ON b.person_id = other AND a.child_id = b.child_id)
        """
    ).fetchall()[0]


_TWINS_BY_GROUP = """
    SELECT a.person_id AS one, b.person_id AS other
    FROM read_parquet($people) a JOIN read_parquet($people) b USING (twin_group) WHERE a.person_id <> b.person_id"""
_TWINS_BY_FAMILY = """
    SELECT a.person_id AS one, b.person_id AS other
    FROM read_parquet($people) a JOIN read_parquet($people) b USING (family_id, birth_date)
    WHERE a.person_id <> b.person_id"""
_SECOND_IDENTITIES = """
    SELECT person_id AS one, birth_identity_person_id AS other
    FROM read_parquet($people) WHERE birth_identity_person_id IS NOT NULL"""
