"""The page of models says how the last retraining went, why it ran, and when the next is due."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.watching import Open, words

from churn.retraining.attempts import Attempt
from churn.retraining.standing import build_standing, locate_standing, read_standing, write_standing

BEGUN = datetime(2026, 11, 30, 5, tzinfo=UTC)
ATTEMPT = Attempt(
    run_id="0" * 32, started=BEGUN, ended=BEGUN, step="done", ending="shadow", cause="drift",
    why="by drift: something has moved far", said="every gate holds", version="v2.3.2", champion="v2.3.1",
    log_until=1, metrics={"log_trained_on": 14870.0, "log_held_out": 362.0, "log_treated_left_out": 651.0},
)  # fmt: skip


def leave_standing(home: Path, *attempts: Attempt, unfinished: str | None = None) -> None:
    standing = build_standing(
        attempts, now=BEGUN, next_by_date=datetime(2027, 2, 28, tzinfo=UTC), due=None, unfinished=unfinished
    )
    write_standing(locate_standing(home, "streamflow"), standing)


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (ATTEMPT, "in the shadow The last one began on 2026-11-30, and made v2.3.2."),
        (replace(ATTEMPT, ending="refused", version=None), "refused The last one began on 2026-11-30."),
        (replace(ATTEMPT, ending=None, said="", step="training"), "It was training when this was written."),
    ],
)
def test_the_last_retraining_is_told(dashboard: Open, tmp_path: Path, attempt: Attempt, said: str) -> None:
    leave_standing(tmp_path, attempt, replace(ATTEMPT, version="v2.3.0"))
    told = words(dashboard(tmp_path).page("/models"))
    assert said in told
    assert "by drift: something has moved far" in told
    assert "14,870 trained on, 362 held out, 651 treated and left out" in told
    assert "Next by date: 2027-02-28" in told
    assert "v2.3.0" not in told


def test_a_version_that_is_not_in_the_shadow_yet_is_told(dashboard: Open, tmp_path: Path) -> None:
    leave_standing(tmp_path, ATTEMPT, unfinished="v2.3.2")
    assert "v2.3.2 is registered and not in the shadow yet" in words(dashboard(tmp_path).page("/models"))


def test_without_a_retraining_or_with_a_damaged_file_the_page_says_nothing_of_it(
    dashboard: Open, tmp_path: Path
) -> None:
    assert "Retraining" not in words(dashboard(tmp_path).page("/models"))
    path = locate_standing(tmp_path, "streamflow")
    path.parent.mkdir()
    path.write_text("[]")
    assert read_standing(path) is None
    assert "Retraining" not in words(dashboard(tmp_path).page("/models"))
