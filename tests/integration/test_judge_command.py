"""`churn judge explain` as a person types it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.processes import churn

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "judge.md"


@pytest.fixture
def counts() -> dict[str, Any]:
    """The example that the document gives."""
    block = re.search(r"^```json\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    example: dict[str, Any] = json.loads(block[1])
    return example


def explain(home: Path, counts: dict[str, Any], *more: str) -> Any:
    file = home / "counts.json"
    file.write_text(json.dumps(counts))
    return churn(home, "judge", "explain", str(file), *more)


def test_the_exit_code_is_the_verdicts(tmp_path: Path, counts: dict[str, Any]) -> None:
    done = explain(tmp_path, counts)
    assert (done.code, done.out.count("traffic split")) == (9, 1)
    assert "not yet sure" in done.out
    done = explain(tmp_path, {**counts, "canary_up": False}, "--json")
    assert done.code == 10
    assert json.loads(done.out)["reason"] == "the canary is down"


def test_checks_of_a_file_are_used(tmp_path: Path, counts: dict[str, Any]) -> None:
    checks = tmp_path / "checks.toml"
    checks.write_text('[[check]]\nname = "failures"\nmeasure = "errors"\ntolerance = 0.2\ndirection = "up"\n')
    done = explain(tmp_path, counts, "--checks", str(checks))
    assert (done.code, "all 1 checks are surely within" in done.out) == (0, True)


def test_a_missing_file_is_reported_in_a_sentence(tmp_path: Path) -> None:
    done = churn(tmp_path, "judge", "explain", str(tmp_path / "none.json"))
    assert done.code == 1
    assert "none.json: No such file or directory" in done.err


def test_a_plan_is_foretold_from_given_figures_and_the_exit_code_says_whether_it_can_end(tmp_path: Path) -> None:
    steps = tmp_path / "plan.toml"
    step = "hold_hours = 1\nminimum_requests = 100\nmaximum_hold_hours = 40\n"
    steps.write_text(
        'window = "always"\nmodel_checks = false\n'
        + "".join(f"[[step]]\nweight_percent = {weight}\n{step}" for weight in (20, 100))
    )
    given = ("judge", "plan", "--plan", str(steps), "--error-share", "0.0002")
    done = churn(tmp_path, *given, "--requests-per-hour", "5000", "--json")
    told = json.loads(done.out)
    assert (done.code, told["can_end"], told["instead"]) == (0, True, None)
    assert told["equal"]["steps"][0]["bound_by"] == {"error share": 20}
    done = churn(tmp_path, *given, "--requests-per-hour", "20")
    assert done.code == 9
    assert "this plan is not expected to end" in done.out
    assert 'more than 0.001 for "error share" in [tolerances]' in done.out


def test_what_a_forecast_needs_and_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    done = churn(tmp_path, "judge", "plan", "--error-share", "0.001")
    assert done.code == 11
    assert "there is no prediction log in" in done.err
    assert "--requests-per-hour" in done.err
    done = churn(tmp_path, "judge", "plan", "--requests-per-hour", "100")
    assert done.code == 2
    assert "nobody knows which share of stable's requests fails" in done.err
    assert "--error-share" in done.err
