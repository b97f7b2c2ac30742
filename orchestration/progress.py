"""Showing a run's steps on the screen while it runs, and the configuration of such a run.

Here belongs what the command line needs to run a job; the page has its own ways.
"""

from __future__ import annotations

import logging
import time
from datetime import date
from typing import Any

import dagster as dg
from rich.console import Console

LOGGER_NAME = "steps"
_TOLD = {"STEP_START", "STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"}


class _Steps(logging.Handler):
    """Prints a line when a step ends. Names and durations only."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console(stderr=True)
        self.started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Print one Dagster event, if it is the end of a step."""
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        kind = getattr(event, "event_type_value", None)
        if event is None or kind not in _TOLD:
            return
        name = (event.step_key or "").replace("__", " ")
        if kind == "STEP_START":
            self.started[event.step_key] = time.monotonic()
            return
        seconds = time.monotonic() - self.started.get(event.step_key, time.monotonic())
        sign = {"STEP_SUCCESS": "[green]done[/]", "STEP_SKIPPED": "[yellow]skipped[/]"}.get(kind, "[red]failed[/]")
        self.console.print(f"  {sign} {name} ({seconds:.1f} s)", highlight=False)
        if kind == "STEP_FAILURE" and (error := event.step_failure_data.error):
            self.console.print(f"    {error.message.strip().splitlines()[0]}", highlight=False, markup=False)


@dg.logger(None, "Steps of a run on the terminal")
def steps_logger(_context: dg.InitLoggerContext) -> logging.Logger:
    """A logger that shows steps and nothing else."""
    logger = logging.Logger("dolen.steps", logging.DEBUG)
    logger.addHandler(_Steps())
    return logger


def run_config(definitions: dg.Definitions, job: str, as_of: date, logger: str) -> dict[str, Any]:
    """The configuration of a run: the date for every step that takes one, and the logger.

    Args:
        definitions: The code location.
        job: Name of the job.
        as_of: The date the marts speak for.
        logger: Name of the logger to use.
    """
    steps = definitions.resolve_job_def(job).all_node_defs
    takes_date = [step.name for step in steps if "as_of" in _config_fields(step)]
    return {"ops": {name: {"config": {"as_of": as_of.isoformat()}} for name in takes_date}, "loggers": {logger: {}}}


def _config_fields(step: Any) -> dict[str, Any]:
    config_type = getattr(getattr(step, "config_schema", None), "config_type", None)
    return getattr(config_type, "fields", {}) or {}
