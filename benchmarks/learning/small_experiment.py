"""A small experiment whose truth is known: three offers, two segments, drawn without any of the code under test."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures

ACTIONS = ("nothing", "banner alone", "yearly", "loyal", "support")
ASSUMED_SAVES = np.array([0, 0, 0.30, 0.24, 0.18])
ASSUMED_TAKE_UP = np.array([0, 0, 0.3, 0.6, 0.5])
FULL_COST = np.array([0, 0, 120.0, 60.0, 18.0])
HOLDOUT, POSSIBLE = 0.10, 0.7
FIRST_OFFER = 2


@dataclass(frozen=True)
class Truth:
    """What is true of each action: the strength in both segments, (2, a), who accepts, and what leavers use up."""

    strength: np.ndarray
    take_up: np.ndarray
    leavers_use: float


class Experiment(NamedTuple):
    exposures: Exposures
    stakes: Stakes


TRUTH = Truth(
    strength=np.array([[0, 0, 0.9, 0.2, 1.2], [0, 0, 0.1, 0.8, -0.5]]),
    take_up=np.array([0, 0, 0.25, 0.7, 0.5]),
    leavers_use=0.25,
)


def draw_experiment(seed: int, count: int, truth: Truth = TRUTH, *, explore: float = 0.10) -> Experiment:
    """Draw subscribers, who get an action by lot: mostly the one that looks best, which differs by their number."""
    random = np.random.default_rng(seed)
    probability = random.uniform(0.6, 0.95, count)
    segment = random.integers(0, 2, count)
    possible = np.column_stack([np.ones((count, 2), bool), random.random((count, 3)) < POSSIBLE])
    best = np.where(possible[:, 2:].any(axis=1), 2 + possible[:, 2:].argmax(axis=1), 1)
    chances = possible * (explore / possible.sum(axis=1))[:, None]
    chances[np.arange(count), best] += 1 - explore
    chances *= 1 - HOLDOUT
    chances[:, 0] += HOLDOUT
    held_out = random.random(count) < HOLDOUT
    by_policy = ((chances - HOLDOUT * np.eye(len(ACTIONS))[0]) / (1 - HOLDOUT)).cumsum(axis=1)
    by_lot = (random.random(count)[:, None] > by_policy).sum(axis=1).clip(0, len(ACTIONS) - 1)
    taken = np.where(held_out, 0, by_lot)
    without = np.clip(probability * 0.9 + 0.05, 0, 1)  # the model is not quite right
    left = random.random(count) < without - probability * ASSUMED_SAVES[taken] * truth.strength[segment, taken]
    is_offer = taken >= FIRST_OFFER
    accepted = np.where(is_offer, random.random(count) < truth.take_up[taken], np.nan)
    paid = np.where(accepted == 1, FULL_COST[taken] * np.where(left, truth.leavers_use, 1), np.nan)
    exposures = Exposures(
        actions=ACTIONS,
        feature_names=(),
        time=np.arange(count, dtype=np.int64) * 10**6,
        identity=np.array([f"subscriber-{at}" for at in range(count)], dtype=object),
        experiment=np.full(count, "small-1", dtype=object),
        model_version=np.full(count, "v1", dtype=object),
        policy_sha256=np.full(count, "0" * 64, dtype=object),
        features=np.zeros((count, 0)),
        probability=probability,
        threshold=np.full(count, 0.6),
        holdout_share=np.full(count, HOLDOUT),
        held_out=held_out,
        propensities=chances,
        taken=taken,
        reasons=[("price",)] * count,
        left=left,
        accepted=accepted,
        paid=paid,
        days_until_left=np.where(left, 30.0, np.nan),
    )
    stakes = Stakes(
        actions=ACTIONS,
        margin=random.uniform(200, 600, count),
        worth=np.full(len(ACTIONS), np.nan),
        full_cost=np.broadcast_to(FULL_COST, possible.shape),
        take_up=ASSUMED_TAKE_UP,
        leavers_use=np.ones(len(ACTIONS)),
        months=np.zeros(len(ACTIONS)),
        fixed_cost=FULL_COST,
        saves=np.where(possible, ASSUMED_SAVES, np.nan),
        offers=np.arange(2, len(ACTIONS)),
        segments=("first", "others"),
        segment=segment,
    )
    return Experiment(exposures, stakes)
