"""A damaged segment ends nothing that can go on, and nothing that lacks it looks complete."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.logged import write_demo_log
from support.watching import Open, words

from churn.cli.drift import drift
from churn.cli.outcomes import outcomes_import, report_outcomes
from churn.cli.predictions import predictions_tail
from churn.cli.shadow import report_shadow
from churn.errors import DataError
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_latest_records, require_whole
from churn.prediction_log.segments import list_segments, open_store
from demo.leaving import SALT, simulate


def damage_first(places: Places) -> str:
    """Changes the last byte of the oldest segment, whose name says that it reaches until now, and gives its path."""
    store = open_store(places.where)
    first, *_ = list_segments(store)
    until_now = replace(first, last=datetime.now(UTC))
    store.write(until_now.name, store.read(first.name)[:-1] + b"!")
    store.delete(first.name)
    return f"{places.where}/{until_now.name}"


@pytest.fixture
def damaged(bundle_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Places, str]:
    """A log of two segments, of which the first is damaged, with outcomes."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    monkeypatch.setenv("PREDICTION_LOG_SALT", SALT)
    places = write_demo_log(tmp_path / "predictions" / "streamflow", dearer=1.5)
    close_journals(places.journals, open_store(places.where))
    outcomes, _ = simulate(tmp_path, effect=0.0, subscribers=500)
    (places.journals / "one.jsonl").rename(places.journals / "two.jsonl")
    close_journals(places.journals, open_store(places.where))
    (tmp_path / "bundles").symlink_to(bundle_home / "bundles")
    outcomes_import(outcomes)
    return places, damage_first(places)


def test_commands_read_all_other_segments_and_say_what_is_left_out(
    damaged: tuple[Places, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, path = damaged
    page = tmp_path / "outcomes.html"
    commands: list[Callable[[], None]] = [
        lambda: report_outcomes(out_paths=[page], as_json=True),
        lambda: predictions_tail(2000, as_json=True),
        lambda: drift(as_json=True),
        report_shadow,
    ]
    shown = []
    for command in commands:
        capsys.readouterr()
        with pytest.raises(DataError, match=re.escape(f"not complete, since records are left out: the segment {path}")):
            command()
        shown.append(json.loads(capsys.readouterr().out or "null"))
    outcomes, tail, drifted, _ = shown
    assert outcomes["matched"] == 500
    assert outcomes["left_out"] == drifted["left_out"]
    assert path in "".join(outcomes["left_out"])
    assert len(tail) == 1000
    assert f"Not complete, since records are left out: the segment {path} is damaged" in words(page.read_text("utf-8"))


def test_pages_show_what_is_there_and_say_what_is_left_out(
    dashboard: Open, damaged: tuple[Places, str], tmp_path: Path
) -> None:
    places, path = damaged
    watched = dashboard(tmp_path, places=places)
    outcomes = words(watched.page("/outcomes"))
    assert "500 of 500 known outcomes are of a logged prediction" in outcomes
    sentence = f"the segment {path} is damaged"
    assert f"Not complete, since records are left out: {sentence}" in outcomes
    assert sentence in words(watched.page("/drift"))
    assert sentence in words(watched.page("/shadow"))


def test_a_segment_that_the_disk_does_not_give_is_left_out_and_named_too(damaged: tuple[Places, str]) -> None:
    places, path = damaged
    Path(path).unlink()
    Path(path).mkdir()
    left_out: list[DataError] = []
    assert len(read_latest_records(places, 2000, damaged=left_out)) == 1000
    with pytest.raises(DataError, match=re.escape(f"the segment {path} cannot be read: Is a directory")):
        require_whole(left_out)
