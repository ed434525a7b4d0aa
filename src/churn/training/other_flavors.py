"""Reads registered models of LightGBM, CatBoost and scikit-learn, and what they predict as their flavours do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn.errors import RegistryError
from churn.training.registered import (
    CHECK_ROWS,
    LOG_CLASSIFIER,
    RegisteredModel,
    find_inside,
    predict_by_classifier,
    read_skops,
)

LIGHTGBM_BOOSTER, LIGHTGBM_CLASSIFIER = "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"
CATBOOST_TYPES, CATBOOST_FORMATS = {"CatBoost", "CatBoostClassifier"}, {"cbm", "json"}
LOG_LIGHTGBM = "log model.booster_ with mlflow.lightgbm.log_model"
LOG_CATBOOST = "log the CatBoostClassifier with mlflow.catboost.log_model"
FORESTS = {"RandomForestClassifier", "ExtraTreesClassifier"}


def read_lightgbm(source: str, folder: Path, flavor: Mapping[str, Any]) -> RegisteredModel:
    """Read LightGBM's text format, or a skops file with an LGBMClassifier.

    Raises:
        RegistryError: it is in another format, or another kind of model.
    """
    name = str(flavor.get("model_class", LIGHTGBM_BOOSTER))
    if name not in {LIGHTGBM_BOOSTER, LIGHTGBM_CLASSIFIER}:
        raise _refuse_kind(source, name, "register an LGBMClassifier, or a Booster with the objective binary")
    file = find_inside(folder, flavor.get("data"))
    if name == LIGHTGBM_CLASSIFIER:
        return wrap_lightgbm(source, read_skops(source, file, flavor))
    from churn.explain.lgb import LightgbmModel  # noqa: PLC0415 - a library that not every company has

    try:
        model = LightgbmModel(file.read_text())
    except Exception as error:  # what a reader of a damaged file raises is not promised
        raise RegistryError(f"{source} is not in LightGBM's own text format", instead=LOG_LIGHTGBM) from error
    return RegisteredModel(model, model.predict)


def wrap_lightgbm(source: str, classifier: Any) -> RegisteredModel:
    """Take the trees of an LGBMClassifier that it predicts with."""
    from churn.explain.lgb import LightgbmModel  # noqa: PLC0415 - a library that not every company has

    if type(classifier).__name__ != "LGBMClassifier":
        raise _refuse_kind(source, type(classifier).__name__, LOG_LIGHTGBM)
    # An early stop has cut its trees: LightGBM keeps those of the best iteration.
    return RegisteredModel(LightgbmModel(classifier.booster_.model_to_string()), predict_by_classifier(classifier))


def read_catboost(source: str, folder: Path, flavor: Mapping[str, Any]) -> RegisteredModel:
    """Read CatBoost's binary or JSON format.

    Raises:
        RegistryError: it is in another format, or another kind of model.
    """
    kind, form = str(flavor.get("model_type", "CatBoost")), str(flavor.get("save_format", "cbm"))
    if kind not in CATBOOST_TYPES:
        raise _refuse_kind(source, kind, LOG_CATBOOST)
    if form not in CATBOOST_FORMATS:
        raise RegistryError(f"{source} was saved as {form}, which is not read", instead=f"{LOG_CATBOOST} as cbm")
    file = find_inside(folder, flavor.get("data"))
    from churn.explain.cat import CatboostModel  # noqa: PLC0415 - a library that not every company has

    try:
        model = CatboostModel(file.read_bytes(), form)
    except Exception as error:  # what a reader of a damaged file raises is not promised
        raise RegistryError(f"{source} is not in CatBoost's own format {form}", instead=LOG_CATBOOST) from error
    return RegisteredModel(model, model.predict)


def wrap_sklearn(source: str, classifier: Any, content: bytes) -> RegisteredModel:
    """Take one of scikit-learn's two gradient boosting classifiers.

    Raises:
        RegistryError: it is another model; a forest is refused with the reason.
    """
    from churn.explain.skl import CLASSIFIERS, SklearnModel  # noqa: PLC0415 - slow to load

    kind = type(classifier).__name__
    if kind in FORESTS:
        raise RegistryError(
            f"{source} is a {kind}, which averages the probabilities of its trees: its contributions are no log-odds, "
            "so it is not served",
            instead="fit boosted trees, such as a HistGradientBoostingClassifier, to the same data",
        )
    if not isinstance(classifier, CLASSIFIERS):
        raise _refuse_kind(source, kind, f"{LOG_CLASSIFIER}: boosted trees of XGBoost, LightGBM or scikit-learn")
    model = SklearnModel(classifier, content)
    return RegisteredModel(model, model.predict)


def _refuse_kind(source: str, name: str, instead: str) -> RegistryError:
    return RegistryError(
        f"{source} is a {name.rpartition('.')[2]}, which says no probability of leaving by boosted trees alone",
        instead=f"{instead}; {CHECK_ROWS}",
    )
