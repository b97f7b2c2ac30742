"""`dolen linkage ...` and `dolen link` as their users meet them."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

import linkage
from linkage.model import BOOLEAN_COLUMNS, DATE_COLUMNS, INTEGER_COLUMNS, LIST_COLUMNS, TEXT_COLUMNS
from orchestration.cli import main

HEALTH, SCHOOL = "health|PARIS|1", "education|SIMS|1"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation that has linked two twins."""
    kinds = {
        **dict.fromkeys(TEXT_COLUMNS, "VARCHAR"), **dict.fromkeys(LIST_COLUMNS, "VARCHAR[]"),
        **dict.fromkeys(DATE_COLUMNS, "DATE"), **dict.fromkeys(BOOLEAN_COLUMNS, "BOOLEAN"),
        **dict.fromkeys(INTEGER_COLUMNS, "INTEGER"),
    }  # fmt: skip
    common = {"surname": "'PROTHEROE'", "birth_date": "DATE '2015-03-09'", "postcode": "'CF991AA'",
              "address_line": "'12 HEOL Y BRYN'", "sex": "'F'"}  # fmt: skip
    rows = []
    for key, forename in ((HEALTH, "TEGAN"), (SCHOOL, "SIONED")):
        agency, system, _ = key.split("|")
        values = common | {"record_key": f"'{key}'", "agency": f"'{agency}'", "system": f"'{system}'",
                           "forename": f"'{forename}'"}  # fmt: skip
        rows.append("SELECT " + ", ".join(f"CAST({values.get(n, 'NULL')} AS {k}) AS {n}" for n, k in kinds.items()))
    persons = tmp_path / "persons.parquet"
    duckdb.execute(f"COPY ({' UNION ALL '.join(rows)}) TO '{persons}' (FORMAT parquet)")
    home = tmp_path / "home"
    linkage.link(persons, tmp_path / "out", as_of=date(2025, 9, 1), config=linkage.LinkageConfig(),
                 identity=home / "identity.duckdb")  # fmt: skip
    return home


@pytest.fixture
def dolen(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], repository: Path):
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        words = ["dolen", "--home", str(home), "--region", str(repository / "region.toml"), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


def test_a_pair_is_explained_with_a_chart_and_without_a_name(dolen, tmp_path):
    code, said, _ = dolen("linkage", "explain", HEALTH, SCHOOL, "--chart", tmp_path / "pair.html")
    assert code == 0
    assert "another forename" in said
    assert "TEGAN" not in said
    assert (tmp_path / "pair.html").exists()


def test_an_unknown_record_ends_in_one_plain_line(dolen):
    code, said, error = dolen("linkage", "explain", HEALTH, "no|such|record")
    assert (code, said) == (2, "")
    assert error.startswith("dolen:")
    assert "Traceback" not in error


def test_a_batch_of_the_queue_goes_out_and_comes_back(dolen, home, tmp_path):
    batch = tmp_path / "batch.csv"
    code, said, _ = dolen("linkage", "queue", "--export", batch)
    assert code == 0
    assert "twin" in said
    with batch.open() as opened:
        rows = list(csv.DictReader(opened))
    rows[0] |= {"verdict": "not_same", "reason": "two sisters"}
    with batch.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert dolen("linkage", "review", batch, "--by", "reviewer 7")[0] == 0
    assert len(list((home / "decisions").glob("*.csv"))) == 1
    assert dolen("linkage", "export", tmp_path / "all.csv")[0] == 0
    assert "not_same" in (tmp_path / "all.csv").read_text()


def test_a_file_that_contradicts_itself_is_refused_with_its_lines(dolen, tmp_path):
    head = "record_key_l,record_key_r,verdict,decided_by,decided_at,reason,expires_on,scope\n"
    line = f"{HEALTH},{SCHOOL},{{}},reviewer 7,2025-09-01T09:00:00+00:00,seen,,pair\n"
    (tmp_path / "in.csv").write_text(head + line.format("same") + line.format("not_same"))
    code, _, error = dolen("linkage", "import", tmp_path / "in.csv")
    assert code == 2
    assert "lines 2 and 3" in " ".join(error.split())


def test_a_model_that_does_not_exist_is_named(dolen):
    code, _, error = dolen("linkage", "promote", "2020-01-01-x")
    assert code == 2
    assert "there is no model 2020-01-01-x" in " ".join(error.split())


def test_models_are_trained_tried_and_promoted(dolen):
    code, said, _ = dolen("linkage", "train")
    assert code == 0
    version = said.split("Model ", 1)[1].split(",", 1)[0]
    assert "would change their id" in dolen("linkage", "shadow", version)[1]
    assert dolen("linkage", "promote", version)[0] == 0
    assert "live" in dolen("linkage", "models")[1]


def test_files_of_persons_are_linked_and_measured_against_their_truth(dolen, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("id,first,last,born,who\n1,Angharad,Protheroe,2015-03-09,a\n2,Angharad,Protheroe,2015-03-09,a\n")
    mapping = tmp_path / "map.toml"
    mapping.write_text('[columns]\nid = "id"\nforename = "first"\nsurname = "last"\nbirth_date = "born"\n')
    code, said, _ = dolen("link", people, "--map", mapping, "--out", tmp_path / "linked", "--truth", "who")
    assert code == 0
    assert "precision" in said
    assert (tmp_path / "linked" / "clusters.csv").exists()
