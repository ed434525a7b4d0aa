"""What a method is: trees of one library, built by like parameters, that one object knows all about."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.training.groups import Labels, Weights

# Sums are rounded differently for each number of threads. So a fixed number makes the same trees on every machine.
# It is one: more threads only wait for each other where cores are shared, and a fit takes about a second.
THREADS = 1
MOST_TREES, PATIENCE = 1000, 50

type Directions = Sequence[int]
"""Of all features: 1 where the risk may only rise with the value, -1 where it may only fall, else 0."""
type Params = Mapping[str, int | float]
"""`trees`, and the library's own parameters by their names."""
type Labelled = tuple[Rows, Labels]


class Method(ABC):
    """A method that is compared."""

    name: ClassVar[str]
    compared: ClassVar[Params]
    """What it is compared with: like settings for all, and trees of about 16 leaves."""

    @abstractmethod
    def build(self, directions: Directions, seed: int, params: Params) -> Any:
        """Build a classifier, which is not fitted yet."""


class ServableMethod(Method):
    """A method whose models can be served, so that a release may be made of one."""

    size: ClassVar[str]
    """The parameter that limits how large a tree is."""
    plain_sizes: ClassVar[tuple[int, ...]]
    """Of these the folds choose where nobody tuned. The smallest comes first: trees of a single split."""
    plain: ClassVar[Params]
    """All other parameters where nobody tuned, but the number of trees."""

    @abstractmethod
    def fit(
        self,
        contract: type[Contract],
        rows: Rows,
        labels: Labels,
        params: Params,
        seed: int = 0,
        *,
        weights: Weights | None = None,
    ) -> TrainedModel:
        """Fit a model that honours the contract's monotone directions and knows its features by name.

        Args:
            contract: of the model.
            rows: float32 (n, features), as `contract.encode_columns` makes them.
            labels: 0 (stayed) or 1 (left), (n,).
            params: of the trees.
            seed: for the sampling of rows and columns; the same seed is the same model.
            weights: for how many each row stands; each for itself if not given.
        """

    @abstractmethod
    def stop_early(
        self, directions: Directions, seed: int, params: Params, seen: Labelled, unseen: Labelled
    ) -> tuple[npt.NDArray[np.floating[Any]], int]:
        """Add trees until the log loss of the unseen rows has not fallen for 50 trees, at most 1,000.

        Return the probabilities of the unseen rows by the best number of trees, and this number.
        """

    @abstractmethod
    def calibrate(self, model: TrainedModel, slope: float, intercept: float) -> TrainedModel:
        """Return the model whose log-odds are those of one fitted here, times the slope, plus the intercept.

        Both go into its trees and where these begin, so its contributions add up to its log-odds as before.
        """

    @abstractmethod
    def suggest(self, trial: Any) -> dict[str, int | float]:
        """Draw parameters for a trial of Optuna, all but the number of trees."""

    def count_leaves(self, params: Params) -> int:
        """Count the most leaves that a tree may have."""
        return int(params[self.size])


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a release is fitted: a method with its parameters. The same file always gives the same model."""

    method: ServableMethod
    params: Params
    seed: int

    def fit(self, contract: type[Contract], rows: Rows, labels: Labels, weights: Weights | None = None) -> TrainedModel:
        """Fit one model as all of this release are fitted."""
        return self.method.fit(contract, rows, labels, self.params, self.seed, weights=weights)


def suggest_number(trial: Any, name: str, low: float, high: float, *, log: bool = False) -> float:
    """Draw a number to three significant digits."""
    return float(f"{trial.suggest_float(name, low, high, log=log):.3g}")


def split_trees(params: Params) -> tuple[int, dict[str, Any]]:
    """Return the number of trees, and the library's own parameters."""
    own = dict(params)
    return int(own.pop("trees")), own
