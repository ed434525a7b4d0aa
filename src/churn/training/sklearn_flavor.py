"""Reads an XGBoost model that somebody logged with MLflow's scikit-learn flavour.

That flavour is a skops file, whose types can be checked, or a pickle, which runs code when it is loaded. A pickle is
never loaded.
"""

from pathlib import Path
from typing import Any

import xgboost

from churn.errors import RegistryError

TRUSTED_TYPES = ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier"]


def read_sklearn_booster(folder: Path, flavor: dict[str, Any]) -> xgboost.Booster:
    """Read the booster from a skops file that holds an XGBClassifier and nothing else.

    Raises:
        RegistryError: it is another file or another model.
    """
    if flavor.get("serialization_format") != "skops":
        raise RegistryError(
            f"the model was logged as {flavor.get('serialization_format', 'pickle')}, which can run code when loaded",
            instead="log it with mlflow.xgboost.log_model, or with mlflow.sklearn.log_model in the skops format",
        )
    import skops.io  # noqa: PLC0415 - slow, and needed for this flavour only
    from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415

    try:
        model = skops.io.load(folder / flavor["pickled_model"], trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"the model's file holds types beyond XGBoost's own: {error}", instead="log the XGBClassifier alone"
        ) from error
    if not isinstance(model, xgboost.XGBClassifier):
        raise RegistryError(
            f"the model is a {type(model).__name__}, not an XGBClassifier", instead="log the XGBClassifier alone"
        )
    return model.get_booster()
