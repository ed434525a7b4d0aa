"""How sure a difference of two versions is, against formulas and simulations that are not ours."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from churn.training.comparison import FEWEST_OF_A_LABEL, Difference, compare, compare_aucs


def draw(rows: int, seed: int, *, worse: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and the probabilities of two models that see the truth with noise of their own."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(0, 1.5, rows)
    labels = (generator.random(rows) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    own, other = (truth + generator.normal(0, noise, rows) for noise in (0.3 + worse, 0.3))
    return labels, 1 / (1 + np.exp(-own)), 1 / (1 + np.exp(-other))


def test_the_standard_error_of_an_auc_difference_is_what_resampling_gives() -> None:
    labels, own, other = draw(600, seed=1)
    difference = compare_aucs(labels, own, other)
    assert difference.value == pytest.approx(roc_auc_score(labels, own) - roc_auc_score(labels, other))
    generator = np.random.default_rng(2)
    resampled = []
    for _ in range(200):
        at = generator.integers(0, len(labels), len(labels))
        resampled.append(roc_auc_score(labels[at], own[at]) - roc_auc_score(labels[at], other[at]))
    assert difference.standard_error == pytest.approx(np.std(resampled), rel=0.2)


def test_a_version_beside_itself_has_no_difference_and_no_doubt() -> None:
    labels, own, _ = draw(300, seed=3)
    assert compare_aucs(labels, own, own) == Difference(0.0, 0.0)


def test_only_rows_that_the_other_one_was_not_trained_on_count() -> None:
    labels, own, other = draw(1000, seed=4)
    unseen = np.arange(1000) < 400
    comparison = compare(labels, own, other, unseen)
    assert (comparison.rows, comparison.of_rows, comparison.is_unseen) == (400, 1000, True)
    assert comparison.own is not None
    assert comparison.own.auc == pytest.approx(roc_auc_score(labels[:400], own[:400]))
    assert comparison.log_loss is not None
    losses = [log_loss(labels[:400], scores[:400]) for scores in (own, other)]
    assert comparison.log_loss.value == pytest.approx(losses[0] - losses[1])
    assert not compare(labels, own, other, None).is_unseen


def test_too_few_rows_of_a_label_are_not_compared() -> None:
    labels, own, other = draw(1000, seed=5)
    few = np.flatnonzero(labels)[: FEWEST_OF_A_LABEL - 1]
    unseen = (labels == 0) | np.isin(np.arange(1000), few)
    comparison = compare(labels, own, other, unseen)
    assert (comparison.fewest, comparison.own, comparison.auc) == (FEWEST_OF_A_LABEL - 1, None, None)
