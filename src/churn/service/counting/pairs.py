"""What the challenger answered, counted beside what was answered."""

from collections.abc import Sequence

import numpy as np

from churn.answers import TIERS
from churn.judging import metrics
from churn.judging.metrics import Metric
from churn.model.model import Prediction
from churn.model.pairs import STEPS, ModelAnswers, Whole, compare_answers
from churn.prediction_log.challenger import Challenger, Miss, Pair
from churn.service.counting.counters import Counters

BANNERS = 2  # without and with


class PairCounter:
    """Counts what becomes of each answer that a challenger is to answer too.

    The prediction log's thread calls it, and alone writes to these cells.
    """

    def __init__(self, challenger: Challenger, counters: Counters, *, threshold: float) -> None:
        self._cells = counters.cells
        self._layout = counters.layout
        self._threshold = threshold
        self._tiers = challenger.model.contract.tiers
        self._outcomes = counters.layout[metrics.SHADOW].first_cells()
        counters.challenger = (challenger.model.version, challenger.bundle_sha256)

    def count_pairs(self, pairs: Sequence[Pair]) -> None:
        """Compare the answers of both, and count."""
        champion, challenger = zip(*pairs, strict=True)
        difference = compare_answers(_side(champion), _side(challenger), self._threshold, self._tiers)
        apart = np.abs(difference.shift) / STEPS
        self._add(metrics.SHADOW_TIERS, difference.champion_tier * len(TIERS) + difference.challenger_tier)
        self._add(metrics.SHADOW_BANNERS, difference.champion_banner * BANNERS + difference.challenger_banner)
        bounds = metrics.SHADOW_DIFFERENCE.bounds
        self._add(metrics.SHADOW_DIFFERENCE, np.searchsorted(bounds, apart))
        self._cells[self._layout[metrics.SHADOW_DIFFERENCE].first + len(bounds) + 1] += float(apart.sum())
        agreements = (difference.same_set, difference.same_order, difference.same_signs)
        for cell, is_same in zip(self._layout[metrics.SHADOW_TOP].first_cells().values(), agreements, strict=True):
            self._cells[cell] += int(is_same.sum())
        self._outcome("paired", len(pairs))

    def count_misses(self, why: Miss, count: int) -> None:
        """Count answers that the challenger did not give."""
        self._outcome(why, count)

    def _outcome(self, outcome: str, answers: int) -> None:
        self._cells[self._outcomes[outcome,]] += answers

    def _add(self, metric: Metric, numbers: Whole) -> None:
        """Add one to the cell of a metric that has each of these numbers."""
        for cell, count in enumerate(np.bincount(numbers).tolist(), self._layout[metric].first):
            if count:
                self._cells[cell] += count


def _side(predictions: Sequence[Prediction]) -> ModelAnswers:
    probabilities, _, contributions, _ = zip(*predictions, strict=True)
    return ModelAnswers(np.array(probabilities), np.array(contributions))
