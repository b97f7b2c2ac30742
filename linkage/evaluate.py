"""Measures clusters against a known truth.

Put here: figures over pairs of records, over children, over twins, and by any column. Keep out: anything that linking
itself uses; truth exists for simulated regions and test files only.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
        return _harmonic(self.precision, self.recall)


@dataclass(frozen=True)
class ClusterAccuracy:
    """Clusters that are exactly one person: all of the judged records of that person and no other."""

    true_clusters: int
    """Persons."""
    made_clusters: int
    """Ids."""
    exact_clusters: int

    @property
    def precision(self) -> float:
        """Share of the ids that are exactly a person; 1 if there is none."""
        return self.exact_clusters / self.made_clusters if self.made_clusters else 1.0

    @property
    def recall(self) -> float:
        """Share of the persons who are exactly an id; 1 if there is none."""
        return self.exact_clusters / self.true_clusters if self.true_clusters else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _harmonic(self.precision, self.recall)


def _harmonic(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


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
    clusters: ClusterAccuracy
    """Persons and ids of a single record count too."""
    by_slice: dict[str, dict[str, Accuracy]] = field(default_factory=dict)
    """By the columns asked for, and by their values: pairs with at least one record of the value."""

    def as_dict(self) -> dict[str, object]:
        """All figures, for printing and JSON."""
        return {
            **asdict(self),
            "pairs": _rounded(self.pairs),
            "clusters": _rounded(self.clusters),
            "by_source_pair": {name: _rounded(a) for name, a in self.by_source_pair.items()},
            "by_slice": {
                column: {value: _rounded(a) for value, a in slices.items()} for column, slices in self.by_slice.items()
            },
        }


def _rounded(accuracy: Accuracy | ClusterAccuracy) -> dict[str, float]:
    shares = {name: round(getattr(accuracy, name), 6) for name in ("precision", "recall", "f1")}
    return {**asdict(accuracy), **shares}


def evaluate(
    clusters: Path,
    truth: Path,
    *,
    persons: Path | None = None,
    people: Path | None = None,
    slices: Sequence[str] = (),
) -> Evaluation:
    """Compare clusters.parquet with the true person of every source record.

    Args:
        clusters: what `link` wrote; only record_key and child_id are read.
        truth: person_id of each record, keyed by record_key, or by agency, system and source_person_id, or by agency,
            feed and source_person_id; the last needs `persons`.
        persons: the persons table, which translates feed to record_key.
        people: one row a true person with person_id, and twin_group or else family_id and birth_date; optionally
            birth_identity_person_id. Without it twins and second identities are not counted.
        slices: columns of `people` (of the true person), else of `persons` (of the record), to give the figures by.
            Columns of text or of few values: every value is a row of its own.

    Raises:
        TruthContractError: the truth has no key, or a slice is in neither table.
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
        WITH cell AS (SELECT person_id, child_id, count(*) AS n FROM judged GROUP BY ALL),
        person AS (SELECT person_id, count(*) AS ids FROM cell GROUP BY ALL),
        child AS (SELECT child_id, count(*) AS people FROM cell GROUP BY ALL)
        SELECT (SELECT coalesce(sum(n), 0) FROM cell), (SELECT count(*) FROM person), (SELECT count(*) FROM child),
               (SELECT count(*) FROM child WHERE people > 1), (SELECT count(*) FROM person WHERE ids > 1),
               (SELECT count(*) FROM cell SEMI JOIN (FROM person WHERE ids = 1) USING (person_id)
                SEMI JOIN (FROM child WHERE people = 1) USING (child_id))
        """
    ).fetchall()[0]
    records, true, made, mixed, split, exact = (int(count) for count in counts)
    twins, sharing, second, revealed = _related(con, people) if people else (None, None, None, None)
    by_slice = {column: _slice(con, column, people, persons) for column in slices}
    con.close()
    return Evaluation(
        records=records,
        persons=true,
        children=made,
        pairs=overall,
        by_source_pair=by_source_pair,
        mixed_ids=mixed,
        split_children=split,
        twins=twins,
        twins_sharing_an_id=sharing,
        second_identities=second,
        second_identities_revealed=revealed,
        clusters=ClusterAccuracy(true, made, exact),
        by_slice=by_slice,
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

_BY_SLICE = """
    -- Pairs with at least one record of a value: all pairs of a group less those among its other records.
    WITH valued AS (SELECT j.person_id, j.child_id, {value} AS value FROM judged j {source}),
    sides AS (SELECT 'true' AS kind, person_id AS id, NULL AS part, value, count(*) AS n FROM valued GROUP BY ALL
        UNION ALL SELECT 'linked', child_id, NULL, value, count(*) FROM valued GROUP BY ALL
        UNION ALL SELECT 'correct', person_id, child_id, value, count(*) FROM valued GROUP BY ALL),
    totals AS (SELECT kind, id, part, sum(n) AS total FROM sides GROUP BY ALL),
    paired AS (SELECT sides.kind, value, total * (total - 1) // 2 - (total - n) * (total - n - 1) // 2 AS pairs
        FROM sides JOIN totals ON sides.kind = totals.kind AND sides.id = totals.id
        AND sides.part IS NOT DISTINCT FROM totals.part)
    SELECT value, coalesce(sum(pairs) FILTER (kind = 'true'), 0), coalesce(sum(pairs) FILTER (kind = 'linked'), 0),
           coalesce(sum(pairs) FILTER (kind = 'correct'), 0)
    FROM paired GROUP BY ALL ORDER BY ALL
"""


def _slice(
    con: duckdb.DuckDBPyConnection, column: str, people: Path | None, persons: Path | None
) -> dict[str, Accuracy]:
    for path, key in ((people, "person_id"), (persons, "record_key")):
        if path is not None and column in con.read_parquet(str(path)).columns:
            rows = f"SELECT CAST({key} AS VARCHAR) AS {key}, first(\"{column}\") AS v FROM '{_quoted(path)}' GROUP BY 1"
            query = _BY_SLICE.format(
                value="coalesce(CAST(s.v AS VARCHAR), 'not known')", source=f"LEFT JOIN ({rows}) s USING ({key})"
            )
            return {value: Accuracy(*(int(n) for n in pairs)) for value, *pairs in con.execute(query).fetchall()}
    message = f"neither the people nor the persons have a column {column} to give the figures by"
    raise TruthContractError(message)


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
