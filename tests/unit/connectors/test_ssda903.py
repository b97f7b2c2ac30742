"""The 903 return: which file is which table, which year it is about, and what each column becomes."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery
from connectors.errors import FileHeld
from connectors.feed import ParseContext, SourceFile
from connectors.landing import Places, Terms, land
from connectors.social_care.ssda903 import FEED, parse
from connectors.social_care.ssda903_forms import FORMS
from connectors.social_care.ssda903_rows import derived_year_end

HEADER = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n"
ANNA = "101,2,28/02/2009,WBRI,A123456789012,,\n"
EPISODES = (
    "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN\n"
    "101,01/06/2017,S,C2,N1,U4,PR1,15/03/2018,X1,CARPL,CF10 1AA,CF11 9ZZ,SC000001\n"
    "101,15/03/2018,P,C2,N1,K1,PR4,,,,CF10 1AA,CF14 2BB,SC000002\n"
)
OC2 = (
    "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,"
    "INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n101,28/02/2009,12,,0,,1,1,0,0,,\n"
)
SET = {"header": HEADER + ANNA, "episodes": EPISODES, "oc2": OC2}
XML = """<?xml version="1.0"?>
<EXPSSDA903><CHILD><HEADER><CHILDID>101</CHILDID><SEX>2</SEX><DOB>28/02/2009</DOB><ETHNIC>WBRI</ETHNIC>
<UPN>UN3</UPN><UASC>1</UASC><DUC>28/02/2027</DUC>
<AREVIEW><REVIEW>01/02/2018</REVIEW><REVIEW_CODE>PN1</REVIEW_CODE></AREVIEW>
<AREVIEW><REVIEW>01/03/2018</REVIEW><REVIEW_CODE>PN2</REVIEW_CODE></AREVIEW>
<AMISSING><MISSING>M</MISSING><MIS_START>02/02/2018</MIS_START><MIS_END>03/02/2018</MIS_END></AMISSING>
<OC2><SDQ_SCORE>12</SDQ_SCORE><CONVICTED>0</CONVICTED><HEALTH_ASSESSMENT>1</HEALTH_ASSESSMENT></OC2>
<PERMANENCE><PREV_PERM>Z1</PREV_PERM></PERMANENCE></HEADER>
<EPISODE><DECOM>01/06/2017</DECOM><RNE>S</RNE><LS>C2</LS><CIN>N1</CIN><PL>U4</PL><PLACE_PROVIDER>PR1</PLACE_PROVIDER>
<DEC>15/03/2018</DEC><REC>X1</REC></EPISODE>
<EPISODE><DECOM>15/03/2018</DECOM><RNE>P</RNE><LS>C2</LS><CIN>N1</CIN><PL>K1</PL></EPISODE></CHILD></EXPSSDA903>"""


def _write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / (name if "." in name else f"{name}.csv")).write_text(text, encoding="utf-8")
    return folder


def _land(tmp_path: Path, files: dict[str, str], name: str = "return", **terms: object) -> Delivery:
    folder = _write(tmp_path / "in" / name, files)
    return _land_paths(tmp_path, [folder], **terms)


def _land_paths(tmp_path: Path, paths: list[Path], **terms: object) -> Delivery:
    return land(FEED, paths, Places(tmp_path / "landing", tmp_path / "quarantine"), Terms(system="Council A", **terms))


def _table(tmp_path: Path, delivery: Delivery, name: str) -> pl.DataFrame:
    folder = tmp_path / "landing" / "social_care" / "ssda903" / f"delivery={delivery.delivery_id}"
    return pl.read_parquet(folder / f"{name}.parquet")


def _report(tmp_path: Path, delivery: Delivery) -> pl.DataFrame:
    folder = tmp_path / "quarantine" / "social_care" / "ssda903" / f"delivery={delivery.delivery_id}"
    return pl.read_parquet(folder / "report.parquet")


def test_a_set_lands_on_the_canonical_tables(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET)
    assert (delivery.state, delivery.records_in, delivery.records_landed) == ("landed", 4, 4)
    person = _table(tmp_path, delivery, "persons").row(0, named=True)
    assert (person["source_person_id"], person["sex"], person["birth_date"]) == ("101", "F", date(2009, 2, 28))
    assert (person["ethnicity_code"], person["ethnicity_code_system"]) == ("WBRI", "dfe")
    episodes = _table(tmp_path, delivery, "looked_after_episodes")
    assert episodes.select("episode_id", "started_date", "ended_date", "placement_type_code").rows() == [
        ("101|2017-06-01", date(2017, 6, 1), date(2018, 3, 15), "U4"),
        ("101|2018-03-15", date(2018, 3, 15), None, "K1"),
    ]
    assert "date-day-first" not in delivery.repairs_by_rule


def test_the_postcodes_of_episodes_are_addresses_too(tmp_path: Path) -> None:
    addresses = _table(tmp_path, _land(tmp_path, SET), "addresses")
    addresses = addresses.select("address_type", "postcode", "valid_from", "valid_to")
    rows = addresses.sort("address_type", "valid_from").rows()
    assert rows[0] == ("home", "CF10 1AA", date(2017, 6, 1), date(2018, 3, 15))
    assert rows[3] == ("placement", "CF14 2BB", date(2018, 3, 15), None)


@pytest.mark.parametrize(
    ("table", "text", "expected"),
    [
        ("looked_after_reviews", "CHILD,DOB,REVIEW,REVIEW_CODE\n101,28/02/2009,01/02/2018,PN1\n",
         {"review_id": "101|2018-02-01", "review_date": date(2018, 2, 1), "participation_code": "PN1"}),
        ("unaccompanied_status", "CHILD,SEX,DOB,DUC\n101,2,28/02/2009,28/02/2027\n",
         {"source_person_id": "101", "ceased_date": date(2027, 2, 28)}),
        ("outcomes_leavers", "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\n101,28/02/2009,YES,F1,B1\n",
         {"in_touch_code": "YES", "activity_code": "F1", "accommodation_code": "B1"}),
        ("adoptions", ("CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
                       "101,28/02/2009,01/06/2017,02/06/2017,1,2,MF,L0\n"),
         {"decided_date": date(2017, 6, 1), "is_foster_carer": True, "adopters_legal_status_code": "L0"}),
        ("placements", ("CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n"
                        "101,28/02/2009,01/06/2017,01/07/2017,RD1\n"),
         {"placement_id": "101|placed_for_adoption|2017-06-01", "placement_type_code": "placed_for_adoption",
          "ended_date": date(2017, 7, 1), "end_reason_code": "RD1"}),
        ("previous_permanence", "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\n101,28/02/2009,P1,WAL,zz/06/2015\n",
         {"previous_permanence_code": "P1", "local_authority_code": "WAL", "order_date": "zz/06/2015"}),
        ("missing_episodes", "CHILD,DOB,MISSING,MIS_START,MIS_END\n101,28/02/2009,A,01/02/2018,\n",
         {"category_code": "absent", "started_date": date(2018, 2, 1), "ended_date": None}),
        ("social_worker_episodes", "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON\n101,28/02/2009,SW1,01/06/2017,,FCONTA\n",
         {"social_worker_id": "SW1", "reason_code": "FCONTA"}),
        ("deprivation_of_liberty_orders", "CHILD,DOB,DOLO_START,DOLO_END\n101,28/02/2009,01/06/2017,02/06/2017\n",
         {"started_date": date(2017, 6, 1), "ended_date": date(2017, 6, 2)}),
    ],
)
def test_a_table_is_known_by_its_columns_whatever_the_file_is_called(
    tmp_path: Path, table: str, text: str, expected: dict[str, object]
) -> None:
    delivery = _land(tmp_path, SET | {"List 4 (final)": text})
    row = _table(tmp_path, delivery, table).row(0, named=True)
    assert {name: row[name] for name in expected} == expected
    assert delivery.records_landed == 5


def test_headers_may_differ_in_case_and_blanks(tmp_path: Path) -> None:
    first, rest = EPISODES.split("\n", 1)
    files = SET | {"episodes": first.lower().replace("_", " ").replace(",", " , ") + "\n" + rest}
    assert _table(tmp_path, _land(tmp_path, files), "looked_after_episodes")["placement_urn"][0] == "SC000001"


def test_a_file_without_its_columns_is_known_by_its_name_and_held_for_them(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET | {"SSDA903 Reviews": "CHILD,DOB\n101,28/02/2009\n"})
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")
    assert delivery.hold_detail == "table Reviews lacks REVIEW"


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("x.csv", "a,b\n1,2\n", "file-unknown"),
        ("episodes.csv", "", "file-empty"),
        ("episodes.csv", EPISODES.replace("DEC,", "", 1).replace(",15/03/2018,X1", ",X1").replace("PR4,,", "PR4,"),
         "column-missing"),
        ("episodes.csv", EPISODES.replace(",", ";"), "file-delimiter"),
        ("episodes.csv", EPISODES.rstrip("\n")[:-30], "file-truncated"),
        ("return.xml", "<Message/>", "xml-root"),
        ("return.xml", '<!DOCTYPE EXPSSDA903 [<!ENTITY a "a">]><EXPSSDA903/>', "xml-entity"),
    ],
)
def test_a_broken_file_holds_the_whole_return_with_the_true_reason(
    tmp_path: Path, name: str, text: str, rule: str
) -> None:
    delivery = _land(tmp_path, {"header": HEADER + ANNA, name: text})
    assert (delivery.state, delivery.hold_rule) == ("held", rule)


def test_yes_or_no_answers_belong_to_the_year_of_the_return_and_never_to_a_day(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET)
    flags = _table(tmp_path, delivery, "health_flags").row(0, named=True)
    assert flags["period_end_date"] == date(2018, 3, 31)
    assert (flags["dental_check_done"], flags["health_assessment_done"]) == (True, False)
    assert (flags["health_surveillance_current"], flags["sdq_score"]) == (None, 12)
    assert delivery.as_at_date == date(2018, 3, 31)
    assert (delivery.period_start, delivery.period_end) == (date(2017, 4, 1), date(2018, 3, 31))
    assert delivery.warnings_by_rule["ssda903-year-derived"] == 1


@pytest.mark.parametrize(
    ("name", "terms", "end"),
    [
        ("return", {"as_at": date(2018, 3, 31)}, date(2018, 3, 31)),
        ("ssda903_2017-18", {}, date(2018, 3, 31)),
        ("cardiff_ssda903_2018-03-31_full", {}, date(2018, 3, 31)),
        ("return", {"as_at": date(2018, 5, 15)}, date(2018, 3, 31)),
    ],
)
def test_the_year_is_taken_from_the_caller_or_the_name_first(
    tmp_path: Path, name: str, terms: dict[str, date], end: date
) -> None:
    delivery = _land(tmp_path, SET, name, **terms)
    assert _table(tmp_path, delivery, "health_flags")["period_end_date"].to_list() == [end]
    assert "ssda903-year-differs" not in delivery.warnings_by_rule


def test_a_name_that_contradicts_the_episodes_is_named(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET, "ssda903_2020-21")
    assert delivery.warnings_by_rule["ssda903-year-differs"] == 1
    assert delivery.as_at_date == date(2021, 3, 31)


def test_answers_whose_year_nobody_says_do_not_land(tmp_path: Path) -> None:
    delivery = _land(tmp_path, {"header": HEADER + ANNA, "oc2": OC2})
    assert delivery.tables["health_flags"].quarantined == 1
    assert delivery.rejects_by_rule == {"value-missing": 1}


def test_a_few_stray_dates_do_not_make_a_year() -> None:
    days = pl.Series([date(2017, 5, 1)] * 200 + [date(2018, 4, 1)] * 9 + [date(2081, 1, 1)])
    assert derived_year_end(days, date(2026, 1, 1)) == date(2018, 3, 31)
    assert derived_year_end(pl.Series([], dtype=pl.Date), date(2026, 1, 1)) is None


def test_a_draft_of_the_running_year_does_not_speak_for_a_day_to_come(tmp_path: Path) -> None:
    now = datetime.now().astimezone().date()
    day = now.strftime("%d/%m/%Y")
    text = EPISODES.replace("01/06/2017", day).replace("15/03/2018", day)
    delivery = _land(tmp_path, {"header": HEADER + ANNA, "episodes": text.rsplit("\n", 2)[0] + "\n"})
    assert abs((delivery.as_at_date - now).days) <= 1
    assert delivery.period_end is not None
    assert delivery.period_end >= now


def test_codes_are_held_against_the_year_of_the_return(tmp_path: Path) -> None:
    text = EPISODES.replace(",U4,", ",K3,").replace(",CARPL,", ",CUSTOD,").replace(",X1,", ",E43,")
    by_year = {}
    for year in (2018, 2020, 2025):
        delivery = _land(tmp_path / str(year), SET | {"episodes": text}, f"ssda903_{year - 1}-{year % 100}")
        report = _report(tmp_path / str(year), delivery).filter(pl.col("rule_id") == "code-unfamiliar")
        by_year[year] = sorted(report["column"].to_list())
    assert by_year == {
        2018: ["place_change_reason_code", "placement_type_code"],
        2020: ["end_reason_code", "placement_type_code"],
        2025: ["end_reason_code"],
    }


def test_sex_is_a_digit_until_2024_and_a_letter_from_2025(tmp_path: Path) -> None:
    old = _land(tmp_path / "old", SET, "ssda903_2023-24")
    assert "ssda903-sex-digit" not in old.repairs_by_rule
    new = _land(tmp_path / "new", SET, "ssda903_2024-25")
    assert new.repairs_by_rule["ssda903-sex-digit"] == 1
    letter = _land(tmp_path / "letter", SET | {"header": HEADER + ANNA.replace(",2,", ",F,")}, "ssda903_2024-25")
    assert "ssda903-sex-digit" not in letter.repairs_by_rule
    for home, delivery in (("old", old), ("new", new), ("letter", letter)):
        assert _table(tmp_path / home, delivery, "persons")["sex"].to_list() == ["F"]


def test_a_reason_in_the_place_of_a_pupil_number_is_no_pupil_number(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET | {"header": HEADER + ANNA.replace("A123456789012", "UN3")})
    person = _table(tmp_path, delivery, "persons").row(0, named=True)
    assert (person["upn"], person["upn_unknown_code"]) == (None, "UN3")
    assert "upn-format" not in delivery.warnings_by_rule


def test_children_whom_header_leaves_out_are_persons_with_what_other_tables_say(tmp_path: Path) -> None:
    uasc = "CHILD,SEX,DOB,DUC\n101,2,28/02/2009,28/02/2027\n202,1,01/01/2008,01/01/2026\n"
    oc2 = OC2 + "202,01/01/2008,,,,,,,,,,\n303,05/05/2015,,,,,,,,,,\n"
    episodes = EPISODES + "404,01/07/2017,S,C2,N1,U4,PR1,,,,,,\n"
    delivery = _land(tmp_path, {"header": HEADER + ANNA, "uasc": uasc, "oc2": oc2, "episodes": episodes})
    persons = _table(tmp_path, delivery, "persons").select("source_person_id", "sex", "birth_date", "source_file")
    assert sorted(persons.rows()) == [
        ("101", "F", date(2009, 2, 28), "header.csv"),
        ("202", "M", date(2008, 1, 1), "uasc.csv"),
        ("303", None, date(2015, 5, 5), "oc2.csv"),
        ("404", None, None, "episodes.csv"),
    ]
    assert delivery.rejects_by_rule == {}


def test_a_flag_that_a_spreadsheet_made_decimal_is_read_and_named(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET | {"header": HEADER + ANNA.replace(",,", ",1.0,01/01/2017", 1)})
    person = _table(tmp_path, delivery, "persons").row(0, named=True)
    assert (person["is_mother"], person["own_child_birth_date"]) == (True, date(2017, 1, 1))
    assert delivery.repairs_by_rule == {"ssda903-flag-decimal": 1}


def test_a_resend_that_writes_dates_otherwise_gives_the_same_row_ids(tmp_path: Path) -> None:
    other = EPISODES.replace("01/06/2017", "2017-06-01").replace("15/03/2018,P", " 15/3/2018 ,P")
    first, second = (_land(tmp_path / str(n), SET | {"episodes": text}) for n, text in enumerate((EPISODES, other)))
    ids = [_table(tmp_path / str(n), delivery, "looked_after_episodes")["episode_id"].to_list()
           for n, delivery in enumerate((first, second))]
    assert ids[0] == ids[1] == ["101|2017-06-01", "101|2018-03-15"]


def test_an_impossible_first_day_sends_the_episode_to_quarantine_and_no_address_lands_for_it(tmp_path: Path) -> None:
    delivery = _land(tmp_path, SET | {"episodes": EPISODES.replace("101,01/06/2017", "101,31/06/2017")})
    assert delivery.rejects_by_rule == {"date-impossible": 1}
    assert _table(tmp_path, delivery, "addresses").height == 2


def test_the_xml_form_gives_what_the_csv_form_gives(tmp_path: Path) -> None:
    delivery = _land(tmp_path, {"return.xml": XML})
    assert delivery.state == "landed"
    assert {name: books.landed for name, books in delivery.tables.items() if name != "addresses"} == {
        "persons": 1, "unaccompanied_status": 1, "looked_after_reviews": 2, "missing_episodes": 1, "health_flags": 1,
        "previous_permanence": 1, "looked_after_episodes": 2,
    }
    row = _table(tmp_path, delivery, "looked_after_episodes").row(0, named=True)
    assert (row["episode_id"], row["placement_type_code"]) == ("101|2017-06-01", "U4")
    assert row["row_number"] == 9
    assert _table(tmp_path, delivery, "health_flags")["period_end_date"].to_list() == [date(2018, 3, 31)]
    assert _table(tmp_path, delivery, "persons")["upn_unknown_code"].to_list() == ["UN3"]


def test_the_same_bytes_twice_are_no_new_delivery(tmp_path: Path) -> None:
    _land(tmp_path, SET)
    assert _land(tmp_path, SET, "again").state == "duplicate"


def test_every_row_of_the_sample_lands_as_the_file_has_it(tmp_path: Path, samples: Path) -> None:
    folder = samples / "social_care" / "ssda903"
    delivery = _land_paths(tmp_path, [folder])
    rows = {path.stem: list(csv.DictReader(path.open(encoding="utf-8"))) for path in folder.glob("*.csv")}
    assert delivery.records_in == sum(len(found) for found in rows.values())
    assert set(delivery.rejects_by_rule) == {"key-duplicate", "row-duplicate"}

    def day(text: str) -> date | None:
        return datetime.strptime(text, "%d/%m/%Y").date() if text else None  # noqa: DTZ007  a day, not an instant

    census = date(2018, 3, 31)
    open_by_hand = {
        row["CHILD"] for row in rows["episodes"]
        if day(row["DECOM"]) <= census and (not row["DEC"] or day(row["DEC"]) > census)
    }
    episodes = _table(tmp_path, delivery, "looked_after_episodes")
    is_open = (pl.col("started_date") <= census) & (pl.col("ended_date").is_null() | (pl.col("ended_date") > census))
    assert set(episodes.filter(is_open)["source_person_id"]) == open_by_hand
    assert len(open_by_hand) == 1419
    landed = {row["row_number"]: row for row in _table(tmp_path, delivery, "health_flags").iter_rows(named=True)}
    for number, row in enumerate(rows["oc2"], start=2):
        assert landed[number]["health_assessment_done"] == (row["HEALTH_ASSESSMENT"] == "1")
        assert landed[number]["period_end_date"] == census


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda head, rows: (",".join(head) + "\n" + "\n".join(",".join(row) for row in rows)).encode(),
        st.lists(st.sampled_from(sorted({header for form in FORMS for header in form.columns})), max_size=8),
        st.lists(st.lists(st.sampled_from(["", "1", "31/02/2017", "01/04/2017", '"', "é"]), max_size=9), max_size=4),
    ),
))
@example(data=b"\x00\r\x00")
@example(data=b"CHILD,DOB,SEX,DECOM,RNE,LS\r1,01/04/2010,1,01/04/2017,S,C2\r")
def test_any_bytes_are_read_or_held_and_nothing_else(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    for name in ("x.csv", "episodes.csv", "oc2 2018.csv", "x.xml"):
        try:
            list(parse(SourceFile(path, name, "0" * 64, len(data)), ParseContext(as_at=date(2018, 5, 1))))
        except FileHeld:
            continue


CELL = st.sampled_from(["", "1", "2", "01/04/2017", "31/02/2017", "2017-06-01", "S", "U4"])


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=12, max_size=14), max_size=6))
def test_the_books_balance_whatever_the_episodes_are(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("books")
    text = EPISODES.split("\n", 1)[0] + "\n" + "".join(",".join(row) + "\n" for row in rows)
    delivery = _land(tmp_path, {"header": HEADER + ANNA, "episodes": text, "oc2": OC2}, "ssda903_2017-18")
    total = delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
    assert delivery.records_in == total
    assert _table(tmp_path, delivery, "health_flags").height == 1
