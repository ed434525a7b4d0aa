"""One split, one fit: the holdout that nothing else may see, and the booster that a release is made of."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.model_selection import train_test_split

from churn.contract.declaration import Contract, Rows
from churn.explain.xgb import OBJECTIVE, XgboostModel

type Labels = npt.NDArray[np.integer[Any]]
type Indices = npt.NDArray[np.intp]

HOLDOUT_SHARE = 0.2
SEED = 0
"""Of the split: the same file always has the same holdout."""

# Sums are rounded differently for each number of threads, so a fixed one makes the same trees on every machine; one,
# because more only wait for each other where cores are shared, and a fit takes about a second.
THREADS = 1


def split_rows(labels: Labels, seed: int) -> tuple[Indices, Indices]:
    """Split rows into a training part (80 %) and an untouched holdout (20 %), stratified by label.

    Return the rows' indices of both, each rising; the same seed is the same split.
    """
    train, holdout = train_test_split(
        np.arange(len(labels)), test_size=HOLDOUT_SHARE, stratify=labels, random_state=seed
    )
    return np.sort(train), np.sort(holdout)


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
