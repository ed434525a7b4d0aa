"""A small simulated world for tests: subscribers with the scores of a real bundle, and the truth about them."""

import tempfile
from functools import cache
from pathlib import Path

from benchmarks.learning.menu import Menu, choose_by_assumptions, read_menu
from benchmarks.learning.population import Places, Population, draw_population, train_champion
from benchmarks.learning.world import Truth, draw_exposures, draw_world
from churn.model.bundle import Bundle
from churn.outcomes.exposures import Exposures
from churn.retention.offers.document import PolicyDocument
from churn.retention.offers.policy import read_policy
from support.policies import POLICY


@cache
def find_champion() -> Bundle:
    """Return the bundle of a small model; it is trained once in each process."""
    with tempfile.TemporaryDirectory() as folder:
        return train_champion(Path(folder))


@cache
def find_population(visitors: int, seed: int = 0, *, everybody: bool = False) -> Population:
    """Return those above the threshold among so many visitors (0.38 of them), or everybody."""
    return draw_population(find_champion().model, visitors, seed, everybody=everybody)


@cache
def find_policy_document() -> PolicyDocument:
    """Return what the policy that tests know by heart says."""
    return read_policy(POLICY).document


@cache
def find_world(visitors: int, seed: int = 0) -> tuple[Population, Menu, Truth]:
    """Return subscribers above the threshold, what the policy says of them, and the truth of a world."""
    population = find_population(visitors, seed)
    menu = read_menu(population, find_policy_document())
    return population, menu, draw_world(menu, seed).meet(population, menu, seed)


def find_exposures(
    visitors: int, seed: int = 0, *, share: float = 0.02, chosen: Places | None = None
) -> tuple[Exposures, Truth]:
    """Return what the log says of them under a choice, StreamFlow's policy's own if none is given, and the truth."""
    population, menu, truth = find_world(visitors, seed)
    chosen = choose_by_assumptions(menu, population.probability) if chosen is None else chosen
    return draw_exposures(population, truth, chosen, seed, share=share), truth
