"""The commands about who is who: models, decisions, the review queue and explanations (`dolen linkage ...`).

Here belongs what a person types and what it shows. The work itself belongs to `linkage`; a nightly run is `dolen run`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ConfigurationError
from orchestration.cli.console import errors, results, table
from orchestration.settings import Settings

app = typer.Typer(help="Models, decisions, review and explanations of the linkage.", no_args_is_help=True)
Version = Annotated[str, typer.Argument(help="Version of a model, as `dolen linkage models` lists them.")]


@contextmanager
def _plainly() -> Generator[None]:
    """A mistake that somebody can mend ends in one line; a fault of the program does not hide."""
    from linkage import ClusterInvariantError, LinkageError

    try:
        yield
    except ClusterInvariantError:
        raise
    except LinkageError as fault:
        raise ConfigurationError(str(fault)) from fault


def _today() -> date:
    return datetime.now().astimezone().date()


@app.command()
def train(context: typer.Context) -> None:
    """Train a new model from the records at hand; it does not score before it is promoted."""
    import linkage
    from orchestration.identity import linkage_config

    settings: Settings = context.obj
    with _plainly(), errors.status("Training ..."):
        config = linkage_config(settings, settings.load_region())
        model = linkage.train_model(settings.identity, as_of=_today(), config=config)
    results.print(f"Model {model.version}, trained on {model.records:,} records and {model.labels:,} labelled pairs.")
    results.print(f"Next: dolen linkage shadow {model.version}")


@app.command()
def shadow(context: typer.Context, version: Version) -> None:
    """Show what a model would change if it were promoted now; nothing is changed."""
    import linkage
    from orchestration.identity import linkage_config

    settings: Settings = context.obj
    with _plainly(), errors.status("Scoring in the shadow ..."):
        config = linkage_config(settings, settings.load_region())
        found = linkage.try_in_shadow(settings.identity, version, config=config, out=settings.work / "linkage")
    rows = [
        ("records", f"{found.records:,}", ""),
        ("pairs linked by their weight", f"{found.links_before:,}", f"{found.links_after:,}"),
        ("pairs for review", f"{found.review_before:,}", f"{found.review_after:,}"),
        ("ids that would be merged into another", "", f"{found.ids_merged:,}"),
        ("ids that would be split off another", "", f"{found.ids_split:,}"),
        ("records that would change their id", "", f"{found.records_moved:,}"),
    ]
    results.print(table("In the shadow", ("", found.live_version, found.model_version), rows, right=(1, 2)))
    results.print(f"Next, if this is right: dolen linkage promote {version}")


@app.command()
def promote(context: typer.Context, version: Version) -> None:
    """Make a model the one that scores, and solve all children with it."""
    import linkage
    from orchestration.identity import linkage_config

    settings: Settings = context.obj
    with _plainly(), errors.status("Promoting ..."):
        changes = linkage.promote(
            settings.identity, version, config=linkage_config(settings, settings.load_region())
        )
    results.print(
        f"Model {version} is live: {changes.merged:,} ids merged, {changes.split:,} split, "
        f"{changes.ids_changed:,} records under another id. The next run publishes it."
    )


@app.command()
def models(context: typer.Context) -> None:
    """List the models."""
    import linkage
    from orchestration.identity import linkage_config

    settings: Settings = context.obj
    with _plainly():
        found = linkage.list_models(settings.identity, config=linkage_config(settings, settings.load_region()))
    rows = [
        (one["version"], "live" if one["is_live"] else "", f"{one['records']:,}", f"{one['labels']:,}") for one in found
    ]
    results.print(table("Models", ("version", "", "records", "labelled pairs"), rows, right=(2, 3)))


@app.command()
def explain(
    context: typer.Context,
    records: Annotated[list[str], typer.Argument(help="Two record keys (agency|system|id), or one child id.")],
    chart: Annotated[Path | None, typer.Option(help="File for the chart: .html, or for a pair also .svg.")] = None,
    language: Annotated[str, typer.Option(help="Of the chart's fields and strengths: en or cy.")] = "en",
) -> None:
    """Say in plain words why two records are, or are not, one child; or what a child is made of."""
    from linkage import explain as explanations
    from linkage.store import open_store
    from orchestration.identity import linkage_config

    settings: Settings = context.obj
    if len(records) > 2 or language not in ("en", "cy"):
        raise typer.BadParameter("give two record keys or one child id, and en or cy as language")
    with _plainly(), tempfile.TemporaryDirectory() as spill:
        config = linkage_config(settings, settings.load_region())
        with open_store(settings.identity, config.memory_limit, Path(spill), keeps=False) as con:
            found = (
                explanations.explain_child(con, records[0], config=config)
                if len(records) == 1
                else explanations.explain_pair(con, records[0], records[1], config=config)
            )
        results.print(explanations.in_words(found), markup=False, highlight=False, soft_wrap=True)
        try:
            if chart is not None:
                explanations.save_chart(found, chart, language=language)
        except ValueError as fault:
            raise ConfigurationError(str(fault)) from fault


@app.command()
def queue(
    context: typer.Context,
    export: Annotated[Path | None, typer.Option(help="CSV file to write; .json: recordlinkage's annotation.")] = None,
    size: Annotated[int, typer.Option(help="Pairs in the file.", min=1)] = 50,
    blind: Annotated[bool, typer.Option("--blind", help="Leave out what the machines think.")] = False,
) -> None:
    """Show how many pairs wait for a person, by kind; and write the first of them into a file to fill in."""
    from linkage import outputs, review
    from linkage.store import open_store
    from orchestration.identity import linkage_config

    settings: Settings = context.obj
    with _plainly(), tempfile.TemporaryDirectory() as spill:
        config = linkage_config(settings, settings.load_region())
        with open_store(settings.identity, config.memory_limit, Path(spill), keeps=False) as con:
            outputs.read_state(con, config)
            review.build_queue(con)
            counts = review.count_by_kind(con)
            rows = [(kind, f"{count:,}", review.HARM[kind][1]) for kind, count in counts.items()]
            heads = ("kind", "pairs", "what is at stake")
            results.print(table("Pairs that wait for a person", heads, rows, right=(1,)))
            if export is None:
                return
            if export.suffix == ".json":
                count = review.export_annotation(con, export, size)
            else:
                count = review.export_batch(con, export, size, is_blind=blind)
    results.print(f"{count:,} pairs written to {export}. Next: dolen linkage review {export} --by NAME")


@app.command("review")
def take_review(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A filled-in batch: .csv, or .json of recordlinkage.", exists=True)],
    by: Annotated[str, typer.Option(help="Who decided.")],
) -> None:
    """Take in a batch of the queue that a person has filled in."""
    import linkage
    from linkage import review

    settings: Settings = context.obj
    read = review.import_annotation if file.suffix == ".json" else review.import_batch
    with _plainly():
        rows = read(file, decided_by=by, decided_at=datetime.now().astimezone())
        imported = linkage.add_decisions(settings.decisions, rows, first_line=2)
    results.print(f"{imported.decisions:,} decisions taken in. The next run applies them.")


@app.command("import")
def import_decisions(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="CSV of decisions.", exists=True)]
) -> None:
    """Take in decisions of people (same, not_same, unsure, sealed) from a CSV file; all of it, or nothing."""
    import linkage

    settings: Settings = context.obj
    with _plainly():
        imported = linkage.import_decisions(settings.decisions, file, identity=settings.identity)
    results.print(f"{imported.decisions:,} decisions taken in ({imported.rows:,} pairs). The next run applies them.")


@app.command("export")
def export_decisions(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="CSV file to write.")]
) -> None:
    """Write the decisions in force today into a CSV file."""
    import linkage

    settings: Settings = context.obj
    with _plainly():
        count = linkage.export_decisions(settings.decisions, file, _today())
    results.print(f"{count:,} decisions written to {file}")
