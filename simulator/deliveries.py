"""The inbox: names, order, arrival times and the register of what was delivered on purpose, good or bad.

Put here: writing deliveries and the ways to spoil one. Keep out: the contents (`write_*`).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.clock import to_date

DAY_SECONDS = 86_400
Files = dict[str, bytes]


@dataclass(frozen=True)
class Weeks:
    """The cut days of the deliveries: `cuts[0]` is the first extract, the last is the as-of day."""

    cuts: tuple[int, ...]

    @classmethod
    def before(cls, as_of: int, weeks: int) -> Weeks:
        """Return weekly cuts that end on the as-of day."""
        return cls(tuple(as_of - 7 * (weeks - number) for number in range(weeks + 1)))

    def number(self, wanted: int) -> int:
        """Return the week that plays the wanted part, also when there are few weeks."""
        return (wanted - 1) % (len(self.cuts) - 1) + 1

    def windows(self) -> list[tuple[int, int, int]]:
        """Return (week, after, up to) of each delta."""
        return [(n, self.cuts[n - 1], self.cuts[n]) for n in range(1, len(self.cuts))]


@dataclass
class Inbox:
    """Writes deliveries below one folder and remembers them for the truth."""

    root: Path
    entries: list[dict[str, Any]] = field(default_factory=list)
    _sequence: dict[str, int] = field(default_factory=dict)

    def deliver(
        self,
        agency: str,
        feed: str,
        supplier: str,
        dataset: str,
        day: int,
        mode: str,
        content: bytes | Files,
        *,
        suffix: str = "",
        kind: str = "good",
        expect: str = "landed",
        late_days: int = 0,
    ) -> Path:
        """Write one delivery: a file, or a folder of files; a second one for the same day gets the next number."""
        stem = f"{supplier}_{dataset}_{to_date(day).isoformat()}_{mode}"
        number = self._sequence[stem] = self._sequence.get(stem, 0) + 1
        name = stem + (f"_{number}" if number > 1 else "") + suffix
        path = self.root / agency / feed / name
        # Not in the future: a reader that waits for a file to settle would wait for ever.
        arrived = min((day + 1 + late_days) * DAY_SECONDS + 2 * 3_600 + number * 600, time.time() - 3_600)
        if isinstance(content, dict):
            path.mkdir(parents=True, exist_ok=True)
            for file_name, data in content.items():
                (path / file_name).write_bytes(data)
                os.utime(path / file_name, (arrived, arrived))
            size = sum(len(data) for data in content.values())
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            size = len(content)
        os.utime(path, (arrived, arrived))
        self.entries.append(
            {
                "agency": agency,
                "feed": feed,
                "delivery": name,
                "supplier": supplier,
                "as_at_date": to_date(day),
                "mode": mode,
                "sequence": number,
                "kind": kind,
                "expected": expect,
                "late_days": late_days,
                "bytes": size,
                "files": len(content) if isinstance(content, dict) else 1,
            }
        )
        return path


def cut_in_a_quote(data: bytes) -> bytes:
    """End a CSV in the middle of a quoted field, as a broken transfer does."""
    opening = data.rfind(b',"', 0, int(len(data) * 0.7))
    return data[: opening + 6] if opening > 0 else data[: int(len(data) * 0.7)]


def without_column(data: bytes, column: str) -> bytes:
    """Rename a required column in the header, so that it is missing under its name."""
    head, _, tail = data.partition(b"\n")
    return head.replace(column.encode(), b"unnamed_1", 1) + b"\n" + tail


def without_tail(data: bytes, share: float = 0.6) -> bytes:
    """Keep the first part of a file only."""
    return data[: int(len(data) * share)]
