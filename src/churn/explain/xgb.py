"""The explainer that XGBoost brings along: exact, and the measure for any faster one."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import xgboost

from churn.contract.declaration import Rows
from churn.errors import BundleError
from churn.explain import Explainer


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
