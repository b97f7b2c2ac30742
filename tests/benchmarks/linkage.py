"""The bars of the linkage, measured: `make bench-linkage` prints the tables that docs/benchmarks.md keeps.

Put here: what is measured and the bar it is held against. Keep out: making the region (linkage_region.py) and anything
that only a test needs. Every measurement runs in a process of its own, so its peak memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import recordlinkage as rl
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from splink import DuckDBAPI, Linker
from splink.blocking_rule_library import CustomRule

import linkage
from linkage import linker, outputs, review, store
from linkage.blocking import RULE_NAMES
from linkage.model import BLOCKING_RULES
from linkage.standalone import link_files, read_mapping
from linkage.training import settings_for_splink
from linkage.weights import Model
from tests.benchmarks.linkage_region import make_delta, make_region

REPOSITORY = Path(__file__).resolve().parents[2]
VARIANTS = REPOSITORY / "dbt_project" / "seeds" / "forename_variants.csv"
FEBRL = REPOSITORY.parent / "shared" / "samples" / "linkage" / "febrl"
DAY = date(2026, 11, 20)
SEED = 20261120
EVIDENCE = {
    "address line": ("address_line", "other_address_lines"),
    "middle names": ("middle_names",),
    "parents and family": ("guardian_names", "family_group_id"),
    "telephone": ("telephones",),
    "name and address history": ("other_forenames", "other_surnames", "other_postcodes", "other_address_lines"),
    "school": ("schools",),
}
"""What the reference did not have, by the columns that carry it."""


def config(**settings: Any) -> linkage.LinkageConfig:
    """The settings of every measurement, but for what it changes."""
    return linkage.LinkageConfig(variants=VARIANTS, **settings)


def judge(folder: Path, out: Path) -> dict[str, Any]:
    """Accuracy of the clusters in a folder."""
    truth = out / "truth.parquet" if (out / "truth.parquet").exists() else folder / "truth.parquet"
    found = linkage.evaluate(out / "clusters.parquet", truth, people=folder / "people.parquet")
    con = duckdb.connect()
    young = con.execute(
        f"""
        WITH one AS (
            SELECT t.record_key, t.person_id, c.child_id
            FROM '{truth}' t JOIN '{out}/clusters.parquet' c USING (record_key)
            JOIN '{folder}/people.parquet' p USING (person_id) JOIN '{folder}/persons.parquet' r USING (record_key)
            WHERE p.birth_date > DATE '{DAY - timedelta(365 * 3)}' AND r.upn IS NULL
        )
        SELECT avg(CAST(a.child_id = b.child_id AS INTEGER)) FROM one a JOIN one b USING (person_id)
        WHERE a.record_key < b.record_key
        """
    ).fetchall()[0][0]
    adopted = con.execute(
        f"""
        SELECT count(*) FROM '{folder}/people.parquet' n
        JOIN '{truth}' a ON a.person_id = n.person_id JOIN '{truth}' b ON b.person_id = n.second_identity_of
        JOIN '{out}/clusters.parquet' x ON x.record_key = a.record_key
        JOIN '{out}/clusters.parquet' y ON y.record_key = b.record_key AND y.child_id = x.child_id
        """
    ).fetchall()[0][0]
    numbers = con.execute(
        f"""
        SELECT count(*) FROM (
            SELECT c.child_id FROM '{out}/clusters.parquet' c JOIN '{folder}/persons.parquet' p USING (record_key)
            WHERE p.is_nhs_number_verified AND len(p.former_nhs_numbers) = 0 AND p.nhs_number NOT IN (
                SELECT unnest(former_nhs_numbers) FROM '{folder}/persons.parquet')
            GROUP BY 1 HAVING count(DISTINCT p.nhs_number) > 1)
        """
    ).fetchall()[0][0]
    return {
        "precision": found.pairs.precision,
        "recall": found.pairs.recall,
        "f1": found.pairs.f1,
        "mixed ids %": 100 * found.mixed_ids / found.children,
        "twins sharing %": 100 * (found.twins_sharing_an_id or 0) / max(found.twins or 1, 1),
        "under three, no UPN: recall": young,
        "ids with two NHS numbers": numbers,
        "adopted pairs linked": adopted,
    }


def full(folder: Path, out: Path, **settings: Any) -> dict[str, Any]:
    """A first run, with training."""
    identity = out / "identity.duckdb"
    identity.unlink(missing_ok=True)
    start = time.perf_counter()
    summary = linkage.link(folder / "persons.parquet", out, as_of=DAY, config=config(**settings), identity=identity)
    seconds = time.perf_counter() - start
    rules = {name: vars(count) for name, count in summary.blocking.items()}
    return {**judge(folder, out), "s": seconds, "pairs": summary.pairs_compared, "review": summary.review_open,
            "rules": rules, "silver": silver_recall(identity)}  # fmt: skip


def silver_recall(identity: Path) -> dict[str, int]:
    """Silver matches that no other rule but those of identifiers found."""
    with duckdb.connect(str(identity), read_only=True) as con:
        con.execute("CREATE TEMP VIEW r AS SELECT record, nhs_current AS n FROM record WHERE nhs_current IS NOT NULL")
        others = f"rules & ~CAST({sum(1 << n for n in range(3))} AS UINTEGER)"  # the rules that are no identifier
        bits = ", ".join(f"count(*) FILTER ({others} = {1 << n})" for n in range(len(RULE_NAMES)))
        found = con.execute(
            f"SELECT count(*), {bits} FROM pair p JOIN r a ON a.record = p.l JOIN r b ON b.record = p.r AND a.n = b.n"
        ).fetchall()[0]
    return dict(zip(("all", *RULE_NAMES), found, strict=True))


def frozen(folder: Path, out: Path, model_from: Path) -> dict[str, Any]:
    """A full run on an empty store with a model that is there already."""
    identity = out / "identity.duckdb"
    identity.unlink(missing_ok=True)
    with store.open_store(identity, "3GB", out / "spill") as con:
        con.execute(f"ATTACH '{model_from}' AS old (READ_ONLY)")
        con.execute("INSERT INTO model FROM old.model; INSERT INTO name_frequency FROM old.name_frequency")
        con.execute("DETACH old")
    start = time.perf_counter()
    linkage.link(folder / "persons.parquet", out, as_of=DAY, config=config(), identity=identity)
    return {"s": time.perf_counter() - start, **judge(folder, out)}


def delta(folder: Path, out: Path, identity: Path, changed: int) -> dict[str, Any]:
    """A night with some changed records, and the same night again."""
    night = out / f"night{changed}"
    if not (night / "persons.parquet").exists():
        make_delta(folder, changed, SEED, night)
    copy = out / "night.duckdb"
    copy.write_bytes(identity.read_bytes())
    scored: list[float] = []
    plain = linker.store_pairs

    def timed(*values: Any, **named: Any) -> Any:
        found = plain(*values, **named)
        scored.append(time.perf_counter() - start)
        return found

    linker.store_pairs = timed
    start = time.perf_counter()
    first = linkage.link(night / "persons.parquet", out, as_of=DAY + timedelta(1), config=config(), identity=copy)
    seconds = time.perf_counter() - start
    again = linkage.link(night / "persons.parquet", out, as_of=DAY + timedelta(2), config=config(), identity=copy)
    return {"s": seconds, "s to scored pairs": scored[0], "pairs": first.pairs_compared,
            "ids changed": first.ids_changed, "ids changed by a rerun": again.ids_changed}  # fmt: skip


def look_up(folder: Path, out: Path, identity: Path) -> dict[str, Any]:
    """One person against all."""
    one = out / "one.parquet"
    con = duckdb.connect()
    con.execute(
        f"COPY (SELECT * REPLACE ('lookup|page|1' AS record_key, 'lookup' AS agency, 'page' AS system) "
        f"FROM '{folder}/persons.parquet' WHERE agency = 'police' AND birth_date IS NOT NULL LIMIT 1) "
        f"TO '{one}' (FORMAT parquet)"
    )
    times = []
    for _ in range(5):
        start = time.perf_counter()
        found = linkage.look_up(identity, one, config=config())
        times.append(time.perf_counter() - start)
    return {"s": sorted(times)[2], "found": len(found)}


def splink_alone(folder: Path, out: Path, identity: Path) -> dict[str, Any]:
    """Splink with the same m and u, the same candidates' rules, and connected components at 0.9."""
    con = duckdb.connect(config={"threads": 2, "memory_limit": "6GB", "temp_directory": str(out / "spill")})
    con.execute(f"ATTACH '{identity}' AS old (READ_ONLY)")
    con.execute("CREATE TABLE person AS SELECT * FROM old.record WHERE is_present")
    model = Model.from_json(con.execute("SELECT parameters FROM old.model WHERE is_live").fetchall()[0][0])
    settings = settings_for_splink(model)
    settings.blocking_rules_to_generate_predictions = [
        CustomRule(rule) for rule in (
            "l.nhs_current = r.nhs_current", "l.upn = r.upn",
            "l.birth = r.birth AND l.surname_sound = r.surname_sound",
            "l.birth = r.birth AND l.forename_sound = r.forename_sound",
            "l.birth = r.birth_swapped AND l.surname_sound = r.surname_sound",
            "l.forename_sound = r.forename_sound AND l.surname_sound = r.surname_sound AND l.birth_year = r.birth_year",
            "l.forename = r.forename AND l.surname = r.surname AND substr(l.birth, 5) = substr(r.birth, 5)",
            "l.postcode = r.postcode AND l.birth = r.birth",
            "l.postcode = r.postcode AND l.forename_sound = r.forename_sound",
            "l.postcode = r.postcode AND l.surname_sound = r.surname_sound AND l.birth_year = r.birth_year",
            "l.forename = r.surname AND l.surname = r.forename AND l.birth_year = r.birth_year",
        )
    ]  # fmt: skip
    start = time.perf_counter()
    engine = Linker(DuckDBAPI(connection=con).register("person", dataset_display_name="person"), settings,
                    log_level=40)  # fmt: skip
    edges = engine.inference.predict(threshold_match_probability=0.01)
    clusters = engine.clustering.cluster_pairwise_predictions_at_threshold(edges, threshold_match_probability=0.9)
    name = clusters.physical_name
    seconds = time.perf_counter() - start
    con.execute(
        f"COPY (SELECT p.record_key, CAST(c.cluster_id AS VARCHAR) AS child_id "
        f"FROM {name} c JOIN person p USING (record)) "
        f"TO '{out}/clusters.parquet' (FORMAT parquet)"
    )
    return {"s": seconds, **judge(folder, out)}


def recordlinkage_alone(folder: Path, out: Path, identity: Path) -> dict[str, Any]:
    """recordlinkage's ECM classifier on names, date, sex and postcode, and connected components of its matches."""
    con = duckdb.connect(str(identity), read_only=True)
    people = con.execute(
        "SELECT record_key, forename, surname, birth, sex, postcode, forename_sound, surname_sound, birth_year, "
        "nhs_number, upn "
        "FROM record WHERE is_present ORDER BY record"
    ).df()
    start = time.perf_counter()
    indexer = rl.Index()
    for keys in (["nhs_number"], ["upn"], ["birth", "surname_sound"], ["birth", "forename_sound"],
                 ["postcode", "forename_sound"], ["forename_sound", "surname_sound", "birth_year"]):  # fmt: skip
        indexer.block(keys)
    pairs = indexer.index(people)
    compare = rl.Compare()
    compare.string("forename", "forename", method="jarowinkler", threshold=0.88, label="forename")
    compare.string("surname", "surname", method="jarowinkler", threshold=0.88, label="surname")
    compare.exact("birth", "birth", label="birth")
    compare.exact("sex", "sex", label="sex")
    compare.exact("postcode", "postcode", label="postcode")
    features = compare.compute(pairs, people)
    matches = rl.ECMClassifier(binarize=None).fit_predict(features)
    left, right = matches.get_level_values(0), matches.get_level_values(1)
    graph = sparse.coo_matrix(([1] * len(left), (left, right)), shape=(len(people), len(people)))
    labels = connected_components(graph, directed=False)[1]
    seconds = time.perf_counter() - start
    pd.DataFrame({"record_key": people["record_key"], "child_id": labels.astype(str)}).to_parquet(
        out / "clusters.parquet"
    )
    return {"s": seconds, **judge(folder, out)}


def without(folder: Path, out: Path, name: str) -> dict[str, Any]:
    """A first run on persons that lack one kind of evidence (or, for `nothing more`, all kinds)."""
    columns = EVIDENCE.get(name) or tuple({one for group in EVIDENCE.values() for one in group})
    blank = ", ".join(f"NULL AS {column}" for column in columns)
    poor = out / "poor"
    poor.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute(
        f"COPY (SELECT p.* REPLACE ({blank}) FROM '{folder}/persons.parquet' p) "
        f"TO '{poor}/plain.parquet' (FORMAT parquet)"
    )
    types = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE FROM '{folder}/persons.parquet'").fetchall()}
    cast = ", ".join(f"CAST({column} AS {types[column]}) AS {column}" for column in columns)
    con.execute(
        f"COPY (SELECT * REPLACE ({cast}) FROM '{poor}/plain.parquet') TO '{poor}/persons.parquet' (FORMAT parquet)"
    )
    linkage.link(poor / "persons.parquet", out, as_of=DAY, config=config(accepts_review=True))
    return judge(folder, out)


def queue(folder: Path, out: Path) -> dict[str, Any]:
    """The review queue of a first night, by kind, and how many true links its first 500 pairs settle."""
    identity = out / "identity.duckdb"
    identity.unlink(missing_ok=True)
    linkage.link(folder / "persons.parquet", out, as_of=DAY, config=config(), identity=identity)
    with store.open_store(identity, "3GB", out / "spill", keeps=False) as con:
        outputs.read_state(con, config())
        review.build_queue(con)
        return {
            **review.count_by_kind(con),
            "true links that the first 500 settle": review.settled(con, folder / "truth.parquet", 500),
        }


def febrl() -> dict[str, Any]:
    """F1 on the public FEBRL files, with the mapping of docs/examples."""
    mapping, found = read_mapping(REPOSITORY / "docs" / "examples" / "febrl.toml"), {}
    for name, files in {
        "1": ["dataset1"],
        "2": ["dataset2"],
        "3": ["dataset3"],
        "4": ["dataset4a", "dataset4b"],
    }.items():
        with TemporaryDirectory() as out:
            report = link_files([FEBRL / f"{one}.csv" for one in files], mapping, Path(out), "rec_id", as_of=DAY)
        pairs = report.evaluation.pairs
        found[f"FEBRL {name}"] = {"precision": pairs.precision, "recall": pairs.recall, "f1": pairs.f1}
    return found


STEPS = {"full": full, "frozen": frozen, "delta": delta, "look_up": look_up, "queue": queue, "splink": splink_alone,
         "recordlinkage": recordlinkage_alone, "without": without}  # fmt: skip


def step(name: str, *values: Any, **named: Any) -> dict[str, Any]:
    """Measure in a process of its own; adds its peak memory."""
    request = json.dumps([name, [str(v) if isinstance(v, Path) else v for v in values], named])
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.linkage", "--step", request],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stderr[-2000:])
        raise SystemExit(f"the measurement {name} failed")
    return json.loads(done.stdout.splitlines()[-1])


def run_step(request: str) -> None:
    """The other side of `step`."""
    name, values, named = json.loads(request)
    values = [Path(v) if isinstance(v, str) and "/" in v else v for v in values]
    for value in values[1:2]:
        value.mkdir(parents=True, exist_ok=True)
    found = STEPS[name](*values, **named)
    print(json.dumps({**found, "GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))  # noqa: T201


def show(title: str, rows: dict[str, dict[str, Any]], columns: list[str]) -> None:
    """Print a Markdown table."""

    def text(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.5f}" if value <= 1 else f"{value:,.1f}"
        return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "")

    lines = [f"\n### {title}\n", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        "| " + " | ".join([name, *(text(row.get(column)) for column in columns)]) + " |" for name, row in rows.items()
    ]
    print("\n".join(lines), flush=True)  # noqa: T201


ACCURACY = ["precision", "recall", "f1", "mixed ids %", "twins sharing %", "under three, no UPN: recall",
            "ids with two NHS numbers", "adopted pairs linked"]  # fmt: skip


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--step")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"))
    given = parser.parse_args()
    if given.step:
        run_step(given.step)
        return
    folder, small = given.folder / str(given.records), given.folder / "100000"
    for path, records in ((folder, given.records), (small, 100_000)):
        if not (path / "truth.parquet").exists():
            make_region(records, SEED, path)
    out = given.folder / "out"
    first = step("full", folder, out / "full")
    identity = out / "full" / "identity.duckdb"
    review = step("full", folder, out / "review", accepts_review=True)
    kept = step("frozen", folder, out / "frozen", identity)
    splink = step("splink", folder, out / "splink", identity)
    rows = {"Dolen, automatic (0.95)": first, "Dolen, links of 0.5 and above": review, "Dolen, frozen model": kept,
            "Splink alone, components at 0.9": splink}  # fmt: skip
    show(f"{given.records:,} records", rows, [*ACCURACY, "s", "GiB"])
    small_full = step("full", small, out / "small")
    few = out / "small" / "identity.duckdb"
    show("100,000 records", {
        "Dolen, automatic (0.95)": small_full,
        "Dolen, links of 0.5 and above": step("full", small, out / "small_review", accepts_review=True),
        "Splink alone, components at 0.9": step("splink", small, out / "small_splink", few),
        "recordlinkage ECM, components": step("recordlinkage", small, out / "small_rl", few),
    }, [*ACCURACY, "s", "GiB"])  # fmt: skip
    nights = {f"{changed:,} changed": step("delta", folder, out / "delta", identity, changed)
              for changed in (1_250, 2_500, 5_000)}  # fmt: skip
    show("A night", nights, ["pairs", "s to scored pairs", "s", "GiB", "ids changed", "ids changed by a rerun"])
    show("One person looked up", {"": step("look_up", folder, out / "lookup", identity)}, ["s", "found", "GiB"])
    district = given.folder / "275000"  # 105,000 children
    if not (district / "truth.parquet").exists():
        make_region(275_000, SEED, district)
    waiting = step("queue", district, out / "queue")
    show("The review queue of the first night, 105,000 children", {kind: {"pairs": n} for kind, n in waiting.items()},
         ["pairs"])  # fmt: skip
    matches = first["silver"].pop("all")
    rules = {rule.name: {"reason": rule.reason, **first["rules"][rule.name],
                         "silver matches only it finds %": 100 * first["silver"][rule.name] / matches}
             for rule in BLOCKING_RULES}  # fmt: skip
    show("Blocking rules", rules, ["pairs", "pairs_alone", "blocks_cut", "silver matches only it finds %", "reason"])
    ablation = {"with everything": step("full", small, out / "small_review", accepts_review=True)}
    ablation |= {f"without {name}": step("without", small, out / "without", name) for name in EVIDENCE}
    ablation["with nothing more than the reference"] = step("without", small, out / "without", "nothing more")
    show("What each kind of evidence buys (100,000 records, links of 0.5 and above)", ablation,
         ["f1", "recall", "mixed ids %", "twins sharing %"])  # fmt: skip
    if FEBRL.is_dir():
        show("FEBRL, stand-alone", febrl(), ["precision", "recall", "f1"])


if __name__ == "__main__":
    main()
