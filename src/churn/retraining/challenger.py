"""The challenger: fitted by the champion's recipe, calibrated out of fold, and measured on rows that it never saw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.retraining.mixture import Mixture
from churn.training.calibration import Calibration, calibrate, compute_out_of_fold
from churn.training.comparison import Comparison, average_differences, compare, compute_losses
from churn.training.evaluation import Evaluation, compute_shares, evaluate, rank_features
from churn.training.folds import SEED
from churn.training.groups import Labels, Weights
from churn.training.holdout import Mask
from churn.training.methods.method import Recipe

type Weighting = Literal["what they tell", "whom they stand for"]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are held out, with labels, probabilities of both versions and weights, all (n,)."""

    labels: Labels
    challenger: npt.NDArray[np.float64]
    champion: npt.NDArray[np.float64]
    weights: Weights

    def compare(self) -> Comparison:
        """Compare the challenger with the champion; neither was trained on these rows."""
        unseen = np.ones(len(self.labels), dtype=np.bool_)
        return compare(self.labels, self.challenger, self.champion, unseen, self.weights)

    def choose(self, rows: Mask) -> "Part":
        """Return some of the rows."""
        return Part(self.labels[rows], self.challenger[rows], self.champion[rows], self.weights[rows])


@dataclass(frozen=True, slots=True)
class Challenger:
    """A challenger and what was measured of it, and of the champion, on rows that neither saw.

    Args:
        evaluation: of the challenger on the whole holdout, the log's rows by their weights.
        everything: the challenger beside the champion on the whole holdout.
        log: the same on the log's part: how they would do had nobody been treated.
        weighting: by what the log's rows were weighed.
        shown: the holdout drawn anew by its weights, so that equal rows stand for equally many, (m, features).
        strengths: mean |SHAP| by feature on `shown`, largest first.
    """

    model: TrainedModel
    recipe: Recipe
    calibration: Calibration
    evaluation: Evaluation
    holdout: Part
    everything: Comparison
    log: Comparison
    weighting: Weighting
    shown: Rows
    strengths: Mapping[str, float]

    @property
    def shares(self) -> dict[str, float]:
        """Return each feature's share of the sum of strengths."""
        return compute_shares(self.strengths)


def fit_challenger(
    contract: type[Contract],
    mixture: Mixture,
    recipe: Recipe,
    champion: Callable[[Rows], npt.NDArray[np.float64]],
    say: Callable[[str], None] = lambda _: None,
) -> Challenger:
    """Fit a challenger, and measure it beside the champion.

    Args:
        contract: of both.
        mixture: rows to train on and to measure with.
        recipe: the champion's method and parameters.
        champion: returns its probabilities of rows, (n,).
        say: told what is being done.
    """
    train = ~mixture.is_held_out
    say("comparing two ways to weigh the log's rows, out of fold")
    weighting = choose_weighting(contract, mixture, recipe)
    say(f"the log's rows count by {weighting}")
    if weighting == "whom they stand for":
        mixture = replace(mixture, weights=mixture.stands_for)
    rows, labels, weights = mixture.rows[train], mixture.labels[train], mixture.weights[train]
    say(f"fitting {recipe.method.name} to {len(labels):,} rows, {int(mixture.is_logged[train].sum()):,} of the log")
    model = recipe.fit(contract, rows, labels, weights)
    say("checking the calibration out of fold")
    model, calibration = calibrate(contract, model, rows, labels, recipe, groups=mixture.groups[train], weights=weights)
    say(calibration.describe())
    say("measuring it beside the champion on rows that neither saw")
    held = mixture.is_held_out
    unseen = mixture.rows[held]
    holdout = Part(
        mixture.labels[held],
        np.asarray(model.predict(unseen), dtype=np.float64),
        np.asarray(champion(unseen), dtype=np.float64),
        mixture.weights[held],
    )
    shown = unseen[draw_by_weight(holdout.weights)]
    return Challenger(
        model=model,
        recipe=recipe,
        calibration=calibration,
        evaluation=evaluate(holdout.labels, holdout.challenger, SEED, holdout.weights),
        holdout=holdout,
        everything=holdout.compare(),
        log=holdout.choose(mixture.is_logged[held]).compare(),
        weighting=weighting,
        shown=shown,
        strengths=rank_features(contract, model, shown),
    )


def choose_weighting(contract: type[Contract], mixture: Mixture, recipe: Recipe) -> Weighting:
    """Choose how the log's rows count: by whom they stand for only where that is surely better on the log.

    Both are fitted on the same folds. Better is the log loss of the log's rows that the fold did not see, weighed, by
    more than one standard error.
    """
    train, logged = ~mixture.is_held_out, mixture.is_logged[~mixture.is_held_out]
    if not logged.any():
        return "what they tell"
    rows, labels, groups = mixture.rows[train], mixture.labels[train], mixture.groups[train]
    losses = []
    for weights in (mixture.weights[train], mixture.stands_for[train]):
        margins = compute_out_of_fold(contract, rows, labels, recipe, groups=groups, weights=weights)
        losses.append(compute_losses(labels[logged], expit(margins[logged])))
    gain = average_differences(losses[0] - losses[1], mixture.stands_for[train][logged])
    return "whom they stand for" if gain.value > gain.standard_error else "what they tell"


def draw_by_weight(weights: Weights) -> npt.NDArray[np.intp]:
    """Draw as many places as there are weights, each as often as its weight says, by one even comb of them.

    It is systematic sampling from the middle of each part (Kish 1965), so the same weights give the same places.
    """
    ends = np.cumsum(weights)
    comb = (np.arange(len(weights)) + 0.5) * (ends[-1] / len(weights))
    places = np.searchsorted(ends, comb, side="right")
    return np.asarray(np.minimum(places, len(weights) - 1), dtype=np.intp)
