"""Commands about deliveries: `land`, `feeds`, `report`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connectors.catalogue import FEEDS, find
from connectors.delivery import Delivery
from connectors.delivery import deliveries as deliveries_of
from connectors.errors import ConfigurationError
from connectors.feed import Mode
from connectors.rules import RULES
from orchestration.cli.console import errors, results, table
from orchestration.inbox import land_one
from orchestration.settings import Settings

EXIT_CODES = {"landed": 0, "held": 3, "duplicate": 4}


def land(
    context: typer.Context,
    feed: Annotated[str, typer.Argument(help="The feed, as AGENCY/FEED; `dolen feeds` lists them.")],
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of one delivery.", metavar="PATH...")],
    as_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date the delivery speaks for.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="It replaces what was there.")] = False,
    delta: Annotated[bool, typer.Option("--delta", help="It adds to what was there.")] = False,
    system: Annotated[str | None, typer.Option(help="The source system, when the feed has several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts of delivery.json.")] = False,
) -> None:
    """Land one delivery: exit 0 landed, 3 held whole with the reason, 4 duplicate, 2 usage."""
    if full and delta:
        raise typer.BadParameter("choose --full or --delta, not both")
    settings: Settings = context.obj
    mode: Mode | None = "full" if full else "delta" if delta else None
    found = find(feed)
    region = settings.load_region()
    if as_at and as_at.date() > date.today():  # noqa: DTZ011  a date in Europe/London
        raise ConfigurationError("--as-at lies in the future; a feed dated so could never be late")
    systems = [terms.system for terms in region.terms_of(found.key)]
    if system and systems and system not in systems:
        raise ConfigurationError(f"the region file knows no such system of {found.key}; it has {', '.join(systems)}")
    settings.prepare()
    delivery = land_one(
        settings, region, found, paths, system=system, as_at=as_at.date() if as_at else None, mode=mode
    )
    if as_json:
        typer.echo(delivery.as_json())
    else:
        _tell(delivery)
    raise typer.Exit(EXIT_CODES[delivery.state])


def feeds(context: typer.Context) -> None:
    """Show each feed: last delivery, freshness, rejects."""
    settings: Settings = context.obj
    region = settings.load_region()
    settings.prepare()
    today = datetime.now().astimezone().date()
    rows = []
    for key, feed in FEEDS.items():
        ever = deliveries_of(settings.places, feed)
        systems = {terms.system: terms for terms in region.terms_of(key)}
        for system in dict.fromkeys([*systems, *(delivery.system for delivery in ever)]):
            mine = [delivery for delivery in ever if delivery.system == system]
            landed = [delivery for delivery in mine if delivery.state == "landed"]
            last = max((delivery.as_at_date for delivery in landed), default=None)
            terms = systems.get(system)
            late = terms and last and (today - last).days > terms.late_after_days
            rows.append((
                key, system, last, None if not last else f"{(today - last).days} days" + (" (late)" if late else ""),
                len(landed), sum(delivery.state == "held" for delivery in mine),
                f"{sum(delivery.records_landed for delivery in landed):,}",
                f"{sum(delivery.records_quarantined for delivery in landed):,}",
            ))
    heads = ("feed", "system", "last as at", "age", "landed", "held", "records", "rejected")
    results.print(table("Feeds", heads, rows, right=(4, 5, 6, 7)))


def report(
    context: typer.Context,
    feed: Annotated[str, typer.Argument(help="The feed, as AGENCY/FEED.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the files (reports/ of the home folder).")] = None,
) -> None:
    """Write the error report for a feed's supplier, as CSV and XLSX."""
    from connectors.report import error_report, write_report

    settings: Settings = context.obj
    found = find(feed)
    frame = error_report(found, settings.places)
    folder = out or settings.root / "reports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = write_report(frame, folder / f"{found.agency}_{found.name}")
    except OSError as fault:
        raise ConfigurationError(f"the report cannot be written to {folder}: {fault.strerror}") from fault
    counts = frame.group_by("rule", "action", "meaning").len().sort("len", descending=True)
    results.print(table(f"Faults in deliveries of {found.key}", ("rule", "what was done", "what is wrong", "times"),
                        counts.iter_rows(), right=(3,)))
    for path in written:
        results.print(f"Written: {path}", highlight=False, soft_wrap=True)


def _tell(delivery: Delivery) -> None:
    name = f"{delivery.agency}/{delivery.feed} {delivery.delivery_id[:12]}"
    if delivery.state == "duplicate":
        errors.print(f"[bold]Duplicate[/] {name}: the same bytes landed before; nothing was done.", highlight=False)
        return
    if delivery.state == "held":
        said = escape(f"{delivery.hold_rule}: {delivery.hold_detail}")
        errors.print(f"[bold]Held[/] {name}: {said}", highlight=False)
    else:
        results.print(
            f"[bold]Landed[/] {name} ({escape(delivery.system)}, {delivery.mode}, as at {delivery.as_at_date}): "
            f"{delivery.records_in:,} records in, {delivery.records_landed:,} landed, "
            f"{delivery.records_quarantined:,} quarantined, {delivery.records_duplicate:,} duplicate", highlight=False,
        )
    for held in delivery.held_files if delivery.state == "landed" else []:
        results.print(escape(f"  file held: {held['file']}: {held['rule']}: {held['detail']}"), highlight=False)
    doubles = {rule: n for rule, n in delivery.rejects_by_rule.items() if RULES[rule].action == "duplicate"}
    rejects = {rule: n for rule, n in delivery.rejects_by_rule.items() if rule not in doubles}
    for title, counts in (("quarantined", rejects), ("duplicate", doubles), ("repaired", delivery.repairs_by_rule),
                          ("to look at", delivery.warnings_by_rule)):
        for rule_id, n in sorted(counts.items(), key=lambda item: -item[1])[:8]:
            results.print(f"  {title}: {rule_id} {n:,}", highlight=False)
