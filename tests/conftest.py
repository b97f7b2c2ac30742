"""Fixtures that several suites share: where the public samples are, and a private home folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLES = REPOSITORY.parent / "shared" / "samples"

os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of public sample files; tests that need it are skipped where it is not beside the project."""
    if not SAMPLES.is_dir():
        pytest.skip("the public sample files are not beside this checkout (../shared/samples)")
    return SAMPLES


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY
