"""Commands that run the assets: `build`, `run`, `ui`, and `docs`."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from datetime import date, datetime
from typing import Annotated

import typer
from rich.markup import escape

from orchestration.cli.console import errors, results
from orchestration.settings import REPOSITORY, Settings

AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The date the marts speak for (today).")
]


def build(context: typer.Context, as_of: AsOfOption = None) -> None:
    """Standardise, link, publish and release what has landed, through the Dagster assets."""
    execute(context.obj, "build", as_of.date() if as_of else None)


def run(context: typer.Context, as_of: AsOfOption = None) -> None:
    """Land everything new in the inbox, then build."""
    execute(context.obj, "run", as_of.date() if as_of else None)


def ui(context: typer.Context, port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000) -> None:
    """Open the Dagster page on this machine (loopback only)."""
    settings: Settings = context.obj
    settings.load_region()
    settings.prepare()
    os.chdir(REPOSITORY)
    os.execv(  # noqa: S606  the page takes over this process
        sys.executable,
        [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)],
    )


def docs(context: typer.Context) -> None:
    """Write the reference pages and the data dictionary, and dbt's own pages of all models as one file."""
    from orchestration.dbt import static_page
    from orchestration.reference_pages import write_pages

    settings: Settings = context.obj
    settings.prepare()
    for path in (*write_pages(REPOSITORY / "docs"), static_page(settings.root / "docs" / "models.html")):
        shown = path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path
        results.print(f"Written: {shown}", highlight=False)


def execute(settings: Settings, job: str, as_of: date | None) -> None:
    """Run a job in this process and show its steps.

    Args:
        settings: The installation.
        job: `run`, `build` or `land`.
        as_of: The date the marts speak for; today when it is None.

    Raises:
        typer.Exit: With 1 when a step failed; the last good release stays.
    """
    region = settings.load_region()
    settings.prepare()
    day = as_of or datetime.now().astimezone().date()
    log = settings.root / "logs" / f"{job}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # dbt and Dagster are talkative; their text goes to a file, the steps to the screen.
    with log.open("w", encoding="utf-8") as stream:
        import dagster as dg

        from orchestration.dbt import build_arguments, prepared_project
        from orchestration.definitions import build_definitions
        from orchestration.progress import LOGGER_NAME, run_config

        # Some library of a step gives the root logger a handler; Dagster's own lines are in its storage already.
        logging.getLogger("dagster").propagate = False
        with contextlib.redirect_stdout(stream):
            prepared_project(build_arguments(day, region))
            definitions = build_definitions(settings)
            with dg.DagsterInstance.get() as instance:
                result = definitions.resolve_job_def(job).execute_in_process(
                    instance=instance, run_config=run_config(definitions, job, day, LOGGER_NAME),
                    raise_on_error=False,
                )
    if not result.success:
        where = escape(str(log))
        errors.print(f"[bold red]The {job} failed.[/] The last good release stays. See {where}", highlight=False)
        raise typer.Exit(1)
