"""Measures the pipeline on a larger region: seconds and memory of each stage, and ratios between sizes.

`make bench`; `python -m tests.benchmarks.pipeline 2000 8000` takes other sizes. Not a test: it asserts nothing.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import polars as pl
from rich.console import Console

from orchestration.cli.console import table

AS_OF = date(2026, 11, 20)


def _timed(arguments: list[str]) -> tuple[float, float]:
    """Seconds of a command, and the peak memory of all commands so far in GiB."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "from orchestration.cli import main; main()", *arguments], check=True,
                   capture_output=True)
    return time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def measure(children: int) -> dict[str, float]:
    """Simulate, run and run again; the second run has nothing new to land."""
    with tempfile.TemporaryDirectory(prefix="dolen-bench-") as folder:
        simulated, _ = _timed(["simulate", "--children", str(children), "--out", folder, "--as-of", AS_OF.isoformat()])
        ran, memory = _timed(["--home", folder, "run", "--as-of", AS_OF.isoformat()])
        again, _ = _timed(["--home", folder, "build", "--as-of", AS_OF.isoformat()])
        persons = pl.scan_parquet(Path(folder) / "work" / "persons.parquet").select(pl.len()).collect().item()
    return {"records": persons, "simulate": simulated, "run": ran, "build again": again, "peak GiB": memory}


def main() -> None:
    """Measure each size and print a table with ratios to the first."""
    sizes = [int(argument) for argument in sys.argv[1:]] or [2_000, 8_000]
    figures = {size: measure(size) for size in sizes}
    base = figures[sizes[0]]
    rows = [
        (f"{size:,}", *(f"{value:,.1f} (x{value / base[name]:.1f})" for name, value in figures[size].items()))
        for size in sizes
    ]
    Console().print(table("Pipeline, seconds", ("children", *base), rows, right=tuple(range(1, len(base) + 1))))


if __name__ == "__main__":
    main()
