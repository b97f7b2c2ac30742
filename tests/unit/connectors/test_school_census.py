"""School censuses: CSV tables of England's shape, and XML returns, in one set of landing tables."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery import Delivery, Places, Terms
from connectors.education.school_census import FEED
from connectors.landing import land

WELSH_UPN = "D681400025001"
OTHER_UPN = "B801200005001"
PUPIL = {
    "pupilonrolltableid": "t1", "NativeId": "SCH1", "dob": "2015-Jan-21 00:00:00", "surname": "ap Rhys",
    "forename": "Siân", "upn": WELSH_UPN, "sex": "F", "entrydate": "2024-Sep-03 00:00:00", "sourceid": "s1",
    "enrolstatus": "C", "ncyearactual": "5", "termlysessionspossible": "120.0", "termlysessionsauthorised": "6.0",
    "termlysessionsunauthorised": "", "language": "CYM", "senprovision": "K", "boarder": "N",
}  # fmt: skip
LEAVER = {
    "pupilnolongeronrolltableid": "t1", "NativeId": "SCH2", "dob": "2015-Jan-21 00:00:00", "surname": "ap Rhys",
    "forename": "Siân", "upn": WELSH_UPN, "sourceid": "s2", "entrydate": "2023-Sep-03 00:00:00",
    "leavingdate": "2024-Sep-02 00:00:00", "ncyearleaving": "4", "pupilnolongeronrollorderseqcolumn": "1",
}  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "landing", tmp_path / "quarantine")


def table(folder: Path, name: str, *rows: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def go(places: Places, *paths: Path, **terms: object) -> Delivery:
    return land(FEED, list(paths), places, Terms(**{"system": "SIMS", **terms}))  # type: ignore[arg-type]


def read(places: Places, delivery: Delivery, name: str = "pupils") -> pl.DataFrame:
    return pl.read_parquet(places.delivery(FEED, delivery.delivery_id) / f"{name}.parquet")


def test_a_pupil_on_roll_lands_with_its_facts(tmp_path: Path, places: Places):
    delivery = go(places, table(tmp_path, "2024_autumn_pupilonroll.csv", PUPIL))
    row = read(places, delivery).row(0, named=True)
    assert (row["source_person_id"], row["school_id"], row["roll_status"]) == (WELSH_UPN, "SCH1", "on_roll")
    assert (row["forename"], row["surname"], row["birth_date"]) == ("Siân", "ap Rhys", date(2015, 1, 21))
    assert (row["entry_date"], row["year_group"], row["enrolment_status"]) == (date(2024, 9, 3), "5", "C")
    assert (row["sessions_possible"], row["sessions_authorised_absent"]) == (120, 6)
    assert (row["first_language"], row["aln_provision_code"]) == ("CYM", "K")
    assert (delivery.as_at_date, delivery.period_start, delivery.mode) == (
        date(2024, 12, 31), date(2024, 9, 1), "full")  # fmt: skip
    assert not delivery.warnings_by_rule
    assert not delivery.repairs_by_rule


def test_a_pupil_who_moved_schools_has_an_enrolment_at_each(tmp_path: Path, places: Places):
    table(tmp_path / "set", "2024_autumn_pupilonroll.csv", PUPIL)
    again = LEAVER | {"NativeId": "SCH3", "sourceid": "s3", "pupilnolongeronrollorderseqcolumn": "2"}
    table(tmp_path / "set", "2024_autumn_pupilnolongeronroll.csv", LEAVER, again)
    delivery = go(places, tmp_path / "set")
    pupils = read(places, delivery).sort("school_id")
    assert pupils["pupil_record_id"].is_unique().all()
    assert pupils["roll_status"].to_list() == ["on_roll", "left", "left"]
    assert pupils["source_person_id"].to_list() == [WELSH_UPN] * 3
    assert pupils["year_group"].to_list() == ["5", "4", "4"]
    assert delivery.records_landed == 3


def test_what_hangs_on_a_pupil_finds_its_enrolment(tmp_path: Path, places: Places):
    own = {"pupilonrolltableid": "t1", "NativeId": "SCH1", "sourceid": "s1"}
    table(tmp_path / "set", "pupilonroll.csv", PUPIL)
    table(tmp_path / "set", "a.csv", own | {
        "termlysessiondetailsonrolltableid": "1", "sessions": "4.0", "attendancereason": "I"})  # fmt: skip
    table(tmp_path / "set", "b.csv", own | {
        "termlyexclusionsonrolltableid": "1", "startdate": "2024-Oct-07 00:00:00", "sessions": "10.0", "reason1": "PP",
        "reason2": "", "reason3": "", "category": "SUSP", "senprovision": "K"})  # fmt: skip
    table(tmp_path / "set", "c.csv", own | {"senneedstableid": "1", "sentyperank": "1", "sentype": "SLCN"})
    table(tmp_path / "set", "d.csv", own | {
        "addressesonrolltableid": "1", "saon": "Flat 2", "paon": "10", "street": "Heol Fawr", "locality": "",
        "town": "", "posttown": "Caerdydd", "postcode": "CF10 1AA"})  # fmt: skip
    delivery = go(places, tmp_path / "set")
    record = read(places, delivery)["pupil_record_id"][0]
    for name in ("session_absences", "exclusions", "additional_needs", "addresses"):
        assert read(places, delivery, name)["pupil_record_id"].to_list() == [record], name
    absence = read(places, delivery, "session_absences").row(0, named=True)
    assert (absence["sessions"], absence["absence_reason_code"], absence["roll_status"]) == (4, "I", "on_roll")
    exclusion = read(places, delivery, "exclusions").row(0, named=True)
    assert (exclusion["started_date"], exclusion["category_code"], exclusion["reason_code_1"]) == (
        date(2024, 10, 7), "SUSP", "PP")  # fmt: skip
    pupil = read(places, delivery).row(0, named=True)
    assert (pupil["address_line"], pupil["town"], pupil["postcode"]) == (
        "Flat 2, 10, Heol Fawr", "Caerdydd", "CF10 1AA")  # fmt: skip
    assert {name: books.landed for name, books in delivery.tables.items()} == dict.fromkeys(
        ("additional_needs", "addresses", "exclusions", "pupils", "session_absences"), 1)  # fmt: skip


def test_an_address_in_plain_lines_ends_with_its_town(tmp_path: Path, places: Places):
    table(tmp_path / "set", "pupilonroll.csv", PUPIL)
    table(tmp_path / "set", "addressesonroll.csv", {
        "addressesonrolltableid": "1", "pupilonrolltableid": "t1", "NativeId": "SCH1", "sourceid": "s1",
        "addressline1": "10 Heol Fawr", "addressline2": "Treganna", "addressline3": "Caerdydd", "postcode": "CF5 1AA"})
    pupil = read(places, go(places, tmp_path / "set")).row(0, named=True)
    assert (pupil["address_line"], pupil["town"]) == ("10 Heol Fawr, Treganna", "Caerdydd")


def test_two_tables_that_number_their_rows_alike_do_not_meet(tmp_path: Path, places: Places):
    row = {"sessions": "1", "attendancereason": "I", "NativeId": "SCH1"}
    table(tmp_path / "set", "a.csv", row | {"pupilonrolltableid": "1", "termlysessiondetailsonrolltableid": "7"})
    table(tmp_path / "set", "b.csv", row | {
        "pupilnolongeronrolltableid": "1", "termlysessiondetailsoffrolltableid": "7"})  # fmt: skip
    table(tmp_path / "set", "c.csv", row | {
        "pupilonrolltableid": "1", "summerhalfterm2sessiondetailsonrolltableid": "7"})  # fmt: skip
    assert go(places, tmp_path / "set").tables["session_absences"].landed == 3


@pytest.mark.parametrize("upn", ["", "5ff4489b-998", "UNKNOWN"])
def test_a_pupil_without_a_upn_is_known_by_school_and_number(upn: str, tmp_path: Path, places: Places):
    row = read(places, go(places, table(tmp_path, "pupilonroll.csv", PUPIL | {"upn": upn}))).row(0, named=True)
    assert row["source_person_id"] == "SCH1|t1"
    assert row["upn"] == (upn or None)


def test_a_upn_with_a_wrong_letter_still_names_its_record(tmp_path: Path, places: Places):
    delivery = go(places, table(tmp_path, "pupilonroll.csv", PUPIL | {"upn": "A681400025001"}))
    assert read(places, delivery)["source_person_id"].to_list() == ["A681400025001"]
    assert delivery.warnings_by_rule == {"upn-check-letter": 1}


@pytest.mark.parametrize("other", [{"dob": "2016-Feb-01 00:00:00"}, {"forename": "Ela"}])
def test_a_upn_that_two_children_have_tells_neither_apart(other: dict[str, str], tmp_path: Path, places: Places):
    twin = PUPIL | {"pupilonrolltableid": "t2"} | other
    third = PUPIL | {"pupilonrolltableid": "t3", "upn": OTHER_UPN}
    delivery = go(places, table(tmp_path, "pupilonroll.csv", PUPIL, twin, third))
    assert read(places, delivery)["source_person_id"].to_list() == ["SCH1|t1", "SCH1|t2", OTHER_UPN]
    assert delivery.warnings_by_rule == {"upn-shared": 2}


def test_a_row_without_a_number_goes_to_quarantine(tmp_path: Path, places: Places):
    delivery = go(places, table(tmp_path, "pupilonroll.csv", PUPIL, PUPIL | {"pupilonrolltableid": ""}))
    assert (delivery.records_landed, delivery.records_quarantined) == (1, 1)


@pytest.mark.parametrize(
    ("name", "as_at"),
    [
        ("2025_spring_pupilonroll.csv", date(2025, 4, 30)),
        ("camden_2019_summer_pupilonroll.csv", date(2019, 8, 31)),
        ("2024_Autumn_PupilOnRoll.CSV", date(2024, 12, 31)),
    ],
)
def test_the_name_says_year_and_term(name: str, as_at: date, tmp_path: Path, places: Places):
    delivery = go(places, table(tmp_path, name, PUPIL))
    assert (delivery.as_at_date, delivery.period_end) == (as_at, as_at)


def test_the_columns_of_earlier_years_are_read(tmp_path: Path, places: Places):
    old = {key: value for key, value in PUPIL.items() if key != "sex"} | {
        "gender": "F", "ethnicity": "WBRI", "annualsessionspossible": "380", "termlysessionspossible": "",
        "dob": "2008-Jan-21 00:00:00", "entrydate": "2012-Sep-03 00:00:00"}  # fmt: skip
    table(tmp_path / "set", "2016_summer_pupilonroll.csv", old)
    table(tmp_path / "set", "2016_summer_annualsessiondetailsonroll.csv", {
        "annualsessiondetailsonrolltableid": "1", "pupilonrolltableid": "t1", "NativeId": "SCH1", "sourceid": "s1",
        "absencesessions": "3", "attendancereason": "M"})  # fmt: skip
    table(tmp_path / "set", "2016_summer_termlyexclusionsonroll.csv", {
        "termlyexclusionsonrolltableid": "1", "pupilonrolltableid": "t1", "NativeId": "SCH1", "sourceid": "s1",
        "startdate": "2016-May-03 00:00:00", "sessions": "2", "reason": "PP", "category": "FIXD"})  # fmt: skip
    delivery = go(places, tmp_path / "set")
    pupil = read(places, delivery).row(0, named=True)
    assert (pupil["sex"], pupil["ethnicity_code"], pupil["ethnicity_code_system"]) == ("F", "WBRI", "dfe")
    assert pupil["sessions_possible"] == 380
    assert read(places, delivery, "session_absences")["sessions"].to_list() == [3]
    assert read(places, delivery, "exclusions")["reason_code_1"].to_list() == ["PP"]
    assert not delivery.warnings_by_rule


@pytest.mark.parametrize(("name", "known"), [("2024_summer", False), ("2024_autumn", True)])
def test_the_marks_of_attendance_changed_in_august_2024(name: str, known: bool, tmp_path: Path, places: Places):
    path = table(tmp_path, f"{name}_termlysessiondetailsonroll.csv", {
        "termlysessiondetailsonrolltableid": "1", "pupilonrolltableid": "t1", "NativeId": "SCH1", "sourceid": "s1",
        "sessions": "3", "attendancereason": "Y1"})  # fmt: skip
    assert ("code-unfamiliar" not in go(places, path).warnings_by_rule) is known


def test_a_table_that_comes_alone_closes_nobody(tmp_path: Path, places: Places):
    go(places, table(tmp_path, "2024_autumn_pupilonroll.csv", PUPIL))
    leavers = go(places, table(tmp_path, "2024_autumn_pupilnolongeronroll.csv", LEAVER))
    assert (leavers.state, leavers.mode, leavers.supersedes) == ("landed", "delta", None)


def test_a_set_with_a_broken_table_is_held_whole(tmp_path: Path, places: Places):
    table(tmp_path / "set", "2024_autumn_pupilnolongeronroll.csv", LEAVER)
    table(tmp_path / "set", "2024_autumn_pupilonroll.csv", {"pupilonrolltableid": "t1", "NativeId": "SCH1"})
    delivery = go(places, tmp_path / "set")
    assert (delivery.state, delivery.hold_rule) == ("held", "column-missing")


def test_tables_that_are_left_out_are_remarked(tmp_path: Path, places: Places):
    table(tmp_path / "set", "2024_autumn_pupilonroll.csv", PUPIL)
    table(tmp_path / "set", "2024_autumn_fsmperiodsonroll.csv", {
        "fsmperiodsonrolltableid": "1", "NativeId": "SCH1", "pupilonrolltableid": "t1", "ukcountry": ""})  # fmt: skip
    (tmp_path / "set" / "notes.pdf").write_bytes(b"%PDF")
    delivery = go(places, tmp_path / "set")
    assert (delivery.state, delivery.warnings_by_rule) == ("landed", {"file-not-read": 2})


def test_a_csv_that_is_no_table_of_the_census_is_held(tmp_path: Path, places: Places):
    delivery = go(places, table(tmp_path, "people.csv", {"name": "Ann", "shoe": "38"}))
    assert (delivery.state, delivery.hold_rule) == ("held", "file-unknown")


# XML

HEADER = (
    "<Header><DocumentName>Common Transfer File</DocumentName><CTFversion>25.0</CTFversion>"
    "<DateTime>2026-01-20T06:00:00</DateTime><DocumentQualifier>full</DocumentQualifier>"
    "<DestSchool><LEA>999</LEA><Estab>LLLL</Estab></DestSchool>"
    "<SourceSchool><LEA>673</LEA><Estab>4001</Estab><SchoolName>Ysgol</SchoolName></SourceSchool></Header>"
)
CTF_PUPIL = f"""<Pupil><UPN>{WELSH_UPN}</UPN><Surname>ap Rhys</Surname><Forename>Siân</Forename><DOB>2015-01-21</DOB>
<Sex>F</Sex><BasicDetails><FormerUPN>{OTHER_UPN}</FormerUPN><MiddleNames>Mair</MiddleNames>
<PreferredSurname>Rhys</PreferredSurname><FormerSurname>Price</FormerSurname><Ethnicity>WBRI</Ethnicity>
<Languages><Type><LanguageType>H</LanguageType><Language>ENG</Language></Type>
<Type><LanguageType>F</LanguageType><Language>CYM</Language></Type></Languages>
<EnrolStatus>C</EnrolStatus><NCyearActual>5</NCyearActual></BasicDetails>
<LookedAfter><CareAuthority>673</CareAuthority><InCare>true</InCare></LookedAfter><ALNprovision>A</ALNprovision>
<Contacts><Contact><Surname>Stranger</Surname><Forename>Mam</Forename><Sex>M</Sex>
<Address><PostCode>ZZ1 1ZZ</PostCode></Address></Contact></Contacts>
<Addresses><Address><AddressLines><AddressLine1>2 Heol y Bont</AddressLine1><AddressLine2>Y Barri</AddressLine2>
</AddressLines><PostCode>CF62 1AA</PostCode></Address></Addresses>
<Attendance><SessionsPossible>132</SessionsPossible><SessionsAuthorised>5</SessionsAuthorised>
<SessionsUnauthorised>1</SessionsUnauthorised>
<SessionDetails><SessionDetail><AttendanceReason>I</AttendanceReason><AbsenceSessions>5</AbsenceSessions></SessionDetail>
</SessionDetails></Attendance>
<Exclusions><Exclusion><Category>SUSP</Category><StartDate>2025-11-03</StartDate><Sessions>4</Sessions>
<Reason>PP</Reason><Reason>DB</Reason></Exclusion></Exclusions>
<SchoolHistory><School><LEA>201</LEA><Estab>2001</Estab><EntryDate>2019-09-01</EntryDate>
<LeavingDate>2022-07-20</LeavingDate></School>
<School><LEA>673</LEA><Estab>4001</Estab><EntryDate>2022-09-01</EntryDate></School></SchoolHistory></Pupil>"""


def xml(path: Path, *pupils: str, header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f"<CTfile>{header}<CTFpupilData>{''.join(pupils)}</CTFpupilData></CTfile>"
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n' + text, encoding="utf-8")
    return path


def test_a_transfer_file_lands_with_its_facts_and_none_of_other_people(tmp_path: Path, places: Places):
    delivery = go(places, xml(tmp_path / "6734001_999LLLL_001.xml", CTF_PUPIL))
    row = read(places, delivery).row(0, named=True)
    assert (row["source_person_id"], row["school_id"], row["roll_status"]) == (WELSH_UPN, "6734001", "on_roll")
    assert (row["surname"], row["forename"], row["middle_names"]) == ("ap Rhys", "Siân", "Mair")
    assert (row["preferred_surname"], row["former_surname"], row["former_upn"]) == ("Rhys", "Price", OTHER_UPN)
    assert (row["birth_date"], row["sex"], row["ethnicity_code"]) == (date(2015, 1, 21), "F", "WBRI")
    assert (row["ethnicity_code_system"], row["first_language"], row["year_group"]) == ("dfe", "CYM", "5")
    assert (row["entry_date"], row["leaving_date"]) == (date(2022, 9, 1), None)
    assert (row["is_looked_after"], row["aln_provision_code"], row["enrolment_status"]) == (True, "A", "C")
    assert (row["address_line"], row["town"], row["postcode"]) == ("2 Heol y Bont", "Y Barri", "CF62 1AA")
    assert (row["sessions_possible"], row["sessions_authorised_absent"], row["sessions_unauthorised_absent"]) == (
        132, 5, 1)  # fmt: skip
    assert read(places, delivery, "session_absences").select("absence_reason_code", "sessions").rows() == [("I", 5)]
    exclusion = read(places, delivery, "exclusions").row(0, named=True)
    assert (exclusion["started_date"], exclusion["sessions"]) == (date(2025, 11, 3), 4)
    assert (exclusion["reason_code_1"], exclusion["reason_code_2"]) == ("PP", "DB")
    assert exclusion["pupil_record_id"] == row["pupil_record_id"]
    assert (delivery.as_at_date, delivery.schema_version) == (date(2026, 1, 20), "CTF 25.0")
    assert not delivery.warnings_by_rule


def test_a_partial_transfer_file_is_a_delta(tmp_path: Path, places: Places):
    path = xml(tmp_path / "a.xml", CTF_PUPIL, header=HEADER.replace("full", "partial"))
    assert go(places, path).mode == "delta"


CENSUS = """<?xml version="1.0" encoding="UTF-8"?>
<Message xmlns="urn:example"><Header><CollectionDetails><Collection>SC</Collection><Term>SPR</Term><Year>2020</Year>
<ReferenceDate>2020-01-16</ReferenceDate></CollectionDetails><Source><LEA>201</LEA><Estab>2001</Estab></Source></Header>
<SchoolCensus><School><Address><PostCode>ZZ9 9ZZ</PostCode></Address></School><Pupils><PupilsOnRoll><PupilOnRoll>
<PupilIdentifiers><UPN>B801200005001</UPN><Surname>Jones</Surname><Forename>Al</Forename><BirthDate>2010-02-03</BirthDate>
<Gender>M</Gender></PupilIdentifiers><PupilStatus><EntryDate>2019-09-01</EntryDate></PupilStatus>
<SpecialEducationalNeeds><SENprovision>E</SENprovision><SENneeds><SENneed><SENtypeRank>1</SENtypeRank>
<SENtype>ASD</SENtype></SENneed></SENneeds></SpecialEducationalNeeds></PupilOnRoll></PupilsOnRoll>
<PupilsNoLongerOnRoll><PupilNoLongerOnRoll><PupilIdentifiers><Surname>Lee</Surname><Forename>Bo</Forename>
<BirthDate>2009-02-03</BirthDate></PupilIdentifiers><PupilStatus><LeavingDate>2019-12-20</LeavingDate></PupilStatus>
</PupilNoLongerOnRoll></PupilsNoLongerOnRoll></Pupils></SchoolCensus></Message>"""


def test_a_census_message_in_a_namespace_lands_both_rolls(tmp_path: Path, places: Places):
    (tmp_path / "a.xml").write_text(CENSUS, encoding="utf-8")
    delivery = go(places, tmp_path / "a.xml")
    pupils = read(places, delivery).sort("surname")
    assert pupils["roll_status"].to_list() == ["on_roll", "left"]
    assert pupils["school_id"].to_list() == ["2012001"] * 2
    assert pupils["postcode"].to_list() == [None, None]
    assert pupils["leaving_date"].to_list() == [None, date(2019, 12, 20)]
    assert read(places, delivery, "additional_needs").select("need_code", "rank").rows() == [("ASD", 1)]
    assert (delivery.as_at_date, delivery.mode) == (date(2020, 1, 16), "full")
    assert delivery.schema_version == "SC 2020 spring"
    assert delivery.warnings_by_rule == {"pupil-without-number": 1}


def test_a_welsh_census_with_its_own_identifiers_section_lands(tmp_path: Path, places: Places):
    (tmp_path / "plasc.xml").write_text(
        "<PLASC><Header><Collection>PLASC</Collection><Year>2026</Year><ReferenceDate>2026-01-20</ReferenceDate>"
        "<LEA>681</LEA><Estab>4040</Estab></Header><Pupils><Pupil><NAWPupilIdentifiers>"
        f"<UPN>{WELSH_UPN}</UPN><UniqueLearnerNumber>1234567899</UniqueLearnerNumber><Surname>Rhys</Surname>"
        "<Forename>Ann</Forename><DOB>2011-01-01</DOB><Sex>F</Sex></NAWPupilIdentifiers></Pupil></Pupils></PLASC>"
    )
    row = read(places, go(places, tmp_path / "plasc.xml")).row(0, named=True)
    assert (row["source_person_id"], row["uln"], row["school_id"]) == (WELSH_UPN, "1234567899", "6814040")


def pupil(**fields: str) -> str:
    return "<Pupil>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</Pupil>"


def test_a_pupil_of_xml_without_a_upn_is_known_by_school_and_admission_number(tmp_path: Path, places: Places):
    delivery = go(places, xml(tmp_path / "a.xml", pupil(AdmissionNumber="004711", Surname="Rhys", DOB="2015-01-01")))
    assert read(places, delivery)["source_person_id"].to_list() == ["6734001|004711"]


def test_a_pupil_without_any_number_keeps_its_made_number_in_the_next_file(tmp_path: Path, places: Places):
    unknown = {"Surname": "Rhys", "Forename": "Ann", "DOB": "2015-01-01"}
    first = go(places, xml(tmp_path / "a.xml", pupil(**unknown)))
    second = go(places, xml(tmp_path / "b.xml", pupil(**unknown, Sex="F"), pupil(Surname="Lee", UPN=OTHER_UPN)))
    assert read(places, first)["source_person_id"][0] == read(places, second)["source_person_id"][0]
    assert first.warnings_by_rule == {"pupil-without-number": 1}


@pytest.mark.parametrize(("leaving", "roll"), [("2026-01-20", "left"), ("2026-01-21", "on_roll")])
def test_a_pupil_has_left_from_the_leaving_date(leaving: str, roll: str, tmp_path: Path, places: Places):
    path = xml(tmp_path / "a.xml", pupil(UPN=WELSH_UPN, Surname="Rhys", LeavingDate=leaving))
    assert read(places, go(places, path))["roll_status"].to_list() == [roll]


def test_a_pupil_that_fails_is_kept_raw_in_quarantine_and_the_rest_land(tmp_path: Path, places: Places):
    twice = pupil(UPN=WELSH_UPN, Surname="Rhys", Forename="A"), pupil(UPN=WELSH_UPN, Surname="Rhys", Forename="B")
    delivery = go(places, xml(tmp_path / "a.xml", *twice, pupil(UPN=OTHER_UPN, Surname="Lee")))
    assert (delivery.records_landed, delivery.rejects_by_rule) == (2, {"key-duplicate": 1})
    records = pl.read_parquet(places.held(FEED, delivery.delivery_id) / "records.parquet")
    assert records["raw"][0] == twice[0].encode()


def test_a_folder_of_schools_is_one_full_census(tmp_path: Path, places: Places):
    folder = tmp_path / "one_plasc_2026-01-20_full"
    xml(folder / "6734001_673LLLL_001.xml", CTF_PUPIL)
    other = HEADER.replace("4001", "4002")
    xml(folder / "6734002_673LLLL_001.xml", pupil(UPN=OTHER_UPN, Surname="Lee"), header=other)
    delivery = go(places, folder)
    assert (delivery.mode, sorted(read(places, delivery)["school_id"])) == ("full", ["6734001", "6734002"])
    xml(folder / "6734002_673LLLL_001.xml", pupil(UPN=OTHER_UPN, Surname="Lee", Forename="B"), header=other)
    broken = folder / "6734001_673LLLL_001.xml"
    broken.write_text(broken.read_text()[:300])
    assert (go(places, folder).state, go(places, folder).hold_rule) == ("held", "file-truncated")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(
    st.binary(max_size=60),
    st.binary(max_size=60).map(lambda data: b"<CTfile><Pupils><Pupil>" + data + b"</Pupil></Pupils></CTfile>"),
    st.binary(max_size=60).map(lambda data: ",".join(PUPIL).encode() + b"\n" + data),
), st.sampled_from([".csv", ".xml", "", ".txt"]))  # fmt: skip
def test_any_bytes_are_landed_or_held(data: bytes, suffix: str):
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(data)
        places = Places(Path(folder) / "landing", Path(folder) / "quarantine")
        delivery = go(places, path)
        assert delivery.state in ("landed", "held")
        assert delivery.records_in == (
            delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate)  # fmt: skip


def test_the_public_sample_lands_whole(samples: Path, places: Places):
    folder = samples / "education" / "school_census"
    delivery = go(places, folder)
    lines = {path.name: sum(1 for _ in csv.reader(path.open(newline=""))) - 1 for path in folder.glob("*.csv")}
    assert delivery.state == "landed"
    assert delivery.records_in == delivery.records_landed == sum(lines.values())
    assert delivery.tables["pupils"].landed == sum(n for name, n in lines.items() if "pupil" in name)
    pupils = read(places, delivery)
    assert pupils.filter(pl.col("birth_date").is_null()).is_empty()
    records = set(pupils["pupil_record_id"])
    for name in ("session_absences", "exclusions"):
        assert set(read(places, delivery, name)["pupil_record_id"]) <= records
