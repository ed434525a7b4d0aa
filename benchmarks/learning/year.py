"""A year in months: what each rule would earn, and how many leavers it would cause, where the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.learning.menu import NOTHING, Menu, read_menu
from benchmarks.learning.population import Places, Population, draw_population
from benchmarks.learning.rules import ORACLE, RULES, Knowledge, Rule, choose, learn, make_policy
from benchmarks.learning.world import Truth, compute_propensities, draw_exposures, draw_world, join_exposures
from churn.learning.measures import Rates, read_rates
from churn.learning.stakes import Stakes, weigh_exposures
from churn.model.bundle import load_bundle
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy

MONTHS: Final = 12
A_MONTH: Final = 3_000  # subscribers above the threshold who come for the first time
RIPE_AFTER: Final = 3  # months: what became of a month is known two months after its end
QUARTER: Final = 3  # months between two trainings of an uplift
_DAYS_A_MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class Stage:
    """What all worlds share: subscribers above the threshold, and what each rule's policy says of them.

    Args:
        policies, stakes: by the text of the segments.
    """

    population: Population
    menu: Menu
    policies: dict[str, Policy]
    stakes: dict[str, Stakes]

    def read_rates(self, rule: Rule) -> Rates:
        """Return the rates that a rule begins with."""
        return read_rates(self.policies[rule.segments], self.stakes[rule.segments].actions)


@dataclass(frozen=True, slots=True)
class Earned:
    """What a rule earned against showing nobody anything, in dollars, and how many more left by what it did."""

    money: float
    leavers_caused: float


@cache
def set_stage(bundle: Path, visitors: int, seed: int, segments: tuple[str, ...]) -> Stage:
    """Draw subscribers, and let each policy say what it puts at stake; once in each process."""
    population = draw_population(load_bundle(bundle).model, visitors, seed)
    policies = {text: make_policy(population.contract, text) for text in segments}
    menu = read_menu(population, policies[segments[0]].document)
    nobody = np.full(len(population), NOTHING)
    unknown = np.zeros(menu.possible.shape)
    truth = Truth(menu, unknown, unknown, np.zeros(len(population), dtype=bool))
    rows = draw_exposures(population, truth, nobody, seed)
    stakes = {text: weigh_exposures(rows, policy, population.contract) for text, policy in policies.items()}
    return Stage(population, menu, policies, stakes)


def play_year(stage: Stage, seed: int, rules: Sequence[Rule] = RULES, *, a_month: int = A_MONTH) -> dict[str, Earned]:
    """Play one world with all rules, and the oracle. The same subscribers come to each."""
    world = draw_world(stage.menu, seed)
    comes = np.random.default_rng([seed, 2]).permutation(len(stage.population))[: MONTHS * a_month]
    months = []
    for number, rows in enumerate(np.split(comes, MONTHS)):
        population, menu = stage.population.choose(rows), stage.menu.choose(rows)
        months.append((rows, population, world.meet(population, menu, number)))
    earned = {rule.name: _play_rule(stage, rule, months, seed) for rule in rules}
    best = [count_earned(truth, truth.choose_best(), share=0.0) for _, _, truth in months]
    return earned | {ORACLE: _sum_up(best)}


def count_earned(truth: Truth, chosen: Places, *, share: float) -> Earned:
    """Count what a choice is expected to earn, with the holdout and the lots that go with it."""
    chances = compute_propensities(truth.menu, chosen, share=share)
    value = np.where(truth.menu.possible, truth.value, 0)
    return Earned(float((chances * value).sum()), float((chances * truth.leavers_caused).sum()))


def _play_rule(stage: Stage, rule: Rule, months: Sequence[tuple[Places, Population, Truth]], seed: int) -> Earned:
    stakes, log = stage.stakes[rule.segments], list[tuple[Places, Exposures]]()
    knowledge, earned = Knowledge(stage.read_rates(rule)), []
    for number, (rows, population, truth) in enumerate(months):
        if rule.learns and (ripe := log[: max(number - RIPE_AFTER + 1, 0)]):
            known = np.concatenate([rows for rows, _ in ripe])
            exposures = join_exposures([part for _, part in ripe])
            trains = number % QUARTER == 0
            knowledge = learn(rule, knowledge, exposures, stakes.choose(known), trains=trains, seed=seed)
        chosen = choose(rule, knowledge, stakes.choose(rows), population)
        earned.append(count_earned(truth, chosen, share=rule.share))
        drawn = draw_exposures(
            population,
            truth,
            chosen,
            seed * MONTHS + number,
            share=rule.share,
            first_day=number * _DAYS_A_MONTH,
            days=_DAYS_A_MONTH,
        )
        log.append((rows, drawn))
    return _sum_up(earned)


def _sum_up(months: Sequence[Earned]) -> Earned:
    return Earned(sum(month.money for month in months), sum(month.leavers_caused for month in months))
