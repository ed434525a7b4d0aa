"""What can happen to a canary, what should come of it, and what does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from churn.model.shelf import open_shelf
from churn.rollout.store import RolloutStore
from demo.machine import CANARY, ROOT, STABLE, Machine
from demo.traffic import Traffic

PLAN = ROOT / "demo" / "plan.toml"
PATIENCE_S = 60
NOT_OVER = 9
EXIT_CODES = {0: "promoted", 10: "rolled back"}


@dataclass(frozen=True)
class Scenario:
    """One story.

    Args:
        name: what it is called.
        about: what happens to the canary.
        expected: how the rollout should end.
        because: what its reason should speak of, one of them at least.
        fault: what is wrong with the canary, from the start.
        flowing: whether anybody asks.
        happens: what happens while the canary has its first share; given the machine and the controller.
        changes: to the plan, as its text is written.
    """

    name: str
    about: str
    expected: str
    because: tuple[str, ...]
    fault: str = ""
    flowing: bool = True
    happens: Callable[[Machine, subprocess.Popen[str]], None] | None = None
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario.

    Args:
        ended: how the rollout ended.
        reason: as it is recorded.
        share_percent: what HAProxy gives the canary afterwards.
        champion: the version that the link names afterwards.
        took_s: from the start of the controller to its end.
        back_s: from the decision to go back until HAProxy had no share for the canary.
        canary_requests: how many predictions the canary was asked for, in all steps.
        failed: how many callers got no answer or an error.
        moved_back: how many answers took a subscriber from the canary back to stable.
        events: all that was recorded.
    """

    ended: str
    reason: str
    share_percent: float
    champion: str
    took_s: float
    back_s: float | None
    canary_requests: int
    failed: int
    moved_back: int
    events: list[dict[str, Any]]

    def as_it_should(self, scenario: Scenario) -> bool:
        """Whether state, reason, routing and champion are what they should be."""
        promoted = scenario.expected == "promoted"
        end = (100, CANARY) if promoted else (0, STABLE)
        return (
            self.ended == scenario.expected
            and any(words in self.reason for words in scenario.because)
            and (self.share_percent, self.champion) == end
            and (promoted or self.moved_in_time)
        )

    @property
    def moved_in_time(self) -> bool:
        """Whether all traffic was back within five seconds of the decision."""
        return self.back_s is not None and self.back_s < 5  # noqa: PLR2004 - what the project promises


def kill_the_canary(machine: Machine, _: subprocess.Popen[str]) -> None:
    """As a crash would."""
    machine.kill_canary()


def kill_the_controller(_: Machine, controller: subprocess.Popen[str]) -> None:
    """As a crash would."""
    controller.send_signal(signal.SIGKILL)


SCENARIOS = (
    Scenario("good", "it is as good as the old version", "promoted", ("surely within",)),
    Scenario("failing", "one answer in eight is an error", "rolled back", ("error share",), fault="failing"),
    Scenario("slow", "each answer takes 60 ms longer", "rolled back", ("latency",), fault="slow"),
    Scenario("shifted", "all risks are higher", "rolled back", ("scores", "banners", "tiers"), fault="shifted"),
    Scenario("disagreeing", "same scores, other reasons", "rolled back", ("top-3 reasons",), fault="disagreeing"),
    Scenario(
        "no traffic", "nobody asks", "rolled back", ("not enough evidence in time",),
        flowing=False, changes={"maximum_hold_hours = 2000": "maximum_hold_hours = 60"},
    ),
    Scenario("canary dies", "it is killed", "rolled back", ("the canary is down",), happens=kill_the_canary),
    Scenario(
        "controller killed", "kill -9 of the controller, then resume", "promoted", ("surely within",),
        happens=kill_the_controller,
    ),
)  # fmt: skip


def play(scenario: Scenario, machine: Machine, traffic: Traffic, home: Path) -> Outcome:
    """Runs a scenario to its end, with the command line as its user would.

    Args:
        scenario: what is to happen.
        machine: which runs already, and can be used for the next one.
        traffic: likewise.
        home: a CHURN_HOME for it, fresh or of scenarios that are over.
    """
    bundles = _bundles(home, machine.bundles)
    plan = home / "plan.toml"
    text = PLAN.read_text(encoding="utf-8")
    for old, new in scenario.changes.items():
        text = text.replace(old, new)
    plan.write_text(text, encoding="utf-8")
    machine.fault(scenario.fault)
    machine.start_canary()
    machine.router.set_weight(0)
    traffic.begin(flowing=scenario.flowing)
    began = time.monotonic()
    code = _carry_out(scenario, machine, home, plan)
    took_s = time.monotonic() - began
    record = _record(home)
    outcome = Outcome(
        ended=record["state"] if EXIT_CODES.get(code) == record["state"] else f"{record['state']}, exit code {code}",
        reason=record["reason"],
        share_percent=machine.router.read_weight(),
        champion=(bundles / "champion").readlink().name,
        took_s=took_s,
        back_s=_back_s(record["happenings"]),
        canary_requests=_canary_requests(record["happenings"]),
        failed=sum(number for status, number in traffic.answered.items() if status != 200),  # noqa: PLR2004 - HTTP
        moved_back=traffic.moved_back,
        events=record["happenings"],
    )
    machine.router.set_weight(0)
    return outcome


def _carry_out(scenario: Scenario, machine: Machine, home: Path, plan: Path) -> int:
    """The exit code of whoever ended the rollout."""
    controller = _churn(
        home, "start", CANARY, "--no-registry", "--plan", str(plan), "--router", f"haproxy://{machine.admin}",
        "--stable", f"http://{machine.stable}", "--canary", f"http://{machine.canary}", "--json",
    )  # fmt: skip
    try:
        if scenario.happens:
            _until_holding(controller)
            scenario.happens(machine, controller)
        controller.communicate(timeout=PATIENCE_S)
        if controller.returncode == -signal.SIGKILL:
            controller = _churn(home, "resume", "--json")
            controller.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return NOT_OVER
    finally:
        with contextlib.suppress(ProcessLookupError):
            controller.kill()
        controller.wait()
    return controller.returncode


def _record(home: Path) -> dict[str, Any]:
    """What stands on disk of the newest rollout."""
    store = RolloutStore(home)
    try:
        number = max(each.number for service in store.list_services() for each in store.list_rollouts(service))
        return {
            **store.get_rollout(number).summarize(),
            "happenings": [each.summarize() for each in store.list_events(number)],
        }
    finally:
        store.close()


def _until_holding(controller: subprocess.Popen[str]) -> None:
    """Reads what it tells until the canary has its first share."""
    assert controller.stdout is not None  # noqa: S101 - it is a pipe
    for line in controller.stdout:
        if json.loads(line)["state"] == "holding":
            return


def _churn(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "churn", "rollout", *arguments],
        env=os.environ | {"CHURN_HOME": str(home), "CHURN_CONTRACT": "streamflow"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _bundles(home: Path, originals: Path) -> Path:
    """Bundles of the scenario's own, with the stable one as champion."""
    shelf = open_shelf(home, "streamflow")
    for version in (STABLE, CANARY):
        shutil.copytree(originals / version, shelf.bundle(version), dirs_exist_ok=True)
    shelf.move_champion(STABLE)
    return shelf.folder


def _back_s(events: list[dict[str, Any]]) -> float | None:
    """From the decision to go back to its end; None if it never went back."""
    moments = {each["kind"]: each["at"] for each in events}
    if "returning" not in moments:
        return None
    decided, done = (datetime.fromisoformat(moments[kind]) for kind in ("returning", "ended"))
    return (done - decided).total_seconds()


def _canary_requests(events: list[dict[str, Any]]) -> int:
    """The last count of each step."""
    judged = {each["step"]: each["evidence"]["seen"]["canary"]["requests"] for each in events if each["evidence"]}
    return sum(judged.values())
