"""How well a sender keeps to HL7 v2, and the acknowledgements it expects, both with hl7apy.

Here belongs the lint: it never decides what lands. hl7apy refuses 95 of 100 real messages and changes values when it
reads them, so it is asked about a sample only, and what it says becomes a score per sender, type and version: counts,
no values. The acknowledgement is for a listener, to be sent only when the message is safe on disk.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hl7apy import SUPPORTED_LIBRARIES
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message as Hl7apyMessage
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from connectors.health.hl7v2 import Message, at, component, plain

SAMPLE_MESSAGES = 50
_BUILT_AS = "2.5"
_DOLEN = "DOLEN"


@dataclass
class Score:
    """What the lint says of one sender's messages of one type and version.

    Attributes:
        sender: MSH-3 and MSH-4 as `application/facility`.
        message_type: Type and event, such as `ADT^A28`.
        version: MSH-12.
        messages: Messages seen.
        linted: Messages of the sample: the first 50.
        parsed: Of these, readable for hl7apy.
        valid: Of these, valid against the tables of the version.
        faults: Why the others are not, by the kind of fault.
    """

    sender: str
    message_type: str
    version: str
    messages: int = 0
    linted: int = 0
    parsed: int = 0
    valid: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def share_valid(self) -> float:
        """Valid messages among those linted, 0 to 1."""
        return self.valid / self.linted if self.linted else 0.0


def scores(messages: Iterable[Message], *, sample: int = SAMPLE_MESSAGES) -> list[Score]:
    """Lint the first messages of each sender, type and version.

    Args:
        messages: The messages of a file or feed.
        sample: How many of each kind are linted; tens a second.

    Returns:
        Scores in order of sender, type and version.
    """
    found: dict[tuple[str, str, str], Score] = {}
    for message in messages:
        key = _kind(message)
        score = found.setdefault(key, Score(*key))
        score.messages += 1
        if score.linted >= sample:
            continue
        score.linted += 1
        fault = lint(message)
        score.parsed += fault is None or not fault.startswith("unreadable")
        score.valid += fault is None
        if fault:
            score.faults[fault] = score.faults.get(fault, 0) + 1
    return [found[key] for key in sorted(found)]


def _kind(message: Message) -> tuple[str, str, str]:
    msh, marks = message.segments[0], message.separators
    application, facility, version = (
        plain(component(at(msh, number), 1, marks), marks) or "" for number in (3, 4, 12)
    )
    kind, event = (plain(component(at(msh, 9), part, marks), marks) or "" for part in (1, 2))
    return f"{application}/{facility}", f"{kind}^{event}".rstrip("^"), version


def lint(message: Message) -> str | None:
    """What hl7apy has against one message, as the kind of fault without its values; None when it has nothing."""
    try:
        parsed = as_hl7apy(message)
    except HL7APY_FAULTS as fault:
        return f"unreadable: {type(fault).__name__}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed.validate()
    except HL7apyException as fault:
        return f"invalid: {type(fault).__name__}"
    except HL7APY_FAULTS as fault:
        # Mostly a structure that hl7apy has no table for.
        return f"not judged: {type(fault).__name__}"
    return None


# hl7apy lets errors of Python through where a message does not fit its tables.
HL7APY_FAULTS = (HL7apyException, AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


def as_hl7apy(message: Message) -> Hl7apyMessage:
    """The message as hl7apy reads it. Without groups: with them it drops segments without a word."""
    return parse_message(message.text, find_groups=False, validation_level=VALIDATION_LEVEL.TOLERANT)


def acknowledge(
    message: Message, code: Literal["AA", "AE", "AR"], *, control_id: str, at_time: datetime, text: str = ""
) -> str:
    """Build the acknowledgement of a received message.

    Args:
        message: What was received.
        code: AA taken over, AE not taken over because of an error here, AR refused.
        control_id: Our number of the acknowledgement (MSH-10).
        at_time: When it is sent, with its zone.
        text: Why, for AE and AR: rule ids and positions, never values of a person.

    Returns:
        The message with carriage returns as line ends, without MLLP bytes, in the sender's separators and version.
    """
    msh, marks = message.segments[0], message.separators
    version = plain(component(at(msh, 12), 1, marks), marks) or _BUILT_AS
    ack = Hl7apyMessage(
        "ACK", version=version if version in SUPPORTED_LIBRARIES else _BUILT_AS,
        validation_level=VALIDATION_LEVEL.TOLERANT, encoding_chars={
            "FIELD": marks.field, "COMPONENT": marks.component, "REPETITION": marks.repetition,
            "ESCAPE": marks.escape, "SUBCOMPONENT": marks.subcomponent, "SEGMENT": "\r", "GROUP": "\r",
        },
    )
    # hl7apy writes escapes into nothing it is given: the sender's own fields go back as they came.
    ack.msh.msh_3, ack.msh.msh_4 = at(msh, 5) or _DOLEN, at(msh, 6)
    ack.msh.msh_5, ack.msh.msh_6 = at(msh, 3), at(msh, 4)
    ack.msh.msh_7 = at_time.strftime("%Y%m%d%H%M%S%z")
    event = component(at(msh, 9), 2, marks)
    ack.msh.msh_9 = marks.component.join(["ACK", event, "ACK"]) if event else "ACK"
    ack.msh.msh_10 = control_id
    ack.msh.msh_11 = at(msh, 11)
    ack.msh.msh_12 = version
    ack.add_segment("MSA")
    ack.msa.msa_1 = code
    ack.msa.msa_2 = at(msh, 10)
    if text:
        ack.msa.msa_3 = text
    return str(ack.to_er7(trailing_children=False)) + "\r"
