"""What is learnt from a region, and when the declared weights stand instead."""

import datetime as dt
from dataclasses import replace

import duckdb
import numpy as np
import pytest
from splink import DuckDBAPI, Linker

import linkage
from linkage import LinkageConfig, list_models, silver, store
from linkage.model import FIELDS
from linkage.pairs import weigh_patterns
from linkage.scoring import DIGITS, PLACES, read_patterns, score_candidates
from linkage.silver import Labels, calibrate
from linkage.training import settings_for_splink
from linkage.weights import (
    EVIDENCE,
    PAIRS,
    TRIPLES,
    Model,
    declared_model,
    design,
    field_bits,
    probability,
    weigh,
)  # fmt: skip


def pattern(**levels: str) -> int:
    return sum(DIGITS[field].index(name) * PLACES[field] for field, name in levels.items())


TWINS = pattern(forename="differs", surname="exact_3", birth_date="exact", place="address", guardians="same")
SAME = pattern(forename="exact_5", surname="exact_3", birth_date="exact", place="address", guardians="same")


@pytest.fixture(scope="module")
def trained(region, tmp_path_factory):
    """The identity store after one run over a region with identifiers."""
    folder = tmp_path_factory.mktemp("trained")
    rows, _, _ = region.make_region(1_200, seed=7, twin_share=0.06)
    persons = region.write_persons(rows, folder / "persons.parquet")
    linkage.link(
        persons, folder / "out", as_of=dt.date(2025, 9, 1), config=LinkageConfig(), identity=folder / "identity.duckdb"
    )
    return folder


def live(folder) -> Model:
    with store.open_store(folder / "identity.duckdb", "1GB", folder / "spill", keeps=False) as con:
        return store.live_model(con)


def test_a_first_run_with_enough_labels_trains_and_promotes_its_model(trained):
    model = live(trained)
    assert model.labels >= 1_000
    assert model.coefficients
    assert [one["is_live"] for one in list_models(trained / "identity.duckdb", config=LinkageConfig())] == [True]
    assert model.version.startswith("2025-09-01-")


def test_with_few_labels_the_declared_weights_stand(run, region):
    rows, _, _ = region.make_region(60, seed=3)
    assert run(*rows).summary.model_version == "declared"


def test_a_model_read_back_from_its_text_is_the_same(trained):
    model = live(trained)
    assert Model.from_json(model.to_json()) == model


def test_the_fellegi_sunter_weight_is_the_one_that_splink_gives(trained, region):
    """Splink and the pattern table are two ways to one number; names of one rarity keep frequencies out of it."""
    model = live(trained)
    flat = replace(model, m={f: [max(v, 1e-6) for v in one] for f, one in model.m.items()})
    con = duckdb.connect()
    con.execute(f"ATTACH '{trained}/identity.duckdb' AS store (READ_ONLY)")
    con.execute("CREATE TABLE sample AS SELECT * FROM store.record WHERE is_present ORDER BY record LIMIT 400")
    con.execute("UPDATE sample SET forename_octave = 5, surname_octave = 3")
    settings = settings_for_splink(flat).create_settings_dict("duckdb")
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            level.pop("tf_adjustment_column", None)
    scored = Linker(DuckDBAPI(connection=con).register("sample", dataset_display_name="sample"), settings,
                    log_level=40).inference.predict().as_pandas_dataframe()  # fmt: skip
    con.execute("ALTER TABLE sample RENAME TO record")
    con.register("wanted", scored[["record_l", "record_r"]])
    con.execute("CREATE TEMP TABLE candidate AS SELECT least(record_l, record_r)::INTEGER AS l, "
                "greatest(record_l, record_r)::INTEGER AS r, 0::UINTEGER AS rules FROM wanted")  # fmt: skip
    score_candidates(con)
    ours = con.execute("SELECT l, r, pattern FROM scored").df()
    parts = weigh(replace(flat, coefficients={}), ours["pattern"].to_numpy())
    exact = {f: field_bits(flat, f)[DIGITS[f].index(f"exact_{o}")] for f, o in (("forename", 5), ("surname", 3))}
    digits = {f: ours["pattern"].to_numpy() // PLACES[f] % len(DIGITS[f]) for f in exact}
    shift = sum(
        (digits[f] == DIGITS[f].index(f"exact_{o}")) * (np.log2(flat.m[f][0] / flat.u[f][0]) - exact[f])
        for f, o in (("forename", 5), ("surname", 3))
    )
    identifiers = sum(
        field_bits(flat, f)[ours["pattern"].to_numpy() // PLACES[f] % len(DIGITS[f])]
        for f in FIELDS if f not in EVIDENCE
    )  # fmt: skip
    ours["weight"] = parts.fellegi_sunter + identifiers + shift
    key = scored.assign(
        l=scored[["record_l", "record_r"]].min(axis=1), r=scored[["record_l", "record_r"]].max(axis=1)
    ).merge(ours, on=["l", "r"])
    assert len(key) > 50
    assert np.allclose(key["match_weight"], key["weight"], atol=1e-6)


def test_labelled_twins_take_the_weight_from_all_that_twins_share():
    labels = Labels(np.array(sorted([TWINS, SAME])), np.array([0, 4_000]), np.array([500, 0]))
    if TWINS > SAME:
        labels = Labels(labels.pattern, labels.matches[::-1], labels.others[::-1])
    model = calibrate(declared_model(), labels)
    before = weigh(declared_model(), np.array([TWINS])).fellegi_sunter[0]
    after = weigh(model, np.array([TWINS, SAME])).silver
    assert before > 10
    assert after[0] < 0 < after[1]


def test_a_handful_of_labels_leaves_fellegi_sunter_nearly_as_it_is():
    few = Labels(np.array(sorted([TWINS, SAME])), np.array([1, 1]), np.array([1, 1]))
    model = calibrate(declared_model(), few)
    assert model.alpha < 0.01


def test_labels_of_one_kind_teach_nothing():
    only = Labels(np.array([SAME]), np.array([5_000]), np.array([0]))
    assert calibrate(declared_model(), only) == declared_model()


def test_calibrating_twice_gives_the_same_model(trained):
    labels = Labels(np.array(sorted([TWINS, SAME])), np.array([300, 2]), np.array([4, 900]))
    assert calibrate(declared_model(), labels) == calibrate(declared_model(), labels)


def test_two_sources_with_few_candidates_learn_no_wild_share():
    model = replace(declared_model(), labels=5_000, labelled_share=0.7, coefficients={"sex=same": 0.0})
    shares = silver.learn_source_priors(model, np.array([TWINS]), np.array(["a-b"]), np.array([3]))
    assert 0.5 < shares["a-b"] < 0.9


def test_no_identifier_is_worth_more_than_the_errors_in_identifiers_allow():
    both = weigh(declared_model(), np.array([pattern(nhs_number="same", upn="same")])).identifiers[0]
    assert both == pytest.approx(10.0)


def test_missing_fields_are_worth_nothing():
    weight = weigh_patterns(declared_model(), np.array([0]), np.array(["a-b"], dtype=object), LinkageConfig())["weight"]
    assert probability(weight.to_numpy())[0] == pytest.approx(declared_model().prior, rel=1e-3)


def test_a_rarer_name_is_worth_more():
    bits = field_bits(declared_model(), "surname")
    octaves = [bits[DIGITS["surname"].index(f"exact_{number}")] for number in range(12)]
    assert octaves == sorted(octaves)
    assert octaves[3] - octaves[2] == pytest.approx(1.0)


def test_a_probability_never_reaches_certainty():
    assert probability(np.array([-500.0, 500.0])).tolist() == [1e-9, 1 - 1e-9]


def test_every_pattern_has_one_column_a_field_and_one_a_combination():
    matrix, names = design(read_patterns(np.array([TWINS, SAME, 0])))
    assert matrix.sum(axis=1).tolist() == [[len(EVIDENCE) + len(PAIRS) + len(TRIPLES)]] * 3
    assert len(set(names)) == len(names) == matrix.shape[1]
