"""What commands print with: one console for results, one for everything else, and the table both use."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# A file or a pipe has no width of its own; rich would fold tables at 80 columns.
results = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()) -> Table:
    """A plain table.

    Args:
        title: Its title.
        columns: Headings.
        rows: Cells; None is shown empty.
        right: Positions of columns that hold numbers.
    """
    heading_of_table = Text(title, style="bold", no_wrap=True)
    made = Table(title=heading_of_table, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, heading in enumerate(columns):
        made.add_column(escape(heading), justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    return made
