"""What each way of learning earns by how much has been logged, once, on subscribers whom nobody has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from benchmarks.learning.menu import choose_by_assumptions
from benchmarks.learning.population import PROTECTED, Places
from benchmarks.learning.rules import ORACLE, RULES, SHARE, Knowledge, Rule, choose
from benchmarks.learning.world import Truth, World, draw_exposures, draw_world
from benchmarks.learning.year import Stage
from churn.learning.measures import Rates
from churn.learning.rates import estimate_rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures
from churn.training.uplift.boosting import Adjustment, fit_adjustment
from churn.training.uplift.lessons import blank_columns, collect_lessons, split_subscribers
from churn.training.uplift.training import FOLDS

ABOVE: Final = 0.38  # of the visitors, those above the threshold
SIZES: Final = (5_000, 20_000, 100_000)
LONG_SIZES: Final = (*SIZES, 500_000)
UNGATED: Final = "re-estimates and uplift, without its gate"
BY_FIELDS: Final = "the best that the fields allow"
_HIDDEN_DRAWS: Final = 20


def play_size(logged: Stage, fresh: Stage, seed: int, visitors: int) -> dict[str, float]:
    """Learn once from so many visitors, and return what each rule then earns a subscriber of the fresh ones."""
    world = draw_world(logged.menu, seed)
    rows = np.random.default_rng([seed, visitors]).permutation(len(logged.population))[: round(ABOVE * visitors)]
    population, menu = logged.population.choose(rows), logged.menu.choose(rows)
    chosen = choose_by_assumptions(menu, population.probability)
    exposures = draw_exposures(population, world.meet(population, menu, visitors), chosen, seed, share=SHARE)
    new = world.meet(fresh.population, fresh.menu, 0)
    choices = {}
    for rule in RULES:
        knowledge = _learn(rule, logged, rows, exposures)
        name = UNGATED if rule.uplift else rule.name  # without the gate it says what an uplift would earn
        choices[name] = choose(rule, knowledge, fresh.stakes[rule.segments], fresh.population)
    choices |= {BY_FIELDS: _choose_by_fields(world, fresh), ORACLE: new.choose_best()}
    return {name: _find_worth(new, choice) for name, choice in choices.items()}


def _learn(rule: Rule, logged: Stage, rows: Places, exposures: Exposures) -> Knowledge:
    if not rule.learns:
        return Knowledge(logged.read_rates(rule))
    stakes = logged.stakes[rule.segments].choose(rows)
    rates = estimate_rates(exposures, stakes)
    return Knowledge(rates, _fit(exposures, stakes, rates) if rule.uplift else None)


def _fit(exposures: Exposures, stakes: Stakes, rates: Rates) -> Adjustment:
    shown = replace(exposures, features=blank_columns(exposures.features, exposures.feature_names, PROTECTED))
    folds = split_subscribers(shown, FOLDS, seed=0)
    return fit_adjustment(collect_lessons(shown, stakes, rates, folds), folds, seed=0)


def _choose_by_fields(world: World, fresh: Stage) -> Places:
    """Choose as somebody would who knows all but what no field tells: by the mean over it."""
    total = np.zeros(fresh.menu.possible.shape)
    for draw in range(_HIDDEN_DRAWS):
        total += world.meet(fresh.population, fresh.menu, 1_000 + draw).value
    return np.asarray(total.argmax(axis=1))


def _find_worth(truth: Truth, chosen: Places) -> float:
    return float(truth.value[np.arange(len(chosen)), chosen].mean())
