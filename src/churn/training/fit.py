"""One fit: the booster that a release is made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xgboost as xgb

from churn.contract.declaration import Contract, Rows
from churn.explain.xgb import OBJECTIVE, XgboostModel
from churn.training.groups import Labels

SEED = 0
"""Of sample, folds and fits: the same file always gives the same model."""

# Sums are rounded differently for each number of threads, so a fixed one makes the same trees on every machine; one,
# because more only wait for each other where cores are shared, and a fit takes about a second.
THREADS = 1


def fit_xgboost(
    contract: type[Contract], rows: Rows, labels: Labels, params: Mapping[str, int | float], seed: int = 0
) -> XgboostModel:
    """Fit XGBoost so that it honours the contract's monotone directions and knows its features by name.

    Args:
        rows: float32 (n, features), as `contract.encode_columns` makes them.
        labels: 0 (stayed) or 1 (left), (n,).
        params: `trees`, and XGBoost's own parameters by their names.
        seed: for the sampling of rows and columns; the same seed is the same booster.
    """
    names = contract.feature_names()
    data = xgb.DMatrix(rows, np.asarray(labels, dtype=np.float32), feature_names=names, nthread=THREADS)
    settings: dict[str, Any] = {
        "objective": OBJECTIVE,
        "tree_method": "hist",
        "monotone_constraints": dict(zip(names, contract.monotone_constraints(), strict=True)),
        "seed": seed,
        "nthread": THREADS,
    }
    own = {name: value for name, value in params.items() if name != "trees"}
    return XgboostModel(xgb.train(settings | own, data, num_boost_round=int(params["trees"])))
