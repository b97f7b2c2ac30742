"""Linking the persons of any files: what a mapping may say, what comes back, and that nothing personal is told."""

import datetime as dt
import json
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from linkage import standalone

AS_OF = dt.date(2026, 1, 1)
CLINIC = """key, first ,last,born,street,town,code,who
1,Angharad,Protheroe,2015-03-09,12 Heol y Bryn,Caerau,CF99 1AA,p1
2,Baby,Protheroe,31/02/2015,12 Heol y Bryn,Caerau,ZZ99 3VZ,p2
3,Gwilym,Bowen,2013-11-20,3 High St,Caerau,CF99 2BB,p3
"""
SCHOOL = """key,given,surname,dob,line,postcode,who
a,ANGHARAD,PROTHEROE,09/03/2015,12 Heol y Bryn,CF991AA,p1
b,Gwilym,Bowen,20/11/2013,3 High Street,CF99 2BB,p3
b,Mali,Ellis,01/07/2014,9 Stryd Fawr,CF99 3CC,
"""
MAPPING = """
[columns]
id = "key"
surname = "last"
birth_date = "born"
address = "street"
postcode = "code"
forename = "first"
[files."school.csv"]
source = "school"
columns = { forename = "given", surname = "surname", birth_date = "dob", address = "line", postcode = "postcode" }
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, text in (("clinic.csv", CLINIC), ("school.csv", SCHOOL)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [tmp_path / "clinic.csv", tmp_path / "school.csv"]


@pytest.fixture
def mapped(tmp_path: Path):
    def read(text: str) -> standalone.Mapping:
        path = tmp_path / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        return standalone.read_mapping(path)

    return read


def rows(path: Path, columns: str = "*") -> list[tuple[object, ...]]:
    return duckdb.execute(f"SELECT {columns} FROM '{path}'").fetchall()


def test_files_with_columns_of_their_own_names_become_one_persons_table(files, mapped, tmp_path):
    prepared = standalone.to_persons(files, mapped(MAPPING), tmp_path / "out")
    assert prepared.records_by_file == {"clinic.csv": 3, "school.csv": 3}
    found = rows(prepared.persons, "record_key, forename, birth_date, address_line, postcode, postcode_district")
    assert found[0] == ("clinic|clinic|1", "ANGHARAD", dt.date(2015, 3, 9), "12 HEOL Y BRYN", "CF991AA", "CF99")
    gwilyms = {one[2:] for one in found if one[1] == "GWILYM"}
    assert gwilyms == {(dt.date(2013, 11, 20), "3 HIGH STREET", "CF992BB", "CF99")}


def test_what_cannot_be_used_is_counted_by_field(files, mapped, tmp_path):
    prepared = standalone.to_persons(files, mapped(MAPPING), tmp_path / "out")
    unusable = {name: count.unusable for name, count in prepared.fields.items()}
    assert unusable == {"forename": 1, "surname": 0, "birth_date": 1, "address": 0, "postcode": 1}


def test_an_id_that_repeats_gives_way_to_the_row_number(files, mapped, tmp_path):
    prepared = standalone.to_persons(files, mapped(MAPPING), tmp_path / "out")
    assert prepared.ids_unusable == 2
    keys = [key for key, file, _ in rows(prepared.origins, "record_key, file, row") if file == "school.csv"]
    assert sorted(keys) == ["school|school|a", "school|school|school.csv#2", "school|school|school.csv#3"]


def test_files_that_hold_nothing_but_names_are_no_error(tmp_path, mapped):
    path = tmp_path / "names.csv"
    path.write_text("name\nGwilym\n", encoding="utf-8")
    report = standalone.link_files([path], mapped('[columns]\nforename = "name"'), tmp_path / "out", as_of=AS_OF)
    assert report.persons == 1
    assert report.evaluation is None


def test_a_column_that_only_some_of_the_files_have_is_no_error(files, mapped, tmp_path):
    prepared = standalone.to_persons(
        files, mapped(MAPPING.replace("[files", 'town = "town"\n[files')), tmp_path / "out"
    )
    assert prepared.fields["town"].given == 3


def test_several_columns_are_joined_or_listed_as_the_field_wants(tmp_path, mapped):
    path = tmp_path / "one.csv"
    path.write_text(
        "no,street,mobile,home\n12,High St,07700 900123,029 2018 0123; 029 2018 0124\n,,,\n", encoding="utf-8"
    )
    mapping = mapped('[columns]\naddress = ["no", "street"]\ntelephone = ["mobile", "home"]')
    prepared = standalone.to_persons([path], mapping, tmp_path / "out")
    assert rows(prepared.persons, "address_line, telephones") == [
        ("12 HIGH STREET", ["02920180123", "02920180124", "07700900123"]),
        (None, []),
    ]


def test_parquet_files_give_the_same_persons_as_csv_files(tmp_path, mapped):
    frame = pd.DataFrame(
        {"key": [1, 2], "n": [9990000018.0, None], "born": [dt.date(2015, 3, 9), None], "code": ["CF99 1AA", ""]}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    mapping = mapped(
        '[columns]\nid = "key"\nnhs_number = "n"\nbirth_date = "born"\npostcode = "code"\n[source]\nconstant = "s"'
    )
    parquet = standalone.to_persons([tmp_path / "a.parquet"], mapping, tmp_path / "one")
    frame.assign(n=["9990000018", None]).to_csv(tmp_path / "a.csv", index=False)
    csv = standalone.to_persons([tmp_path / "a.csv"], mapping, tmp_path / "two")
    assert rows(parquet.persons) == rows(csv.persons)
    assert rows(csv.persons, "nhs_number")[0] == ("9990000018",)


def test_the_source_may_be_a_column(tmp_path, mapped):
    path = tmp_path / "all.csv"
    path.write_text("name,agency\nGwilym,gp|north\nMali,\n", encoding="utf-8")
    mapping = mapped('[columns]\nforename = "name"\n[source]\ncolumn = "agency"')
    prepared = standalone.to_persons([path], mapping, tmp_path / "out")
    assert [source for (source,) in rows(prepared.origins, "source")] == ["all", "gp/north"]


def test_pairs_and_clusters_come_back_as_rows_of_the_files(files, mapped, tmp_path):
    out = tmp_path / "out"
    report = standalone.link_files(files, mapped(MAPPING), out, as_of=AS_OF)
    clusters = rows(out / "clusters.parquet", "cluster_id, file, row, id")
    assert len(clusters) == 6
    by_place = {(file, row): (cluster, key) for cluster, file, row, key in clusters}
    assert by_place["clinic.csv", 3][0] == by_place["school.csv", 2][0]
    assert by_place["school.csv", 2][1] == "b"
    assert report.persons == len({cluster for cluster, *_ in clusters})
    linked = rows(out / "pairs.csv", "file_l, row_l, file_r, row_r, decision")
    assert ("clinic.csv", 3, "school.csv", 2, "link") in linked


def test_no_value_of_a_person_is_left_in_the_folder(files, mapped, tmp_path):
    out = tmp_path / "out"
    standalone.link_files(files, mapped(MAPPING), out, "who", as_of=AS_OF)
    assert {path.name for path in out.iterdir()} == {
        "pairs.parquet", "pairs.csv", "clusters.parquet", "clusters.csv", "summary.json", "evaluation.json",
    }  # fmt: skip
    written = b"".join(path.read_bytes() for path in out.iterdir())
    assert not re.search(b"protheroe|gwilym|cf99|heol", written, re.IGNORECASE)


def test_with_a_truth_the_result_is_measured_by_pair_and_by_cluster(files, mapped, tmp_path):
    report = standalone.link_files(files, mapped(MAPPING), tmp_path / "out", "who", as_of=AS_OF)
    assert report.prepared.truth_unknown == 1
    assert report.evaluation.records == 5
    assert report.evaluation.pairs.true_pairs == report.found.true_pairs == 2
    assert (report.evaluation.pairs.precision, report.evaluation.pairs.recall) == (1.0, 1.0)
    assert report.evaluation.clusters.f1 == 1.0
    assert report.found.compared == 2
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["pairs"]["f1"] == 1.0


def test_a_truth_inside_a_longer_value_is_taken_out_by_its_pattern(tmp_path, mapped):
    path = tmp_path / "one.csv"
    path.write_text("rec_id,name\nrec-7-org,Mali\nrec-7-dup-0,Mali\nnone,Mali\n", encoding="utf-8")
    mapping = mapped(
        '[columns]\nid = "rec_id"\nforename = "name"\n[truth]\ncolumn = "rec_id"\npattern = "rec-(\\\\d+)-"'
    )
    prepared = standalone.to_persons([path], mapping, tmp_path / "out")
    assert rows(prepared.truth, "person_id") == [("7",), ("7",)]
    assert prepared.truth_unknown == 1


def test_where_no_source_holds_a_person_twice_its_records_stay_apart(tmp_path, mapped):
    head = "first,last,born,street,code\n"
    same = "Angharad,Protheroe,2015-03-09,12 Heol y Bryn,CF99 1AA\n"
    (tmp_path / "a.csv").write_text(head + same + same, encoding="utf-8")
    (tmp_path / "b.csv").write_text(head + same, encoding="utf-8")
    text = MAPPING.split("[files", maxsplit=1)[0].replace('id = "key"\n', "")
    both = [tmp_path / "a.csv", tmp_path / "b.csv"]
    free = standalone.link_files(both, mapped(text), tmp_path / "free", as_of=AS_OF)
    assert free.persons == 1
    out = tmp_path / "apart"
    report = standalone.link_files(both, mapped(text + "[settings]\none_per_source = true"), out, as_of=AS_OF)
    clusters = rows(out / "clusters.parquet", "cluster_id, file, cluster_size")
    assert report.persons == 2
    assert {size for cluster, file, size in clusters if file == "b.csv"} == {2}
    assert len({cluster for cluster, file, _ in clusters if file == "a.csv"}) == 2
    assert report.links == 1
    assert ("one_per_source",) in rows(out / "pairs.parquet", "veto")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no field"),
        ("[columns]\nforname = 'first'", "unknown forname; it may have id, forename"),
        ("[columns]\nforename = 1", "name of a column"),
        ("[columns]\nforename = []", "name of a column"),
        ("[columns\n", "is no TOML"),
        ("[columns]\nforename = 'f'\n[settings]\nlink = 'high'", "link must be a number"),
        ("[columns]\nforename = 'f'\n[settings]\ntwins = 1", "twins must be true or false"),
        ("[columns]\nforename = 'f'\n[settings]\nlink = 0.4", "review < link"),
        ("[columns]\nforename = 'f'\n[source]\ncolumn = 'a'\nconstant = 'b'", "not both"),
        ("[columns]\nforename = 'f'\n[truth]\ncolumn = 'a'\npattern = 'rec-'", "one group"),
        ("[columns]\nforename = 'f'\n[truth]\ncolumn = 'a'\npattern = '('", "no regular expression"),
        ("[columns]\nforename = 'f'\n[more]", "unknown more"),
    ],
)
def test_a_mapping_that_says_something_wrong_is_refused_with_what_it_may_say(mapped, text, said):
    with pytest.raises(standalone.MappingError, match=re.escape(said)):
        mapped(text)


@pytest.mark.parametrize(
    ("change", "truth", "said"),
    [
        (('"first"', '"vorname"'), None, "no file has the column vorname ([columns] forename)"),
        (('"given"', '"first"'), None, "school.csv has no column first"),
        (('"school.csv"', '"college.csv"'), None, "college.csv, which is not among the files"),
        (("", ""), "truth", "no file has the column truth (the truth)"),
        (("", ""), "code", "mapped as postcode too"),
    ],
)
def test_a_mapping_that_does_not_fit_the_files_is_refused(files, mapped, tmp_path, change, truth, said):
    with pytest.raises(standalone.MappingError, match=re.escape(said)):
        standalone.to_persons(files, mapped(MAPPING.replace(*change, 1)), tmp_path / "out", truth=truth)


def test_a_file_that_cannot_be_read_is_named_and_its_lines_are_not_shown(tmp_path, mapped):
    path = tmp_path / "broken.csv"
    path.write_bytes(b"first\n" + "Siân\n".encode("latin-1") * 3)
    mapping = '[columns]\nforename = "first"\n'
    with pytest.raises(standalone.SourceFileError, match=r"broken.csv cannot be read") as refused:
        standalone.to_persons([path], mapped(mapping), tmp_path / "out")
    assert "Si" not in str(refused.value)
    prepared = standalone.to_persons([path], mapped(mapping + '[settings]\nencoding = "latin-1"'), tmp_path / "out")
    assert set(rows(prepared.persons, "forename")) == {("SIAN",)}
    with pytest.raises(standalone.SourceFileError, match="does not exist"):
        standalone.to_persons([tmp_path / "nowhere.csv"], mapped(mapping), tmp_path / "out")


@pytest.mark.parametrize("dataset", [("dataset1",), ("dataset4a", "dataset4b")], ids=["febrl1", "febrl4"])
def test_the_example_mapping_fits_the_febrl_files(tmp_path, dataset):
    repository = Path(__file__).resolve().parents[3]
    febrl = repository.parent / "shared" / "samples" / "linkage" / "febrl"
    if not febrl.is_dir():
        pytest.skip(f"the FEBRL files are not at {febrl}")
    mapping = standalone.read_mapping(repository / "docs" / "examples" / "febrl.toml")
    prepared = standalone.to_persons([febrl / f"{name}.csv" for name in dataset], mapping, tmp_path)
    assert prepared.ids_unusable == prepared.truth_unknown == 0
    assert prepared.fields["identifier"].given == prepared.records
    assert 0 < prepared.fields["birth_date"].unusable < 0.02 * prepared.records
    assert prepared.fields["forename"].given > 0.9 * prepared.records
