"""Accuracy on a small made region and on the public FEBRL files: floors a little under what was measured."""

import datetime as dt
from pathlib import Path

import pytest

import linkage
from linkage.standalone import link_files, read_mapping

REPOSITORY = Path(__file__).resolve().parents[3]
FEBRL = REPOSITORY.parent / "shared" / "samples" / "linkage" / "febrl"
AS_OF = dt.date(2025, 9, 1)


@pytest.mark.parametrize(
    ("settings", "recall"), [({}, 0.94), ({"accepts_review": True}, 0.98)], ids=["automatic", "with review"]
)
def test_a_region_of_a_thousand_children_links_precisely_and_keeps_twins_apart(region, tmp_path, settings, recall):
    rows, truth, people = region.make_region(1_000, seed=7, twin_share=0.06)
    truth.to_parquet(tmp_path / "truth.parquet")
    people.to_parquet(tmp_path / "people.parquet")
    persons = region.write_persons(rows, tmp_path / "persons.parquet")
    config = linkage.LinkageConfig(variants=REPOSITORY / "dbt_project" / "seeds" / "forename_variants.csv", **settings)
    linkage.link(persons, tmp_path, as_of=AS_OF, config=config)
    found = linkage.evaluate(
        tmp_path / "clusters.parquet", tmp_path / "truth.parquet", people=tmp_path / "people.parquet"
    )
    assert found.pairs.precision >= 0.998
    assert found.pairs.recall >= recall
    assert found.twins > 20
    assert found.twins_sharing_an_id == 0


@pytest.mark.skipif(not FEBRL.is_dir(), reason=f"the FEBRL files are not at {FEBRL}")
@pytest.mark.parametrize(
    ("files", "f1"),
    [(("dataset1",), 0.97), (("dataset2",), 0.98), (("dataset3",), 0.97), (("dataset4a", "dataset4b"), 0.98)],
    ids=["febrl1", "febrl2", "febrl3", "febrl4"],
)
def test_febrl_files_link_at_the_measured_floor(tmp_path, files, f1):
    mapping = read_mapping(REPOSITORY / "docs" / "examples" / "febrl.toml")
    report = link_files([FEBRL / f"{file}.csv" for file in files], mapping, tmp_path, "rec_id", as_of=AS_OF)
    assert report.evaluation.pairs.precision >= 0.999
    assert report.evaluation.pairs.f1 >= f1
