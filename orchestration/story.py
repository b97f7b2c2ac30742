"""What a newcomer sees at the end of `dolen demo`: files, links, children, the two headline marts, and where to look.

Here belongs telling the story of a run in a few tables. Every figure is read from deliveries, linkage and the release;
nothing is computed about a child that a mart does not say.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import polars as pl
from rich.console import Console

import linkage
from connectors.catalogue import FEEDS
from connectors.delivery import deliveries
from orchestration.cli.console import table
from orchestration.release import DATABASE, open_release, read_current
from orchestration.settings import Settings


def tell(settings: Settings, console: Console) -> None:
    """Print the story of the demonstration.

    Args:
        settings: The demonstration's installation, built and released, with the simulated truth beside it.
        console: Where to print.
    """
    console.print()
    _tell_feeds(settings, console)
    _tell_linkage(settings, console)
    with open_release(settings.releases) as connection:
        _tell_assessments(connection, console)
        _tell_register(connection, console)
    _tell_where(settings, console)


def _tell_feeds(settings: Settings, console: Console) -> None:
    rows = []
    for key, feed in FEEDS.items():
        ever = deliveries(settings.places, feed)
        if not ever:
            continue
        landed = [delivery for delivery in ever if delivery.state == "landed"]
        reasons: Counter[str] = Counter()
        for delivery in ever:
            reasons.update(delivery.rejects_by_rule if delivery.state == "landed" else [delivery.hold_rule or ""])
            reasons.update(held["rule"] for held in delivery.held_files if delivery.state == "landed")
        books = (sum(getattr(delivery, f"records_{name}") for delivery in landed)
                 for name in ("in", "landed", "quarantined", "duplicate"))
        rows.append((
            key, sum(delivery.files for delivery in ever), len(ever), len(ever) - len(landed),
            *(f"{count:,}" for count in books),
            ", ".join(f"{rule} {n:,}" for rule, n in reasons.most_common(3)),
        ))
    heads = ("feed", "files", "deliveries", "held", "rows in", "landed", "quarantined", "duplicate", "top reasons")
    console.print(table("What the agencies sent", heads, rows, right=(1, 2, 3, 4, 5, 6, 7)))


def _tell_linkage(settings: Settings, console: Console) -> None:
    work = settings.work
    found = linkage.evaluate(
        work / "linkage" / "clusters.parquet", settings.root / "truth" / "record_persons.parquet",
        persons=work / "persons.parquet", people=settings.root / "truth" / "persons.parquet",
    )
    clusters = pl.read_parquet(work / "linkage" / "clusters.parquet", columns=["cluster_size"])
    linked = clusters.filter(pl.col("cluster_size") > 1).height
    rows = [
        ("person records of all agencies", f"{clusters.height:,}"),
        ("records linked to another one", f"{linked:,}"),
        ("children found", f"{found.children:,}"),
        ("people behind them in the simulated truth", f"{found.persons:,}"),
        ("precision: of 100 links, right", f"{100 * found.pairs.precision:.2f}"),
        ("recall: of 100 true links, found", f"{100 * found.pairs.recall:.2f}"),
        ("ids that hold more than one child", f"{found.mixed_ids:,}"),
        ("twins who share an id", f"{found.twins_sharing_an_id} of {found.twins}"),
    ]
    console.print()
    console.print(table("Which records are the same child", ("", ""), rows, right=(1,)))


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchall()[0]


def _tell_assessments(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    children, due, overdue, late, refused, missing, one_agency = _one(connection, """
        select
            count(distinct child_id),
            count(*) filter (where status = 'due'),
            count(*) filter (where status = 'overdue'),
            count(*) filter (where status = 'done_late'),
            count(*) filter (where status = 'refused'),
            count(distinct child_id) filter (where kind = 'initial' and done_date is null and status = 'overdue'),
            count(*) filter (where agreement in ('social_care_only', 'health_only'))
        from looked_after_health_assessments
    """)
    worst = connection.execute("""
        select right(child_id, 8), kind, due_date, status_label_en, days_overdue, coalesce(times_not_brought, 0),
               rule_status
        from looked_after_health_assessments where done_date is null and due_date is not null
        order by days_overdue desc nulls last, due_date, child_id limit 5
    """).fetchall()
    console.print()
    console.print(
        f"[bold]Health assessments of looked-after children[/]: {children} children; {due} assessments due, "
        f"{overdue} overdue, {late} done late, {refused} refused; {missing} children miss their first one; "
        f"{one_agency} are recorded by one agency only.",
        highlight=False,
    )
    heads = ("child", "kind", "due", "status", "days overdue", "times not brought", "rule is")
    console.print(table("The worst five", heads, worst, right=(4, 5)))


def _tell_register(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    children, conferences, overdue, long = _one(connection, """
        select
            count(distinct child_id), count(distinct conference_key),
            count(*) filter (where review_status = 'overdue'),
            count(*) filter (where coalesce(long_register_alerts, 0) > 0)
        from register_reviews where is_on_register
    """)
    worst = connection.execute("""
        select right(child_id, 8), category_code, length_band_label_en, next_review_due_date, review_status_label_en,
               review_days_overdue, siblings_in_conference
        from register_reviews where is_on_register
        order by review_days_overdue desc nulls last, days_on_register desc, registration_key limit 5
    """).fetchall()
    console.print()
    console.print(
        f"[bold]Child protection register[/]: {children} children from {conferences} conferences; "
        f"{overdue} reviews overdue; {long} long on the register.", highlight=False,
    )
    heads = ("child", "category", "on the register", "review due", "status", "days overdue", "siblings")
    console.print(table("The worst five", heads, worst, right=(5, 6)))


def _tell_where(settings: Settings, console: Console) -> None:
    release = read_current(settings.releases)
    number = release.number if release else 0
    home = settings.home
    console.print()
    console.print(f"[bold]Where to look[/]: release {number} lies in {home / 'releases' / 'current' / DATABASE}",
                  highlight=False, soft_wrap=True)
    for what, command in (
        ("the marts", f".venv/bin/dolen --home {home} marts list"),
        ("one of them", f".venv/bin/dolen --home {home} marts show looked_after_health_assessments"),
        ("as a file", f".venv/bin/dolen --home {home} marts export register_reviews --format xlsx --out reviews.xlsx"),
        ("a supplier's report", f".venv/bin/dolen --home {home} report police/ppn"),
        ("the Dagster page", f".venv/bin/dolen --home {home} ui"),
    ):
        console.print(f"  {what:20} {command}", highlight=False, soft_wrap=True)
