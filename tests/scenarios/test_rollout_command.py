"""`churn rollout` as its user runs it, before a real HAProxy and servers that expose what a test has them count."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xgboost
from support.balancer import Balancer, balancing
from support.exposing import Service, answering, exposing
from support.logged import write_journal
from support.processes import Done, wait_until
from support.rollouts import SHORT_PLAN
from typer.testing import CliRunner

from churn.businesses import find_contract
from churn.cli import app
from churn.contract.sampling import draw_columns
from churn.errors import ChurnError
from churn.explain.xgb import XgboostModel
from churn.prediction_log.places import locate_log
from churn.rollout.routers.haproxy import HAProxy
from churn.rollout.state import State
from churn.rollout.store import RolloutStore
from churn.training.registry import Registry
from churn.training.versions import RunRecord, name_registered_model

pytestmark = pytest.mark.xdist_group("scenarios")

PLAN = """
window = "{window}"
tick_seconds = 0.2
model_checks = {model_checks}
[[step]]
weight_percent = 10
hold_hours = 1
minimum_requests = 100
maximum_hold_hours = 10
[[step]]
weight_percent = 100
hold_hours = 1
minimum_requests = 100
maximum_hold_hours = 10
"""
NEVER = {"RELEASE_HOURS": "00:00-00:01", "RELEASE_DAYS": "tue"}
SERVICE = "streamflow-churn-api"


@dataclass
class Place:
    """Where a rollout takes place: HAProxy, two instances, and a CHURN_HOME."""

    home: Path
    balancer: Balancer
    stable: str
    canary: str
    services: list[Service]

    def arguments(self, version: str = "v2", window: str = "always", model_checks: str = "false") -> list[str]:
        """Those of `churn rollout start`."""
        plan = PLAN.format(window=window, model_checks=model_checks)
        return ["start", version, "--no-registry", *self.options(plan)]

    def options(self, plan: str) -> list[str]:
        """What `churn rollout start` is told of this place."""
        file = self.home / "plan.toml"
        file.write_text(plan)
        return [
            *("--json", "--plan", str(file)),
            *("--router", f"haproxy://{self.balancer.admin}", "--stable", self.stable, "--canary", self.canary),
        ]

    @property
    def share(self) -> float:
        """What HAProxy gives the canary."""
        return HAProxy(self.balancer.admin).read_weight()

    def holds(self) -> bool:
        """Whether a living process holds the canary's share."""
        store = RolloutStore(self.home)
        try:
            return self.state() == State.HOLDING and store.is_locked(SERVICE)
        finally:
            store.close()

    def churn(self, *arguments: str, **environment: str) -> Done:
        """`churn rollout ...` in this process, which takes a tenth of the time of another one."""
        return self.invoke("rollout", *arguments, **environment)

    def invoke(self, *arguments: str, **environment: str) -> Done:
        """The same with another command."""
        done = CliRunner().invoke(app, [*arguments], env={"CHURN_HOME": str(self.home), **environment})
        if isinstance(done.exception, ChurnError):
            return Done(done.exception.exit_code, done.stdout, f"{done.exception.message}; {done.exception.instead}")
        return Done(done.exit_code, done.stdout, done.stderr)

    def succeed(self, *arguments: str) -> str:
        """The same, and what it printed."""
        done = self.churn(*arguments)
        assert done.code == 0, done.err
        return done.out

    def state(self) -> str:
        """As `churn rollout status` would show it."""
        store = RolloutStore(self.home)
        try:
            return str(store.list_rollouts(SERVICE)[0].state) if store.list_rollouts(SERVICE) else "none"
        finally:
            store.close()

    @contextmanager
    def controlled(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """A controller, from when the canary has its share."""
        process = subprocess.Popen(
            [sys.executable, "-m", "churn", "rollout", *arguments],
            env=os.environ | {"CHURN_HOME": str(self.home)} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            wait_until(lambda: process.poll() is not None or self.holds(), "the canary has its share")
            assert process.poll() is None, process.stderr.read()
            yield process
        finally:
            process.kill()
            process.wait()
            process.stderr.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as parts:
        services = [Service(version) for version in ("v1", "v2")]
        stable, canary = (parts.enter_context(exposing(service)).address for service in services)
        addresses = (each.removeprefix("http://") for each in (stable, canary))
        weights = {"STABLE_WEIGHT": "100", "CANARY_WEIGHT": "0"}
        balancer = parts.enter_context(balancing(*addresses, **weights))
        for name in ("stable", "canary"):
            balancer.wait_until_up(name)
        yield Place(tmp_path, balancer, stable, canary, services)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """MLflow for real, with v1 as champion, and v2."""
    contract, random = find_contract("streamflow"), np.random.default_rng(0)
    rows = contract.encode_columns(draw_columns(contract, random, 300))
    labels = (rows[:, 0] < 30).astype(np.int8)
    data = xgboost.DMatrix(rows, labels, feature_names=contract.feature_names())
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2}, data, 60)
    np.savez(holdout := io.BytesIO(), rows=rows, labels=labels)
    registry = Registry(tmp_path)
    known = {"contract": contract.contract_name, "contract_fingerprint": contract.fingerprint}
    for version in ("v1", "v2"):
        tags, files = {"model_version": version, **known}, {"export/holdout.npz": holdout.getvalue()}
        info = registry.register(
            contract, XgboostModel(booster), RunRecord(params={}, metrics={}, tags=tags, files=files)
        )
        if version == "v1":
            registry.promote(info, {})
    return registry


def test_a_rollout_is_watched_stopped_killed_resumed_and_aborted(place: Place) -> None:
    with place.controlled(*place.arguments()) as process:
        assert place.share == 10
        status = json.loads(place.succeed("status", "--json"))
        assert (status["state"], status["weight_percent"], status["controlled"]) == ("holding", 10, True)
        assert status["router"] == {"weight_percent": 10, "healthy": {"stable": True, "canary": True}}
        assert [row["model_version"] for row in status["instances"]] == ["v1", "v2"]
        assert status["problems"] == []
        second = place.churn("resume")
        assert second.code == 11
        assert f"process {process.pid} controls the rollout" in second.err
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 9
    assert (place.share, place.state()) == (10, "holding")
    uncontrolled = place.churn("status")
    assert uncontrolled.code == 9
    assert "nobody; go on with `churn rollout resume`" in uncontrolled.out
    assert "churn rollout abort" in uncontrolled.out
    with place.controlled("resume") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with place.controlled("resume") as process:
        began = time.monotonic()
        aborted = place.succeed("abort", "--reason", "I saw something")
        assert time.monotonic() - began < 60
        assert "all traffic is back at v1: I saw something; by" in aborted
        assert process.wait(30) == 10
    assert place.share == 0
    listed = json.loads(place.succeed("history", "--json"))
    assert [each["state"] for each in listed] == ["aborted"]
    assert place.churn("abort", "--reason", "again").code == 11


def test_a_rollout_is_aborted_without_a_controller(place: Place) -> None:
    with place.controlled(*place.arguments()) as process:
        process.kill()
        process.wait()
    assert place.share == 10
    place.succeed("abort", "--reason", "nobody is there")
    assert (place.share, place.state()) == (0, "aborted")


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
def test_a_wall_clock_that_jumps_two_days_forward_and_back_moves_no_rollout(place: Place) -> None:
    library = subprocess.run(
        ["faketime", "-m", "-f", "+0", "sh", "-c", "echo $LD_PRELOAD"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    offset = place.home / "offset"
    offset.write_text("+0\n")
    faked = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    with (
        place.controlled(*place.arguments(), **faked, FAKETIME_DONT_FAKE_MONOTONIC="1"),
        closing(RolloutStore(place.home)) as store,
    ):

        def jump(to: str, words: str) -> None:
            offset.write_text(f"{to}\n")
            wait_until(lambda: any(words in event.reason for event in store.list_events(1)), "the jump is noticed")
            looked_at = store.get_rollout(1).looked_at
            wait_until(lambda: store.get_rollout(1).looked_at != looked_at, "the controller has looked once more")
            assert (place.share, place.state()) == (10, "holding")

        jump("+49h", "forward by 49 h 0 min")
        jump("+0", "back by 49 h 0 min")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")  # MLflow's
def test_after_the_last_bake_the_registry_has_a_new_champion_and_one_command_goes_back(
    place: Place, registry: Registry
) -> None:
    def aliases() -> dict[str, str]:
        known = registry.list_versions(name_registered_model(find_contract("streamflow")))
        return {alias: info.tags["model_version"] for info in known for alias in info.aliases}

    assert aliases() == {"champion": "v1"}
    told = place.home / "told"
    down = ("--on-promoted", f"sh -c 'echo $STABLE_VERSION >> {told}'")
    with answering(place.services):
        place.succeed("start", "v2", *down, *place.options(SHORT_PLAN))
    assert (place.share, place.state(), told.read_text()) == (100, "promoted", "v1\n")
    assert aliases() == {"champion": "v2", "previous": "v1"}
    again = place.churn("start", "v2", *place.options(SHORT_PLAN))
    assert again.code == 6
    assert "v2 is champion already" in again.err
    assert place.invoke("promote", "previous").code == 0
    assert aliases() == {"champion": "v1", "previous": "v2"}


def test_a_rollout_without_pairs_is_refused_unless_one_says_so_on_purpose(place: Place) -> None:
    paired = place.arguments(model_checks="true")
    off = place.churn(*paired, PREDICTION_LOG="off")
    assert (off.code, place.share, place.state()) == (11, 0, "none")
    assert "scores, banners, tiers and reasons could never be judged" in off.err
    assert "name in PREDICTION_LOG where the service logs" in off.err
    nowhere = place.churn(*paired, PREDICTION_LOG=str(place.home / "nowhere"))
    assert "there is no prediction log in" in nowhere.err
    (place.home / "log" / "streamflow").mkdir(parents=True)
    here = {"PREDICTION_LOG": str(place.home / "log")}
    unexported = place.churn(*paired, **here)
    assert f"no bundle in {place.home / 'bundles' / 'streamflow'} is v1" in unexported.err
    assert "--without-pairs was given without a reason" in place.churn(*paired, "--without-pairs", **here).err
    with place.controlled(*paired, "--without-pairs", "--reason", "a test", **here), answering(place.services):
        store = RolloutStore(place.home)
        with closing(store):
            wait_until(lambda: any(event.evidence for event in store.list_events(1)), "the canary was judged")
            assert "without pairs: a test" in store.list_events(1)[0].reason
        shown = json.loads(place.churn("status", "--json").out)
        assert shown["subscribers_compared"] is None
        assert "no bundle in" in shown["no_pairs"]
        place.succeed("abort", "--reason", "seen")


def test_a_plan_that_is_not_expected_to_end_is_refused_unless_one_says_so_on_purpose(place: Place) -> None:
    places = locate_log(None, "streamflow", home=place.home)
    begin_s = int(time.time()) - 3 * 3600
    rows, scores = [[1.0]] * 20, [0.5] * 20
    write_journal(places, "one", version="v1", features=["x"], rows=rows, scores=scores, at_s=begin_s)
    place.services[0].answers(0.3, "low", times=50)
    refused = place.churn(*place.arguments())
    assert (refused.code, place.share, place.state()) == (11, 0, "none")
    assert "this plan is not expected to end" in refused.err
    assert "more weight_percent in step 1" in refused.err
    assert "--despite-forecast was given without a reason" in place.churn(*place.arguments(), "--despite-forecast").err
    with place.controlled(*place.arguments(), "--despite-forecast", "--reason", "a test"):
        with closing(RolloutStore(place.home)) as store:
            assert "despite the forecast: a test" in store.list_events(1)[0].reason
        place.succeed("abort", "--reason", "seen")


def test_what_cannot_be_started_is_refused_before_anything_moves(place: Place) -> None:
    wrong = place.churn(*place.arguments("v3"))
    assert (wrong.code, place.share) == (11, 0)
    assert "the canary serves v2, not v3" in wrong.err
    closed = place.churn(*place.arguments(window="release"), **NEVER)
    assert (closed.code, place.share) == (6, 0)
    assert "no rollout is started now" in closed.err
    nowhere = place.churn("start", "v2", "--no-registry", "--router", "haproxy://127.0.0.1:1")
    assert nowhere.code == 2
    assert "--stable is missing" in nowhere.err
    assert place.state() == "none"
    assert place.churn("status").code == 11
