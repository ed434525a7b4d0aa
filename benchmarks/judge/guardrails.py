"""How often and how soon guardrails end rollouts whose truth is known. The data are drawn by code of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from churn.judging.banner_outcomes import is_sure
from churn.judging.checks import GUARDRAILS, Check, Flags
from churn.judging.findings import Levels
from churn.judging.judge import allot_levels
from churn.judging.net_value import STEPS, is_outside, is_within
from churn.judging.sequences import Numbers, Proportions

SUBSCRIBERS: Final = 20_000
LOOK, GROWTH = 20, 1.05
FIRST_STEP: Final = 3_000  # banners
OUTSIDE, WITHIN = "sent back", "surely within"

# Where so many have been counted in each run: whether each run is surely outside and surely within, (runs,).
type Look = Callable[[int], tuple[Flags, Flags]]


@dataclass(frozen=True, slots=True)
class GuardrailScenario:
    """Two versions, and the right verdict of one guardrail.

    Args:
        check: the guardrail's name.
        counted: what the figures count.
        begin: makes the runs, from how many and what draws them.
    """

    name: str
    check: str
    should: str
    counted: str
    begin: Callable[[int, np.random.Generator, Check, Levels], Look]


def simulate_guardrails(runs: int, seed: int) -> list[dict[str, Any]]:
    """Play all scenarios. The same seed gives the same figures."""
    levels = {check.name: (check, level) for check, level in allot_levels(GUARDRAILS)}
    return [
        _simulate(scenario, runs, np.random.default_rng(seed + number), *levels[scenario.check])
        for number, scenario in enumerate(SCENARIOS)
    ]


def _simulate(
    scenario: GuardrailScenario, runs: int, random: np.random.Generator, check: Check, level: Levels
) -> dict[str, Any]:
    look = scenario.begin(runs, random, check, level)
    ended = {name: np.zeros(runs) for name in (OUTSIDE, WITHIN)}
    done = 0
    while done < SUBSCRIBERS:
        more = min(max(LOOK, int(done * (GROWTH - 1))), SUBSCRIBERS - done)
        done += more
        is_open = np.all([at == 0 for at in ended.values()], axis=0)
        for at, flags in zip(ended.values(), look(more), strict=True):
            at[is_open & flags] = done
    return {
        "name": scenario.name,
        "check": scenario.check,
        "should": scenario.should,
        "counted": scenario.counted,
        "runs": runs,
        "ended": {name: int((at > 0).sum()) for name, at in ended.items()},
        "median": {
            name: int(np.median(at[at > 0])) if (at > 0).sum() >= runs / 2 else None for name, at in ended.items()
        },
    }


def _value(change: Callable[[Numbers, np.random.Generator], Numbers]) -> Callable[..., Look]:
    """Play offers: three of ten subscribers have a banner, which is expected to bring from 0 to 80 % of the largest."""

    def begin(runs: int, random: np.random.Generator, check: Check, level: Levels) -> Look:
        people = np.random.default_rng(7)
        stable = np.where(people.random(40_000) < 0.3, people.beta(1.2, 3, 40_000) * 0.8, 0)  # noqa: PLR2004 - as said
        canary = change(stable, people)
        by_chance = people.random(len(stable))
        steps = (np.floor(np.stack([canary, stable]) * STEPS + by_chance)).astype(int)
        pairs, times = np.unique(steps, axis=1, return_counts=True)
        of_canary, of_stable = pairs / STEPS
        counts = np.zeros((runs, len(times)))

        def look(more: int) -> tuple[Flags, Flags]:
            nonlocal counts
            counts = counts + random.multinomial(more, times / times.sum(), runs)
            grid = of_canary, of_stable, counts
            return is_outside(*grid, level.outside, check.tolerance), is_within(*grid, level.within, check.tolerance)

        return look

    return begin


def _train_anew(stable: Numbers, people: np.random.Generator) -> Numbers:
    """Move each offer's value by up to a quarter, evenly in both directions."""
    return np.asarray(stable * people.uniform(0.75, 1.25, len(stable)))


def _lose(share: float) -> Callable[[Numbers, np.random.Generator], Numbers]:
    def lose(stable: Numbers, people: np.random.Generator) -> Numbers:
        """Make exactly this share of the offers' worth go, each offer as a whole."""
        order = people.permutation(len(stable))
        lost = np.cumsum(stable[order]) <= share * stable.sum()
        canary = stable.copy()
        canary[order[lost]] = 0
        return canary

    return lose


def _fare(
    stable: float, canary: float, *, times: float = 1.0, canary_shares: tuple[float, float] = (0.1, 0.5)
) -> Callable[..., Look]:
    """Play banners: so many of those who are shown one do something.

    Args:
        stable, canary: the share who do it.
        times: by which both shares change from the first step to the second.
        canary_shares: of the banners in the two steps, the first of which has 3,000.
    """

    def begin(runs: int, random: np.random.Generator, check: Check, level: Levels) -> Look:
        # The hits and totals of stable and the canary, in each of two steps.
        counts = np.zeros((4, runs, 2))
        done = 0

        def look(more: int) -> tuple[Flags, Flags]:
            nonlocal done
            step = int(done >= FIRST_STEP)
            done += more
            of_canary = random.binomial(more, canary_shares[step], runs)
            for row, banners, share in ((0, more - of_canary, stable), (2, of_canary, canary)):
                counts[row, :, step] += random.binomial(banners, share * (times if step else 1))
                counts[row + 1, :, step] += banners
            samples = Proportions(*counts)
            return is_sure(check, samples, level.outside, "outside"), is_sure(check, samples, level.within, "within")

        return look

    return begin


SUBSCRIBERS_COUNTED: Final = "subscribers answered by both"
BANNERS_COUNTED: Final = "subscribers with a banner, of both"
SCENARIOS: Final = (
    GuardrailScenario(
        "the same version", "net value", "promote", SUBSCRIBERS_COUNTED, _value(lambda stable, _: stable)
    ),
    GuardrailScenario("trained anew", "net value", "promote", SUBSCRIBERS_COUNTED, _value(_train_anew)),
    GuardrailScenario("a tenth less, as tolerated", "net value", "hold", SUBSCRIBERS_COUNTED, _value(_lose(0.1))),
    GuardrailScenario("a quarter less", "net value", "roll back", SUBSCRIBERS_COUNTED, _value(_lose(0.25))),
    GuardrailScenario("half as much", "net value", "roll back", SUBSCRIBERS_COUNTED, _value(_lose(0.5))),
    GuardrailScenario("the same version, 20 % accept", "accepted", "promote", BANNERS_COUNTED, _fare(0.2, 0.2)),
    GuardrailScenario("the same version, 5 % accept", "accepted", "promote", BANNERS_COUNTED, _fare(0.05, 0.05)),
    GuardrailScenario(
        "the same version, 40 % accept, then 8 %", "accepted", "promote", BANNERS_COUNTED, _fare(0.4, 0.4, times=0.2)
    ),
    GuardrailScenario("a quarter less than 20 %, as tolerated", "accepted", "hold", BANNERS_COUNTED, _fare(0.2, 0.15)),
    GuardrailScenario("half the acceptance, 20 % to 10 %", "accepted", "roll back", BANNERS_COUNTED, _fare(0.2, 0.1)),
    GuardrailScenario(
        "half the acceptance, 20 % to 10 %, a canary of 50 %",
        "accepted",
        "roll back",
        BANNERS_COUNTED,
        _fare(0.2, 0.1, canary_shares=(0.5, 0.5)),
    ),
    GuardrailScenario("half the acceptance, 10 % to 5 %", "accepted", "roll back", BANNERS_COUNTED, _fare(0.1, 0.05)),
    GuardrailScenario("the same version, 30 % dismiss", "dismissed", "promote", BANNERS_COUNTED, _fare(0.3, 0.3)),
    GuardrailScenario("twice the dismissals, 30 % to 60 %", "dismissed", "roll back", BANNERS_COUNTED, _fare(0.3, 0.6)),
    GuardrailScenario("the same version, 0.1 % object", "objected", "promote", BANNERS_COUNTED, _fare(0.001, 0.001)),
    GuardrailScenario("objections, 0.1 % to 3 %", "objected", "roll back", BANNERS_COUNTED, _fare(0.001, 0.03)),
)
