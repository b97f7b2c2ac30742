"""How good the linkage is, measured every night without anybody's labels.

Put here: the figures, their slices and their limits. Keep out: accuracy against a known truth (evaluate.py), and acting
on a figure; the asset checks do that.

What identifiers decide stands in for the truth: two records with one NHS number, or with one UPN, are one child; this
says nothing about children without identifiers, which the slices and the proxies have to show.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import duckdb
import numpy as np
import pandas as pd

from linkage import silver
from linkage.model import LinkageConfig
from linkage.scoring import read_patterns
from linkage.training import level_shares
from linkage.weights import Model, logit, probability, weigh

COLUMNS: Final = (
    "measure_key", "measure", "slice_kind", "slice", "numerator", "denominator", "value", "limit_low", "limit_high",
    "is_within_limits",
)  # fmt: skip
MIN_CASES: Final = 30
"""Under so many cases a share is noise and is not held against its limit."""
MIN_DRIFT_PAIRS: Final = 1_000


@dataclass(frozen=True)
class Limit:
    """Between what a measure should lie, and why there."""

    low: float | None
    high: float | None
    reason: str


LIMITS: Final = {
    "silver_recall": Limit(0.95, None, "the floor that children without identifiers were measured at"),
    "silver_precision": Limit(0.998, None, "one wrong record in five hundred shows a child's life to a stranger"),
    "silver_recall_gap": Limit(None, 0.03, "no group of children may be missed three in a hundred more than all"),
    "ids_with_two_nhs_numbers": Limit(
        None, 0.0, "a hard veto; one is a fault of the program or a decision of a person"
    ),
    "ids_with_two_birth_dates": Limit(None, 0.05, "one date in a hundred is mistyped, and a child has several"),
    "ids_with_two_forenames": Limit(None, 0.02, "what twins under one id would look like"),
    "churn": Limit(None, 0.001, "a night changes the id of one record in ten thousand"),
    "drift": Limit(None, 0.25, "the usual threshold of a population stability index for a changed population"),
}
AGE_BANDS: Final = ((2, "0-1"), (5, "2-4"), (11, "5-10"), (16, "11-15"), (18, "16-17"), (200, "18 and over"))
BANDS: Final = (0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0)
SLICES: Final = ("sex", "age_band", "area", "name_kind")
WELSH_SPELLING: Final = "^(LL|RH|FF|GW|AP |AB )|DD|WY|YW|FF"


def measure(
    con: duckdb.DuckDBPyConnection, as_of: date, model: Model, config: LinkageConfig, *, ids_changed: int, known: int
) -> pd.DataFrame:
    """Measure the state after a run.

    Args:
        con: the store, with the temporary tables `current_child`, `pair_decision` and `scored` of the run.
        as_of: for ages.
        model: that scored.
        config: the threshold of review.
        ids_changed: records whose id this run changed.
        known: records that had an id before.

    Returns:
        One row a measure and slice, with the columns of COLUMNS.
    """
    _describe(con, as_of)
    rows = [*_silver(con), *_proxies(con), *_shares(con, config), ("churn", "overall", "all", ids_changed, known)]
    frame = pd.DataFrame(rows, columns=pd.Index(["measure", "slice_kind", "slice", "numerator", "denominator"]))
    frame["value"] = frame["numerator"] / frame["denominator"].where(frame["denominator"] > 0)
    frame = pd.concat([frame, _gaps(frame), _calibration(con, model), _drift(con, model)], ignore_index=True)
    frame["limit_low"] = [getattr(LIMITS.get(name), "low", None) for name in frame["measure"]]
    frame["limit_high"] = [getattr(LIMITS.get(name), "high", None) for name in frame["measure"]]
    frame[["limit_low", "limit_high"]] = frame[["limit_low", "limit_high"]].astype(float)
    inside = ~(frame["value"] < frame["limit_low"]) & ~(frame["value"] > frame["limit_high"])
    held = frame[["limit_low", "limit_high"]].notna().any(axis=1) & (frame["denominator"] >= MIN_CASES)
    frame["is_within_limits"] = inside.astype("boolean").where(held & frame["value"].notna())
    frame["measure_key"] = frame["measure"] + "|" + frame["slice_kind"] + "|" + frame["slice"]
    return frame[list(COLUMNS)].sort_values("measure_key", ignore_index=True)


def _describe(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """The slices of every record, as temporary table `sliced`."""
    ages = " ".join(f"WHEN age < {limit} THEN '{name}'" for limit, name in AGE_BANDS)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE sliced AS
        SELECT record, child_id, agency, coalesce(sex, 'not recorded') AS sex,
               coalesce(CASE {ages} END, 'not recorded') AS age_band,
               coalesce(postcode_district, 'not recorded') AS area,
               CASE WHEN surname IS NULL THEN 'not recorded'
                    WHEN regexp_matches(surname || ' ' || coalesce(forename, ''), '{WELSH_SPELLING}')
                    THEN 'Welsh spelling'
                    WHEN surname_parts IS NOT NULL THEN 'several surnames'
                    WHEN surname_octave <= 3 THEN 'common surname' ELSE 'rare surname' END AS name_kind,
               nhs_current, upn
        FROM (SELECT r.*, c.child_id, date_diff('year', r.birth_date, DATE '{as_of.isoformat()}') AS age
              FROM record r JOIN current_child c USING (record))
        """
    )


def _silver(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, int, int]]:
    """Pairs of records that an identifier decides: found under one id, and right under one id.

    Records of one number are compared with the first of them, so that a number carried by many counts once a record.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE alike AS
        SELECT a.*, b.child_id AS other_child, b.agency AS other_agency FROM (
            SELECT *, min(record) OVER (PARTITION BY nhs_current) AS first FROM sliced WHERE nhs_current IS NOT NULL
        ) a JOIN sliced b ON b.record = a.first AND a.record <> a.first
        UNION ALL
        SELECT a.*, b.child_id, b.agency FROM (
            SELECT *, min(record) OVER (PARTITION BY upn) AS first FROM sliced WHERE upn IS NOT NULL
        ) a JOIN sliced b ON b.record = a.first AND a.record <> a.first
        """
    )
    pair = "least(agency, other_agency) || '-' || greatest(agency, other_agency)"
    rows = []
    for kind, slice_sql in (("overall", "'all'"), ("source_pair", pair), *((name, name) for name in SLICES)):
        rows += con.execute(
            f"SELECT 'silver_recall', '{kind}', {slice_sql}, count(*) FILTER (child_id = other_child), count(*) "
            f"FROM alike GROUP BY ALL"
        ).fetchall()
    rows += con.execute(
        """
        SELECT 'silver_precision', 'overall', 'all', coalesce(sum(right_one), 0), coalesce(sum(records), 0) FROM (
            SELECT max(n) AS right_one, sum(n) AS records FROM (
                SELECT child_id, upn, count(*) AS n FROM sliced WHERE upn IS NOT NULL GROUP BY ALL
            ) GROUP BY child_id HAVING sum(n) > 1
        )
        """
    ).fetchall()
    return rows


def _proxies(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, int, int]]:
    """Ids that look as if they held more than one child."""
    children = con.execute("SELECT count(DISTINCT child_id) FROM current_child").fetchall()[0][0]
    found = con.execute(
        """
        SELECT count(*) FILTER (numbers > 1), count(*) FILTER (dates > 1), count(*) FILTER (systems < records)
        FROM (
            SELECT child_id, count(DISTINCT nhs_current) AS numbers, count(DISTINCT r.birth) AS dates,
                   count(DISTINCT r.system) AS systems, count(*) AS records
            FROM current_child c JOIN record r USING (record) GROUP BY child_id
        )
        """
    ).fetchall()[0]
    names = con.execute("SELECT DISTINCT child_l, pattern FROM pair_decision WHERE child_l = child_r").fetchnumpy()
    levels = read_patterns(np.asarray(names["pattern"], dtype=np.int64))
    doubted = levels.reached("forename", "differs") & levels.reached("birth_date", "exact", "exact_default")
    forenames = len({str(one) for one in np.asarray(names["child_l"], dtype=object)[doubted]})
    measures = ("ids_with_two_nhs_numbers", "ids_with_two_birth_dates", "ids_with_two_records_of_one_system")
    counted = [*zip(measures, found, strict=True), ("ids_with_two_forenames", forenames)]
    return [(name, "overall", "all", int(count), children) for name, count in counted]


def _shares(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> list[tuple[str, str, str, int, int]]:
    rows = []
    for kind in SLICES:
        rows += con.execute(
            f"SELECT 'share_linked', '{kind}', {kind}, count(*) FILTER (cluster_size > 1), count(*) "
            f"FROM sliced JOIN current_child USING (record) GROUP BY ALL"
        ).fetchall()
    review = float(logit(config.review))
    waiting, records = con.execute(
        f"SELECT (SELECT count(*) FROM pair_decision WHERE decision = 'review' AND child_l <> child_r "
        f"AND weight >= {review}), count(*) FROM sliced"
    ).fetchall()[0]
    return [*rows, ("review_open", "overall", "all", waiting, records)]


def _gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """How much the worst slice of each kind with at least 100 pairs falls short of all."""
    recall = frame[(frame["measure"] == "silver_recall") & (frame["denominator"] >= 100)]
    overall = recall.loc[recall["slice_kind"] == "overall", "value"]
    if overall.empty:
        return frame.iloc[:0]
    worst = recall[recall["slice_kind"].isin(SLICES)].sort_values("value").drop_duplicates("slice_kind")
    return worst.assign(measure="silver_recall_gap", value=float(overall.iloc[0]) - worst["value"])


def _calibration(con: duckdb.DuckDBPyConnection, model: Model) -> pd.DataFrame:
    """By band of the probability that names, dates and places alone would give: how many the identifiers confirm."""
    silver.label(con, "pair")
    found = con.execute(
        f"SELECT pattern % {silver.DEMOGRAPHIC} AS pattern, count(*) FILTER (is_match) AS matches, count(*) AS pairs "
        "FROM silver GROUP BY 1 ORDER BY 1"
    ).fetchnumpy()
    if not len(found["pattern"]):
        return pd.DataFrame({"measure": pd.Series(dtype=str)})
    parts = weigh(model, np.asarray(found["pattern"], dtype=np.int64))
    weight = parts.silver + logit(model.labelled_share) if model.coefficients else parts.fellegi_sunter
    place = np.clip(np.digitize(probability(weight), BANDS) - 1, 0, len(BANDS) - 2)
    matches = np.bincount(place, weights=found["matches"], minlength=len(BANDS) - 1).astype(int)
    pairs = np.bincount(place, weights=found["pairs"], minlength=len(BANDS) - 1).astype(int)
    return pd.DataFrame(
        {
            "measure": "calibration",
            "slice_kind": "band",
            "slice": [f"{low:g} to {high:g}" for low, high in pairwise(BANDS)],
            "numerator": matches,
            "denominator": pairs,
            "value": np.divide(matches, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0),
        }
    )


def _drift(con: duckdb.DuckDBPyConnection, model: Model) -> pd.DataFrame:
    """Population stability index of the levels of tonight's candidates against those that the model was trained on."""
    found = con.execute("SELECT pattern, count(*) AS pairs FROM scored GROUP BY 1 ORDER BY 1").fetchnumpy()
    pairs = int(np.sum(found["pairs"])) if len(found["pairs"]) else 0
    if pairs < MIN_DRIFT_PAIRS or not model.pattern_shares:
        return pd.DataFrame({"measure": pd.Series(dtype=str)})
    now = level_shares(np.asarray(found["pattern"], dtype=np.int64), np.asarray(found["pairs"]))
    index: dict[str, float] = {}
    for level, share in now.items():
        before, after = max(model.pattern_shares.get(level, 0.0), 1e-4), max(share, 1e-4)
        name = level.partition("=")[0]
        index[name] = index.get(name, 0.0) + (after - before) * float(np.log(after / before))
    return pd.DataFrame(
        {
            "measure": "drift",
            "slice_kind": "field",
            "slice": list(index),
            "numerator": pairs,
            "denominator": pairs,
            "value": list(index.values()),
        }
    )
