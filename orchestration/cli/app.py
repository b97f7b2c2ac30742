"""The command line as a whole: global options, exit codes, and which command lives where.

Exit codes: 0 done, 1 failed or try again, 2 usage or configuration, 3 held, 4 duplicate. Commands import what they need
when they run, so that `dolen --help` does not wait for Dagster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connectors.errors import ConfigurationError, ConnectorError
from orchestration.cli import builds, deliveries, demonstration, identity, linking, marts
from orchestration.cli.console import errors
from orchestration.settings import SOFTWARE_VERSION, Settings

app = typer.Typer(
    help="Dolen links child records across agencies and publishes safeguarding marts.",
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
)
app.command("land")(deliveries.land)
app.command("feeds")(deliveries.feeds)
app.command("report")(deliveries.report)
app.command("build")(builds.build)
app.command("run")(builds.run)
app.command("ui")(builds.ui)
app.add_typer(marts.app, name="marts")
app.command("link")(linking.link)
app.add_typer(identity.app, name="linkage")
app.command("demo")(demonstration.demo)
app.command("simulate")(demonstration.simulate)
app.command("docs", hidden=True)(builds.docs)


def _version(value: bool) -> None:  # noqa: FBT001  the signature typer calls
    if value:
        typer.echo(f"dolen {SOFTWARE_VERSION}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of all state (DOLEN_HOME, else var/).")] = None,
    region: Annotated[Path | None, typer.Option(help="Region file (DOLEN_REGION, else region.toml).")] = None,
    version: Annotated[  # noqa: ARG001  handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that every command takes."""
    given = {name: value for name, value in (("home", home), ("region", region)) if value is not None}
    context.obj = Settings().model_copy(update=given)


def main() -> None:
    """Run the command line; mistakes that somebody can mend end in one plain line."""
    try:
        app(prog_name="dolen")
    except ConfigurationError as fault:
        errors.print(f"[bold red]dolen:[/] {escape(str(fault))}", highlight=False)
        sys.exit(2)
    except ConnectorError as fault:
        errors.print(f"[bold red]dolen:[/] {escape(str(fault))}", highlight=False)
        sys.exit(1)
