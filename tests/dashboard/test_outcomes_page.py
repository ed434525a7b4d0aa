"""Outcomes as a page and as a report to mail: what the banner does, and what to do where nobody knows yet."""

import json
import re
from pathlib import Path

import pytest
from support.processes import churn, succeed
from support.watching import Open, words

from churn.prediction_log.places import locate_log
from demo.leaving import SALT, simulate


def page(dashboard: Open, home: Path) -> str:
    return dashboard(home, places=locate_log(None, "streamflow", home=home)).page("/outcomes")


@pytest.mark.parametrize(
    ("effect", "badge", "sentence"),
    [
        (-0.2, "it works", "The banner surely makes fewer subscribers leave"),
        (0.0, "not yet sure", "It is not yet sure what the banner does"),
        (0.2, "it harms", "The banner surely makes more subscribers leave"),
    ],
)
def test_the_page_says_what_the_banner_does_and_how_sure_that_is(
    dashboard: Open, tmp_path: Path, effect: float, badge: str, sentence: str
) -> None:
    path, _ = simulate(tmp_path, effect=effect, subscribers=8000)
    succeed(tmp_path, "outcomes", "import", path, PREDICTION_LOG_SALT=SALT)
    text = page(dashboard, tmp_path)
    said = words(text)
    assert f"Does the banner work? {badge}" in said
    assert sentence in said
    assert "8,000 of 8,000 known outcomes are of a logged prediction" in said
    assert "Calibration of v1" in said
    assert "Pause" in said  # the offer
    assert text.count("<svg") == 1 + 2 + 2 + 1  # the mark, effect and offers in two widths, and a calibration


def test_a_report_to_mail_says_the_same_as_the_figures_for_scripts(tmp_path: Path) -> None:
    path, _ = simulate(tmp_path, effect=-0.2, subscribers=8000)
    succeed(tmp_path, "outcomes", "import", path, PREDICTION_LOG_SALT=SALT)
    done = churn(tmp_path, "outcomes", "report", "--json", "--out", tmp_path / "outcomes.html")
    assert done.code == 0, done.err
    banner = json.loads(done.out)["experiment"]
    content = (tmp_path / "outcomes.html").read_text(encoding="utf-8")
    said = words(content)
    for arm in ("holdout", "treatment"):
        assert f"{banner[f'{arm}_left']:,} of {banner[arm]:,}" in said
    assert f"{100 * banner['effect']['value']:+.2f}".replace("-", "\N{MINUS SIGN}") in said
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=|href=", content)


def test_where_nobody_has_said_who_left_the_page_says_how_to(dashboard: Open, tmp_path: Path) -> None:
    simulate(tmp_path, effect=0.0, subscribers=50)
    assert "churn outcomes import left-in-march.csv" in words(page(dashboard, tmp_path))


def test_outcomes_of_nobody_in_the_log_are_said_to_be_so(dashboard: Open, tmp_path: Path) -> None:
    path, _ = simulate(tmp_path, effect=0.0, subscribers=50)
    succeed(tmp_path, "outcomes", "import", path, PREDICTION_LOG_SALT="another secret of the tests")
    assert "No outcome is of a logged prediction 50 outcomes are known" in words(page(dashboard, tmp_path))
    done = churn(tmp_path, "outcomes", "report", "--out", tmp_path / "outcomes.html")
    assert not (tmp_path / "outcomes.html").exists()
    assert "nothing can be compared" in done.out


def test_without_a_log_the_page_says_why_nothing_is_known(dashboard: Open, tmp_path: Path) -> None:
    assert "PREDICTION_LOG is off" in words(dashboard(tmp_path).page("/outcomes"))


def test_outcomes_that_cannot_be_read_are_one_sentence(dashboard: Open, tmp_path: Path) -> None:
    (tmp_path / "outcomes").mkdir()
    (tmp_path / "outcomes" / "streamflow.sqlite").write_text("no database at all, but long enough to be one" * 40)
    assert "cannot be used: file is not a database" in words(page(dashboard, tmp_path))
