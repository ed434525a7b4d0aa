"""The command that says what the demo's subscribers would see."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.fake_service import LOW, RETENTION, Asked, FakeService
from support.gym import write_gym
from support.processes import free_port
from support.visiting import Portal

from churn.answers import RetentionAnswer
from portal.business import load_business


def preview(home: Path, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    own = {"CHURN_HOME": str(home), "SERVICE_URL": address}
    return subprocess.run(
        [sys.executable, "-m", "portal", "preview", *options],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def arms_by_turns(asked: Asked) -> RetentionAnswer:
    """The first four subscribers see four different things; all others are at low risk."""
    turn = [who.facts for who in load_business("gym").subscribers].index(asked.facts)
    retentions: list[Any] = [
        RETENTION,
        {**RETENTION, "headline": None, "reasons": []},
        {**RETENTION, "headline": None, "arm": "holdout"},
    ]
    return LOW if turn >= len(retentions) else {**LOW, "show_retention_banner": True, "retention": retentions[turn]}


def test_it_counts_what_the_subscribers_of_any_business_would_see_and_records_nothing(
    service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_BUSINESSES", str(write_gym(tmp_path / "businesses")))
    monkeypatch.setenv("CHURN_CONTRACT", "gym")
    service.rule = arms_by_turns
    done = preview(tmp_path, service.address, "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert {sight: count for sight, count in counts.items() if count} == {
        "exposure": 1,
        "nothing_to_show": 1,
        "holdout": 1,
        "no_banner": 9,
    }
    with Portal(tmp_path, service.address, churn_contract="gym") as portal:
        assert portal.team_visitor().get("/team/events.json").json() == []
    assert "    1  sees the banner\n" in preview(tmp_path, service.address).stdout


def test_a_service_that_does_not_answer_is_an_error_and_not_twelve_empty_pages(tmp_path: Path) -> None:
    done = preview(tmp_path, f"http://127.0.0.1:{free_port()}", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the churn service takes no connection")
    assert "Traceback" not in done.stderr
