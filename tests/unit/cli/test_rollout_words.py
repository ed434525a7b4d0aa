"""What the table of a rollout's checks says of them."""

import pytest

from churn.cli.rollout_words import show_findings
from churn.rollout.state import Event, State


@pytest.mark.parametrize(
    ("decision", "high", "words"),
    [
        ("promote", 0.001, "promote"),
        ("promote", 0.2, "not sure"),
        ("promote", None, "not known"),
        ("hold", 0.2, "hold"),
        ("roll back", 0.2, "roll back"),
    ],
)
def test_what_nobody_waits_for_is_not_shown_as_fine(
    decision: str, high: float | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = {"check": "accepted", "decision": decision, "effect": high, "low": high, "high": high, "tolerance": 0.02}
    seen = {"verdict": {"decision": "hold", "findings": [finding]}}
    show_findings([Event(1.0, "judged", State.HOLDING, 0, 10, "so far", "hold", seen)])
    row = next(line for line in capsys.readouterr().out.splitlines() if "accepted" in line)
    assert row.split("│")[2].strip() == words
