"""Looks one person up: which children of the store could this be?

Put here: a search that leaves the store as it was. Keep out: nightly runs.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from linkage.blocking import find_candidates, update_keys
from linkage.model import VETO_CODE, LinkageConfig
from linkage.pairs import weigh_patterns
from linkage.records import assign_rarity, take_in
from linkage.scoring import score_candidates
from linkage.store import live_model, open_store
from linkage.weights import declared_model, probability


@dataclass(frozen=True)
class Match:
    """One record that the person could be."""

    record_key: str
    child_id: str
    probability: float
    veto: str | None
    """Why a person must judge, whatever the probability."""


def look_up(identity: Path, persons: Path, *, config: LinkageConfig, limit: int = 10) -> list[Match]:
    """Find the records that a person could be, best first.

    Args:
        identity: the store; it is not changed.
        persons: Parquet with one row in the shape of the persons table.
        config: thresholds and limits.
        limit: how many at most.

    Returns:
        Matches from LinkageConfig.keep on. Sealed records are never among them.
    """
    with (
        TemporaryDirectory() as spill,
        open_store(identity, config.memory_limit, Path(spill), keeps=False) as con,
    ):
        take_in(con, persons, variants=config.variants, is_look_back=True)
        con.execute("CREATE OR REPLACE TEMP TABLE decision_now (l INTEGER, r INTEGER, verdict VARCHAR)")
        update_keys(con)
        find_candidates(con, config.max_block_size, is_full=False)
        model = live_model(con) or declared_model()
        assign_rarity(con, model.version, "FROM changed")
        score_candidates(con)
        found = con.execute(
            """
            SELECT s.pattern, s.source_pair, r.record_key, CAST(m.child_id AS VARCHAR) AS child_id
            FROM scored s JOIN record r ON r.record = CASE WHEN s.l IN (FROM changed) THEN s.r ELSE s.l END
            JOIN membership m ON m.record = r.record AND m.valid_to_run IS NULL
            JOIN child c ON c.child_id = m.child_id
            WHERE NOT c.is_sealed AND r.record NOT IN (FROM changed)
            """
        ).df()
    if found.empty:
        return []
    weights = weigh_patterns(
        model, found["pattern"].to_numpy(dtype=np.int64), found["source_pair"].to_numpy(dtype=object), config
    )
    found = found.assign(probability=probability(weights["weight"].to_numpy()), veto=weights["veto"].to_numpy())
    found = found[found["probability"] >= config.keep].sort_values(
        ["probability", "record_key"], ascending=[False, True]
    )
    names = {code: name for name, code in VETO_CODE.items()}
    return [
        Match(row.record_key, row.child_id, float(row.probability), names.get(int(row.veto)))
        for row in found.head(limit).itertuples()
    ]
