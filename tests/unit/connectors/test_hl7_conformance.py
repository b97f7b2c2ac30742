"""The lint and the acknowledgements with hl7apy, and that our tokeniser and hl7apy read the same values."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.health import conformance, hl7v2_framing
from connectors.health.conformance import HL7APY_FAULTS, as_hl7apy
from connectors.health.hl7v2 import Message, at, component

VALID = (
    "MSH|^~\\&|PAS|140|HUB|100|20260301120000||ADT^A28^ADT_A05|{number}|P|2.5\rEVN||20260301120000\r"
    "PID|||T1^^^140^PI||Prawf^Mair\rPV1||N\r"
)
# Where hl7apy does not damage values: text fields within the tables of all versions.
COMPARED = (
    ("MSH", 3, 1),
    ("MSH", 4, 1),
    ("MSH", 10, 0),
    ("EVN", 2, 0),
    ("PID", 3, 1),
    ("PID", 5, 1),
    ("PID", 5, 2),
    ("PID", 7, 0),
    ("PID", 8, 0),
    ("PID", 11, 3),
    ("PID", 11, 5),
    ("NK1", 2, 1),
    ("PV1", 2, 0),
    ("PV1", 19, 1),
    ("MRG", 1, 1),
    ("SCH", 2, 1),
)


def read(data: bytes | str) -> list[Message]:
    stream = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return [item for item in hl7v2_framing.read(stream) if isinstance(item, Message)]


@pytest.fixture
def public_messages(samples: Path) -> Callable[[int], list[Message]]:
    """Every n-th of the public messages, so that the lint takes seconds."""

    def _messages(step: int) -> list[Message]:
        files = [*sorted((samples / "hl7v2" / "messages").iterdir()), samples / "hl7v2" / "messages_from_tests.jsonl"]
        return [message for file in files for message in read(file.read_bytes())][::step]

    return _messages


class TestScores:
    def test_a_score_counts_messages_by_sender_type_and_version(self) -> None:
        data = "".join(VALID.format(number=number) for number in range(4)) + VALID.format(number=5).replace(
            "2.5", "9.9"
        )
        first, second = conformance.scores(read(data), sample=2)
        assert (first.sender, first.message_type, first.version) == ("PAS/140", "ADT^A28", "2.5")
        assert (first.messages, first.linted, first.parsed, first.valid, first.share_valid) == (4, 2, 2, 2, 1.0)
        assert (second.version, second.linted, second.parsed, second.valid) == ("9.9", 1, 0, 0)
        assert second.faults == {"unreadable: UnsupportedVersion": 1}

    def test_an_invalid_message_is_counted_by_kind_of_fault_without_its_values(self) -> None:
        (score,) = conformance.scores(
            read(VALID.format(number=1).replace("PV1||N", "PV1|").replace("EVN||20260301120000\r", ""))
        )
        assert (score.parsed, score.valid) == (1, 0)
        assert "Prawf" not in str(score)
        assert sum(score.faults.values()) == 1

    def test_no_public_message_breaks_the_lint(self, public_messages: Callable[[int], list[Message]]) -> None:
        messages = public_messages(11)
        found = conformance.scores(messages, sample=1)
        assert sum(score.messages for score in found) == len(messages)
        assert all(score.valid <= score.parsed <= score.linted == 1 for score in found)


class TestAcknowledgements:
    @pytest.mark.parametrize("code", ["AA", "AE", "AR"])
    def test_an_acknowledgement_names_the_message_and_goes_back_to_its_sender(self, code: str) -> None:
        (message,) = read(VALID.format(number="M77").replace("|P|", "|T|"))
        text = conformance.acknowledge(
            message, code, control_id="A1", at_time=datetime(2026, 3, 1, 12, tzinfo=UTC), text="hl7-type-missing"
        )
        (ack,) = read(text)
        header, answer = ack.segments
        assert header[3:13] == ["HUB", "100", "PAS", "140", "20260301120000+0000", "", "ACK^A28^ACK", "A1", "T", "2.5"]
        assert answer[1:4] == [code, "M77", "hl7-type-missing"]

    def test_the_senders_separators_and_unknown_version_are_kept(self) -> None:
        (message,) = read("MSH#*!?%#PAS#140###20260301##ADT*A08#7#P#2.99\rPID###1\r")
        (ack,) = read(conformance.acknowledge(message, "AA", control_id="1", at_time=datetime(2026, 3, 1, tzinfo=UTC)))
        assert ack.separators[:5] == message.separators[:5]
        assert (ack.segments[0][12], ack.segments[1][1:3]) == ("2.99", ["AA", "7"])

    def test_every_public_message_can_be_acknowledged(self, public_messages: Callable[[int], list[Message]]) -> None:
        for message in public_messages(7):
            text = conformance.acknowledge(message, "AA", control_id="1", at_time=datetime(2026, 3, 1, tzinfo=UTC))
            (ack,) = read(text)
            assert [at(ack.segments[1], 2), at(ack.segments[0], 5)] == [
                at(message.segments[0], 10),
                at(message.segments[0], 3),
            ]


class TestAgreement:
    def test_tokeniser_and_hl7apy_read_the_same_values(self, public_messages: Callable[[int], list[Message]]) -> None:
        compared = 0
        for message in public_messages(5):
            try:
                theirs = as_hl7apy(message)
            except HL7APY_FAULTS:
                continue
            for name, number, part in COMPARED:
                segments = [segment for segment in theirs.children if segment.name == name]
                if segments:
                    fields = [field for field in segments[0].children if field.name == f"{name}_{number}"]
                    value = fields[0].to_er7() if fields else ""
                    ours = at(message.first(name), number)
                    assert _part(value, part, message) == _part(ours, part, message), (message.number, name, number)
                    compared += 1
        assert compared > 400


def _part(value: str, part: int, message: Message) -> str:
    first = value.split(message.separators.repetition, maxsplit=1)[0]
    return (component(first, part, message.separators) if part else first).strip()
