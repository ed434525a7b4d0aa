"""A model as somebody registered it, and the files that it is read from."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.errors import RegistryError
from churn.explain import libraries
from churn.explain.trained import TrainedModel

type Predict = Callable[[Rows], npt.NDArray[np.float64]]
"""Float32 (n, features) in the model's own order -> probabilities (n,)."""

TRUSTED_TYPES = [
    *libraries.TRUSTED_TYPES,
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
]
"""What a skops file may hold beside what skops itself trusts."""
ALL_TREES = "all trees are taken, those after the best iteration too"
ONLY_BEST = "no trees after the best iteration are taken"
LOG_AGAIN = "log its booster with mlflow.xgboost.log_model(model, model_format='ubj')"
LOG_CLASSIFIER = "log the classifier alone, fitted to numbers, by mlflow.sklearn.log_model in the skops format"
CHECK_ROWS = "`churn export --check rows.csv` then compares it with the probabilities that this one gives"


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model as somebody registered it.

    Args:
        trained: the trees that it predicts with. Those after the best iteration of an early stop are cut off.
        predict: what it says itself, as MLflow's own loading makes it predict.
        others: models that its owner may have asked in its place, by how they differ, in words.
        rounds: how many rounds of trees are taken, of how many, if some were cut off.
        missing: the number that it takes for a missing value, beside NaN.
        loader: what loads it in MLflow, if that runs code that was logged with it.
        signature: the names of its columns in MLflow's signature, in order, if it has names.
        example: rows of its input example, in its own order; None if there are none that are numbers.
    """

    trained: TrainedModel
    predict: Predict
    others: Mapping[str, TrainedModel] = field(default_factory=dict)
    rounds: tuple[int, int] | None = None
    missing: float = math.nan
    loader: str | None = None
    signature: tuple[str, ...] | None = None
    example: Rows | None = None


def find_inside(folder: Path, name: Any) -> Path:
    """Return the file of this name. Raise RegistryError unless it lies in the folder."""
    file = (folder / str(name)).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise RegistryError(f"the model's file {name} is not among what was registered", instead=LOG_AGAIN)
    return file


def read_skops(source: str, file: Path, flavor: Mapping[str, Any]) -> Any:
    """Read a skops file that holds nothing but types that are known to run no code.

    Raises:
        RegistryError: it is in another format, or holds other types.
    """
    if flavor.get("serialization_format") != "skops":
        raise RegistryError(
            f"{source} was logged as {flavor.get('serialization_format', 'pickle')}, which can run code when loaded, "
            "so it is never loaded",
            instead=f"{LOG_AGAIN}, or {LOG_CLASSIFIER}; {CHECK_ROWS}",
        )
    import skops.io  # noqa: PLC0415 - slow, and needed for this flavour only
    from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415

    try:
        return skops.io.load(file, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"the file of {source} holds types that are not known to run no code: {error}", instead=LOG_CLASSIFIER
        ) from error


def predict_by_classifier(model: Any) -> Predict:
    """Predict as a classifier of scikit-learn's kind does."""

    def predict(rows: Rows) -> npt.NDArray[np.float64]:
        with warnings.catch_warnings(action="ignore"):  # that the rows have no names
            return np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)

    return predict
