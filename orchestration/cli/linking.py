"""The command that links files of persons which no feed delivers: `link`. It needs no region and keeps no state."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import ConfigurationError
from orchestration.cli.console import errors, results, table
from orchestration.settings import REPOSITORY

if TYPE_CHECKING:
    from linkage.standalone import Report

_VARIANTS = REPOSITORY / "dbt_project" / "seeds" / "forename_variants.csv"


def link(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files, one row a person.", metavar="FILE...")],
    mapping: Annotated[Path, typer.Option("--map", help="TOML that says which column is which.")],
    out: Annotated[Path, typer.Option(help="Folder to write pairs and clusters into.")],
    truth: Annotated[str | None, typer.Option(help="Column that says who is who, to measure the result with.")] = None,
) -> None:
    """Link the persons of any files: between files, and within each."""
    from linkage.errors import ClusterInvariantError, LinkageError
    from linkage.standalone import link_files, read_mapping

    today = datetime.now().astimezone().date()
    try:
        read = read_mapping(mapping)
        with errors.status("Linking ..."):
            report = link_files(
                files, read, out, truth, as_of=today, variants=_VARIANTS if _VARIANTS.is_file() else None
            )
    except ClusterInvariantError:
        raise
    except LinkageError as fault:
        raise ConfigurationError(str(fault)) from fault
    except OSError as fault:
        raise ConfigurationError(f"the result cannot be written to {out}: {fault.strerror}") from fault
    _tell(report)


def _tell(report: Report) -> None:
    prepared, summary = report.prepared, report.summary
    per_file = ", ".join(f"{name} {count:,}" for name, count in prepared.records_by_file.items())
    results.print(f"Read: {prepared.records:,} records ({per_file})", highlight=False, markup=False)
    if prepared.ids_unusable:
        results.print(f"  {prepared.ids_unusable:,} ids are missing or repeat; row numbers stand for them")
    cells = [
        (name, f"{count.given:,}", f"{count.given / max(prepared.records, 1):.1%}", f"{count.unusable:,}")
        for name, count in prepared.fields.items()
    ]
    results.print(table("Fields", ("field", "given", "of records", "not usable"), cells, right=(1, 2, 3)))
    results.print(
        f"Found: {report.persons:,} persons, {report.links:,} linked pairs, {report.review:,} pairs for review "
        f"({summary.pairs_compared:,} compared)",
        highlight=False,
    )
    if report.evaluation and report.found:
        evaluation, found = report.evaluation, report.found
        accuracies = (("by pair", evaluation.pairs), ("by cluster", evaluation.clusters))
        cells = [(name, *(f"{getattr(a, of):.4f}" for of in ("precision", "recall", "f1"))) for name, a in accuracies]
        results.print(table("Against the truth", ("", "precision", "recall", "F1"), cells, right=(1, 2, 3)))
        results.print(
            f"Of {found.true_pairs:,} true pairs {found.compared:,} were found by blocking "
            f"({_share(found.compared, found.true_pairs)}), {found.shown:,} linked or for review "
            f"({_share(found.shown, found.true_pairs)})",
            highlight=False,
        )
        if prepared.truth_unknown:
            results.print(f"  {prepared.truth_unknown:,} records without a truth are not judged", highlight=False)
    for path in report.written:
        results.print(f"Written: {path}", highlight=False, soft_wrap=True, markup=False)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
