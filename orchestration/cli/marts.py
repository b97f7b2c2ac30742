"""Commands about marts: `list`, `show`, `query`, `export`. They read the current release and nothing else."""

from __future__ import annotations

import contextlib
import enum
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from connectors.errors import ConfigurationError
from orchestration.cli.console import results, table
from orchestration.release import open_release, read_current, sql_text
from orchestration.settings import Settings

app = typer.Typer(help="Look at the marts of the current release.", no_args_is_help=True)


class Format(enum.StrEnum):
    """File formats of an export."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"


class Language(enum.StrEnum):
    """Languages of the labels."""

    en = "en"
    cy = "cy"


@app.command("list")
def list_marts(
    context: typer.Context, lang: Annotated[Language, typer.Option(help="Language of the labels.")] = Language.en
) -> None:
    """List the marts with their rows and what one row is."""
    settings: Settings = context.obj
    with open_release(settings.releases) as connection:
        rows = connection.execute(
            f"select mart, label_{lang.value}, description from mart_columns where column_name = '' order by mart"
        ).fetchall()
    release = read_current(settings.releases)
    if release is None:  # pragma: no cover  open_release has raised by now
        return
    cells = [
        (mart, label, f"{release.marts[mart]['rows']:,}", " ".join(text.split()).split(". ")[0].rstrip("."))
        for mart, label, text in rows
    ]
    heads = ("mart", "name", "rows", "one row is")
    results.print(table(f"Release {release.number}, as of {release.as_of}", heads, cells, right=(2,)))


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the mart.")],
    limit: Annotated[int, typer.Option(help="Rows to show.", min=1)] = 20,
    columns: Annotated[str | None, typer.Option(help="Columns, separated by commas; all when left out.")] = None,
    where: Annotated[str | None, typer.Option(help="A condition in SQL, e.g. \"status = 'overdue'\".")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the headings.")] = Language.en,
) -> None:
    """Show rows of a mart."""
    settings: Settings = context.obj
    with open_release(settings.releases) as connection:
        known = _columns(connection, name)
        chosen = [column.strip() for column in columns.split(",") if column.strip()] if columns else known
        unknown = [column for column in chosen if column not in known]
        if unknown:
            raise ConfigurationError(f"mart {name} has no column {', '.join(unknown)}")
        labels = dict(connection.execute(
            f"select column_name, label_{lang.value} from mart_columns where mart = ?", [name]).fetchall())
        condition = f" where ({where}\n)" if where and where.strip() else ""
        with _own_sql(connection, "the condition does not fit the mart"):
            rows = _select(connection, f"select {', '.join(chosen)} from {name}{condition}\nlimit {limit}").fetchall()
            total = _select(connection, f"select count(*) from {name}{condition}").fetchall()[0][0]
    if len(chosen) > 8:
        # Wide marts read better one field a line.
        for number, row in enumerate(rows, start=1):
            cells = [(labels.get(column) or column, value) for column, value in zip(chosen, row, strict=True)]
            results.print(table(f"{name}, row {number} of {total:,}", ("column", "value"), cells))
    else:
        heads = [labels.get(column) or column for column in chosen]
        results.print(table(f"{name}: {len(rows):,} of {total:,} rows", heads, rows))


@app.command()
def query(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file with one SELECT, as those in docs/queries/.", exists=True)],
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Run a question over the current release and show its answer."""
    settings: Settings = context.obj
    text = file.read_text(encoding="utf-8").strip().rstrip(";")
    with open_release(settings.releases) as connection, _own_sql(connection, f"{file.name} does not fit the release"):
        answer = _select(connection, text).pl()
    if csv:
        sys.stdout.write(answer.write_csv())
    else:
        numbers = [index for index, kind in enumerate(answer.dtypes) if kind.is_numeric()]
        # A question's first lines say what it asks.
        asked = text.splitlines()[0].removeprefix("--").strip() if text.startswith("--") else file.stem
        results.print(table(asked, answer.columns, answer.rows(), right=numbers))


@app.command()
def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the mart.")],
    form: Annotated[Format, typer.Option("--format", help="File format.")] = Format.csv,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output when left out.")] = None,
) -> None:
    """Export a whole mart, in a fixed order, so that equal marts give equal files."""
    settings: Settings = context.obj
    with open_release(settings.releases) as connection, tempfile.TemporaryDirectory(dir=settings.releases) as folder:
        _columns(connection, name)
        connection.execute("set threads = 1")
        temporary = Path(folder) / f"export.{form.value}"
        if form is Format.xlsx:
            _write_xlsx(connection, name, temporary)
        else:
            options = "format csv, header true" if form is Format.csv else "format parquet"
            connection.execute(f"copy (select * from {name} order by all) to {sql_text(temporary)} ({options})")
        data = temporary.read_bytes()
    if out:
        try:
            out.write_bytes(data)
        except OSError as fault:
            raise ConfigurationError(f"{out} cannot be written: {fault.strerror}") from fault
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextlib.contextmanager
def _own_sql(connection: duckdb.DuckDBPyConnection, complaint: str) -> Generator[None]:
    """Let the user's own SQL read this release and nothing else; say what is wrong with it without a value."""
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException):
        # DuckDB quotes the value, which is a person's.
        raise ConfigurationError(f"{complaint}: a value cannot be converted") from None
    except duckdb.Error as fault:
        raise ConfigurationError(f"{complaint}: {str(fault).splitlines()[0]}") from None


def _select(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """Run one query; text that closes it and begins another is refused."""
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ConfigurationError("it must be one expression or one SELECT")
    return connection.execute(query)


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    found = connection.execute(
        "select column_name from information_schema.columns where table_name = ? order by ordinal_position", [name]
    ).fetchall()
    if not found:
        query = "select distinct mart from mart_columns order by mart"
        marts = [row[0] for row in connection.execute(query).fetchall()]
        raise ConfigurationError(f"there is no mart {name!r}; the marts are {', '.join(marts)}")
    return [row[0] for row in found]


def _write_xlsx(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Lists become text: a worksheet cell holds one value. The creation time is fixed, so that bytes repeat."""
    from datetime import datetime

    import polars as pl
    import xlsxwriter

    frame = connection.execute(f"select * from {name} order by all").pl()
    lists = [column for column, kind in frame.schema.items() if kind.base_type() is pl.List]
    frame = frame.with_columns(pl.col(column).cast(pl.List(pl.String)).list.join(", ") for column in lists)
    frame = frame.with_columns(
        pl.col(column).dt.replace_time_zone(None) for column, kind in frame.schema.items()
        if isinstance(kind, pl.Datetime)
    )
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": name, "created": datetime(2000, 1, 1)})  # noqa: DTZ001  xlsxwriter wants it naive
        frame.write_excel(book, worksheet=name[:31], autofit=True, autofilter=True, freeze_panes=(1, 0))
