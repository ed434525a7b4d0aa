"""Demo data: subscribers drawn from the process that a contract documents, with the truth known.

Because the process is known, so is the best AUC that any model could reach: that of the true probability.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from churn.contract.declaration import Contract
from churn.contract.demo import DemoProcess, DemoVersion
from churn.contract.sampling import draw_demo_columns
from churn.errors import DataError
from churn.training.groups import Labels

type Columns = Mapping[str, Any] | pd.DataFrame


def make_demo(contract: type[Contract], version: str) -> pd.DataFrame:
    """Make one version of a contract's demo data: its id column, the features as plain values, its label column.

    The same version is the same data, row by row.

    Raises:
        DataError: the contract has no demo process, or not this version.
    """
    process, chosen = _find(contract, version)
    rng = np.random.default_rng(chosen.seed)
    columns = draw_demo_columns(contract, rng, chosen.rows, chosen.shift)
    left = rng.random(chosen.rows) < _logistic(process.log_odds(columns, chosen.shift))
    return pd.DataFrame(
        {contract.id_column: [f"sub-{number:06d}" for number in range(1, chosen.rows + 1)]}
        | {name: columns[name] for name in contract.feature_names()}
        | {contract.label_column: np.array(contract.label_values)[left.astype(np.intp)]}
    )


def make_demo_csv(contract: type[Contract], version: str) -> bytes:
    """Make the same data as the bytes of a CSV file, so that a file can be recognised by its hash."""
    return make_demo(contract, version).to_csv(index=False, lineterminator="\n").encode()


def compute_true_probability(contract: type[Contract], version: str, columns: Columns) -> npt.NDArray[np.float64]:
    """Compute the probability with which these subscribers leave, as the process has it: float64 (n,).

    The columns hold n valid values per feature; others are ignored.
    """
    process, chosen = _find(contract, version)
    values = {name: np.asarray(columns[name]) for name in contract.feature_names()}
    return _logistic(process.log_odds(values, chosen.shift))


def compute_best_possible_auc(contract: type[Contract], version: str, columns: Columns, labels: Labels) -> float:
    """Compute the AUC of the true probability; what a model has above it is chance. Arguments as above."""
    return float(roc_auc_score(labels, compute_true_probability(contract, version, columns)))


def _find(contract: type[Contract], version: str) -> tuple[DemoProcess, DemoVersion]:
    if contract.demo is None:
        raise DataError(
            f"the contract {contract.contract_name!r} has no demo process", instead="give the path of a data file"
        )
    if version not in contract.demo.versions:
        raise DataError(
            f"the contract {contract.contract_name!r} has no demo data {version!r}",
            instead=f"choose one of {', '.join(contract.demo.versions)}",
        )
    return contract.demo, contract.demo.versions[version]


def _logistic(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    probability: npt.NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
    return probability
