"""Reading HL7 v2 text: separators, escapes, explicit nulls, dates, and finding the messages in a file."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FileHeld
from connectors.health import hl7v2, hl7v2_framing
from connectors.health.hl7v2 import Message
from connectors.health.hl7v2_envelope import Note

USUAL = hl7v2.separators("MSH|^~\\&|")
ONE = "MSH|^~\\&|PAS|140|HUB|100|20260901120000||ADT^A28^ADT_A05|{}|P|2.5\rEVN||20260901120000\rPID|||T1^^^140^PI"


def items(data: bytes | str) -> list[Message | Note]:
    return list(hl7v2_framing.read(io.BytesIO(data if isinstance(data, bytes) else data.encode())))


def messages(data: bytes | str) -> list[Message]:
    return [item for item in items(data) if isinstance(item, Message)]


def rules(data: bytes | str) -> list[str]:
    return [item.rule_id for item in items(data) if isinstance(item, Note)]


def held(data: bytes | str) -> FileHeld:
    with pytest.raises(FileHeld) as fault:
        items(data)
    return fault.value


def batch(count: int, *, said: object = None, first: int = 1) -> str:
    body = "".join(ONE.format(first + number) + "\r" for number in range(count))
    return f"BHS|^~\\&|PAS|140|||20260901\r{body}BTS|{count if said is None else said}\r"


class TestValues:
    def test_msh_2_may_name_any_characters(self) -> None:
        marks = hl7v2.separators("MSH#*!?%#PAS")
        assert marks[:5] == ("#", "*", "!", "?", "%")
        assert hl7v2.plain("O?T?Neil?H?", marks) == "O%Neil"

    @pytest.mark.parametrize("written", ["^~\\&#", "^~\\\\&", "^~\\&", "^~\\", "^~", "^", ""])
    def test_five_doubled_and_missing_characters_of_msh_2_read_as_the_usual_ones(self, written: str) -> None:
        assert hl7v2.separators(f"MSH|{written}|PAS")[:5] == ("|", "^", "~", "\\", "&")

    def test_a_missing_separator_is_not_replaced_by_one_that_the_message_uses_otherwise(self) -> None:
        marks = hl7v2.separators("MSH|~|PAS")
        assert marks.component == "~"
        assert hl7v2.repeats("a~b", marks) == ["a~b"]

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("a\\F\\b", "a|b"),
            ("a\\S\\b", "a^b"),
            ("O\\T\\Neil", "O&Neil"),
            ("a\\R\\b", "a~b"),
            ("a\\E\\b", "a\\b"),
            ("\\E\\F\\E\\", "\\F\\"),
            ("Si\\XC3A2\\n", "Siân"),
            ("Si\\XE2\\n", "Siân"),
            ("one\\.br\\two", "one two"),
            ("\\H\\Mair\\N\\", "Mair"),
            ("one\\.sp2\\two", "one two"),
            ("C:\\Temp\\x", "C:\\Temp\\x"),
            ("end\\", "end\\"),
            ("a\\Zq\\b", "a\\Zq\\b"),
            ("  two   blanks ", "two blanks"),
            ("", None),
            ('""', None),
            ("   ", None),
        ],
    )
    def test_escapes_are_undone_and_stray_backslashes_stay(self, written: str, read: str | None) -> None:
        assert hl7v2.plain(written, USUAL) == read

    def test_an_escaped_separator_does_not_split(self) -> None:
        assert hl7v2.plain(hl7v2.component("a\\S\\b^c", 1, USUAL), USUAL) == "a^b"

    def test_deleting_is_not_the_same_as_saying_nothing(self) -> None:
        assert hl7v2.is_null('""')
        assert not hl7v2.is_null("")

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("20260228", "2026-02-28"),
            ("202602281015", "2026-02-28T10:15:00"),
            ("2026022810", "2026-02-28T10:00:00"),
            ("20260228101530", "2026-02-28T10:15:30"),
            ("20260228101530.1234+0100", "2026-02-28T10:15:30.1234+0100"),
            ("20250121100427+0000", "2025-01-21T10:04:27+0000"),
            ("2025-05-05 23:23:28", "2025-05-05T23:23:28"),
            ("2025-05-05T23:23:28Z", "2025-05-05T23:23:28Z"),
            ("20110613122406637", "2011-06-13T12:24:06.637"),
            ("19760121+^D", "1976-01-21"),
            ("1976", "1976"),
            ("197601", "1976-01"),
            ("19760100", "1976-01"),
            ("19760000", "1976"),
            ("19760000000000", "1976"),
            ("00000000", None),
            ("", None),
            ('""', None),
            ("^D", None),
            ("20230231", "2023-02-31"),
            ("female", "female"),
            ("760121", "760121"),
            ("5/6/2024", "5/6/2024"),
        ],
    )
    def test_dates_keep_the_precision_they_were_sent_with(self, written: str, read: str | None) -> None:
        assert hl7v2.stamp(written, USUAL) == read

    def test_a_day_is_only_a_whole_day_by_the_senders_clock(self) -> None:
        assert hl7v2.day_of("2025-01-21T23:30:00-0500") == "2025-01-21"
        assert hl7v2.day_of("2025-01") is None
        assert hl7v2.is_partial("2025")

    def test_an_instant_without_zone_is_london_time(self) -> None:
        summer, zoned = hl7v2.as_instant("2026-07-01T12:00:00"), hl7v2.as_instant("2026-07-01T12:00:00+0000")
        assert summer is not None
        assert zoned is not None
        assert (zoned - summer).total_seconds() == 3600
        assert hl7v2.as_instant("2026-13-01") is None

    @given(st.text())
    def test_no_text_breaks_the_readers_of_values(self, text: str) -> None:
        for marks in (USUAL, hl7v2.separators(f"MSH{text or '|'}")):
            hl7v2.plain(text, marks)
            hl7v2.as_instant(hl7v2.stamp(text, marks))
            hl7v2.day_of(hl7v2.stamp(text, marks))

    @given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=30))
    def test_what_is_escaped_reads_back_unchanged(self, text: str) -> None:
        written = text.replace("\\", "\\E\\")
        for mark, letter in (("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
            written = written.replace(mark, f"\\{letter}\\")
        assert (hl7v2.plain(written, USUAL) or "") == ("" if text == '""' else text)


class TestFraming:
    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
    def test_all_line_ends_give_the_same_message(self, end: str) -> None:
        (message,) = messages(ONE.format(1).replace("\r", end) + end)
        assert message.text == ONE.format(1)

    def test_mixed_line_ends_and_several_messages(self) -> None:
        found = messages(ONE.format(1) + "\n" + ONE.format(2).replace("\r", "\r\n") + "\r" + ONE.format(3))
        assert [message.segments[0][10] for message in found] == ["1", "2", "3"]
        assert [message.number for message in found] == [1, 2, 3]

    def test_mllp_bytes_are_taken_off(self) -> None:
        data = b"".join(b"\x0b" + ONE.format(number).encode() + b"\r\x1c\r" for number in (1, 2))
        assert [message.text for message in messages(data)] == [ONE.format(1), ONE.format(2)]
        assert rules(data) == []

    def test_a_last_message_without_mllp_end_holds_the_file_when_the_others_have_one(self) -> None:
        data = b"\x0b" + ONE.format(1).encode() + b"\x1c\r\x0b" + ONE.format(2).encode()
        assert held(data).rule_id == "file-truncated"
        assert len(messages(data[: data.index(b"\x1c")])) == 1

    def test_a_byte_order_mark_is_skipped_and_reported(self) -> None:
        assert rules(b"\xef\xbb\xbf" + ONE.format(1).encode()) == ["file-bom"]
        assert len(messages(ONE.format(1) + "\n\ufeff" + ONE.format(2))) == 2

    def test_one_latin_message_does_not_spoil_the_welsh_letters_of_its_neighbours(self) -> None:
        welsh, latin = ONE.format(1) + "||ŵyn^Siân", ONE.format(2) + "||Jones^Siân"
        data = welsh.encode() + b"\r" + latin.encode("cp1252") + b"\r" + welsh.replace("|1|", "|3|").encode()
        assert [message.segments[-1][5] for message in messages(data)] == ["ŵyn^Siân", "Jones^Siân", "ŵyn^Siân"]
        assert [message.encoding for message in messages(data)] == ["utf-8", "cp1252", "utf-8"]
        assert rules(data) == ["hl7-not-utf8"]

    def test_msh_18_names_the_character_set(self) -> None:
        text = "MSH|^~\\&|P|1|||2026||ADT^A28|1|P|2.5||||||8859/14\rPID|||1||ŵyn"
        (message,) = messages(text.encode("iso8859-14"))
        assert message.segments[1][5] == "ŵyn"

    def test_a_message_that_is_no_text_is_rejected_alone(self) -> None:
        found = items(ONE.format(1).encode() + b"\x81\x8d\r" + ONE.format(2).encode())
        assert [type(item) for item in found] == [Note, Message]
        assert found[0].rule_id == "record-encoding"
        assert found[0].raw.endswith(b"\x81\x8d")

    def test_utf_16_is_held(self) -> None:
        assert held(ONE.format(1).encode("utf-16")).rule_id == "file-encoding"
        assert held(ONE.format(1).encode("utf-16-le")).rule_id == "file-encoding"

    def test_a_wrapped_line_belongs_to_the_segment_before_it(self) -> None:
        data = ONE.format(1) + "||Jones^Mair||||||1 High St\rCardiff^^Cardiff\rPV1||E"
        (message,) = messages(data)
        assert message.segments[2][11] == "1 High St\nCardiff^^Cardiff"
        assert [fields[0] for fields in message.segments] == ["MSH", "EVN", "PID", "PV1"]
        assert rules(data) == ["hl7-line-wrapped"]

    def test_free_text_at_the_end_of_a_message_stays_in_it(self) -> None:
        data = ONE.format(1) + "\rNTE|1||first line\rsecond line\r" + ONE.format(2)
        assert messages(data)[0].segments[-1][3] == "first line\nsecond line"

    def test_text_around_messages_is_counted_and_kept_and_joins_no_message(self) -> None:
        data = "exported by the engine\r" + ONE.format(1) + "\r-- next --\r" + ONE.format(2) + "\rdone\r"
        assert rules(data) == ["hl7-stray-text"] * 3
        assert [message.text for message in messages(data)] == [ONE.format(1), ONE.format(2)]
        assert [item.raw for item in items(data) if isinstance(item, Note)][1] == b"-- next --"

    def test_segments_without_a_header_are_rejected_with_their_text(self) -> None:
        found = items("PID|||1\rPV1||E\r" + ONE.format(1))
        assert (found[0].rule_id, found[0].raw) == ("hl7-header-missing", b"PID|||1\rPV1||E")
        assert isinstance(found[1], Message)

    def test_line_ends_that_were_written_out_are_read(self) -> None:
        data = "\n".join(ONE.format(number).replace("\r", "\\r") for number in (1, 2))
        assert [message.text for message in messages(data)] == [ONE.format(1), ONE.format(2)]

    def test_json_lines_of_a_message_store(self) -> None:
        lines = [
            json.dumps({"src": "engine", "raw": ONE.format(1)}),
            '{"broken',
            "[1]",
            json.dumps({"raw": "nothing"}),
            json.dumps({"id": 2, "body": {"content": ONE.format(2).replace("\r", "\n")}}),
        ]
        data = "\n".join(lines)
        assert [(message.number, message.text) for message in messages(data)] == [
            (1, ONE.format(1)),
            (5, ONE.format(2)),
        ]
        assert rules(data) == ["json-broken", "json-not-an-object", "hl7-json-no-message"]

    def test_a_json_list_over_many_lines(self) -> None:
        assert len(messages(json.dumps([{"raw": ONE.format(1)}, {"raw": ONE.format(2)}], indent=2))) == 2

    @pytest.mark.parametrize("data", ["", " \r\n\r\n", "\n"])
    def test_an_empty_file_is_held(self, data: str) -> None:
        assert held(data).rule_id == "file-empty"

    @pytest.mark.parametrize("data", ["a,b,c\n1,2,3\n", '{"resourceType": "Patient"}', "<xml/>", "PID|||1\rPV1||E"])
    def test_a_file_without_messages_is_not_this_format(self, data: str) -> None:
        assert held(data).rule_id == "file-not-this-format"

    def test_memory_blocks_end_before_a_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hl7v2_framing, "BLOCK_BYTES", 50)
        data = "".join(f"{ONE.format(number)}\r\n" for number in range(20))
        assert [message.text for message in messages(data)] == [ONE.format(number) for number in range(20)]
        framed = "".join(f"\x0b{ONE.format(number)}\r\x1c\r" for number in range(20))
        assert [message.text for message in messages(framed)] == [ONE.format(number) for number in range(20)]
        assert rules(framed) == []

    @given(st.binary(max_size=300))
    def test_no_bytes_break_the_reader(self, data: bytes) -> None:
        with contextlib.suppress(FileHeld):
            items(data)

    @given(
        st.lists(
            st.sampled_from(
                [
                    ONE.format(1),
                    "FHS|^~\\&|",
                    "BHS|^~\\&|",
                    "BTS|1",
                    "FTS|1",
                    "PID|||1",
                    "\x0b",
                    "\x1c",
                    "text",
                    "",
                    "MSH",
                    "MSH|",
                    "\ufeffMSH|^~\\&|",
                    "OBX|1|TX",
                    " PV1||E",
                    "LONGX|1",
                ]
            ),
            max_size=12,
        ),
        st.sampled_from(["\r", "\n", "\r\n"]),
    )
    def test_no_order_of_parts_breaks_the_reader_or_loses_a_message(self, parts: list[str], end: str) -> None:
        data = end.join(parts)
        try:
            found = items(data)
        except FileHeld:
            return
        sent = sum(part.lstrip("\ufeff").startswith("MSH|") for part in parts)
        assert sum(isinstance(item, Message) for item in found) == sent


class TestEnvelope:
    @pytest.mark.parametrize(
        "data",
        [
            batch(2),
            "FHS|^~\\&|\r" + batch(2) + "FTS|1\r",
            "FHS|^~\\&|\r" + batch(1) + batch(1, first=2) + "FTS|2\r",
            "FHS|^~\\&|\r" + batch(1, said="") + "FTS|\r",
            "FHS|^~\\&|\rFTS|0\r" + batch(1),
            "FHS|^~\\&|\r" + batch(1) + "FTS|1\rFHS|^~\\&|\r" + batch(1, first=2) + "FTS|1\r",
            batch(1, said="001"),
            "FHS|^~\\&|\r" + ONE.format(1) + "\r" + ONE.format(2) + "\rFTS|1\r",
            "FHS|^~\\&|\r" + ONE.format(1) + "\r" + ONE.format(2) + "\rFTS|2\r",
        ],
    )
    def test_a_whole_envelope_is_taken_without_remark(self, data: str) -> None:
        assert rules(data) == []
        assert messages(data)

    @pytest.mark.parametrize(
        ("data", "part"),
        [
            ("BHS|^~\\&|\r" + ONE.format(1) + "\r", "BTS"),
            ("FHS|^~\\&|\r" + ONE.format(1) + "\n", "FTS"),
            (ONE.format(1) + "\rBTS|1", "BHS"),
            (batch(1) + "FTS|1", "FHS"),
            ("FHS|^~\\&|\rBHS|^~\\&|\r" + ONE.format(1) + "\rFTS|1", "BTS"),
        ],
    )
    def test_a_missing_part_is_reported_and_the_messages_are_read(self, data: str, part: str) -> None:
        (note,) = [item for item in items(data) if isinstance(item, Note)]
        assert (note.rule_id, note.column) == ("envelope-part-missing", part)
        assert len(messages(data)) == 1

    @pytest.mark.parametrize(
        ("data", "detail"),
        [
            (batch(2, said=3), "line 8: BTS says 3 messages, found 2"),
            (ONE.format(1) + "\rBTS|2", "found 1"),
            ("FHS|^~\\&|\r" + batch(1) + "FTS|2", "FTS says 2 batches, found 1"),
            ("FHS|^~\\&|\rFTS|1", "found 0"),
            (batch(1, said="9" * 40), "found 1"),
        ],
    )
    def test_a_count_that_does_not_agree_holds_the_file(self, data: str, detail: str) -> None:
        fault = held(data)
        assert fault.rule_id == "envelope-count"
        assert detail in fault.detail

    @pytest.mark.parametrize("length", [0.3, 0.6, 0.9])
    def test_a_batch_that_was_cut_holds_the_file(self, length: float) -> None:
        data = "FHS|^~\\&|\r" + batch(5) + "FTS|1\r"
        assert held(data[: int(len(data) * length)]).rule_id == "file-truncated"

    @pytest.mark.parametrize(
        "data",
        [
            "FHS|^~\\&|\rFHS|^~\\&|\r" + batch(1),
            "BHS|^~\\&|\r" + batch(1),
            "BHS|^~\\&|\rPID|||1\rBTS|1",
            batch(1, said="one"),
            "BHS|^~\\&|\rFHS|^~\\&|\r" + ONE.format(1),
        ],
    )
    def test_parts_that_contradict_each_other_hold_the_file(self, data: str) -> None:
        assert held(data).rule_id == "envelope-broken"
