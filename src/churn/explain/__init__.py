"""From encoded rows to what each feature contributed.

An explainer is a function. It takes float32 (n, features) and returns floats (n, features + 1): the exact
path-dependent TreeSHAP contribution of each feature in log-odds, then the base value. A row's sum is the
model's margin, so one call answers both how likely and why.

arrays.py       the arrays of tables: read from their files, and checked before an index in them is believed
tables.py       a model's trees compiled to tables, and contributions looked up in them by kernel.pyx
trees.py        trees of any library as leaves with conditions
parity.py       proves that the tables say what the model's own library says
tree_by_tree.py a library's own contributions of many rows, each tree asked once about rows alike to it
trained.py      what is asked of a fitted model, of any library
libraries.py    names the libraries whose models are read
loading.py      reads a model's file by its own library
xgb.py          models of XGBoost, and its own contributions where the trees do not fit
xgb_json.py     reads XGBoost's trees
specialising.py decides what is asked about columns whose value is known, and prunes it
lgb.py          models of LightGBM
cat.py          models of CatBoost
skl.py          models of scikit-learn's gradient boosting
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows

type Explainer = Callable[[Rows], npt.NDArray[np.floating[Any]]]
