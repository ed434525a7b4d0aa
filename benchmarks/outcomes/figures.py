"""Play all scenarios, and sum up how often the intervals held the truth, and how wide they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from os import process_cpu_count
from typing import Any, Final

import numpy as np

from benchmarks.judge.figures import bound_share
from benchmarks.outcomes import effects
from benchmarks.outcomes.simulation import ADVICE, Runs, simulate
from benchmarks.outcomes.world import LOOK_DAYS, PEOPLE, SCENARIOS, Numbers
from churn.outcomes.estimates import ALPHA

RUNS, QUICK_RUNS = 1_000, 20
TARGET_LAST: Final = 0.935  # of 1,000 runs: 0.95, and two standard deviations less
TARGET_EVERY: Final = 1 - ALPHA
TARGET_EFFECT: Final = 0.94  # of many subscribers, at every look
_RUNS_AT_ONCE: Final = 20


def measure_outcomes(
    *, quick: bool, runs: int | None, seed: int, move: Callable[[int, int], object], people: int = PEOPLE
) -> dict[str, Any]:
    """Ask what outcomes say where the truth is known. The same seed gives the same figures.

    Args:
        move: told how many runs are done, and of how many.
    """
    asked_runs = runs
    runs = runs or (QUICK_RUNS if quick else RUNS)
    parts = [range(first, min(first + _RUNS_AT_ONCE, runs)) for first in range(0, runs, _RUNS_AT_ONCE)]
    play = partial(simulate, seed=seed, people=people)
    move(0, runs * len(SCENARIOS))
    # Processes that begin from nothing: a fork of one with threads may hang.
    with ProcessPoolExecutor(process_cpu_count(), mp_context=get_context("spawn")) as pool:
        plays = {scenario: [pool.submit(play, scenario, part) for part in parts] for scenario in SCENARIOS}
        sizes = {played: len(part) for own in plays.values() for played, part in zip(own, parts, strict=True)}
        done = 0
        for played in as_completed(sizes):
            done += sizes[played]
            move(done, runs * len(SCENARIOS))
        played_runs = [join_runs([played.result() for played in own]) for own in plays.values()]
        of_many = _measure_effects(pool, quick=quick, runs=asked_runs, seed=seed)
    return summarise(played_runs, seed=seed, people=people) | {"effects": of_many}


def _measure_effects(pool: ProcessPoolExecutor, *, quick: bool, runs: int | None, seed: int) -> list[dict[str, Any]]:
    """Ask of many more people at once, for the effect alone."""
    count = runs or (QUICK_RUNS if quick else effects.RUNS)
    parts = [range(first, min(first + _RUNS_AT_ONCE, count)) for first in range(0, count, _RUNS_AT_ONCE)]
    plays = {story: [pool.submit(effects.play_story, story, part, seed) for part in parts] for story in effects.STORIES}
    return [
        effects.summarise_story(story, np.concatenate([played.result() for played in own]))
        for story, own in plays.items()
    ]


def join_runs(parts: Sequence[Runs]) -> Runs:
    """Put runs of one scenario together."""
    names = dict.fromkeys(name for part in parts for name in part.claims)
    claims = {}
    for name in names:
        shape = next(part.claims[name].shape[1:] for part in parts if name in part.claims)
        none = [np.full((len(part.advice), *shape), np.nan) for part in parts]
        claims[name] = np.concatenate([part.claims.get(name, empty) for part, empty in zip(parts, none, strict=True)])
    every_look = frozenset[str]().union(*(part.every_look for part in parts))
    return Runs(parts[0].scenario, claims, every_look, np.concatenate([part.advice for part in parts]))


def summarise(played: Sequence[Runs], *, seed: int, people: int) -> dict[str, Any]:
    """Return all figures of a simulation."""
    return {
        "seed": seed,
        "runs": len(played[0].advice),
        "people": people,
        "looks": list(LOOK_DAYS),
        "alpha": ALPHA,
        "scenarios": [
            {
                "name": runs.scenario.name,
                "effect": runs.scenario.effect,
                "advice": _summarise_advice(runs.advice),
                "figures": [
                    {
                        "figure": figure,
                        "which": which,
                        "every_look": figure in runs.every_look,
                        **_summarise_claims(claims),
                    }
                    for (figure, which), claims in sorted(runs.claims.items())
                ],
            }
            for runs in played
        ],
    }


def _summarise_advice(advice: Numbers) -> dict[str, dict[str, float]]:
    """Return the share of runs that were ever given an advice, and at the last look."""
    given = {name: advice == number for number, name in enumerate(ADVICE)}
    return {
        name: {"ever": float(own.any(axis=1).mean()), "last": float(own[:, -1].mean())} for name, own in given.items()
    }


def _summarise_claims(claims: Numbers) -> dict[str, Any]:
    value, low, high, truth = np.moveaxis(claims, -1, 0)
    is_claimed = ~np.isnan(value)
    holds = ~is_claimed | ((low <= truth) & (truth <= high))
    at_last, ever = is_claimed[:, -1], is_claimed.any(axis=1)
    last = int(holds[at_last, -1].sum())
    every = int(holds[ever].all(axis=1).sum())
    return {
        "shown": float(at_last.mean()),
        "last": _share(last, int(at_last.sum())),
        "every": _share(every, int(ever.sum())),
        "truth": float(truth[at_last, -1].mean()) if at_last.any() else None,
        "value": float(value[at_last, -1].mean()) if at_last.any() else None,
        "width": float((high - low)[at_last, -1].mean()) if at_last.any() else None,
        "widths": [_mean_claimed((high - low)[:, look], is_claimed[:, look]) for look in range(claims.shape[1])],
        "held": [float(share) for share in np.logical_and.accumulate(holds[ever], axis=1).mean(axis=0)],
    }


def _mean_claimed(widths: Numbers, is_claimed: Any) -> float | None:
    return float(widths[is_claimed].mean()) if is_claimed.any() else None


def _share(hits: int, total: int) -> dict[str, float | None]:
    if not total:
        return {"share": None, "low": None, "high": None}
    low, high = bound_share(hits, total)
    return {"share": hits / total, "low": low, "high": high}
