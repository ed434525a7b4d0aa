"""XGBoost: its models, and the explainer that it brings along, which is exact and the measure for any faster one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import xgboost

from churn.contract.declaration import Rows
from churn.cpus import count_usable_cpus
from churn.errors import BundleError
from churn.explain import Explainer
from churn.explain.trained import TrainedModel
from churn.explain.tree_by_tree import Progress, explain_tree_by_tree, unite_thresholds
from churn.explain.trees import Ensemble, NotTabular
from churn.explain.xgb_json import read_ensemble, read_thresholds

OBJECTIVE = "binary:logistic"


class XgboostModel(TrainedModel):
    """A booster. It uses all processors, and each answer is the same with any number of them."""

    library: ClassVar[str] = "XGBoost"
    file_name: ClassVar[str] = "model.ubj"
    proof_rows: ClassVar[int] = 100_000

    def __init__(self, booster: xgboost.Booster) -> None:
        self.native = booster

    @property
    def versions(self) -> Mapping[str, str]:
        """Return XGBoost's version."""
        return {"xgboost": xgboost.__version__}

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Return the names that the booster knows."""
        return tuple(self.native.feature_names) if self.native.feature_names else None

    @property
    def feature_count(self) -> int:
        """Return how many features it takes."""
        return int(self.native.num_features())

    def list_obstacles(self) -> Iterator[str]:
        """List another objective, and columns of categories."""
        objective = json.loads(self.native.save_config())["learner"]["objective"]["name"]
        if objective != OBJECTIVE:
            yield f"its objective is {objective}, not {OBJECTIVE}"
        if any(kind == "c" for kind in self.native.feature_types or []):
            yield "it was trained on categorical columns, not on the contract's codes"

    def read_ensemble(self) -> Ensemble:
        """Read the trees. Raise NotTabular for a linear booster, categorical splits, or more than one output."""
        return self._ensemble

    @cached_property
    def _ensemble(self) -> Ensemble:
        return read_ensemble(bytes(self.native.save_raw("json")))

    def list_thresholds(self) -> Sequence[npt.NDArray[np.float32]]:
        """List the thresholds of each feature; none if it has no trees."""
        return read_thresholds(bytes(self.native.save_raw("json")))

    def predict(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Predict unrounded probabilities."""
        return self.native.predict(xgboost.DMatrix(rows), validate_features=False).astype(np.float64)

    def compute_margins(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Add up, in double precision, the leaves that XGBoost finds. It adds in single itself."""
        data = self._read_rows(rows)
        try:
            ensemble = self._ensemble
        except NotTabular:
            return self.native.predict(data, output_margin=True, validate_features=False).astype(np.float64)
        leaves = self.native.predict(data, pred_leaf=True, validate_features=False).reshape(len(rows), -1)
        return ensemble.sum_margins(leaves.astype(np.int64))

    def explain(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Explain by `pred_contribs`."""
        return self.native.predict(self._read_rows(rows), pred_contribs=True, validate_features=False)

    def explain_many(self, rows: Rows, progress: Progress = lambda _share: None) -> npt.NDArray[np.float64]:
        """Add up `pred_contribs` of all trees. Raise NotTabular for what is no tree."""
        trees = self.read_ensemble().thresholds_by_tree
        rounds = self.native.num_boosted_rounds()
        at_once = len(trees) // max(rounds, 1)  # of a random forest in each round, which cannot be taken apart
        of_rounds = [unite_thresholds(trees[first : first + at_once]) for first in range(0, len(trees), at_once or 1)]
        explainers = (build_xgboost_explainer(self.native[number : number + 1]) for number in range(rounds))
        base = np.broadcast_to(self.explain(rows[:1])[:, -1:], (len(rows), 1))
        return np.hstack([explain_tree_by_tree(explainers, of_rounds, rows, progress=progress), base])

    def encode(self, names: Sequence[str]) -> bytes:
        """Return the booster in XGBoost's own binary format."""
        booster = self.native
        if booster.feature_names is None:
            booster = booster.copy()
            booster.feature_names = list(names)
        return bytes(booster.save_raw("ubj"))

    def _read_rows(self, rows: Rows) -> xgboost.DMatrix:
        self.native.set_param({"nthread": count_usable_cpus()})
        return xgboost.DMatrix(rows, nthread=1)  # a copy, which more threads do not make sooner


def load_booster(path: Path, content: memoryview | None = None) -> xgboost.Booster:
    """Read a model in XGBoost's own format (`.ubj` or `.json`), which cannot run code when it is loaded.

    Args:
        path: of the file.
        content: of the file, where it was read already; then only errors name the path.

    Raises:
        BundleError: XGBoost cannot read the file.
    """
    booster = xgboost.Booster()
    try:
        booster.load_model(path if content is None else bytearray(content))
    except Exception as error:  # what a reader of a damaged file raises is not promised
        raise BundleError(f"{path} is not a model in XGBoost's own format", instead="export the model again") from error
    return booster


def build_xgboost_explainer(booster: xgboost.Booster) -> Explainer:
    """Explain by `pred_contribs`, with one thread: a request is one row, and the workers are the parallelism."""
    booster.set_param({"nthread": 1})

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        contributions: npt.NDArray[np.float32] = booster.predict(
            xgboost.DMatrix(rows, nthread=1), pred_contribs=True, validate_features=False
        )
        return contributions

    return explain
