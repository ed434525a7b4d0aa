"""What can happen to a canary, how the rollout should end, and how it ends."""

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
from functools import partial
from pathlib import Path
from typing import Any

from churn.errors import ChurnError, ExitCode
from churn.model.shelf import open_shelf
from churn.rollout.store import RolloutStore
from demo.machine import PATIENCE_S, ROOT, Machine
from demo.pair import Pair
from demo.traffic import Traffic

PLAN = ROOT / "demo" / "plan.toml"
SAID = "controller.log"  # what the commands say besides events
STATES: Mapping[int, str] = {ExitCode.DONE: "promoted", ExitCode.ROLLED_BACK: "rolled back"}


@dataclass(frozen=True)
class Scenario:
    """One story of a rollout.

    Args:
        name: its name on the command line.
        about: what happens to the canary.
        expected: how the rollout should end.
        because: texts; the reason of the end should have one of them.
        fault: the canary's fault, from the start.
        flowing: whether anybody asks.
        in_a_row: how often a subscriber asks before the next one does.
        interfere: does something while the canary has its first share, to the machine or to the controller.
        changes: to the text of the plan.
        has_baseline: whether the old version is started beside the canary.
    """

    name: str
    about: str
    expected: str
    because: tuple[str, ...]
    fault: str = ""
    flowing: bool = True
    in_a_row: int = 1
    interfere: Callable[[Machine, subprocess.Popen[str]], None] | None = None
    changes: Mapping[str, str] = field(default_factory=dict)
    has_baseline: bool = False


@dataclass(frozen=True)
class Result:
    """How a scenario ended.

    Args:
        ended: the last state of the rollout.
        reason: as it is recorded.
        share_percent: the canary's share at HAProxy afterwards.
        champion: the version that the link names afterwards.
        pair: the versions that took part.
        took_s: from the start of the controller to its end.
        back_s: from the decision to return until HAProxy had no share for the canary.
        canary_requests: the predictions of the canary, in all steps.
        failed: the callers that got no answer or an error.
        moved_back: the answers that took a subscriber from the canary back to stable.
        events: all that was recorded.
    """

    ended: str
    reason: str
    share_percent: float
    champion: str
    pair: Pair
    took_s: float
    back_s: float | None
    canary_requests: int
    failed: int
    moved_back: int
    events: list[dict[str, Any]]

    def is_expected(self, scenario: Scenario) -> bool:
        """Return whether state, reason, routing and champion are as the scenario says."""
        promoted = scenario.expected == "promoted"
        end = (100, self.pair.canary.name) if promoted else (0, self.pair.stable.name)
        return (
            self.ended == scenario.expected
            and any(text in self.reason for text in scenario.because)
            and (self.share_percent, self.champion) == end
            and (promoted or self.is_back_in_time)
        )

    @property
    def is_back_in_time(self) -> bool:
        """Whether all traffic was back within five seconds of the decision."""
        return self.back_s is not None and self.back_s < 5  # noqa: PLR2004 - what the project promises


def kill_canary(machine: Machine, _: subprocess.Popen[str]) -> None:
    """Kill the canary, as a crash would."""
    machine.kill_canary()


def kill_controller(_: Machine, controller: subprocess.Popen[str]) -> None:
    """Kill the controller, as a crash would."""
    controller.send_signal(signal.SIGKILL)


def turn_canary(machine: Machine, _: subprocess.Popen[str]) -> None:
    """Let the canary answer as another version does."""
    machine.set_fault("shifted")


SCENARIOS = (
    Scenario("good", "it is as good as the old version", "promoted", ("surely within",)),
    Scenario("failing", "one answer in eight is an error", "rolled back", ("error share",), fault="failing"),
    Scenario("slow", "each answer takes 250 ms longer", "rolled back", ("over 200 ms",), fault="slow"),
    Scenario("shifted", "all risks are higher", "rolled back", ("scores", "banners", "tiers"), fault="shifted"),
    Scenario("disagreeing", "same scores, other reasons", "rolled back", ("top-3 reasons",), fault="disagreeing"),
    Scenario(
        "no traffic", "nobody asks", "rolled back", ("not enough evidence in time",),
        flowing=False, changes={"maximum_hold_hours = 2000": "maximum_hold_hours = 60"},
    ),
    Scenario("canary dies", "it is killed", "rolled back", ("the canary is down",), interfere=kill_canary),
    Scenario(
        "controller killed", "kill -9 of the controller, then resume", "promoted", ("surely within",),
        interfere=kill_controller,
    ),
    Scenario(
        "asking often", "the same model on both sides, and everybody asks five times in a row", "promoted",
        ("surely within",), fault="same", in_a_row=5,
        # In seconds only some subscribers come, and a hash deals few of them unevenly.
        changes={'"traffic split" = 0.1': '"traffic split" = 0.3'}
        | {f'"{name}" = 0.15': f'"{name}" = 0.05' for name in ("scores", "banners", "tiers")},
    ),
    Scenario(
        "slow machine", "the same model, 30 ms slower with its baseline", "promoted", ("surely within",),
        fault="slow machine", has_baseline=True,
    ),
    Scenario(
        "turning", "with its first share it begins to answer as another version", "rolled back",
        ("scores", "banners", "tiers"), interfere=turn_canary,
    ),
)  # fmt: skip


def play(scenario: Scenario, machine: Machine, traffic: Traffic, home: Path) -> Result:
    """Play a scenario to its end, by the command line.

    Args:
        scenario: the story.
        machine: it runs already, and can be used for the next scenario.
        traffic: likewise.
        home: a CHURN_HOME for it, fresh or of scenarios that are over.
    """
    plan, champion = home / "plan.toml", _copy_bundles(home, machine.pair)
    text = PLAN.read_text(encoding="utf-8")
    for old, new in scenario.changes.items():
        text = text.replace(old, new)
    plan.write_text(text, encoding="utf-8")
    machine.set_fault(scenario.fault)
    machine.start_canary()
    if scenario.has_baseline:
        machine.start_baseline()
    machine.router.set_weight(0)
    traffic.begin(flowing=scenario.flowing, in_a_row=scenario.in_a_row)
    began = time.monotonic()
    code = _carry_out(scenario, machine, home, plan)
    took_s = time.monotonic() - began
    rollout, events = _read_newest(home)
    result = Result(
        ended=rollout["state"] if STATES.get(code) == rollout["state"] else f"{rollout['state']}, exit code {code}",
        reason=rollout["reason"],
        share_percent=machine.router.read_weight(),
        champion=champion.readlink().name,
        pair=machine.pair,
        took_s=took_s,
        back_s=_measure_return_s(events),
        canary_requests=_count_canary_requests(events),
        failed=sum(number for status, number in traffic.answered.items() if status != 200),  # noqa: PLR2004 - HTTP
        moved_back=traffic.moved_back,
        events=events,
    )
    machine.router.set_weight(0)
    return result


def _carry_out(scenario: Scenario, machine: Machine, home: Path, plan: Path) -> int:
    """Return the exit code of the command that ended the rollout."""
    run_command = partial(_run_command, machine, home)
    controller = run_command(
        "start", machine.pair.canary.name, "--no-registry", "--plan", str(plan), "--router", f"haproxy://{machine.admin}",
        "--stable", f"http://{machine.stable}", "--canary", f"http://{machine.canary}", "--json",
        *(["--baseline", f"http://{machine.baseline}"] if scenario.has_baseline else []),
    )  # fmt: skip
    try:
        if scenario.interfere:
            _wait_until_holding(controller)
            scenario.interfere(machine, controller)
        controller.communicate(timeout=PATIENCE_S)
        if controller.returncode == -signal.SIGKILL:
            controller = run_command("resume", "--json")
            controller.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return ExitCode.NOT_OVER
    finally:
        with contextlib.suppress(ProcessLookupError):
            controller.kill()
        controller.wait()
    return controller.returncode


def _read_newest(home: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the newest rollout on disk and its events."""
    with contextlib.closing(RolloutStore(home)) as store:
        rollouts = [rollout for service in store.list_services() for rollout in store.list_rollouts(service)]
        if not rollouts:
            raise ChurnError("the rollout was not started", instead=(home / SAID).read_text(encoding="utf-8"))
        newest = max(rollouts, key=lambda rollout: rollout.number)
        return newest.summarize(), [event.summarize() for event in store.list_events(newest.number)]


def _wait_until_holding(controller: subprocess.Popen[str]) -> None:
    """Read the controller's output until the canary has its first share."""
    assert controller.stdout is not None  # noqa: S101 - it is a pipe
    for line in controller.stdout:
        if json.loads(line)["state"] == "holding":
            return


def _run_command(machine: Machine, home: Path, *arguments: str) -> subprocess.Popen[str]:
    contract = machine.pair.contract.contract_name
    with (home / SAID).open("a", encoding="utf-8") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "churn", "rollout", *arguments],
            env=os.environ | {"CHURN_HOME": str(home), "CHURN_CONTRACT": contract, "PREDICTION_LOG": str(machine.log)},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )


def _copy_bundles(home: Path, pair: Pair) -> Path:
    """Give the scenario bundles of its own, with the stable one as champion. Return the link `champion`."""
    shelf = open_shelf(home, pair.contract.contract_name)
    for bundle in (pair.stable, pair.canary):
        shutil.copytree(bundle, shelf.bundle(bundle.name), dirs_exist_ok=True)
    shelf.move_champion(pair.stable.name)
    return shelf.champion


def _measure_return_s(events: list[dict[str, Any]]) -> float | None:
    """Return the time from the decision to return to the end; None without a return."""
    times = {event["kind"]: datetime.fromisoformat(event["at"]) for event in events}
    return (times["ended"] - times["returning"]).total_seconds() if "returning" in times else None


def _count_canary_requests(events: list[dict[str, Any]]) -> int:
    """Return the sum of the last count of each step."""
    last = {event["step"]: event["evidence"]["seen"]["canary"]["requests"] for event in events if event["evidence"]}
    return sum(last.values())
