"""Commands that work on a simulated region: `demo`, `simulate`."""

from __future__ import annotations

import shutil
import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ConfigurationError
from orchestration.cli.builds import execute
from orchestration.cli.console import errors, results
from orchestration.settings import Settings

_DEMO_DATE = date(2026, 11, 20)
_MARK = "simulated-region"


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write inbox/ and truth/ into.")],
    children: Annotated[int, typer.Option(help="Children of the region.", min=200)] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    as_of: Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day simulated.")] = None,
    weeks: Annotated[int, typer.Option(help="Weeks of deliveries.", min=1)] = 4,
) -> None:
    """Write the deliveries of a synthetic region, and the truth about it."""
    import simulator

    with errors.status("Simulating a region ..."):
        simulator.generate(out, children=children, seed=seed, as_of=as_of.date() if as_of else _DEMO_DATE, weeks=weeks)
    results.print(f"Written: {out / 'inbox'} and {out / 'truth'}", highlight=False, soft_wrap=True, markup=False)


def demo(
    context: typer.Context,
    children: Annotated[int, typer.Option(help="Children of the region.", min=200)] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same region.")] = 1,
) -> None:
    """Simulate a region, run the pipeline over it, and tell what it found."""
    import simulator

    given: Settings = context.obj
    # Below the home folder, so that a demonstration never mixes with an installation's own deliveries.
    settings = given.model_copy(update={"home": given.home / "demo"})
    _make_room(settings.root)
    started = time.monotonic()
    errors.print(f"[bold]1. Simulating[/] a region of {children:,} children (seed {seed})", highlight=False)
    simulator.generate(settings.root, children=children, seed=seed, as_of=_DEMO_DATE, weeks=4)
    errors.print("[bold]2. Landing, linking, publishing[/] through the Dagster job `run`")
    execute(settings, "run", _DEMO_DATE)
    from orchestration.story import tell

    tell(settings, results)
    errors.print(f"\nDone in {time.monotonic() - started:.0f} seconds.", highlight=False)


def _make_room(root: Path) -> None:
    """Remove the last demonstration; refuse to touch anything that is not one."""
    mark = root / _MARK
    if root.exists() and any(root.iterdir()) and not mark.exists():
        raise ConfigurationError(f"{root} holds something that is no demonstration; choose another --home")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    mark.write_text("Everything in this folder is synthetic and is made anew by `dolen demo`.\n", encoding="utf-8")
