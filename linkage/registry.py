"""Models: train one, try it in the shadow, promote it.

Put here: what `dolen linkage train`, `shadow` and `promote` do. Keep out: the learning itself (training.py, silver.py)
and nightly runs (linker.py), which use the live model and never change it.

A new model changes ids: at a million records about four in a thousand, by training alone. So it is first scored in
the shadow, and what it would change is published before somebody promotes it.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb

from linkage import ledger
from linkage.blocking import find_candidates
from linkage.children import find_touched, solve_touched
from linkage.model import LinkageConfig
from linkage.pairs import find_sealed, store_pairs
from linkage.records import assign_rarity
from linkage.scoring import score_candidates
from linkage.store import StoreError, find_model, live_model, open_store, promote_model, save_model
from linkage.training import train_from
from linkage.weights import Model

_EVERYTHING = "SELECT record FROM record WHERE is_present"


@dataclass(frozen=True)
class ShadowReport:
    """What a model would change if it were promoted now."""

    model_version: str
    live_version: str
    records: int
    links_before: int
    """Pairs that are linked by their weight, under the live model."""
    links_after: int
    review_before: int
    review_after: int
    ids_created: int
    ids_merged: int
    ids_split: int
    records_moved: int
    """Known records that would be under another id."""

    def to_json(self) -> str:
        """For the file that is published."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def train_model(identity: Path, *, as_of: date, config: LinkageConfig) -> Model:
    """Train a model from the present records and keep it, not yet live.

    Raises:
        StoreError: there is no store, or it holds no records.
    """
    with _open(identity, config) as con:
        live = live_model(con)
        _all_candidates(con, config)
        model = train_from(con, as_of, config)
        save_model(con, model, ledger.newest_run(con))
        if live is not None:
            assign_rarity(con, live.version, _EVERYTHING)
    return model


def try_in_shadow(identity: Path, version: str, *, config: LinkageConfig, out: Path | None = None) -> ShadowReport:
    """Score and solve everything with a model and report what would change; the store stays as it is.

    Args:
        identity: the store.
        version: of the model.
        config: thresholds and limits.
        out: folder that receives `shadow-<version>.json`; none if not given.
    """
    with _open(identity, config, keeps=False) as con:
        live, model = live_model(con), find_model(con, version)
        before = _count_pairs(con, config)
        changes = _apply(con, model, config)
        after = _count_pairs(con, config)
        records = con.execute(f"SELECT count(*) FROM ({_EVERYTHING})").fetchall()[0][0]
    report = ShadowReport(
        model_version=version,
        live_version=live.version if live else "declared",
        records=records,
        links_before=before[0],
        links_after=after[0],
        review_before=before[1],
        review_after=after[1],
        ids_created=changes.created,
        ids_merged=changes.merged,
        ids_split=changes.split,
        records_moved=changes.ids_changed,
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        part = out / f"shadow-{version}.json.part"
        part.write_text(report.to_json(), encoding="utf-8")
        part.replace(out / f"shadow-{version}.json")
    return report


def promote(identity: Path, version: str, *, config: LinkageConfig) -> ledger.Changes:
    """Make a model live and re-solve everything with it, in one transaction.

    The files of the next nightly run show the result.
    """
    with _open(identity, config) as con:
        model = find_model(con, version)
        changes = _apply(con, model, config)
        promote_model(con, version, ledger.newest_run(con))
    return changes


def list_models(identity: Path, *, config: LinkageConfig) -> list[dict[str, object]]:
    """All models, newest first: version, is_live, labels, records."""
    with _open(identity, config, keeps=False) as con:
        rows = con.execute("SELECT version, is_live, parameters FROM model ORDER BY version DESC").fetchall()
    found = [(version, is_live, Model.from_json(parameters)) for version, is_live, parameters in rows]
    return [
        {"version": version, "is_live": is_live, "records": model.records, "labels": model.labels}
        for version, is_live, model in found
    ]


def _open(identity: Path, config: LinkageConfig, *, keeps: bool = True):  # noqa: ANN202  a context manager
    if not identity.is_file():
        message = f"there is no identity store {identity.name} yet; the first linkage run makes it"
        raise StoreError(message)
    return open_store(identity, config.memory_limit, identity.parent / "spill", keeps=keeps)


def _all_candidates(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> None:
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE changed AS {_EVERYTHING};
        CREATE OR REPLACE TEMP TABLE gone AS SELECT record FROM record WHERE false;
        CREATE OR REPLACE TEMP TABLE redecided AS SELECT record FROM record WHERE false;
        CREATE OR REPLACE TEMP TABLE decision_now AS FROM applied_decision
        """
    )
    find_candidates(con, config.max_block_size, is_full=True)


def _apply(con: duckdb.DuckDBPyConnection, model: Model, config: LinkageConfig) -> ledger.Changes:
    _all_candidates(con, config)
    assign_rarity(con, model.version, _EVERYTHING)
    score_candidates(con)
    find_sealed(con)
    store_pairs(con, model, config, rescore=True)
    run = ledger.start_run(con, ledger.newest_as_of(con) or date.min, model.version, "model")
    find_touched(con, config, everything=True)
    solve_touched(con, config)
    return ledger.apply(con, run)


def _count_pairs(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> tuple[int, int]:
    return con.execute(
        """
        SELECT count(*) FILTER (p >= $link AND veto = 0), count(*) FILTER (p >= $review AND (p < $link OR veto > 0))
        FROM (SELECT 1 / (1 + pow(2, -CAST(weight AS DOUBLE))) AS p, veto FROM pair)
        """,
        {"link": config.link, "review": config.review},
    ).fetchall()[0]
