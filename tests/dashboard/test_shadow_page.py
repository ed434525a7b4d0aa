"""What a challenger would have answered as a page, and what to do where there is none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.shadowed import answers, write_shadowed
from support.watching import Open, words

from churn.model.bundle import Bundle
from churn.prediction_log.places import Places, locate_log


def log(home: Path) -> Places:
    found = locate_log(None, "streamflow", home=home)
    found.prepare()
    return found


def test_the_page_says_what_the_judge_makes_of_the_challenger_and_why(
    dashboard: Open, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    found = log(tmp_path)
    write_shadowed(found, bundles["streamflow"], answers(bundles["streamflow"]), version="v0.0.2")
    page = dashboard(tmp_path, places=found).page("/shadow")
    said = words(page)
    assert "v0.0.2 is not yet to be rolled out" in said
    assert "3 pairs from" in said
    for table in ("Differences", "By tier", "By banner", "By group of subscribers"):
        assert table in said
    assert page.count("<svg") == 1 + 4 * 2  # the mark, and four charts in two widths


def test_what_was_answered_long_ago_is_not_shown(dashboard: Open, bundles: dict[str, Bundle], tmp_path: Path) -> None:
    found, then = log(tmp_path), datetime.now(UTC) - timedelta(days=8)
    old = [each._replace(time_ns=int(then.timestamp() * 1e9)) for each in answers(bundles["streamflow"])]
    write_shadowed(found, bundles["streamflow"], old)
    said = words(dashboard(tmp_path, places=found).page("/shadow"))
    assert "No challenger has answered in the last 7 days" in said
    assert "CHALLENGER_PATH" in said


def test_without_a_log_the_page_says_how_to_get_a_shadow(dashboard: Open, tmp_path: Path) -> None:
    assert "CHALLENGER_PATH" in words(dashboard(tmp_path).page("/shadow"))
