"""scikit-learn's gradient boosting: its two classifiers, read from skops files whose types were checked."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

from churn.contract.declaration import Rows
from churn.explain.libraries import TRUSTED_TYPES
from churn.explain.trained import WholeModel
from churn.explain.trees import LEAF, Ensemble, NotTabular, Tree, build_ensemble, round_up_threshold

LOSS = "log_loss"

CLASSIFIERS = (HistGradientBoostingClassifier, GradientBoostingClassifier)


class SklearnModel(WholeModel):
    """A `HistGradientBoostingClassifier` or a `GradientBoostingClassifier`.

    Its own contributions are those of the package shap, for scikit-learn has none.

    Args:
        content: the skops file that it was read from.
    """

    library: ClassVar[str] = "scikit-learn"
    file_name: ClassVar[str] = "model.skops"
    proof_rows: ClassVar[int] = 20_000

    def __init__(self, native: HistGradientBoostingClassifier | GradientBoostingClassifier, content: bytes) -> None:
        self.native = native
        self._content = content
        if isinstance(native, HistGradientBoostingClassifier):
            rounds = native._predictors  # noqa: SLF001 - scikit-learn has no other way to its trees
            nodes = [predictor.nodes for of_round in rounds for predictor in of_round]
            self._has_categories = any(of_tree["is_categorical"].any() for of_tree in nodes)
            self._trees = list(map(_read_histogram_tree, nodes))
        else:
            trees = [estimator.tree_ for estimator in native.estimators_.ravel()]
            self._trees = [_read_tree(tree, native.learning_rate) for tree in trees]
        for tree in self._trees:
            tree.require_sound(self.feature_count)

    @property
    def versions(self) -> Mapping[str, str]:
        """Return scikit-learn's version."""
        return {"scikit-learn": sklearn.__version__}

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Return the names of the table that it was fitted to."""
        names = getattr(self.native, "feature_names_in_", None)
        return None if names is None else tuple(map(str, names))

    @property
    def feature_count(self) -> int:
        """Return how many features it takes."""
        return int(self.native.n_features_in_)

    @property
    def takes_missing(self) -> bool:
        """Say whether it predicts where a value is missing."""
        return isinstance(self.native, HistGradientBoostingClassifier)

    def list_obstacles(self) -> Iterator[str]:
        """List another loss, several outputs, categories, and a start that depends on the row."""
        if self.native.loss != LOSS:
            yield f"its loss is {self.native.loss}, not {LOSS}"
        if (classes := len(self.native.classes_)) != 2:  # noqa: PLR2004 - stayed and left
            yield f"it tells {classes} classes apart, not two"
        if isinstance(self.native, HistGradientBoostingClassifier):
            if self._has_categories:
                yield "it was trained on categorical columns, not on the contract's codes"
        elif not _is_prior(self.native.init_):
            yield "it starts from something else than the share of those who left (init)"

    def read_ensemble(self) -> Ensemble:
        """Read the trees."""
        if obstacles := list(self.list_obstacles()):
            raise NotTabular("; ".join(obstacles))
        if isinstance(self.native, HistGradientBoostingClassifier):
            margin = float(self.native._baseline_prediction.item())  # noqa: SLF001 - nor to where it begins
        else:
            row = np.zeros((1, self.feature_count), dtype=np.float32)
            said = sum(estimator.tree_.predict(row).item() for (estimator,) in self.native.estimators_)
            margin = float(self.compute_margins(row).item() - self.native.learning_rate * said)
        return build_ensemble(margin, self._trees, self.feature_count)

    def predict(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Predict unrounded probabilities."""
        with warnings.catch_warnings(action="ignore"):  # that rows have no names
            said: npt.NDArray[np.float64] = self.native.predict_proba(self._widen(rows))[:, 1]
        return said

    def compute_margins(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return what scikit-learn adds up in double precision."""
        with warnings.catch_warnings(action="ignore"):  # that rows have no names
            said: npt.NDArray[np.float64] = self.native.decision_function(self._widen(rows))
        return said

    def explain(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Explain by shap's `TreeExplainer` in its path-dependent way."""
        explainer = self._explainer
        contributions = explainer.shap_values(self._widen(rows), check_additivity=False)
        return np.column_stack([contributions, np.full(len(rows), np.ravel(explainer.expected_value)[0])])

    def _widen(self, rows: Rows) -> npt.NDArray[np.floating[Any]]:
        """Return the rows as scikit-learn was given them: `GradientBoostingClassifier` makes float32 of them itself."""
        return widen(rows) if self.takes_missing else rows

    @cached_property
    def _explainer(self) -> Any:
        import shap  # noqa: PLC0415 - slow to load

        return shap.TreeExplainer(self.native, feature_perturbation="tree_path_dependent")

    def encode(self, names: Sequence[str]) -> bytes:  # noqa: ARG002 - the file stays as it was checked
        """Return the skops file."""
        return self._content


def widen(rows: Rows) -> npt.NDArray[np.float64]:
    """Return the number that was meant by each float32 number: the shortest decimal that rounds to it.

    Histogram trees compare in double precision, and split at prices that occur. 109.68 in float32 is above 109.68.
    """
    values, places = np.unique(rows, return_inverse=True)
    decimals = np.array([float(str(value)) for value in values])
    return decimals[places].reshape(rows.shape)


def _split_widened(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Turn `widened value <= threshold` into `value < threshold` in float32."""
    nearest, above = thresholds.astype(np.float32), round_up_threshold(thresholds)
    goes_left = (nearest == above) & (widen(nearest) <= thresholds)  # as the threshold itself does, rounded up
    return np.where(goes_left, np.nextafter(nearest, np.float32(np.inf)), above)


def _is_prior(start: Any) -> bool:
    return isinstance(start, DummyClassifier) and start.strategy == "prior"


def _read_histogram_tree(nodes: Any) -> Tree:
    is_leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        np.where(is_leaf, LEAF, nodes["left"].astype(int)).tolist(),
        np.where(is_leaf, LEAF, nodes["right"].astype(int)).tolist(),
        nodes["feature_idx"].tolist(),
        _split_widened(nodes["num_threshold"]),
        nodes["missing_go_to_left"].astype(bool).tolist(),
        nodes["count"].tolist(),
        nodes["value"].astype(np.float64),
    )


def _read_tree(tree: Any, rate: float) -> Tree:
    return Tree(
        tree.children_left.tolist(),
        tree.children_right.tolist(),
        tree.feature.tolist(),
        round_up_threshold(tree.threshold),
        tree.missing_go_to_left.astype(bool).tolist(),
        tree.weighted_n_node_samples.tolist(),
        rate * tree.value[:, 0, 0],
    )


def read_classifier(content: bytes) -> SklearnModel:
    """Read a skops file of a bundle, which holds a classifier and nothing that can run code."""
    import skops.io  # noqa: PLC0415 - slow to load

    return SklearnModel(skops.io.loads(content, trusted=TRUSTED_TYPES), content)
