"""The envelope of an HL7 v2 file: what is open, what was counted, and what holds the file.

Here belong FHS, BHS, BTS and FTS, and the notes that reading a file leaves. Finding the lines belongs to
`connectors.health.hl7v2_framing`.

The envelope is `FHS {BHS {message} BTS} FTS` (HL7 v2, chapter 2.10). Systems leave parts of it out, so a part that is
missing is reported, while parts that contradict each other hold the file:

* a count in BTS or FTS that is not the number found: `envelope-count`;
* a second FHS or BHS before the first is closed, segments inside the envelope that belong to no message, a count that
  is no number: `envelope-broken`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.errors import FileHeld


@dataclass(frozen=True, slots=True)
class Note:
    """Something of a file that is no message, or that had to be mended.

    Attributes:
        rule_id: Rule of the catalogue.
        number: Message it belongs to or follows; 0 before the first.
        line: Line of the file.
        raw: Its text, when it is kept in quarantine.
        column: Segment or member it is about.
    """

    rule_id: str
    number: int
    line: int
    raw: bytes | None = None
    column: str | None = None

    @property
    def place(self) -> str:
        """Where it stands, for the supplier's report."""
        return f"line {self.line}" + (f", {self.column}" if self.column else "")


@dataclass
class Envelope:
    """The books of the envelope: what was opened, and how many messages came since."""

    file_line: int = 0
    batch_line: int = 0
    batch_messages: int = 0
    loose_messages: int = 0
    file_messages: int = 0
    batches: int = 0
    loose_batches: int = 0
    seen: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a file or batch header has no trailer yet."""
        return bool(self.file_line or self.batch_line)

    def message(self) -> None:
        """Count one message where it belongs."""
        self.file_messages += 1
        if self.batch_line:
            self.batch_messages += 1
            return
        self.loose_batches += self.loose_messages == 0
        self.loose_messages += 1

    def part(self, name: str, text: str, number: int, line: int) -> Iterator[Note]:
        """Take one envelope segment."""
        self.seen = True
        if name == "FHS":
            if self.is_open:
                opened = self.file_line or self.batch_line
                raise FileHeld("envelope-broken", f"line {line}: FHS before the trailer of line {opened}'s header")
            self.file_line, self.file_messages, self.batches, self.loose_batches = line, 0, 0, 0
            self.loose_messages = 0
        elif name == "BHS":
            if self.batch_line:
                raise FileHeld("envelope-broken", f"line {line}: BHS before the BTS of line {self.batch_line}'s batch")
            self.batch_line, self.batch_messages, self.loose_messages = line, 0, 0
            self.batches += 1
        elif name == "BTS":
            if not self.batch_line:
                yield Note("envelope-part-missing", number, line, column="BHS")
            found = self.batch_messages if self.batch_line else self.loose_messages
            _agree("BTS", line, text, found, "messages")
            self.batch_line = self.loose_messages = 0
        else:
            yield from self._end_of_file(text, number, line)

    def _end_of_file(self, text: str, number: int, line: int) -> Iterator[Note]:
        if self.batch_line:
            yield Note("envelope-part-missing", number, line, column="BTS")
        if not self.file_line:
            yield Note("envelope-part-missing", number, line, column="FHS")
        found = self.batches + self.loose_batches
        # Without batch headers a sender can only have counted the file as one batch, or the messages.
        also = {1, self.file_messages} if self.file_messages and not self.batches else set()
        _agree("FTS", line, text, found, "batches", also)
        self.file_line = self.batch_line = self.batch_messages = self.loose_messages = 0
        self.file_messages = self.batches = self.loose_batches = 0

    def close(self, number: int, line: int) -> Iterator[Note]:
        """The end of the input: what is still open has no trailer."""
        for name, opened in (("BTS", self.batch_line), ("FTS", self.file_line)):
            if opened:
                yield Note("envelope-part-missing", number, line, column=name)


def _agree(
    name: str, line: int, text: str, found: int, what: str, also: set[int] | frozenset[int] = frozenset()
) -> None:
    """Hold the file when a trailer's count is neither what was found nor what else it can mean."""
    field = text[3:4]
    written = text.split(field)[1].strip() if field and field in text else ""
    if not written:
        return
    if not (written.isascii() and written.isdigit()):
        raise FileHeld("envelope-broken", f"line {line}: the count in {name} is not a number")
    if len(written) > 9 or (int(written) != found and int(written) not in also):
        raise FileHeld("envelope-count", f"line {line}: {name} says {written[:9]} {what}, found {found}")
