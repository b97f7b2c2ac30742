"""The second reader: recordlinkage looks at the doubtful pairs once more, by another model.

Put here: its features, its fit and what its disagreement is. Keep out: deciding; a disagreement raises a pair in the
review queue (review.py) and is a figure, no more.

It sees names, dates, sex and postcode only, and no identifier: most false links of the first reader carry a number
that agrees and is wrong. It shares standardisation and labels with the first reader, so agreement is a check, no proof.
"""

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pandas as pd
import recordlinkage as rl

from linkage import silver
from linkage.weights import probability

TABLE: Final = "CREATE TABLE IF NOT EXISTS second_reading (l INTEGER, r INTEGER, probability FLOAT)"
MIN_LABELS: Final = 1_000
MAX_LABELS: Final = 50_000
SAMPLE: Final = 20_000
"""Automatic links that are read again in a night, about, beside all pairs for review: drawn by a hash of the pair."""
DOUBTS_LINK: Final = 0.02
"""Under this, the second reader contradicts an automatic link."""
CLAIMS_LINK: Final = 0.95


@dataclass(frozen=True)
class Reading:
    """What the second reader made of a night."""

    read: int = 0
    agree: int = 0
    """Pairs on whose side of 0.5 both are."""
    links_doubted: int = 0
    links_claimed: int = 0
    """Pairs under 0.5 that it holds for one child."""


def read_again(con: duckdb.DuckDBPyConnection) -> Reading:
    """Read the pairs for review and a sample of the links again.

    Args:
        con: the store, with `pair_decision` of the run.

    Returns:
        Figures; all nought without enough labels to learn from. Probabilities are in the table `second_reading`.
    """
    con.execute(TABLE)
    con.execute("DELETE FROM second_reading")
    silver.label(con, "pair")
    labels = con.execute(
        f"SELECT l, r, CAST(is_match AS INTEGER) AS is_match FROM silver ORDER BY hash(l, r) LIMIT {MAX_LABELS}"
    ).df()
    if len(labels) < MIN_LABELS or labels["is_match"].nunique() < 2:
        return Reading()
    asked = con.execute(
        f"""
        SELECT l, r, CAST(weight AS DOUBLE) AS weight FROM pair_decision WHERE decision = 'review'
        UNION ALL
        SELECT l, r, CAST(weight AS DOUBLE) FROM pair_decision WHERE decision = 'link'
        AND hash(r, l) % 1000000 < {1e6 * SAMPLE} / (
            SELECT greatest(count(*), 1) FROM pair_decision WHERE decision = 'link'
        )
        """
    ).df()
    known = _features(con, labels)
    reader = rl.LogisticRegressionClassifier()
    truth = pd.MultiIndex.from_frame(labels.loc[labels["is_match"] == 1, ["l", "r"]])
    reader.fit(known, truth)
    said = np.asarray(reader.prob(_features(con, asked)), dtype=float)
    con.register("said", pd.DataFrame({"l": asked["l"], "r": asked["r"], "probability": said}))
    con.execute("INSERT INTO second_reading SELECT l, r, probability FROM said")
    con.unregister("said")
    first = probability(asked["weight"].to_numpy())
    return Reading(
        read=len(asked),
        agree=int(((first >= 0.5) == (said >= 0.5)).sum()),
        links_doubted=int(((first >= 0.95) & (said < DOUBTS_LINK)).sum()),
        links_claimed=int(((first < 0.5) & (said >= CLAIMS_LINK)).sum()),
    )


def _features(con: duckdb.DuckDBPyConnection, pairs: pd.DataFrame) -> pd.DataFrame:
    """The view of recordlinkage on pairs: likeness of fields, and two products that twins stand out by."""
    con.register("asked_pairs", pairs[["l", "r"]])
    people = con.execute(
        """
        SELECT record, forename, surname, birth, sex, postcode, postcode_district FROM record
        WHERE record IN (SELECT l FROM asked_pairs UNION SELECT r FROM asked_pairs)
        """
    ).df()
    con.unregister("asked_pairs")
    people = people.set_index("record")
    compare = rl.Compare()
    for column in ("forename", "surname"):
        compare.string(column, column, method="jarowinkler", missing_value=0.5, label=column)
    compare.string("birth", "birth", method="damerau_levenshtein", missing_value=0.5, label="birth")
    compare.string("postcode", "postcode", method="damerau_levenshtein", missing_value=0.4, label="postcode")
    for column in ("surname", "birth", "postcode", "postcode_district"):
        compare.exact(column, column, missing_value=0, label=f"same_{column}")
    compare.exact("sex", "sex", agree_value=1.0, disagree_value=0.0, missing_value=0.5, label="sex")
    found = compare.compute(pd.MultiIndex.from_frame(pairs[["l", "r"]]), people)
    unlike = 1 - found["forename"]
    found["twin_by_name"] = found["same_birth"] * found["same_surname"] * unlike
    found["twin_by_place"] = found["same_birth"] * found["same_postcode"] * unlike
    return found
