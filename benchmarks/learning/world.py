"""The truth of invented worlds: who leaves and who accepts under each action, and what the log says of them.

Nobody's figures are used: every number here is invented. A world draws how strong each offer is, how much contact harms
and how many accept; a subscriber draws how much an offer moves them, which no field tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from benchmarks.learning.menu import BANNER, NO_OFFER, NOTHING, Menu
from benchmarks.learning.population import THRESHOLD, VERSION, Flags, Numbers, Places, Population
from churn.outcomes.exposures import Exposures

HOLDOUT: Final = 0.10
LEAVERS_USE: Final = 0.25  # of what an accepted offer costs, by those who leave all the same
HORIZON_DAYS: Final = 60
DAY_US: Final = 86_400_000_000
START_US: Final = 1_767_225_600_000_000  # 2026-01-01

# By how much an offer moves the log-odds of those whom it fits. The others of a policy move nobody much.
_STRENGTHS: Final = {"yearly-20": 0.95, "loyalty-15": 0.65, "priority-support": 0.85}
_SPREAD, _HIDDEN_SPREAD, _ACCEPTANCE_SPREAD = 0.4, 0.5, 0.25
_SURPRISES: Final = 0.3  # of the offers that move nobody, those which do in this world
_MANY_TICKETS, _LOW_PRICE = 3, 75


@dataclass(frozen=True, slots=True)
class Truth:
    """What would become of n subscribers under each of a actions.

    Args:
        leaving, accepting: the chance that they leave, and that they accept, (n, a).
        harmed: whom contact makes leave, (n,).
    """

    menu: Menu
    leaving: Numbers
    accepting: Numbers
    harmed: Flags

    @property
    def value(self) -> Numbers:
        """Return what an action is worth against nothing, in dollars: (n, a); minus infinity where it is impossible."""
        kept = (self.leaving[:, [NOTHING]] - self.leaving) * self.menu.margin[:, None]
        paid = self.accepting * self.menu.full_cost * (1 - (1 - LEAVERS_USE) * self.leaving)
        return np.where(self.menu.possible, kept - paid, -np.inf)

    @property
    def leavers_caused(self) -> Numbers:
        """Return by how much an action makes them likelier to leave than nothing does: (n, a), never below 0."""
        return np.maximum(self.leaving - self.leaving[:, [NOTHING]], 0)

    def choose_best(self) -> Places:
        """Return what somebody would choose who knew all of it, (n,)."""
        return np.asarray(self.value.argmax(axis=1))


@dataclass(frozen=True, slots=True)
class World:
    """One world. `strengths` and `acceptance` are by action, (a,); `harm` is in log-odds."""

    seed: int
    strengths: Numbers
    acceptance: Numbers
    harm: float

    def meet(self, population: Population, menu: Menu, seed: int) -> Truth:
        """Say what would become of subscribers. `seed` draws what no field tells of them."""
        generator = np.random.default_rng([self.seed, seed])
        hidden = np.maximum(1 + _HIDDEN_SPREAD * generator.standard_normal(len(population)), 0)
        fit, felt = find_fit(population, menu.actions)
        harmed = find_harmed(population)
        moved = -self.strengths * fit * hidden[:, None] + np.where(harmed, self.harm, -0.03)[:, None]
        moved[:, NOTHING] = 0
        accepting = np.clip(self.acceptance * (0.75 + 0.5 * felt[:, None]), 0, 0.98)
        return Truth(menu, 1 / (1 + np.exp(-population.log_odds[:, None] - moved)), accepting, harmed)


def draw_world(menu: Menu, seed: int) -> World:
    """Draw a world; the same seed gives the same one."""
    generator = np.random.default_rng([seed, 0])
    count = len(menu.actions)
    usual = np.array([_STRENGTHS.get(action, 0.0) for action in menu.actions])
    strengths = usual * generator.lognormal(-0.05, _SPREAD, count)
    is_surprise = (usual == 0) & (generator.random(count) < _SURPRISES)
    strengths = np.where(is_surprise, generator.uniform(0.2, 0.6, count), strengths)
    strengths[[NOTHING, BANNER]] = 0
    acceptance = np.minimum(menu.take_up * generator.lognormal(0, _ACCEPTANCE_SPREAD, count), 0.95)
    return World(seed, strengths, acceptance, generator.uniform(0.2, 0.6))


def find_fit(population: Population, actions: tuple[str, ...]) -> tuple[Numbers, Numbers]:
    """Return how well each action fits each subscriber, (n, a), and how much a price is felt, (n,)."""
    columns = population.columns
    is_free = columns["contract_type"] == "month-to-month"
    felt = np.where(is_free, 1, 0.4) / (1 + np.exp((82 - columns["monthly_charges"]) / 7))
    fits = {
        "yearly-20": 1.6 * felt,
        "loyalty-15": 1.5 * felt,
        "priority-support": 1.5 * (columns["num_support_tickets"] >= _MANY_TICKETS) + 0.2,
        "streaming-3-months": 1.5 * (columns["streaming_services"] <= 1),
    }
    everybody = np.ones(len(population))
    return np.stack([fits.get(action, everybody) for action in actions], axis=1), felt


def find_harmed(population: Population) -> Flags:
    """Find those whom a banner reminds of leaving: they never asked for help, and pay little."""
    columns = population.columns
    return np.asarray((columns["num_support_tickets"] == 0) & (columns["monthly_charges"] < _LOW_PRICE))


def compute_propensities(menu: Menu, chosen: Places, *, share: float, holdout: float = HOLDOUT) -> Numbers:
    """Compute the chance of each action: that to be held out, that of a lot among all possible ones, and the rest.

    Args:
        chosen: what the policy chooses, (n,).
        share: on which a lot falls.

    Returns:
        (n, a); each row sums to 1.
    """
    by_lot = share * menu.possible / menu.possible.sum(axis=1, keepdims=True)
    by_lot[np.arange(len(chosen)), chosen] += 1 - share
    chances = (1 - holdout) * by_lot
    chances[:, NOTHING] += holdout
    return chances


def draw_exposures(
    population: Population,
    truth: Truth,
    chosen: Places,
    seed: int,
    *,
    share: float = 0.02,
    holdout: float = HOLDOUT,
    first_day: int = 0,
    days: int = 30,
    policy_sha256: str = "0" * 64,
    experiment: str = "retention-banner-1",
) -> Exposures:
    """Draw what a policy's log and the outcomes would say of subscribers, once everything is known.

    Args:
        chosen: what the policy chooses for each of them, (n,).
        first_day, days: on which they come, counted from the first of January 2026.
    """
    generator = np.random.default_rng([seed, 1])
    menu, count = truth.menu, len(population)
    propensities = compute_propensities(menu, chosen, share=share, holdout=holdout)
    taken = (generator.random(count)[:, None] > propensities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    rows = np.arange(count)
    left = generator.random(count) < truth.leaving[rows, taken]
    accepted = (generator.random(count) < truth.accepting[rows, taken]) & (taken >= len(NO_OFFER))
    paid = accepted * menu.full_cost[rows, taken] * np.where(left, LEAVERS_USE, 1.0)
    time = START_US + first_day * DAY_US + generator.integers(0, days * DAY_US, count)
    # Of those who were shown nothing, as many were held out as the chances say.
    held_out = (taken == NOTHING) & (generator.random(count) < holdout / propensities[:, NOTHING])
    return Exposures(
        actions=menu.actions,
        feature_names=tuple(population.contract.feature_names()),
        time=time,
        identity=np.array([f"{seed}-{row}" for row in rows], dtype=object),
        experiment=np.full(count, experiment, dtype=object),
        model_version=np.full(count, VERSION, dtype=object),
        policy_sha256=np.full(count, policy_sha256, dtype=object),
        features=population.features,
        probability=population.probability,
        threshold=np.full(count, THRESHOLD),
        holdout_share=np.full(count, holdout),
        held_out=held_out,
        propensities=propensities,
        taken=taken,
        reasons=population.list_reasons(),
        left=left,
        accepted=accepted.astype(np.float64),
        paid=paid,
        days_until_left=np.where(left, generator.integers(1, HORIZON_DAYS, count), np.nan),
    )


def join_exposures(parts: Sequence[Exposures]) -> Exposures:
    """Put exposures with the same actions together."""
    first = parts[0]
    joined: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(first)
        if isinstance(getattr(first, field.name), np.ndarray)
    }
    return replace(first, reasons=[shown for part in parts for shown in part.reasons], **joined)
