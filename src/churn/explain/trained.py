"""A fitted model in the library that fitted it: what compiling, proving, measuring and sealing ask of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.explain.tree_by_tree import Progress
from churn.explain.trees import Ensemble

AT_ONCE = 5_000


class TrainedModel(Protocol):
    """A model that says log-odds of leaving. Rows are float32 (n, features), in the model's own order."""

    library: ClassVar[str]
    """What the library is called."""
    file_name: ClassVar[str]
    """Of its file in a bundle, which nothing can run code from when it is read."""
    proof_rows: ClassVar[int]
    """Adversarial rows that tables are compared on: as many as the library explains in about a minute."""
    native: Any
    """The library's own object."""

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of what it is read and asked by, by package."""

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names that it was trained by, in order; None if it knows none."""

    @property
    def feature_count(self) -> int:
        """How many features it takes."""

    def list_obstacles(self) -> Iterator[str]:
        """List what keeps it from saying log-odds of leaving by numbers alone, one phrase each."""

    def read_ensemble(self) -> Ensemble:
        """Read its trees. Raise NotTabular where they are more than leaves with conditions."""

    def list_thresholds(self) -> Sequence[npt.NDArray[np.float32]]:
        """List the thresholds of each feature, also where the trees cannot be compiled."""

    def predict(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Predict unrounded probabilities of leaving (n,)."""

    def compute_margins(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Add up log-odds (n,), in double precision where the library lets its leaves be known."""

    def explain(self, rows: Rows) -> npt.NDArray[np.floating[Any]]:
        """Compute the library's own contributions in log-odds, path-dependent TreeSHAP, then the base value."""

    def explain_many(self, rows: Rows, progress: Progress) -> npt.NDArray[np.floating[Any]]:
        """Compute the same for many rows, tree by tree where that takes less; tell which share is done."""

    @property
    def takes_missing(self) -> bool:
        """Whether it predicts where a value is missing."""
        return True

    def encode(self, names: Sequence[str]) -> bytes:
        """Return its file's content. A model that knows no names gets these, where its format holds names."""


class WholeModel(TrainedModel, Protocol):
    """A model whose library is asked about all trees at once."""

    def list_thresholds(self) -> Sequence[npt.NDArray[np.float32]]:
        """List the thresholds of each feature."""
        return self.read_ensemble().thresholds

    def explain_many(self, rows: Rows, progress: Progress) -> npt.NDArray[np.floating[Any]]:
        """Ask about some thousand rows at a time."""
        explained = []
        for first in range(0, len(rows), AT_ONCE):
            explained.append(self.explain(rows[first : first + AT_ONCE]))
            progress(min(1.0, (first + AT_ONCE) / len(rows)))
        return np.concatenate(explained)
