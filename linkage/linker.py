"""One run of the linkage: take in what changed, score its pairs, solve the children it touches, keep the ids.

Put here: the order of the steps and what passes between them. Keep out: how any step works.

The cost of a night follows the number of changed records. Training is another act: a night scores with the model that
was promoted, and only an installation that has none trains its first one by itself, because it has no ids to disturb.
"""

import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb

from linkage import decisions, ledger, outputs, quality
from linkage.blocking import find_candidates, update_keys
from linkage.children import find_touched, solve_touched
from linkage.model import LinkageConfig
from linkage.pairs import find_sealed, store_pairs
from linkage.records import assign_rarity, take_in
from linkage.scoring import score_candidates
from linkage.second_reader import read_again
from linkage.store import live_model, open_store, promote_model, save_model
from linkage.summary import LinkageSummary
from linkage.training import has_enough, train_from
from linkage.weights import Model, declared_model


def link(
    persons: Path,
    out: Path,
    *,
    as_of: date,
    config: LinkageConfig,
    identity: Path | None = None,
    decided: Path | None = None,
) -> LinkageSummary:
    """Link standardised persons into children.

    Args:
        persons: Parquet with the columns of model.REQUIRED_COLUMNS, one row a present source record.
        out: folder that receives pairs.parquet, clusters.parquet and summary.json.
        as_of: the date the result speaks for. Before the date of the newest run the ids are read from history, and
            only records that were never seen are linked.
        config: thresholds and limits.
        identity: the identity store, which carries ids, pairs and models from run to run. None links once, with ids
            that nobody keeps.
        decided: folder of people's decisions; none if it is not there.

    Returns:
        The counts that summary.json holds.

    Raises:
        PersonsContractError: the persons do not have the promised shape.
        StoreError: the identity store cannot be used.
        DecisionError: the decisions contradict each other.
        ClusterInvariantError: a fault of the program; nothing is written.
    """
    spill = out.parent / f".{out.name}.spill"
    try:
        with open_store(identity, config.memory_limit, spill) as con:
            summary = _run(con, persons, as_of, config, decided)
            outputs.stage(con, out, summary)
        outputs.publish(out)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    return summary


def _run(
    con: duckdb.DuckDBPyConnection, persons: Path, as_of: date, config: LinkageConfig, decided: Path | None
) -> LinkageSummary:
    newest = ledger.newest_as_of(con)
    is_look_back = newest is not None and as_of < newest
    day = newest if is_look_back else as_of
    delta = take_in(con, persons, variants=config.variants, is_look_back=is_look_back)
    told = _take_decisions(con, decided, day)
    update_keys(con)
    model = live_model(con)
    is_first = model is None
    if is_first:
        con.execute("INSERT INTO changed SELECT record FROM record WHERE is_present AND record NOT IN (FROM changed)")
    is_full = is_first or delta.new + delta.changed == delta.records
    run = ledger.start_run(con, day, model.version if model else "declared", delta.digest)
    rules = find_candidates(con, config.max_block_size, is_full=is_full)
    if is_first:
        model = _first_model(con, run, as_of, config)
    else:
        assign_rarity(con, model.version, "FROM changed")
        score_candidates(con)
    find_sealed(con)
    weighed = store_pairs(con, model, config)
    find_touched(con, config, everything=is_full)
    clusters = solve_touched(con, config)
    ledger.seal(con, run)
    changes = ledger.apply(con, run)
    outputs.find_children(con, as_of if is_look_back else None)
    outputs.decide(con, config)
    outputs.find_held(con)
    reading = read_again(con)
    counts = outputs.count_outputs(con)
    measured = quality.measure(
        con, as_of, model, config, ids_changed=changes.ids_changed, known=delta.records - delta.new
    )
    con.register("quality_rows", measured)
    con.execute("CREATE OR REPLACE TEMP TABLE quality AS FROM quality_rows")
    con.unregister("quality_rows")
    counts["vetoes"]["sealed"] = weighed.withheld_probable
    counts["merges"] += weighed.withheld_merges
    counts["merges_refused"] += weighed.withheld_merges
    return LinkageSummary(
        **counts,
        records=delta.records,
        merges_unresolved=delta.merges_unresolved,
        as_of=as_of,
        is_look_back=is_look_back,
        records_new=delta.new,
        records_changed=delta.changed,
        records_gone=delta.gone,
        pairs_compared=weighed.compared,
        pairs_withheld=weighed.withheld,
        components_solved=clusters.suspect,
        components_oversized=clusters.oversized,
        ids_created=changes.created,
        ids_merged=changes.merged,
        ids_split=changes.split,
        ids_changed=changes.ids_changed,
        link_threshold=config.link,
        review_threshold=config.review,
        model_version=model.version,
        pairs_learnt_from=model.labels,
        prior=round(model.prior, 9),
        decisions=told,
        second_reader=vars(reading),
        blocking=rules,
    )


def _first_model(con: duckdb.DuckDBPyConnection, run: int, as_of: date, config: LinkageConfig) -> Model:
    """Score all candidates with the declared model, or with a first trained one where there are enough records."""
    if not has_enough(con, config):
        score_candidates(con)
        return declared_model()
    model = train_from(con, as_of, config)
    save_model(con, model, run)
    promote_model(con, model.version, run)
    return model


def _take_decisions(con: duckdb.DuckDBPyConnection, folder: Path | None, as_of: date) -> dict[str, int]:
    """Put the decisions in force in the place of the last run's; `redecided(record)` names whose decisions changed."""
    in_force = decisions.load(folder, as_of).frame if folder is not None else None
    con.execute("CREATE OR REPLACE TEMP TABLE told (record_key_l VARCHAR, record_key_r VARCHAR, verdict VARCHAR)")
    if in_force is not None and len(in_force):
        con.register("decision_rows", in_force)
        con.execute("INSERT INTO told SELECT record_key_l, record_key_r, verdict FROM decision_rows")
        con.unregister("decision_rows")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE decision_now AS
        SELECT least(a.record, b.record) AS l, greatest(a.record, b.record) AS r, verdict
        FROM told t JOIN record a ON a.record_key = t.record_key_l JOIN record b ON b.record_key = t.record_key_r
        WHERE a.is_present AND b.is_present;
        CREATE OR REPLACE TEMP TABLE redecided AS
        SELECT unnest([l, r]) AS record FROM (
            (FROM decision_now EXCEPT FROM applied_decision) UNION (FROM applied_decision EXCEPT FROM decision_now)
        );
        DELETE FROM applied_decision;
        INSERT INTO applied_decision FROM decision_now
        """
    )
    told = Counter(dict(con.execute("SELECT verdict, count(*) FROM decision_now GROUP BY 1 ORDER BY 1").fetchall()))
    dormant = con.execute("SELECT (SELECT count(*) FROM told) - (SELECT count(*) FROM decision_now)").fetchall()[0][0]
    return {**{verdict: told[verdict] for verdict in ("same", "not_same", "unsure", "sealed")}, "dormant": dormant}
