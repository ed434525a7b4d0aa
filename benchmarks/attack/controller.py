"""Kill the controller of a rollout at random moments, before a real HAProxy, and see that routing and record agree."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.attack.summary import Summary
from churn.errors import ChurnError
from churn.judging import metrics
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from churn.rollout.routers.haproxy import HAProxy
from churn.rollout.routers.router import NEARLY_PERCENT, TRACKS
from churn.rollout.state import JUDGED, Rollout, State
from churn.rollout.store import RolloutStore
from demo.machine import CONFIGURATION, find_program, free_port, start_process, wait_until

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

    from churn.rollout.routers.router import Track

SERVICE = "attacked"
TICK_S = 0.2  # as in the plan
LOOK_S = 30.0  # how long a new controller may take to start
MOST_S = 450.0
MOST_LIFE_S = 1.2  # of a controller; a rollout takes about as long
VERSIONS: dict[Track, str] = {"stable": "v1", "canary": "v2"}
BAD_SHARE = 0.3  # of the rollouts, and of a bad canary's answers that are errors
UNDER_WAY = {State.STEPPING, State.RETURNING}
PLAN = Path(__file__).parents[2] / "demo" / "short_plan.toml"


class Instance:
    """A service that counts so many answers each second, whether or not anybody asks.

    Attributes:
        bad: whether some of the answers are errors.
    """

    def __init__(self, track: Track) -> None:
        self.track, self.bad = track, False
        self._answered, self._errors, self._at = 0, 0, time.monotonic()
        self._lock = threading.Lock()

    def expose(self) -> str:
        """Return what it counts until now."""
        with self._lock:
            new = int((time.monotonic() - self._at) * 3000)
            self._at += new / 3000
            self._answered += new
            self._errors += int(new * BAD_SHARE) if self.bad else 0
            answered, errors = self._answered, self._errors
        version = VERSIONS[self.track]
        bundle = f'model_version="{version}",bundle_sha256="sum of {version}",contract_fingerprint="of both"'
        lines = [f"{metrics.BUNDLE_INFO.name}{{{bundle}}} 1"]
        for status, number in (("2xx", answered - errors), ("5xx", errors)):
            lines.append(f'{metrics.REQUESTS.name}{{route="/predict",status="{status}"}} {number}')
        buckets = [*LATENCY_BOUNDS_S, "+Inf"]
        lines += [f'{metrics.REQUEST_DURATION.name}_bucket{{route="/predict",le="{at}"}} {answered}' for at in buckets]
        lines += [f'{metrics.PROBABILITY.name}_bucket{{le="{at}"}} {answered - errors}' for at in PROBABILITY_BOUNDS]
        lines += [f'{metrics.PREDICTIONS.name}{{tier="low"}} {answered - errors}']
        lines += [f'{metrics.TOP_FEATURE.name}{{feature="{name}"}} {answered - errors}' for name in "abc"]
        lines += [f'{metrics.TOP_SET.name}{{features="a|b|c"}} {answered - errors}']
        return "\n".join(lines) + "\n"


def attack(count: int, seed: int, home: Path) -> Summary:
    """Kill so many controllers, and have another one go on each time."""
    draw, faults, ended = random.Random(seed), Counter[str](), Counter[str]()  # noqa: S311 - no secrets
    instances = {track: Instance(track) for track in TRACKS}
    kills, controller = 0, None
    until = time.monotonic() + MOST_S
    with _place(instances) as (router, options), closing(RolloutStore(home)) as store:
        options += ["--plan", str(PLAN)]
        try:
            while kills < count and time.monotonic() < until:
                live = store.find_live(SERVICE)
                if live is None:
                    router.set_weight(0)
                    instances["canary"].bad = draw.random() < BAD_SHARE
                controller = _start(home, ["resume"] if live else ["start", VERSIONS["canary"], *options])
                now = _wait_for_look(store, live, controller)
                if problem := _find_disagreement(store, router, now):
                    faults[f"seed {seed}, after {kills} kills: {problem}"] += 1
                controller.join(draw.uniform(0.0, MOST_LIFE_S))
                kills += controller.is_alive()
                controller.kill()
                controller.join()
                at_death = store.list_rollouts(SERVICE)[0]
                agrees = abs(router.read_weight() - at_death.weight_percent) <= NEARLY_PERCENT
                if not agrees and at_death.state not in UNDER_WAY:
                    faults[f"seed {seed}, kill {kills}: {at_death.state} with {router.read_weight():g} %"] += 1
                if at_death.is_over:
                    ended[str(at_death.state)] += 1
                    expected = State.ROLLED_BACK if instances["canary"].bad else State.PROMOTED
                    if at_death.state != expected:
                        faults[f"seed {seed}, kill {kills}: {at_death.state}, not {expected}: {at_death.reason}"] += 1
        finally:
            if controller:
                controller.kill()
                controller.join()
    if kills < count:
        faults[f"only {kills} of {count} kills in {MOST_S:g} s"] += 1
    figures = {f"rollouts_{state.replace(' ', '_')}": float(number) for state, number in ended.items()}
    return Summary("controller", kills, tuple([*faults][:10]), figures)


def _wait_for_look(store: RolloutStore, before: Rollout | None, controller: ForkServerProcess) -> Rollout:
    """Wait until a new controller has looked, or has ended the rollout."""
    until = time.monotonic() + LOOK_S
    while time.monotonic() < until:
        rollout = store.get_rollout(before.number) if before else store.find_live(SERVICE)
        if rollout and (rollout.is_over or rollout.looked_at != (before.looked_at if before else None)):
            return rollout
        if not controller.is_alive() and rollout is None:
            break
        time.sleep(0.01)
    raise ChurnError(f"the controller has not looked; it ended with {controller.exitcode}")


def _find_disagreement(store: RolloutStore, router: HAProxy, rollout: Rollout) -> str:
    """Say what router and record say if they do not agree within a tick of the first look."""
    until = time.monotonic() + TICK_S
    while True:
        before, share = store.get_rollout(rollout.number), router.read_weight()
        now = store.get_rollout(rollout.number)
        settled = (now.state, now.weight_percent) == (before.state, before.weight_percent)
        if settled and abs(share - now.weight_percent) <= NEARLY_PERCENT:
            return ""
        if time.monotonic() > until and settled and now.state in JUDGED:
            return f"{now.state} at {now.weight_percent} %, but the router gives {share:g} %"
        if time.monotonic() > until + LOOK_S:
            return f"it stays {now.state} at {now.weight_percent} %, and the router gives {share:g} %"
        time.sleep(TICK_S / 10)


def _start(home: Path, arguments: list[str]) -> ForkServerProcess:
    """Start `churn rollout` in a process of its own, forked from one that has imported it already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["benchmarks.attack.controller", "churn.cli.rollout_control", "churn.rollout.sources"]
    )
    process = context.Process(target=_run, args=(str(home), ["rollout", *arguments, "--service", SERVICE]))
    process.start()
    return process


def _run(home: str, arguments: list[str]) -> None:
    from churn.cli import app  # noqa: PLC0415 - imported by the process that is forked

    os.environ["CHURN_HOME"] = home
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        app(arguments)


@contextmanager
def _place(instances: dict[Track, Instance]) -> Iterator[tuple[HAProxy, list[str]]]:
    """Run both instances behind a real HAProxy. Yield it and the options of `churn rollout start`."""
    program = find_program("haproxy")
    if program is None:
        raise ChurnError("no haproxy on PATH", instead="install it; on Debian: apt-get install haproxy")
    with contextlib.ExitStack() as stack:
        places = {track: stack.enter_context(_serve(instance)) for track, instance in instances.items()}
        admin = f"127.0.0.1:{free_port()}"
        own = {
            "SERVICE_BIND": f"127.0.0.1:{free_port()}", "ADMIN_BIND": admin, "STATS_BIND": f"127.0.0.1:{free_port()}",
            "STABLE_ADDRESS": places["stable"], "CANARY_ADDRESS": places["canary"], "STABLE_WEIGHT": "100",
            "CANARY_WEIGHT": "0", "BASELINE_ADDRESS": "127.0.0.1:9", "BASELINE_WEIGHT": "0",
            "CHECK_INTERVAL": "200ms", "RETRIES": "2", "NAMESERVER": "127.0.0.1:53",
        }  # fmt: skip
        process = start_process([program, "-db", "-f", str(CONFIGURATION)], own)
        stack.callback(process.wait)
        stack.callback(os.kill, process.pid, signal.SIGKILL)
        router = HAProxy(admin)
        wait_until(lambda: all(map(router.is_healthy, TRACKS)), "HAProxy sees both", {"haproxy": process})
        options = [f"--{track}=http://{place}" for track, place in places.items()]
        yield router, ["--no-registry", "--router", f"haproxy://{admin}", *options]


@contextmanager
def _serve(instance: Instance) -> Iterator[str]:
    """Yield the address at which an instance answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = instance.expose().encode() if self.path == "/metrics" else b"{}"
            with contextlib.suppress(ConnectionError):  # HAProxy's checks hang up as soon as they know
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
