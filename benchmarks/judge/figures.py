"""Simulate all scenarios, and sum up how often and how soon each method ended the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, Final

from scipy.special import betaincinv

from benchmarks.judge.guardrails import simulate_guardrails
from benchmarks.judge.rollouts import REQUESTS as ROLLOUT_REQUESTS
from benchmarks.judge.rollouts import RUNS as ROLLOUT_RUNS
from benchmarks.judge.rollouts import SCENARIOS as ROLLOUTS
from benchmarks.judge.rollouts import simulate_rollouts
from benchmarks.judge.scenarios import SCENARIOS
from benchmarks.judge.simulation import History, simulate
from churn.judging.judge import FALSE_PROMOTION, FALSE_ROLLBACK

RUNS, QUICK_RUNS = 400, 50
REQUESTS, QUICK_REQUESTS = 200_000, 40_000
CONFIDENCE: Final = 0.95
HALF, MOST = 0.5, 0.9


def measure_judge(
    *, quick: bool, runs: int | None, requests: int | None, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Let the judge and its rivals watch canaries whose truth is known. The same seed gives the same figures."""
    runs = runs or (QUICK_RUNS if quick else RUNS)
    requests = requests or (QUICK_REQUESTS if quick else REQUESTS)
    histories = []
    play = partial(simulate, runs=runs, requests=requests)
    say(f"{len(SCENARIOS)} scenarios, {runs:,} runs each, up to {requests:,} requests")
    # Processes that begin from nothing: a fork of one with threads may hang.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        seeds = range(seed, seed + len(SCENARIOS))
        guardrails = pool.submit(simulate_guardrails, runs, seed)
        plays = [pool.submit(play, scenario, seed=own) for scenario, own in zip(SCENARIOS, seeds, strict=True)]
        rollouts = [
            pool.submit(simulate_rollouts, min(ROLLOUT_RUNS, runs), seed, min(ROLLOUT_REQUESTS, 2 * requests), number)
            for number in range(len(ROLLOUTS))
        ]
        for number, (scenario, played) in enumerate(zip(SCENARIOS, plays, strict=True), 1):
            histories.append(played.result())
            say(f"scenario {number}, {scenario.name}: done")
        of_guardrails = guardrails.result()
        say("guardrails: done")
        of_rollouts = [figures for played in rollouts for figures in played.result()]
        say("whole rollouts: done")
    return summarise(histories, seed=seed) | {"guardrails": of_guardrails, "rollouts": of_rollouts}


def summarise(histories: Sequence[History], *, seed: int) -> dict[str, Any]:
    """Return all figures of a simulation."""
    return {
        "seed": seed,
        "runs": histories[0].runs,
        "requests": histories[0].looks[-1],
        "looks": len(histories[0].looks),
        "false_rollback": FALSE_ROLLBACK,
        "false_promotion": FALSE_PROMOTION,
        "scenarios": [
            {
                "name": history.scenario.name,
                "should": history.scenario.should,
                "methods": {method: _summarise_method(history, method) for method in history.ended},
            }
            for history in histories
        ],
        "courses": [{"looks": list(history.looks), "ended": dict(history.ended)} for history in histories],
    }


def bound_share(hits: int, runs: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Clopper and Pearson 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(hits, runs - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, runs - hits, 1 - tail) if hits < runs else 1.0
    return float(low), float(high)


def _summarise_method(history: History, method: str) -> dict[str, Any]:
    ended = history.ended[method]
    low, high = bound_share(ended[-1], history.runs)
    return {
        "runs": ended[-1],
        "share": ended[-1] / history.runs,
        "share_low": low,
        "share_high": high,
        "requests_median": _count_requests_until(history, ended, HALF),
        "requests_90": _count_requests_until(history, ended, MOST),
    }


def _count_requests_until(history: History, ended: Sequence[int], part: float) -> int | None:
    """Return after how many requests such a part of all runs had ended; None if it never had."""
    return next((at for at, count in zip(history.looks, ended, strict=True) if count >= part * history.runs), None)
