"""The demonstration, run as a newcomer runs it: what the README and the board's questions show is what comes out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.conftest import Home


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> tuple[Home, str]:
    """A home with a finished demonstration, and what it said."""
    home = Home(tmp_path_factory.mktemp("home"), repository)
    said = home.dolen("demo")
    return Home(home.root / "demo", repository), said


def test_the_readme_shows_what_the_demonstration_says(demo: tuple[Home, str], repository: Path):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- demo -->\n```\n(.*?)```\n<!-- /demo -->", readme, re.DOTALL)
    assert shown
    told = _without_ids(demo[1])
    for line in _without_ids(shown[1]).split("\n"):
        # The last lines name the folder, which is another one here.
        if "var/demo" not in line:
            assert line in told, line


def test_every_question_of_a_board_has_the_answer_that_lies_beside_it(demo: tuple[Home, str], repository: Path):
    questions = sorted((repository / "docs" / "queries").glob("*.sql"))
    assert len(questions) >= 10
    for question in questions:
        answer = demo[0].dolen("marts", "query", str(question), "--csv")
        assert answer == question.with_suffix(".csv").read_text(encoding="utf-8"), question.name
        assert len(answer.splitlines()) > 1, question.name


def _without_ids(text: str) -> str:
    """Child ids are drawn anew in each installation; spaces depend on the width of the longest cell."""
    return re.sub(r" +", " ", re.sub(r"(?m)^[0-9a-f]{8} ", "", text))
