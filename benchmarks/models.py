"""Train and export the three models that are measured; each run does it anew with the code as it is.

CHURN_CONTRACT names another business than StreamFlow. One without demo data gets models of drawn subscribers, of whom a
coin says who left, with trees enough to measure and to attack. The rivals are written for StreamFlow only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from churn.businesses import find_contract
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_columns
from churn.model.manifest import ModelCard
from churn.model.sealing import write_bundle
from churn.settings import Settings
from churn.training.groups import group_rows
from churn.training.holdout import get_holdout_key, split_rows
from churn.training.methods.catalogue import XGBOOST
from churn.training.synthetic import make_demo
from churn.training.tuned import load_tuned

CONTRACT: str = Settings().churn_contract
ROWS_DRAWN = 20_000
CHAMPION = "champion"
SEED = 0
GOLDEN_ROWS = 64


def load_parameters() -> dict[str, dict[str, int | float]]:
    """Return the parameters of each model; the champion has the tuned ones that the project trains with."""
    tuned = dict(load_tuned(find_contract(CONTRACT)).params)
    return {
        CHAMPION: tuned,
        "300x4": {**tuned, "trees": 300, "max_depth": 4},
        "300x6": {**tuned, "trees": 300, "max_depth": 6},
    }


def make_bundle(name: str, folder: Path) -> Path:
    """Make the bundle of a model from the demo data's training part, as `churn train` does."""
    contract: type[Contract] = find_contract(CONTRACT)
    version, ids, rows, labels = _make_data(contract)
    train = split_rows(get_holdout_key(contract), group_rows(ids, rows), ids, rows, labels).train
    golden = contract.encode_columns(draw_columns(contract, np.random.default_rng(SEED), GOLDEN_ROWS))
    bundle = write_bundle(
        folder / name,
        contract=contract,
        model=XGBOOST.fit(contract, rows[train], labels[train], load_parameters()[name], SEED),
        card=ModelCard(model_version=name, training_data_version=version),
        golden_rows=golden,
    )
    return bundle.path


def _make_data(contract: type[Contract]) -> tuple[str, list[str], Rows, npt.NDArray[np.int8]]:
    """Return (what it is called, ids, encoded rows, labels)."""
    if contract.demo:
        version = next(iter(contract.demo.versions))
        demo = make_demo(contract, version)
        rows = contract.encode_columns({name: demo[name] for name in contract.feature_names()})
        labels = (demo[contract.label_column] == contract.label_values[1]).to_numpy().astype(np.int8)
        return version, demo[contract.id_column].tolist(), rows, labels
    generator = np.random.default_rng(SEED)
    rows = contract.encode_columns(draw_columns(contract, generator, ROWS_DRAWN))
    ids = [f"drawn-{number}" for number in range(ROWS_DRAWN)]
    return "drawn", ids, rows, generator.integers(0, 2, ROWS_DRAWN, dtype=np.int8)
