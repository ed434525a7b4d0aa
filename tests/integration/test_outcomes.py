"""Outcomes from the log to the readout: a known true effect is recovered, and a wrong file changes nothing."""

import json
from pathlib import Path

import pytest
from support.processes import churn, succeed
from support.receiving import receive

from demo.leaving import SALT, simulate

KEEP, HOLD, STOP, INVALID = 0, 9, 13, 3


@pytest.mark.parametrize(
    ("effect", "code", "advice"), [(-0.12, KEEP, "keep"), (0.0, HOLD, "hold"), (0.12, STOP, "stop")]
)
def test_a_known_effect_of_the_banner_is_recovered(tmp_path: Path, effect: float, code: int, advice: str) -> None:
    path, truth = simulate(tmp_path, effect=effect)
    succeed(tmp_path, "outcomes", "import", path, PREDICTION_LOG_SALT=SALT)
    succeed(tmp_path, "predictions", "close")
    done = churn(tmp_path, "outcomes", "report", "--json")
    assert done.code == code, done.err
    figures = json.loads(done.out)
    banner, [quality], [offer] = figures["experiment"], figures["versions"], figures["offers"]
    assert banner["advice"] == advice
    assert banner["effect"]["low"] < truth < banner["effect"]["high"]
    assert figures["matched"] == figures["known"] == quality["count"] == 20_000
    assert offer["share"]["low"] < 0.3 < offer["share"]["high"]
    # Of independent beta(2, 2) scores that are the true probabilities, an AUC of 0.757 is to be expected.
    assert abs(quality["auc"]["value"] - 0.757) < (0.01 if effect == 0 else 0.06)


def test_a_person_reads_the_advice_in_words(tmp_path: Path) -> None:
    path, _ = simulate(tmp_path, effect=0.2, subscribers=8000)
    succeed(tmp_path, "outcomes", "import", path, PREDICTION_LOG_SALT=SALT)
    with receive() as server:
        done = churn(tmp_path, "outcomes", "report", NOTIFY_URLS=server.address)
        churn(tmp_path, "outcomes", "report", NOTIFY_URLS=server.address)
    assert done.code == STOP, done.err
    assert "stop: the banner surely makes more subscribers leave" in done.out
    [message] = server.received
    assert message["title"] == "The banner harms"
    assert "surely makes more subscribers leave" in message["message"]


def test_a_wrong_row_is_named_and_nothing_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(f"prediction_id,left\n{'0' * 32},yes\nnonsense,no\n{'1' * 32},perhaps\n", encoding="utf-8")
    done = churn(tmp_path, "outcomes", "import", path)
    assert done.code == INVALID
    assert "2 wrong rows" in done.err
    assert "line 3" in done.err
    assert "line 4: left is 'perhaps', not yes or no" in done.err
    assert not (tmp_path / "outcomes").exists()


def test_a_day_that_is_none_or_of_somebody_who_stayed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(f"prediction_id,left,left_on\n{'0' * 32},yes,soon\n{'1' * 32},no,2026-03-31\n", encoding="utf-8")
    done = churn(tmp_path, "outcomes", "import", path)
    assert done.code == INVALID
    assert "line 2: left_on is 'soon', not a day such as 2026-03-31" in done.err
    assert "line 3: left_on is '2026-03-31', but left says that they stayed" in done.err


def test_without_the_salt_subscribers_cannot_be_found_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text("subscriber,left\nsomebody,yes\n", encoding="utf-8")
    done = churn(tmp_path, "outcomes", "import", path)
    assert done.code == 2
    assert "PREDICTION_LOG_SALT" in done.err


def test_without_any_outcome_the_report_says_that_nothing_can_be_compared(tmp_path: Path) -> None:
    done = churn(tmp_path, "outcomes", "report")
    assert done.code == HOLD, done.err
    assert "nothing can be compared" in done.out


def test_who_left_without_who_stayed_is_noticed_and_said(tmp_path: Path) -> None:
    path, _ = simulate(tmp_path, effect=-0.2, subscribers=3000)
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    left = [row for row in rows if row.split(",")[1] == "yes"]
    path.write_text("\n".join([head, *left]), encoding="utf-8")
    succeed(tmp_path, "outcomes", "import", path, PREDICTION_LOG_SALT=SALT)
    done = churn(tmp_path, "outcomes", "report")
    assert done.code == HOLD, done.err
    said = " ".join(done.out.split())
    assert f"The outcome of {3000 - len(left):,} subscribers is missing" in said
    assert "whose outcome is missing; import what became of them" in said
    assert "those of AUC and lift hold for somebody who looks once" in said
