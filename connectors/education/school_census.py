"""education/school_census: pupils, their attendance and exclusions, as CSV tables or as an XML pupil return.

Here belong the feed and what tells its forms apart. The columns are in `census_contract`, the two readers in
`census_csv` and `census_xml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from connectors.education import census_csv, census_xml
from connectors.education.census_contract import CONTRACT, complete
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile

# The months each term's return is taken to speak for, where neither caller nor file says the day.
_TERMS = {"autumn": ((9, 1), (12, 31)), "spring": ((1, 1), (4, 30)), "summer": ((5, 1), (8, 31))}
_TERM = re.compile(r"(?<!\d)(20\d{2})[_\- ]?(autumn|spring|summer)", re.IGNORECASE)
_TEXTS = {".csv", ".txt", ""}


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file of a return.

    Args:
        file: A CSV table or an XML return.
        context: What the caller knows about the delivery.

    Yields:
        Batches of the landing tables. A file of another kind is reported and not read.

    Raises:
        FileHeld: The file breaks the shape of its form.
    """
    if _is_xml(file):
        yield from census_xml.parse(file, context)
    elif file.path.suffix.lower() in _TEXTS:
        yield from _term_of(file)
        yield from census_csv.parse(file)
    else:
        yield Parsed(findings=[Finding("file-not-read", "")])


def _is_xml(file: SourceFile) -> bool:
    if file.path.suffix.lower() == ".xml":
        return True
    with file.path.open("rb") as stream:
        return stream.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _term_of(file: SourceFile) -> Iterator[Parsed]:
    """Year and term as the file name has them: 2024_autumn_pupilonroll.csv."""
    match = _TERM.search(file.path.name)
    if match:
        year, term = int(match[1]), match[2].lower()
        first, last = (date(year, month, day) for month, day in _TERMS[term])
        yield Parsed(as_at=last, period=(first, last), schema_version=f"school census {year} {term}")


FEED = Feed(
    agency="education",
    name="school_census",
    title="School censuses and pupil returns",
    contract=CONTRACT,
    parse=parse,
    mode="full",
    is_table_set=True,
    complete=complete,
)
