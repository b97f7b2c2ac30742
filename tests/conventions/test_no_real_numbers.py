"""No tracked file may hold an NHS number that could be somebody's: only the 999 range is for tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

TEN_DIGITS = re.compile(r"(?<![0-9A-Za-z.])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}(?![0-9A-Za-z.])")
# Two worked examples of the check digit that the NHS Data Dictionary itself prints.
PUBLISHED = {"9434765919", "9434765870"}
# The numbers of the one invented patient of a hospital simulator, in a public sample message.
SAMPLE = {"3196695816", "6597923189"}
# The ten digits in order, which a test of the algorithm uses and nobody has.
IN_ORDER = {"0123456789"}


def _is_nhs_number(text: str) -> bool:
    check = 11 - sum(int(digit) * weight for digit, weight in zip(text, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(text[9]) and check != 10


@pytest.mark.parametrize("suffix", [".py", ".sql", ".yml", ".csv", ".md", ".toml", ".json", ".hl7"])
def test_valid_nhs_numbers_are_from_the_test_range(repository: Path, suffix: str):
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        path = repository / name
        if path.suffix != suffix or not path.is_file():
            continue
        for number in TEN_DIGITS.findall(path.read_text("utf-8")):
            digits = re.sub(r"[ -]", "", number)
            if digits not in PUBLISHED | SAMPLE | IN_ORDER and _is_nhs_number(digits):
                assert digits.startswith("999"), f"{name} holds a number that could be real"
