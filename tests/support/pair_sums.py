"""Pairs of two invented models, whose contributions differ by noise."""

import numpy as np

from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.model.pairs import ModelAnswers
from churn.shadow.reading import BundlePair
from churn.shadow.sums import PairBlock, PairSums

BUNDLES = BundlePair("v1", "a" * 64, "v2", "b" * 64)


def block(contract: type[Contract], *, seed: int, noise: float, count: int = 100) -> PairBlock:
    """Subscribers of a contract, as both models answer them; without noise both say the same."""
    generator = np.random.default_rng(seed)
    values = contract.encode_columns(draw_columns(contract, generator, count)).astype(np.float64)
    contributions = generator.normal(0, 0.5, values.shape)
    return PairBlock(
        values,
        np.full(count, 0.6),
        _side(contributions),
        _side(contributions + noise * generator.normal(size=values.shape)),
    )


def sum_up(contract: type[Contract], *blocks: PairBlock) -> PairSums:
    sums = PairSums(contract)
    for pairs in blocks:
        sums.add(pairs)
    return sums


def _side(contributions: np.ndarray) -> ModelAnswers:
    return ModelAnswers(np.round(1 / (1 + np.exp(-contributions.sum(axis=1))), 4), contributions)
