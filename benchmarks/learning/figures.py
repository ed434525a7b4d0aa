"""Play all worlds, and sum up what each rule earned, with intervals over the worlds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.learning.curve import BY_FIELDS, LONG_SIZES, SIZES, play_size
from benchmarks.learning.population import CONTRACT, Numbers, train_champion
from benchmarks.learning.rules import ASSUMPTIONS, ESTIMATES, ORACLE, RULES, SHARE, UPLIFT
from benchmarks.learning.world import HOLDOUT
from benchmarks.learning.year import A_MONTH, MONTHS, Earned, Stage, play_year, set_stage
from churn.businesses import find_contract
from churn.training.tuned import load_tuned

WORLDS, QUICK_WORLDS = 33, 2
YEAR_VISITORS, FRESH_VISITORS, SPARE = 120_000, 60_000, 1.05
POOL_SEED, FRESH_SEED, LOGGED_SEED = 5, 7, 6
CHAMPION_ROWS, QUICK_ROWS, QUICK_A_MONTH = 80_000, 8_000, 300
_WORLDS_BY_SIZE: Final[Mapping[int, int]] = {100_000: 8, 500_000: 4}  # others have more
_MANY_WORLDS: Final = 14
_RESAMPLES: Final = 2_000


class Asked(NamedTuple):
    """How much is to be played.

    Args:
        worlds: of the year; the curve has fewer.
        sizes: of the curve, in visitors.
        a_month: subscribers above the threshold who come in a month.
    """

    worlds: int
    sizes: tuple[int, ...]
    a_month: int
    seed: int


def measure_learning(
    *, home: Path, quick: bool, full: bool, runs: int | None, seed: int, move: Callable[[int, int], object]
) -> dict[str, Any]:
    """Play the year and the curve. The same seed gives the same figures.

    Args:
        home: where the bundle of the champion is written.
        quick: a few small worlds, to see that everything works.
        full: also the longest log of the curve.
        runs: worlds of the year.
        move: told how many worlds are done, and of how many.
    """
    sizes = SIZES[:1] if quick else LONG_SIZES if full else SIZES
    asked = Asked(runs or (QUICK_WORLDS if quick else WORLDS), sizes, QUICK_A_MONTH if quick else A_MONTH, seed)
    params = dict(load_tuned(find_contract(CONTRACT)).params)
    bundle = (
        train_champion(home, rows=QUICK_ROWS, params={**params, "trees": 60})
        if quick
        else train_champion(home, rows=CHAMPION_ROWS, params=params)
    )
    worlds = range(seed, seed + asked.worlds)
    tasks: dict[Any, tuple[int, int]] = {}
    # Processes that begin from nothing: a fork of one with threads may hang.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(os.process_cpu_count(), mp_context=get_context("spawn")) as pool:
        for size in reversed(sizes):  # the longest first
            for world in worlds[: _WORLDS_BY_SIZE.get(size, _MANY_WORLDS)]:
                tasks[pool.submit(_play_size, bundle.path, world, size)] = (size, world)
        for world in worlds:
            tasks[pool.submit(_play_year, bundle.path, world, asked.a_month)] = (0, world)
        move(0, len(tasks))
        for done, _ in enumerate(as_completed(tasks), 1):
            move(done, len(tasks))
        played = {key: task.result() for task, key in tasks.items()}
    return summarise(
        asked,
        [played[0, world] for world in worlds],
        {size: [played[key] for key in sorted(played) if key[0] == size] for size in sizes},
    )


def _play_year(bundle: Path, world: int, a_month: int) -> dict[str, Earned]:
    return play_year(_set(bundle, round(YEAR_VISITORS * a_month / A_MONTH), POOL_SEED), world, a_month=a_month)


def _play_size(bundle: Path, world: int, size: int) -> dict[str, float]:
    fresh = min(FRESH_VISITORS, size)
    return play_size(_set(bundle, round(size * SPARE), LOGGED_SEED), _set(bundle, fresh, FRESH_SEED), world, size)


def _set(bundle: Path, visitors: int, seed: int) -> Stage:
    return set_stage(bundle, visitors, seed, tuple(dict.fromkeys(rule.segments for rule in RULES)))


def summarise(
    asked: Asked, years: Sequence[Mapping[str, Earned]], curve: Mapping[int, Sequence[Mapping[str, float]]]
) -> dict[str, Any]:
    """Return all figures."""
    money = {name: np.array([year[name].money for year in years]) for name in years[0]}
    harm = {name: [year[name].leavers_caused for year in years] for name in years[0]}
    return {
        "seed": asked.seed,
        "worlds": len(years),
        "months": MONTHS,
        "a_month": asked.a_month,
        "share": SHARE,
        "holdout": HOLDOUT,
        "year": [
            {
                "rule": name,
                "money": _estimate(np.mean, earned),
                "minus_assumptions": _estimate(np.mean, earned - money[ASSUMPTIONS]),
                "better": float((earned > money[ASSUMPTIONS]).mean()),
                "of_oracle": _estimate(_share_gained, earned, money[ASSUMPTIONS], money[ORACLE]),
                "minus_estimates": _estimate(np.mean, earned - money[ESTIMATES]),
                "leavers_caused": float(np.mean(harm[name])),
            }
            for name, earned in money.items()
        ],
        "gate_opened": float((money[UPLIFT] != money[ESTIMATES]).mean()),
        "curve": [_summarise_size(size, worlds) for size, worlds in curve.items()],
    }


def _summarise_size(size: int, worlds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    worth = {name: np.array([world[name] for world in worlds]) for name in worlds[0]}
    base = worth[ASSUMPTIONS]
    return {
        "visitors": size,
        "worlds": len(worlds),
        "rules": [
            {
                "rule": name,
                "worth": float(own.mean()),
                "of_oracle": _estimate(_share_gained, own, base, worth[ORACLE]),
                "of_fields": _estimate(_share_gained, own, base, worth[BY_FIELDS]),
                "minus_estimates": _estimate(np.mean, own - worth[ESTIMATES]),
            }
            for name, own in worth.items()
        ],
    }


def _share_gained(own: Numbers, base: Numbers, best: Numbers) -> float:
    """Return the share of the best one's gain over the base, over all worlds together."""
    return float((own - base).sum() / (best - base).sum())


def _estimate(measure: Callable[..., Any], *columns: Numbers) -> dict[str, float]:
    """Return a figure over the worlds, and its 95 % interval by drawing worlds anew (percentile bootstrap)."""
    count = len(columns[0])
    drawn = np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))
    again = [float(measure(*(column[rows] for column in columns))) for rows in drawn]
    low, high = np.quantile(again, [0.025, 0.975])
    return {"value": float(measure(*columns)), "low": float(low), "high": float(high)}
