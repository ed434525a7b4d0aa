"""Whole rollouts in three steps: what counts on from step to step, beside a judge that begins anew at each step.

Errors, latency and refusals are judged. What is judged in pairs is sure sooner, and does not depend on the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.judge.samples import find_outside, find_within, select_runs
from benchmarks.judge.scenarios import HEALTHY, USUAL, Behaviour
from benchmarks.judge.simulation import draw_counts
from churn.judging.checks import DEFAULT_CHECKS, ERRORS, SLOW, Check, Flags
from churn.judging.comparison import compare
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Levels
from churn.judging.judge import allot_levels
from churn.judging.machine import is_p99_over_objective

RUNS: Final = 200
REQUESTS: Final = 400_000
LOOK, GROWTH = 200, 0.03
WEIGHTS: Final = (0.1, 0.5, 1.0)
# Of the canary in each step, as in the default plan.
LEAST: Final = (500, 500, 5000)
EARLIER: Final = 100_000
KEEPING, ANEW = "keeping what was learned", "each step anew"
OPEN, PROMOTED, SENT_BACK = 0, 1, 2

type Runs = np.ndarray[tuple[int], np.dtype[np.int_]]
type CheckLevels = Sequence[tuple[Check, Levels]]


@dataclass(frozen=True, slots=True)
class RolloutScenario:
    """Two versions in a rollout, and how it should end.

    Args:
        canary: how it answers in each step.
        night: the factor by which both fail more often in every other quarter of the day, of 20,000 requests.
        relative_tolerance: of errors; a part of stable's share.
    """

    name: str
    stable: Behaviour
    canary: tuple[Behaviour, Behaviour, Behaviour]
    should: str
    night: float = 1.0
    relative_tolerance: float = 0.0


def _always(behaviour: Behaviour) -> tuple[Behaviour, Behaviour, Behaviour]:
    return (behaviour,) * 3


def _list_scenarios() -> Iterator[RolloutScenario]:
    def fails(share: float) -> Behaviour:
        return replace(USUAL, errors=share)

    rare, usual = HEALTHY, USUAL
    yield RolloutScenario("equal, 0.02 % errors", rare, _always(rare), "promote")
    yield RolloutScenario("equal, 0.5 %", usual, _always(usual), "promote")
    yield RolloutScenario("equal, 0.5 %, half tolerated", usual, _always(usual), "promote", relative_tolerance=0.5)
    yield RolloutScenario("equal, 0.5 %, by night 2 %", usual, _always(usual), "promote", night=4.0)
    yield RolloutScenario("0.02 % to 0.12 %, as tolerated", rare, _always(fails(0.0012)), "hold")
    yield RolloutScenario("0.5 % to 0.6 %, as tolerated", usual, _always(fails(0.006)), "hold")
    at_half = _always(fails(0.0075))
    yield RolloutScenario("0.5 % to 0.75 %, half tolerated", usual, at_half, "hold", relative_tolerance=0.5)
    yield RolloutScenario("0.02 % to 0.4 %", rare, _always(fails(0.004)), "roll back")
    yield RolloutScenario("0.5 % to 2 %", usual, _always(fails(0.02)), "roll back")
    yield RolloutScenario("0.5 % to 5 %", usual, _always(fails(0.05)), "roll back")
    yield RolloutScenario("0.02 % to 0.5 % from 50 % on", rare, (rare, fails(0.005), fails(0.005)), "roll back")
    yield RolloutScenario("0.02 % to 1 % at 100 % only", rare, (rare, rare, fails(0.01)), "roll back")


SCENARIOS: Final = tuple(_list_scenarios())


def simulate_rollouts(runs: int, seed: int, requests: int, number: int) -> list[dict[str, Any]]:
    """Play one scenario with both rules. The same seed gives the same figures."""
    return [
        {"most": requests, "rule": rule}
        | _summarise(SCENARIOS[number], *_Play(SCENARIOS[number], rule, runs, seed + number).run(requests))
        for rule in (KEEPING, ANEW)
    ]


class _Play:
    """Play many runs of a scenario at once."""

    def __init__(self, scenario: RolloutScenario, rule: str, runs: int, seed: int) -> None:
        self.scenario, self.rule, self.random = scenario, rule, np.random.default_rng(seed)
        nobody = np.zeros(runs, dtype=int)
        self.steps = [
            StepAnswers(*(draw_counts(scenario.stable, nobody, self.random) for _ in range(3))) for _ in WEIGHTS
        ]
        before = draw_counts(scenario.stable, np.full(runs, EARLIER), self.random)
        self.steps[0] = replace(self.steps[0], earlier=before)
        self.checks: CheckLevels = [
            (_follow(check, scenario), level._replace(outside=level.outside / len(WEIGHTS)))
            for check, level in allot_levels(DEFAULT_CHECKS)
            if check.measure.is_in_samples
        ]
        self.at, self.ended = np.zeros(runs, dtype=int), np.zeros(runs, dtype=int)
        self.came, self.of_canary = np.zeros(runs), np.zeros(runs)

    def run(self, most: int) -> tuple[Any, Any, Any]:
        """Return how each run ended, after how many requests, and after how many of the canary."""
        done = 0
        while done < most and (self.ended == OPEN).any():
            more = min(max(LOOK, int(done * GROWTH)), most - done)
            self._answer(more, done)
            done += more
            for step in range(len(WEIGHTS)):
                runs = np.flatnonzero((self.ended == OPEN) & (self.at == step))
                if runs.size:
                    self._look(step, runs)
        return self.ended, self.came, self.of_canary

    def _answer(self, requests: int, done: int) -> None:
        worse = self.scenario.night if done // 5000 % 2 else 1.0
        for step, weight in enumerate(WEIGHTS):
            here = np.where((self.ended == OPEN) & (self.at == step), requests, 0)
            if not here.any():
                continue
            of_canary = self.random.binomial(here, weight)
            answered = self.steps[step]
            stable, canary = (
                draw_counts(replace(version, errors=version.errors * worse), count, self.random)
                for version, count in (
                    (self.scenario.stable, here - of_canary),
                    (self.scenario.canary[step], of_canary),
                )
            )
            self.steps[step] = replace(answered, stable=answered.stable + stable, canary=answered.canary + canary)
            self.came += here
            self.of_canary += of_canary

    def _look(self, step: int, runs: Runs) -> None:
        """Judge the runs that are in this step, and let them go on, end or stay."""
        is_last = step == len(WEIGHTS) - 1
        # In the last step stable answers nothing, so its answers are those of the step before.
        now = replace(self.steps[step - 1], canary=self.steps[step].canary) if is_last else self.steps[step]
        if self.rule == ANEW:
            outside, within = self._judge([now], runs, is_early=False)
        else:
            compared = self.steps[: step if is_last else step + 1]
            outside, within = self._judge(compared, runs, is_early=step == 0)
            if step:
                worse, well = self._judge([now], runs, is_early=True)
                outside |= worse
                within &= well | (not is_last)
        self.ended[runs[outside]] = SENT_BACK
        enough = np.asarray(self.steps[step].canary.requests)[runs] >= LEAST[step]
        moves = runs[within & ~outside & enough]
        if is_last:
            self.ended[moves] = PROMOTED
        else:
            earlier = self.steps[0].earlier + self.steps[0].stable
            self.steps[step + 1] = replace(self.steps[step + 1], earlier=earlier)
            self.at[moves] += 1

    def _judge(self, steps: Sequence[StepAnswers], runs: Runs, *, is_early: bool) -> tuple[Flags, Flags]:
        """Judge as the product does, all runs at once."""
        outside, within = np.zeros(runs.size, dtype=bool), np.ones(runs.size, dtype=bool)
        canary = sum((step.canary for step in steps), Counts())
        compared = [(check, level, select_runs(compare(check.measure, steps), runs)) for check, level in self.checks]
        for check, level, comparison in compared:
            if check.critical:
                worse = find_outside(check, comparison, level)
                if check.measure.is_latency and check.measure != SLOW and worse.any():  # as hold_slow_machines does
                    worse &= is_p99_over_objective(canary, level)[runs]
                outside |= worse
        for check, level, comparison in compared:
            going = np.flatnonzero(within)
            enough = check.early if is_early else check.tolerance
            within[going] = find_within(check, select_runs(comparison, going), level, enough)
        return outside, within


def _follow(check: Check, scenario: RolloutScenario) -> Check:
    return replace(check, relative_tolerance=scenario.relative_tolerance) if check.measure == ERRORS else check


def _summarise(scenario: RolloutScenario, ended: Any, came: Any, of_canary: Any) -> dict[str, Any]:
    def describe(how: int) -> dict[str, Any]:
        at = came[ended == how]
        quantiles = [int(np.quantile(at, part)) if at.size else None for part in (0.5, 0.9)]
        canary = int(np.median(of_canary[ended == how])) if at.size else None
        return {"runs": int(at.size), "requests": quantiles, "canary_requests": canary}

    return {
        "name": scenario.name,
        "should": scenario.should,
        "runs": len(ended),
        "promoted": describe(PROMOTED),
        "sent_back": describe(SENT_BACK),
    }
