"""Reads a registered model, and what it predicts itself in the way of its flavour.

Native files of XGBoost are read, and skops files, whose types can be checked. A pickle runs code when it is loaded, so
it never is. Nor is any code run that was logged beside a model.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from churn.contract.declaration import Rows
from churn.errors import RegistryError
from churn.explain.trained import TrainedModel
from churn.explain.xgb import XgboostModel, load_booster

type Predict = Callable[[Rows], npt.NDArray[np.float64]]
"""Float32 (n, features) in the model's own order -> probabilities (n,)."""

TRUSTED_TYPES = ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier"]
CLASSES: Mapping[str, type[xgboost.XGBModel] | None] = {
    "xgboost.core.Booster": None,
    "xgboost.sklearn.XGBClassifier": xgboost.XGBClassifier,
    "xgboost.sklearn.XGBRFClassifier": xgboost.XGBClassifier,  # predicts as this one does
    "xgboost.sklearn.XGBRegressor": xgboost.XGBRegressor,
}
ALL_TREES = "all trees are taken, those after the best iteration too"
ONLY_BEST = "no trees after the best iteration are taken"
LOADERS = {"mlflow.xgboost", "mlflow.sklearn"}
NATIVE = {".ubj", ".json"}
LOG_AGAIN = "log its booster with mlflow.xgboost.log_model(model, model_format='ubj')"
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


def read_model(source: str, folder: Path, described: Any) -> RegisteredModel:
    """Read the model in a folder that MLflow made.

    Args:
        source: what the model is called, for messages.
        described: MLflow's `Model`, which is what its file `MLmodel` says.

    Raises:
        RegistryError: it is no XGBoost model, or not in a format that is safe to load.
    """
    model = _read_flavor(source, folder, described.flavors)
    inputs = described.signature.inputs if described.signature else None
    signature = tuple(inputs.input_names()) if inputs and inputs.has_input_names() else None
    names = model.trained.feature_names or signature
    return replace(model, signature=signature, example=_read_example(described, folder, names))


def _read_example(described: Any, folder: Path, names: Sequence[str] | None) -> Rows | None:
    """Return the rows of the input example in the model's order; None if there are none that are numbers."""
    try:
        example = described.load_input_example(str(folder))
        rows = np.asarray(example[list(names)] if names and hasattr(example, "columns") else example, dtype=np.float32)
    except Exception:  # noqa: BLE001 - what a reader of somebody's example raises is not promised
        return None
    return rows if rows.ndim == 2 and len(rows) else None  # noqa: PLR2004 - a table


def _read_flavor(source: str, folder: Path, flavors: Mapping[str, Mapping[str, Any]]) -> RegisteredModel:
    loader = flavors.get("python_function", {}).get("loader_module")
    foreign_loader = loader if loader not in {None, *LOADERS} else None
    if "xgboost" in flavors:
        return _read_native(source, folder, flavors["xgboost"], foreign_loader)
    if "sklearn" in flavors:
        return _wrap_classifier(_read_skops(folder, flavors["sklearn"]), foreign_loader)
    raise RegistryError(
        f"{source} is no XGBoost model, it was logged as {', '.join(sorted(flavors)) or 'nothing known'}",
        instead=f"{LOG_AGAIN}; {CHECK_ROWS}",
    )


def _read_native(source: str, folder: Path, flavor: Mapping[str, Any], loader: str | None) -> RegisteredModel:
    file = _find_inside(folder, flavor.get("data"))
    name = str(flavor.get("model_class", "xgboost.core.Booster"))
    if name not in CLASSES:
        raise RegistryError(
            f"{source} is a {name.rpartition('.')[2]}, which says no probability of leaving",
            instead="register an XGBClassifier, or a Booster with the objective binary:logistic",
        )
    content = file.read_bytes()
    if file.suffix not in NATIVE and not content.startswith(b"{"):
        raise RegistryError(
            f"{source} is in the format that XGBoost 3.1 dropped ({file.name})",
            instead=f"load it with XGBoost < 3.1 and log it as ubj: {LOG_AGAIN}",
        )
    booster = load_booster(file, memoryview(content))
    model_class = CLASSES[name]
    if model_class is None:
        # It predicts with all trees even after an early stop.
        trained, best = XgboostModel(booster), booster.attr("best_iteration")
        cut = {} if best is None else {ONLY_BEST: XgboostModel(booster[: int(best) + 1])}
        return RegisteredModel(trained, trained.predict, others=cut, loader=loader)
    model = model_class()
    try:
        model.load_model(bytearray(content))
    except Exception as error:  # what a reader of a damaged file raises is not promised
        raise RegistryError(
            f"{source} is said to be a {name.rpartition('.')[2]} and cannot be read as one", instead=LOG_AGAIN
        ) from error
    return _wrap_classifier(model, loader)


def _wrap_classifier(model: xgboost.XGBModel, loader: str | None) -> RegisteredModel:
    booster = model.get_booster()
    rounds = booster.num_boosted_rounds()
    try:
        used = model.best_iteration + 1
    except AttributeError:  # there was no early stop
        used = rounds

    def predict(rows: Rows) -> npt.NDArray[np.float64]:
        if isinstance(model, xgboost.XGBClassifier):
            said = model.predict_proba(rows, validate_features=False)[:, 1]
        else:
            said = model.predict(rows, validate_features=False)
        return np.asarray(said, dtype=np.float64)

    is_cut = used < rounds
    return RegisteredModel(
        XgboostModel(booster[:used] if is_cut else booster),
        predict,
        others={ALL_TREES: XgboostModel(booster)} if is_cut else {},
        rounds=(used, rounds) if is_cut else None,
        missing=float(model.missing),
        loader=loader,
    )


def _find_inside(folder: Path, name: Any) -> Path:
    """Return the file of this name. Raise RegistryError unless it lies in the folder."""
    file = (folder / str(name)).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise RegistryError(f"the model's file {name} is not among what was registered", instead=LOG_AGAIN)
    return file


def _read_skops(folder: Path, flavor: Mapping[str, Any]) -> xgboost.XGBClassifier:
    """Read a skops file that holds an XGBClassifier and nothing else.

    Raises:
        RegistryError: it is another file or another model.
    """
    if flavor.get("serialization_format") != "skops":
        raise RegistryError(
            f"the model was logged as {flavor.get('serialization_format', 'pickle')}, which can run code when loaded, "
            "so it is never loaded",
            instead=f"{LOG_AGAIN}, or the XGBClassifier by mlflow.sklearn.log_model in the skops format; {CHECK_ROWS}",
        )
    import skops.io  # noqa: PLC0415 - slow, and needed for this flavour only
    from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415

    try:
        model = skops.io.load(_find_inside(folder, flavor.get("pickled_model")), trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"the model's file holds types beyond XGBoost's own: {error}", instead="log the XGBClassifier alone"
        ) from error
    if not isinstance(model, xgboost.XGBClassifier):
        raise RegistryError(
            f"the model is a {type(model).__name__}, not an XGBClassifier", instead="log the XGBClassifier alone"
        )
    return model
