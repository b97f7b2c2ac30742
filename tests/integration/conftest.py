"""One tiny region, built once through the command line, for all integration tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

import simulator
from orchestration.settings import Settings

AS_OF = date(2026, 11, 20)
PLANTED_NAME = "Xanthippewyn"
PLANTED_NUMBER = "9998887775"


@dataclass(frozen=True)
class Home:
    """A DOLEN_HOME and the command line on it."""

    root: Path
    repository: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root)

    def dolen(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from orchestration.cli import main; main()", "--home", str(self.root), *arguments],
            cwd=self.repository, capture_output=True, text=True, check=False, timeout=900,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )
        said = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == expect, f"dolen {arguments[0]} exited {done.returncode}:\n{said}"
        return done.stdout

    def export(self, mart: str, form: str = "csv") -> bytes:
        out = self.root / f"{mart}.{form}"
        self.dolen("marts", "export", mart, "--format", form, "--out", str(out))
        return out.read_bytes()

    def deliveries(self) -> list[dict]:
        found = [*self.root.glob("landing/*/*/delivery=*/delivery.json"),
                 *self.root.glob("quarantine/*/*/delivery=*/delivery.json")]
        return [json.loads(path.read_text(encoding="utf-8")) for path in found]


@pytest.fixture(scope="session")
def tiny_region(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Home:
    """A simulated region of 400 children with one planted notification, landed, linked, published, released."""
    home = Home(tmp_path_factory.mktemp("region"), repository)
    simulator.generate(home.root, children=400, seed=7, as_of=AS_OF, weeks=2)
    _plant(home.root / "inbox")
    home.dolen("run", "--as-of", AS_OF.isoformat())
    return home


def _plant(inbox: Path) -> None:
    """Put a child with an unmistakable name and number among the deliveries, with faults in every column."""
    folder = inbox / "social_care" / "case_export" / f"planted_export_{AS_OF.isoformat()}_delta"
    folder.mkdir(parents=True)
    (folder / "persons.csv").write_text(
        "source_person_id,forename,surname,birth_date,nhs_number,sex\n"
        f"{PLANTED_NAME},{PLANTED_NAME},{PLANTED_NAME},31/02/{PLANTED_NUMBER},{PLANTED_NUMBER},{PLANTED_NAME}\n"
        f",{PLANTED_NAME},{PLANTED_NAME},2020-01-01,{PLANTED_NUMBER},M\n"
        f"{PLANTED_NAME},{PLANTED_NAME}\n",
        encoding="utf-8",
    )
