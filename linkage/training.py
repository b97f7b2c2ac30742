"""Trains the Fellegi-Sunter model with Splink: m and u of every level, the prior, and how frequent names are.

Put here: Splink settings made from model.py, and reading back what Splink learnt. Keep out: silver calibration
(silver.py) and scoring; a nightly run never trains.
"""

import hashlib
import logging
import warnings
from dataclasses import replace
from datetime import date
from typing import Any, Final

import duckdb
import numpy as np
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from linkage import silver
from linkage.model import COMPARISONS, Comparison, LinkageConfig
from linkage.records import FEATURES, assign_rarity, octave
from linkage.scoring import DIGITS, read_patterns, score_candidates
from linkage.weights import MAX_BITS, Model, declared_model

RANDOM_PAIRS: Final = 1_000_000
EM_PAIRS: Final = 1_000_000
RECALL_OF_SURE_RULES: Final = 0.85
MIN_RECORDS: Final = 200
"""Under this many records Splink has nothing to learn from."""
MIN_SHARE: Final = 1e-7
TRAINING: Final = "in training"
"""Version under which names are counted until the model has its own."""
EM_BLOCKS: Final = (("forename", "surname"), ("birth", "sex"))
"""Each session learns the fields that it does not block on. Only plain columns: Splink does not see that a derived
column depends on another."""
SURE_RULES: Final = (("nhs_number",), ("upn",), ("other_identifier",), ("forename", "surname", "birth"))

FREQUENCY_TABLE: Final = """
CREATE TABLE IF NOT EXISTS name_frequency (version VARCHAR, field VARCHAR, name VARCHAR, octave UTINYINT)
"""


def comparison_for_splink(comparison: Comparison, model: Model) -> cl.CustomComparison:
    """One comparison of model.py in Splink's terms, with the m and u of a model."""
    levels: list[Any] = [cll.CustomLevel(comparison.missing, "missing").configure(is_null_level=True)]
    for level, m, u in zip(comparison.levels, model.m[comparison.field], model.u[comparison.field], strict=True):
        if not level.condition:
            levels.append(cll.ElseLevel().configure(label_for_charts=level.name, m_probability=m, u_probability=u))
        elif comparison.frequency_of is not None and level.name == "exact":
            levels.append(
                cll.CustomLevel(level.condition, level.name).configure(
                    tf_adjustment_column=comparison.frequency_of, m_probability=m, u_probability=u
                )
            )
        else:
            levels.append(cll.CustomLevel(level.condition, level.name).configure(m_probability=m, u_probability=u))
    return cl.CustomComparison(comparison_levels=levels, output_column_name=comparison.field)


def settings_for_splink(model: Model, comparisons: tuple[Comparison, ...] = COMPARISONS) -> SettingsCreator:
    """The whole model as Splink settings, for training, for charts and for comparing engines."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[comparison_for_splink(one, model) for one in comparisons],
        blocking_rules_to_generate_predictions=[block_on("birth")],
        probability_two_random_records_match=model.prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
        additional_columns_to_retain=[],
    )


def train_fellegi_sunter(con: duckdb.DuckDBPyConnection) -> Model:
    """Learn m, u and the prior from the present records.

    Args:
        con: the store; its table `record` is read and nothing is written to it.

    Returns:
        A model without silver weights; the declared one if there are too few records.
    """
    declared = declared_model()
    columns = ", ".join(["record", "system", *FEATURES])
    rows = con.execute(f"SELECT {columns} FROM record WHERE is_present ORDER BY record").to_arrow_table()
    if rows.num_rows < MIN_RECORDS:
        return declared
    with duckdb.connect(config={"threads": 1}) as own, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own.register("arrow_rows", rows)
        own.execute("CREATE TABLE training_record AS FROM arrow_rows")
        own.unregister("arrow_rows")
        del rows
        filled = own.execute(
            f"SELECT {', '.join(f'count({name})' for name in FEATURES)}, count(*) FROM training_record"
        ).fetchall()[0]
        share = dict(zip(FEATURES, filled, strict=False))
        linker = Linker(
            DuckDBAPI(connection=own).register("training_record", dataset_display_name="training_record"),
            settings_for_splink(declared),
            log_level=logging.ERROR,
        )
        sure: list[Any] = [block_on(*rule) for rule in SURE_RULES if all(share[column] for column in rule)]
        linker.training.estimate_probability_two_random_records_match(sure, recall=RECALL_OF_SURE_RULES)
        linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=1)
        for columns_of_block in EM_BLOCKS:
            if all(share[column] > filled[-1] / 10 for column in columns_of_block):
                linker.training.estimate_parameters_using_expectation_maximisation(
                    block_on(*columns_of_block), max_pairs=EM_PAIRS, estimate_without_term_frequencies=True
                )
        return _read_back(linker, declared, filled[-1])


def _read_back(linker: Linker, declared: Model, records: int) -> Model:
    """M and u as Splink has them now; levels that it never saw keep the declared ones."""
    saved = linker.misc.save_model_to_json()
    m, u, learnt = {}, {}, []
    for comparison, found in zip(COMPARISONS, saved["comparisons"], strict=True):
        levels = [one for one in found["comparison_levels"] if not one.get("is_null_level")]
        name = comparison.field
        m[name], u[name] = list(declared.m[name]), list(declared.u[name])
        for place, (level, one) in enumerate(zip(comparison.levels, levels, strict=True)):
            for target, key in ((m[name], "m_probability"), (u[name], "u_probability")):
                value = one.get(key)
                if isinstance(value, float) and value > MIN_SHARE:
                    if value != target[place]:
                        learnt.append(f"{name}.{level.name}.{key[0]}")
                    target[place] = float(f"{value:.6g}")
    prior = float(saved["probability_two_random_records_match"])
    return replace(declared, records=records, prior=prior, m=m, u=u, learnt_levels=learnt)


def count_names(con: duckdb.DuckDBPyConnection, version: str) -> None:
    """Freeze how frequent names are, with the model that will use them."""
    for name in ("forename", "surname"):
        con.execute(
            f"""
            INSERT INTO name_frequency
            SELECT '{version}', '{name}', {name}, {octave("count(*) / sum(count(*)) OVER ()")}
            FROM record WHERE {name} IS NOT NULL GROUP BY {name}
            """
        )


def has_enough(con: duckdb.DuckDBPyConnection, config: LinkageConfig) -> bool:
    """Whether a first model can be learnt: from labels, or for persons without identifiers from many records."""
    silver.label(con, "candidate")
    labels = con.execute("SELECT count(*) FROM silver").fetchall()[0][0]
    records = con.execute("SELECT count(*) FROM record WHERE is_present").fetchall()[0][0]
    return labels >= config.min_labels or records >= config.min_records_without_labels


def train_from(con: duckdb.DuckDBPyConnection, as_of: date, config: LinkageConfig) -> Model:
    """Train a whole model from all candidates: Fellegi-Sunter, silver weights and shares by source pair.

    Args:
        con: the store, with the temporary table `candidate` of all candidates. The names' frequencies are counted,
            frozen under the new version and put on the records, and the candidates scored by them.
        as_of: the date the data speak for; part of the version.
        config: how many labels are enough.

    Returns:
        The model; `scored` holds the patterns that go with it.
    """
    count_names(con, TRAINING)
    assign_rarity(con, TRAINING, "SELECT record FROM record WHERE is_present")
    score_candidates(con)
    model = train_fellegi_sunter(con)
    silver.label(con)
    labels = silver.count_labels(con)
    if labels.count >= config.min_labels:
        model = silver.calibrate(model, labels)
    pairs = con.execute(
        "SELECT pattern, source_pair, count(*) AS pairs FROM scored GROUP BY ALL ORDER BY ALL"
    ).fetchnumpy()
    pattern, count = np.asarray(pairs["pattern"], dtype=np.int64), np.asarray(pairs["pairs"])
    if model.labels:
        shares = silver.learn_source_priors(model, pattern, np.asarray(pairs["source_pair"]), count)
        model = replace(model, source_priors=shares)
    if not config.has_twin_rule:
        model = replace(model, max_identifier_bits=MAX_BITS)
    model = replace(model, pattern_shares=level_shares(pattern, count))
    digest = hashlib.sha256(model.to_json().encode()).hexdigest()[:8]
    model = replace(model, version=f"{as_of.isoformat()}-{digest}")
    con.execute("DELETE FROM name_frequency WHERE version = ?", [model.version])
    con.execute("UPDATE name_frequency SET version = ? WHERE version = ?", [model.version, TRAINING])
    return model


def level_shares(pattern: np.ndarray, count: np.ndarray) -> dict[str, float]:
    """Share of the candidates at each level of each field, by `field=level`."""
    if not len(pattern):
        return {}
    levels, total = read_patterns(pattern), count.sum()
    shares = {}
    for name, digits in DIGITS.items():
        found = np.bincount(levels.of(name), weights=count, minlength=len(digits)) / total
        shares.update({f"{name}={digit}": round(float(one), 6) for digit, one in zip(digits, found, strict=True)})
    return shares
