"""The booster of an uplift: plain trees of squared error over features and a column for each action."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xgboost

from churn.explain.specialising import specialise_booster
from churn.outcomes.exposures import Numbers
from churn.training.uplift.lessons import Lessons, Places, mark_action

MOST_ROUNDS: Final = 240
PATIENCE: Final = 40  # rounds without a smaller error in a fold, after which it ends
PARAMS: Final[dict[str, Any]] = {
    "objective": "reg:squarederror",
    "base_score": 0.0,  # no round, no adjustment
    "max_depth": 3,
    "eta": 0.05,  # with 0.15 the first rounds take more noise along, and the error out of fold ends it sooner
    "max_bin": 48,
    "subsample": 0.8,
    "reg_lambda": 20,
}
LEAST_LEAF, LEAVES_OF_ALL = 20, 400  # a leaf weighs at least so much, or this part of all subscribers

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a booster adds to the effects that a policy says.

    Args:
        actions: that it was fitted to, k of them.
        booster: over p features and k columns; None if no round made it better.
        rounds: of boosting; 0 if none.
        gain: the share of the squared error that these rounds take away, out of fold.
    """

    actions: tuple[str, ...]
    booster: xgboost.Booster | None
    rounds: int
    gain: float

    def specialise(self) -> dict[str, xgboost.Booster]:
        """Return each action's own booster over the features; none without rounds."""
        if self.booster is None:
            return {}
        features = self.booster.num_features() - len(self.actions)
        return {
            action: specialise_booster(
                self.booster, {features + at: float(at == place) for at in range(len(self.actions))}
            )
            for place, action in enumerate(self.actions)
        }

    def adjust(self, features: Numbers, actions: tuple[str, ...]) -> Numbers:
        """Return what is added to each action's effect, in points of leaving prevented, (n, a); 0 if nothing."""
        added = np.zeros((len(features), len(actions)))
        if self.booster is None:
            return added
        told = features.astype(np.float32)
        for place, action in enumerate(self.actions):
            if action in actions:
                marked = np.hstack([told, mark_action(len(told), place, len(self.actions))])
                added[:, actions.index(action)] = self.booster.predict(xgboost.DMatrix(marked))
        return np.asarray(np.round(added, 4))  # as the service does, before anything is decided on it


def fit_adjustment(
    lessons: Lessons,
    folds: Places,
    *,
    seed: int,
    threads: int = 1,
    rounds: int = MOST_ROUNDS,
    progress: Progress = lambda _done, _total: None,
) -> Adjustment:
    """Fit a booster with as many rounds as make the squared error least, out of fold.

    Args:
        folds: of the rows of the log, (n,).
        rounds: at most.
        progress: told how many of the fits are done, of how many.
    """
    if not len(lessons.row):
        return Adjustment((), None, 0, 0.0)
    own, numbers = folds[lessons.row], np.unique(folds)
    params = {**PARAMS, "seed": seed, "nthread": threads, "min_child_weight": _weigh_leaf(lessons)}
    loss = np.zeros(rounds + 1)
    for done, fold in enumerate(numbers):
        seen, unseen = (_build_matrix(lessons, part) for part in (own != fold, own == fold))
        history: dict[str, dict[str, list[float]]] = {}
        xgboost.train(
            params,
            seen,
            rounds,
            evals=[(unseen, "unseen")],
            evals_result=history,
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        weight, errors = lessons.weight[own == fold], np.square(history["unseen"]["rmse"])
        loss[0] += (weight * lessons.target[own == fold] ** 2).sum()
        loss[1:] += weight.sum() * np.pad(errors, (0, rounds - len(errors)), mode="edge")
        progress(done + 1, len(numbers) + 1)
    best = int(loss.argmin())
    booster = None
    if best:
        booster = xgboost.train(params, _build_matrix(lessons, np.ones(len(own), dtype=bool)), best)
    progress(len(numbers) + 1, len(numbers) + 1)
    return Adjustment(lessons.actions, booster, best, float(1 - loss[best] / loss[0]) if loss[0] else 0.0)


def _weigh_leaf(lessons: Lessons) -> float:
    return max(LEAST_LEAF, len(np.unique(lessons.row)) / LEAVES_OF_ALL)


def _build_matrix(lessons: Lessons, part: np.ndarray[Any, np.dtype[np.bool_]]) -> xgboost.DMatrix:
    return xgboost.DMatrix(lessons.features[part], lessons.target[part], weight=lessons.weight[part])
