"""Reads a registered model, and what it predicts itself in the way of its flavour.

Native files of each library are read, and skops files, whose types can be checked. A pickle runs code when it is
loaded, so it never is. Nor is any code run that was logged beside a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from churn.contract.declaration import Rows
from churn.errors import RegistryError
from churn.explain.libraries import EXTRAS
from churn.explain.xgb import XgboostModel, load_booster
from churn.training.other_flavors import read_catboost, read_lightgbm, wrap_lightgbm, wrap_sklearn
from churn.training.registered import (
    ALL_TREES,
    CHECK_ROWS,
    LOG_AGAIN,
    ONLY_BEST,
    RegisteredModel,
    find_inside,
    read_skops,
)

CLASSES: Mapping[str, type[xgboost.XGBModel] | None] = {
    "xgboost.core.Booster": None,
    "xgboost.sklearn.XGBClassifier": xgboost.XGBClassifier,
    "xgboost.sklearn.XGBRFClassifier": xgboost.XGBClassifier,  # predicts as this one does
    "xgboost.sklearn.XGBRegressor": xgboost.XGBRegressor,
}
LIBRARIES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost", "sklearn": "scikit-learn"}
"""Flavours that are read, in this order, and the library of each."""
LOADERS = {f"mlflow.{flavor}" for flavor in LIBRARIES}
NATIVE = {".ubj", ".json"}


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
    name = next((flavor for flavor in LIBRARIES if flavor in flavors), None)
    if name is None:
        raise RegistryError(
            f"{source} is no model of {', '.join(LIBRARIES.values())}: it was logged as "
            f"{', '.join(sorted(flavors)) or 'nothing known'}",
            instead=f"{LOG_AGAIN}, or as another of these libraries; {CHECK_ROWS}",
        )
    readers = {"xgboost": _read_native, "lightgbm": read_lightgbm, "catboost": read_catboost, "sklearn": _read_sklearn}
    try:
        model = readers[name](source, folder, flavors[name])
    except ImportError as error:
        raise RegistryError(
            f"{source} is a model of {LIBRARIES[name]}, which is not installed",
            instead=f"pip install 'streamflow-churn[{EXTRAS[LIBRARIES[name]]}]'",
        ) from error
    return replace(model, loader=loader if loader not in {None, *LOADERS} else None)


def _read_native(source: str, folder: Path, flavor: Mapping[str, Any]) -> RegisteredModel:
    file = find_inside(folder, flavor.get("data"))
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
        return RegisteredModel(trained, trained.predict, others=cut)
    model = model_class()
    try:
        model.load_model(bytearray(content))
    except Exception as error:  # what a reader of a damaged file raises is not promised
        raise RegistryError(
            f"{source} is said to be a {name.rpartition('.')[2]} and cannot be read as one", instead=LOG_AGAIN
        ) from error
    return _wrap_classifier(model)


def _wrap_classifier(model: xgboost.XGBModel) -> RegisteredModel:
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
    )


def _read_sklearn(source: str, folder: Path, flavor: Mapping[str, Any]) -> RegisteredModel:
    """Read a skops file that holds a classifier of a library that is read.

    Raises:
        RegistryError: it is another file or another model.
    """
    file = find_inside(folder, flavor.get("pickled_model"))
    model = read_skops(source, file, flavor)
    if isinstance(model, xgboost.XGBClassifier):
        return _wrap_classifier(model)
    if type(model).__module__.startswith("lightgbm."):
        return wrap_lightgbm(source, model)
    return wrap_sklearn(source, model, file.read_bytes())
