"""The report: one file that needs nobody, holds all that the page shows, and is small enough to be mailed."""

import re
from pathlib import Path

import pytest
from support.processes import succeed
from support.watching import Open, words

from churn.cli.rollout_report import rollout_report
from churn.errors import RolloutError

MOST_BYTES = 5_000_000


@pytest.mark.parametrize("number", [1, 2, 3])
def test_it_holds_what_the_page_shows_and_asks_nobody(dashboard: Open, demo_home: Path, number: int) -> None:
    answer = dashboard(demo_home).get(f"/rollouts/{number}/report.html")
    assert answer.headers["content-disposition"] == f'attachment; filename="rollout-{number}.html"'
    report = re.sub(r'xmlns(:xlink)?="[^"]*"', "", answer.text)
    assert not re.search(r"<script|<link|<img|<form|@import|url\(|\ssrc=|https?://|\shref=(?!\"#)", report)
    assert len(answer.content) < MOST_BYTES
    page = words(dashboard(demo_home).page(f"/rollouts/{number}"))
    for section in ("Checks", "What both versions answered", "What happened", "What to do"):
        assert section in page
        assert section in words(report)


def test_the_command_writes_it(demo_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    said = succeed(demo_home, "rollout", "report", "2", "--out", path)
    assert str(path) in said
    assert "rolled back" in path.read_text(encoding="utf-8")


def test_a_rollout_that_is_not_there_is_an_error_and_no_file(
    demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_HOME", str(demo_home))
    with pytest.raises(RolloutError, match="there is no rollout 77"):
        rollout_report(77, [tmp_path / "report.html"])
    assert list(tmp_path.iterdir()) == []
