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
