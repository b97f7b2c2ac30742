"""The HL7 v2 feed end to end: which messages are read, what lands of them, what goes to quarantine and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import LINEAGE
from connectors.delivery import Delivery, Places, Terms
from connectors.health import adt
from connectors.health.adt_rows import COLUMNS
from connectors.landing import land

NHS = "9990000018"
HEAD = "MSH|^~\\&|PAS|140|HUB|100|{at}||{type}|{id}|P|2.5"


def message(*segments: str, kind: str = "ADT^A28^ADT_A05", number: object = 1, at: str = "20260301120000") -> str:
    return "\r".join([HEAD.format(at=at, type=kind, id=number), *segments]) + "\r"


class Landed:
    """A delivery and what is on disk of it."""

    def __init__(self, delivery: Delivery, places: Places) -> None:
        self.delivery = delivery
        self._places = places

    def rows(self, name: str) -> list[dict]:
        return pl.read_parquet(
            self._places.delivery(adt.FEED, self.delivery.delivery_id) / f"{name}.parquet"
        ).to_dicts()

    def row(self, name: str) -> dict:
        (row,) = self.rows(name)
        return row

    def report(self) -> list[dict]:
        path = self._places.held(adt.FEED, self.delivery.delivery_id) / "report.parquet"
        return pl.read_parquet(path).to_dicts() if path.exists() else []

    def rules(self) -> set[str]:
        return {row["rule_id"] for row in self.report()}

    def quarantine(self) -> list[dict]:
        return pl.read_parquet(self._places.held(adt.FEED, self.delivery.delivery_id) / "records.parquet").to_dicts()


def land_paths(paths: list[Path], folder: Path, **terms: object) -> Landed:
    places = Places(folder / "landing", folder / "quarantine")
    delivery = land(adt.FEED, paths, places, Terms(**({"system": "PAS", "as_at": date(2026, 9, 1)} | terms)))
    for books in delivery.tables.values():
        assert books.records_in == books.landed + books.quarantined + books.duplicate
    assert delivery.records_in == delivery.records_landed + delivery.records_quarantined + delivery.records_duplicate
    return Landed(delivery, places)


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Landed]:
    """Land the given texts or bytes, each as one file."""

    def _send(*contents: str | bytes, **terms: object) -> Landed:
        folder = tmp_path / "delivery"
        folder.mkdir(exist_ok=True)
        for number, content in enumerate(contents):
            (folder / f"{number}.hl7").write_bytes(content if isinstance(content, bytes) else content.encode())
        return land_paths([folder], tmp_path, **terms)

    return _send


PIMS = (
    "MSH|^~\\&|PIMS|BroMor HL7Sender|EMPI|EMPI|20250121100427+0000||ADT^A40^ADT_A39|48209218|P|2.3.1\n"
    "EVN||20250121100414+0000||||20250121100410+0000\n"
    f'PID|||{NHS}^06^^^NI~N5000001^^^^PI||Prawf^Mair^""^^MISS||20160121+^D|F|||1 Stryd Fawr^GILFACH GOCH^PORTH^RHONDDA'
    " CYNON TAF^CF39 8FL||^PRN^PH~07000000000^ORN^CP|01443 000000^WPN^PH||U||||||0|||||||^D||||20250121100414+0000 \n"
    "PD1||||G9146958~W95295 \nMRG|1234\nPV1||NA\n"
)


class TestPatients:
    def test_a_welsh_pims_message_is_read_as_it_is(self, send: Callable[..., Landed]) -> None:
        sent = send(PIMS)
        patient = sent.row("patients")
        expected = {
            "source_person_id": "PIMS/BroMor HL7Sender/PI|N5000001",
            "nhs_number": NHS,
            "nhs_number_status": "06",
            "surname": "Prawf",
            "forename": "Mair",
            "middle_names": None,
            "birth_date": date(2016, 1, 21),
            "sex": "F",
            "ethnicity_code": "0",
            "ethnicity_code_system": "PID-22",
            "gp_code": "G9146958",
            "practice_code": "W95295",
            "address_line": "1 Stryd Fawr, GILFACH GOCH",
            "town": "PORTH",
            "postcode": "CF39 8FL",
            "death_at": None,
            "telephone": "07000000000",
            "deleted_columns": "middle_names",
            "processing_id": "P",
            "event_at": datetime(2025, 1, 21, 10, 4, 10, tzinfo=UTC),
        }
        assert {name: patient[name] for name in expected} == expected
        assert "attendances" not in sent.delivery.tables
        merge = sent.row("merges")
        assert merge["survivor_source_person_id"] == "PIMS/BroMor HL7Sender/PI|N5000001"
        assert merge["retired_source_person_id"] == "PIMS/BroMor HL7Sender/PI|1234"
        assert merge["merged_at"] == datetime(2025, 1, 21, 10, 4, 10, tzinfo=UTC)

    def test_the_other_welsh_shapes(self, send: Callable[..., Landed]) -> None:
        phw = (
            "MSH|^~\\&|252|252|100|100|2025-05-05 23:23:32||ADT^A31^ADT_A05|1|P|2.5 |||||GBR||EN\rEVN||20250502092900\r"
            f"PID|||8888888^^^252^PI~{NHS}^^^NHS^NH||PRAWF^SION^M^^MR||20150101|M|||99, MY ROAD^PLACE^CITY"
            "^COUNTY^SA99 1XX^^H|||||||||||||||||||||01\rPD1|||^^w92616^|G999999\rPV1||U\r"
        )
        chemocare = (
            "MSH|^~\\&|224|224|100|100|20250624165855||ADT^A28|2|P|2.4\rEVN|Sub|20250624165855\r"
            f"PID|1|{NHS}^^^^NH|{NHS}^^^^NH~V1000001^^^^PAS||TEST^UN||20000101000000|F||||||||||||||||||||||||1\rPV1||U\r"
        )
        first, second = send(phw, chemocare).rows("patients")
        assert (first["source_person_id"], first["nhs_number"], first["nhs_number_status"]) == (
            "252|8888888",
            NHS,
            "01",
        )
        assert (first["practice_code"], first["gp_code"]) == ("W92616", "G999999")
        assert (second["source_person_id"], second["nhs_number"]) == ("224/224/PAS|V1000001", NHS)
        assert (second["birth_date"], second["birth_at"]) == (date(2000, 1, 1), "2000-01-01T00:00:00")

    @pytest.mark.parametrize(
        ("pid_3", "number", "status", "key"),
        [
            (f"{NHS}^^^NHS", NHS, None, f"NHS|{NHS}"),
            (f"{NHS}^^^^NH", NHS, None, f"NHS|{NHS}"),
            (f"{NHS}^01^^^NI", NHS, "01", f"NHS|{NHS}"),
            (f"{NHS}^^^^NI", None, None, f"PAS/140/NI|{NHS}"),
            (f"{NHS}^^^^NH{{status:02}}", NHS, "02", f"NHS|{NHS}"),
            (f"{NHS}^^^NHSNBR^NHSNMBR", NHS, None, f"NHS|{NHS}"),
            ("^07^^NHS^NH~A1^^^140^PI", None, "07", "140|A1"),
            ("999 000 0018^^^NHS~1^^^X&1.2&ISO", NHS, None, "X|1"),
            ("T12^^^NHS^MR", None, None, "NHS|T12"),
            ("A1^^^^MR", None, None, "PAS/140/MR|A1"),
            ("A1^^^&1.2.3&ISO^PI", None, None, "1.2.3|A1"),
            ("9^^^SSA^SS~7^^^140^AN~A1^^^140^PI", None, None, "140|A1"),
        ],
    )
    def test_nhs_numbers_and_local_numbers_are_told_apart(
        self, send: Callable[..., Landed], pid_3: str, number: str | None, status: str | None, key: str
    ) -> None:
        row = send(message(f"PID|||{pid_3}||Prawf^Mair")).row("patients")
        assert (row["nhs_number"], row["nhs_number_status"], row["source_person_id"]) == (number, status, key)

    def test_all_identifiers_names_and_addresses_land(self, send: Callable[..., Landed]) -> None:
        sent = send(
            message(
                'PID||X9^^^EXT|T1^^^140^PI~""^^^150^PI|ALT4|Lloyd&ap^Siân^Mair^^^^A~Jones^Siân^^^^^L'
                "^^^^^20200101~Siani^^^^^^N||20200228|F|Lloyd^Sian||1&Old Mill&3^Top Flat^Barri"
                "^^CF62 1AA^^H~Nowhere^^^^CF1 1AA^^BA|||||||ACC7|123456789"
            )
        )
        assert [
            (row["source_field"], row["identifier_value"], row["is_deleted"]) for row in sent.rows("identifiers")
        ] == [
            ("PID-3", "T1", False),
            ("PID-3", '""', True),
            ("PID-2", "X9", False),
            ("PID-4", "ALT4", False),
            ("PID-18", "ACC7", False),
            ("PID-19", "123456789", False),
        ]
        assert [
            (row["name_type"], row["surname"], row["forename"], row["valid_from"]) for row in sent.rows("names")
        ] == [
            ("A", "Lloyd", "Siân", None),
            ("L", "Jones", "Siân", date(2020, 1, 1)),
            ("N", "Siani", None, None),
            ("A", "Lloyd", "Sian", None),
        ]
        assert [(row["address_type"], row["address_line"], row["postcode"]) for row in sent.rows("addresses")] == [
            ("H", "1 Old Mill 3, Top Flat", "CF62 1AA"),
            ("BA", "Nowhere", "CF1 1AA"),
        ]
        patient = sent.row("patients")
        assert (patient["surname"], patient["town"]) == ("Jones", "Barri")

    @pytest.mark.parametrize(
        ("written", "day", "rule"),
        [
            ("2016", None, "birth-date-partial"),
            ("201602", None, "birth-date-partial"),
            ("20160230", None, "date-impossible-cleared"),
            ("20270101", None, "birth-date-in-future"),
            ("unknown", None, "date-unreadable-cleared"),
            ("01/02/2016", date(2016, 2, 1), "date-day-first"),
            ("2016-02-01 23:30:00", date(2016, 2, 1), None),
            ("20160201233000-0500", date(2016, 2, 1), None),
        ],
    )
    def test_odd_dates_of_birth(
        self, send: Callable[..., Landed], written: str, day: date | None, rule: str | None
    ) -> None:
        sent = send(message(f"PID|||T1^^^140^PI||Prawf^Mair||{written}"))
        assert sent.row("patients")["birth_date"] == day
        assert sent.rules() == ({rule} if rule else set())
        assert sent.delivery.records_landed == 1

    def test_the_number_of_pid_3_comes_before_another_systems_number_in_pid_2(
        self, send: Callable[..., Landed]
    ) -> None:
        assert send(message("PID||H1^^^110^PI|T1^^^140")).row("patients")["source_person_id"] == "140|T1"

    def test_a_patient_without_any_number_is_kept_in_quarantine_and_the_message_lands(
        self, send: Callable[..., Landed]
    ) -> None:
        sent = send(message("PID|||||Prawf^Mair"))
        assert sent.delivery.tables["patients"].quarantined == 1
        assert (sent.delivery.records_landed, sent.delivery.records_quarantined) == (1, 0)
        assert sent.quarantine()[0]["raw"] == b"PID|||||Prawf^Mair"

    def test_several_patients_of_one_message_keep_their_own_segments(self, send: Callable[..., Landed]) -> None:
        sent = send(
            message(
                "PID|||T1^^^140^PI||One^A",
                "NK1|1|Kin^One|MTH",
                "PID|||T2^^^140^PI||Two^B",
                "NK1|1|Kin^Two|FTH^Father",
                kind="ORU^R01",
            )
        )
        assert [(row["patient_sequence"], row["source_person_id"]) for row in sent.rows("patients")] == [
            (1, "140|T1"),
            (2, "140|T2"),
        ]
        assert [(row["source_person_id"], row["relationship_code"]) for row in sent.rows("related_persons")] == [
            ("140|T1", "MTH"),
            ("140|T2", "FTH"),
        ]
        assert sent.row("messages")["source_person_id"] == "140|T1"


class TestEvents:
    def test_an_emergency_attendance(self, send: Callable[..., Landed]) -> None:
        row = send(
            message(
                "EVN||20260301115900||||20260301113000",
                "PID|||T1^^^140^PI",
                "PV1||E|ED^B1^1|2" + "|" * 15 + "V77" + "|" * 17 + "02" + "|" * 8 + "20260301113000|20260301150000",
                "PV2|||^Fall from height",
                kind="ADT^A03^ADT_A03",
            )
        ).row("attendances")
        assert (row["is_emergency"], row["patient_class"], row["visit_number"], row["location"]) == (
            True,
            "E",
            "V77",
            "ED B1 1",
        )
        assert (row["attended_at"], row["discharged_at"]) == (
            datetime(2026, 3, 1, 11, 30, tzinfo=UTC),
            datetime(2026, 3, 1, 15, tzinfo=UTC),
        )
        assert (row["admission_type"], row["discharge_code"], row["reason"]) == ("2", "02", "Fall from height")

    @pytest.mark.parametrize(
        ("kind", "patient_class", "lands"),
        [
            ("ADT^A01", "I", True),
            ("ADT^A04", "O", True),
            ("ADT^A11", "E", True),
            ("ADT^A13", "I", True),
            ("ADT^A28", "N", False),
            ("ADT^A31", "I", False),
            ("ADT^A04", "N", False),
            ("ORU^R01", "E", False),
        ],
    )
    def test_only_events_about_visits_are_attendances(
        self, send: Callable[..., Landed], kind: str, patient_class: str, lands: bool
    ) -> None:
        sent = send(message("PID|||T1^^^140^PI", f"PV1||{patient_class}", kind=kind))
        assert ("attendances" in sent.delivery.tables) == lands
        if lands:
            assert sent.row("attendances")["is_emergency"] == (patient_class == "E")

    @pytest.mark.parametrize("trigger", ["A18", "A30", "A34", "A36", "A39", "A40", "A47"])
    def test_merges_of_persons_land_survivor_and_retired(self, send: Callable[..., Landed], trigger: str) -> None:
        sent = send(
            message(
                "PID|||T1^^^140^PI",
                "MRG|T9^^^140^PI",
                "PID|||T2^^^140^PI",
                f"MRG|{NHS}^^^NHS~T8^^^140^PI~T7^^^140",
                kind=f"ADT^{trigger}",
            )
        )
        assert [(row["survivor_source_person_id"], row["retired_source_person_id"]) for row in sent.rows("merges")] == [
            ("140|T1", "140|T9"),
            ("140|T2", "140|T8"),
            ("140|T2", "140|T7"),
        ]

    @pytest.mark.parametrize("trigger", ["A35", "A41", "A43", "A44", "A45"])
    def test_moving_an_account_or_visit_to_another_person_merges_nobody(
        self, send: Callable[..., Landed], trigger: str
    ) -> None:
        sent = send(message("PID|||T1^^^140^PI", "MRG|T9^^^140^PI", kind=f"ADT^{trigger}"))
        assert "merges" not in sent.delivery.tables
        assert sent.rules() == {"hl7-merge-not-of-persons"}

    @pytest.mark.parametrize("mrg", ["MRG|", "MRG|T1^^^140^PI", 'MRG|""'])
    def test_a_merge_that_names_no_second_record_is_reported(self, send: Callable[..., Landed], mrg: str) -> None:
        assert "hl7-merge-incomplete" in send(message("PID|||T1^^^140^PI", mrg, kind="ADT^A40")).rules()

    def test_merges_that_arrive_out_of_order_carry_their_time(self, send: Callable[..., Landed]) -> None:
        late = message("PID|||T1^^^140^PI", "MRG|T2^^^140^PI", kind="ADT^A40", number=2, at="20260302")
        early = message("EVN||||||20260201", "PID|||T2^^^140^PI", "MRG|T3^^^140^PI", kind="ADT^A40", at="20260303")
        assert [row["merged_at"].date() for row in send(late + early).rows("merges")] == [
            date(2026, 3, 2),
            date(2026, 2, 1),
        ]

    @pytest.mark.parametrize(
        ("trigger", "status", "missed"),
        [
            ("S26", "", True),
            ("S14", "NOSHOW", True),
            ("S14", "Did not attend^^L", True),
            ("S12", "Booked", False),
            ("S15", "", False),
        ],
    )
    def test_appointments_and_who_was_not_brought(
        self, send: Callable[..., Landed], trigger: str, status: str, missed: bool
    ) -> None:
        row = send(
            message(
                "SCH|P1|F1^PAS||||REVIEW^Review|||||^^^202604011030" + "|" * 14 + status,
                "PID|||T1^^^140^PI",
                "RGS|1",
                "AIS|1||IHA^Initial health assessment",
                kind=f"SIU^{trigger}",
            )
        ).row("appointments")
        assert (row["is_did_not_attend"], row["appointment_id"], row["service"]) == (missed, "F1", "IHA")
        assert row["starts_at"] == datetime(2026, 4, 1, 9, 30, tzinfo=UTC)

    def test_an_appointment_without_a_patient_is_reported(self, send: Callable[..., Landed]) -> None:
        assert send(message("SCH|P1|F1", kind="SIU^S12")).rules() == {
            "hl7-appointment-no-patient",
            "hl7-patient-missing",
        }


class TestDeliveries:
    def test_training_and_debugging_messages_land_with_their_processing_id(self, send: Callable[..., Landed]) -> None:
        sent = send(*(message("PID|||T1^^^140^PI").replace("|P|2.5", f"|{letter}|2.5") for letter in "PTD"))
        assert sorted(row["processing_id"] for row in sent.rows("messages")) == ["D", "P", "T"]
        assert sorted(row["processing_id"] for row in sent.rows("patients")) == ["D", "P", "T"]

    def test_the_same_message_in_another_framing_is_a_duplicate(self, send: Callable[..., Landed]) -> None:
        one = message("PID|||T1^^^140^PI||Prawf^Mair")
        sent = send(one + one.replace("\r", "\n"), b"\x0b" + one.encode() + b"\x1c\r")
        assert (sent.delivery.records_in, sent.delivery.records_landed, sent.delivery.records_duplicate) == (3, 1, 2)
        assert set(sent.delivery.rejects_by_rule) == {"row-duplicate"}
        assert len(sent.rows("patients")) == 1

    def test_a_message_without_type_goes_to_quarantine_whole_and_the_next_lands(
        self, send: Callable[..., Landed]
    ) -> None:
        sent = send("MSH|^~\\&|PAS\rPID|||1\r" + HEAD.format(at="", type="", id=2) + "\rPID|||2\r" + message("PID|||3"))
        assert sent.delivery.rejects_by_rule == {"hl7-header-short": 1, "hl7-type-missing": 1}
        assert (sent.delivery.records_landed, sent.delivery.records_quarantined) == (1, 2)
        assert [(row["row_number"], row["raw"][:9]) for row in sent.quarantine()] == [
            (1, b"MSH|^~\\&|"),
            (2, b"MSH|^~\\&|"),
        ]

    def test_a_type_missing_from_a_short_header_is_taken_from_the_event(self, send: Callable[..., Landed]) -> None:
        sent = send("MSH|^~\\&|PAS|140\rEVN|A04|20260301\rPID|||T1^^^140\rPV1||E\r")
        assert (sent.row("messages")["message_type"], sent.row("messages")["trigger_event"]) == ("ADT", "A04")
        assert sent.row("attendances")["attended_at"] == datetime(2026, 3, 1, tzinfo=UTC)

    def test_one_held_file_does_not_stop_the_others(self, send: Callable[..., Landed]) -> None:
        sent = send("BHS|^~\\&|\r" + message("PID|||1") + "BTS|2\r", message("PID|||2", number=2))
        assert (sent.delivery.state, sent.delivery.records_landed) == ("landed", 1)
        assert [fault["rule"] for fault in sent.delivery.held_files] == ["envelope-count"]

    def test_an_old_batch_in_the_folder_does_not_make_young_children_unborn(self, send: Callable[..., Landed]) -> None:
        old = "BHS|^~\\&|PAS|140|||20070101\r" + message("PID|||T1^^^140", at="20070101") + "BTS|1\r"
        young = message("PID|||T2^^^140||A^B||20260228")
        sent = send(old, young, as_at=None, received_at=datetime(2026, 9, 1, tzinfo=UTC))
        assert sent.delivery.as_at_date == date(2026, 9, 1)
        assert [row["birth_date"] for row in sent.rows("patients")] == [None, date(2026, 2, 28)]
        assert sent.delivery.schema_version == "2.5"

    def test_no_value_of_a_person_is_in_a_report_or_a_held_files_detail(self, send: Callable[..., Landed]) -> None:
        sent = send(
            "Mair Prawf\r" + message("PID|||T1^^^140||Prawf^Mair||Prawf", f"MRG|{NHS}"),
            "BHS|^~\\&|\rPID|||" + NHS + "||Prawf^Mair\rBTS|1\r",
            "BHS|^~\\&|\r" + message("PID|||Prawf") + "BTS|Prawf\r",
        )
        told = f"{sent.report()} {sent.delivery.held_files}"
        assert "Prawf" not in told
        assert "Mair" not in told
        assert NHS not in told

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        fields=st.lists(st.text(alphabet='|^~\\&"AZ019 \r\n\x0bÿŵ', max_size=40), min_size=1, max_size=6),
        kind=st.sampled_from(["ADT^A01", "ADT^A40", "SIU^S26", "ADT", "^A01", ""]),
    )
    def test_no_content_breaks_the_feed_and_the_books_balance(
        self, tmp_path: Path, fields: list[str], kind: str
    ) -> None:
        names = ["PID|||T1^^^140|", "PID|", "PV1|", "MRG|", "SCH|", "NK1|"]
        text = message(*(name + field for name, field in zip(names, fields, strict=False)), kind=kind)
        sent = land_paths([_written(tmp_path / "any.hl7", text)], tmp_path / str(abs(hash(text))))
        assert sent.delivery.records_in == text.replace("\r", "\n").count("\nMSH|") + 1

    def test_rows_have_the_contracts_columns_in_order(self) -> None:
        tables = adt.FEED.contract.at(None)
        assert {name: list(table.schema())[len(LINEAGE) :] for name, table in tables.items()} == {
            name: list(columns) for name, columns in COLUMNS.items()
        }


def _written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


class TestPublicSamples:
    """Figures counted by hand or with grep from the public files."""

    def test_every_single_message_file_lands(self, samples: Path, tmp_path: Path) -> None:
        sent = land_paths([samples / "hl7v2" / "messages"], tmp_path)
        assert (sent.delivery.records_in, sent.delivery.records_landed, sent.delivery.held_files) == (74, 74, [])
        assert sent.delivery.tables["patients"].landed == 75
        by_file = {row["source_file"]: row for row in sent.rows("patients")}
        uk = by_file["MDM-T02-03.hl7"]
        assert (uk["source_person_id"], uk["nhs_number"]) == ("SIMULATOR MRN|3196695816", "6597923189")
        assert (uk["surname"], uk["birth_date"], uk["postcode"]) == ("Clark", date(1930, 1, 22), "WI3 7KU")
        first = by_file["ADT-A01-01.hl7"]
        assert (first["surname"], first["forename"], first["birth_date"]) == ("EVERYMAN", "ADAM", date(1988, 8, 18))
        merges = {row["source_file"]: row["retired_source_person_id"] for row in sent.rows("merges")}
        assert merges == {"ADT-A40-01.hl7": "BCBS|56789", "ADT-A47-01.hl7": "BCBS|MR102"}
        missed = [row["source_file"] for row in sent.rows("appointments") if row["is_did_not_attend"]]
        assert missed == ["SIU-S26-02.hl7"]

    def test_every_message_of_the_message_store_lands(self, samples: Path, tmp_path: Path) -> None:
        sent = land_paths([samples / "hl7v2" / "messages_from_tests.jsonl"], tmp_path)
        assert (sent.delivery.records_in, sent.delivery.records_landed) == (302, 302)
        books = sent.delivery.tables["patients"]
        assert (books.landed, books.quarantined) == (257, 12)
        assert [row["retired_source_person_id"] for row in sent.rows("merges") if row["row_number"] == 133] == [
            "XYZ|MR2",
            "XYZ|MR4",
        ]

    def test_good_batches_land_and_bad_ones_are_held_for_their_reason(self, samples: Path, tmp_path: Path) -> None:
        reasons = {}
        for path in sorted((samples / "hl7v2" / "batches").iterdir()):
            delivery = land_paths([path], tmp_path / path.stem).delivery
            assert (delivery.state == "held") == path.stem.startswith("sample_bad_")
            if delivery.state == "held":
                reasons[path.stem] = (delivery.hold_rule, (delivery.hold_detail or "").split(":")[0])
            else:
                assert delivery.records_in == path.read_text().count("MSH|")
        assert reasons == {
            "sample_bad_batch": ("envelope-broken", "line 2"),
            "sample_bad_batch1": ("envelope-broken", "line 4"),
            "sample_bad_file": ("envelope-broken", "line 3"),
            "sample_bad_file1": ("envelope-broken", "line 5"),
            "sample_bad_file2": ("envelope-broken", "line 5"),
            "sample_bad_file3": ("envelope-broken", "line 2"),
        }
