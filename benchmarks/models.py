"""Train and export the three models that are measured; each run does it anew with the code as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.model.manifest import ModelCard
from churn.model.sealing import write_bundle
from churn.training.fit import fit_xgboost
from churn.training.groups import group_rows
from churn.training.holdout import get_holdout_key, split_rows
from churn.training.synthetic import make_demo
from churn.training.tuned import load_tuned

CONTRACT = "streamflow"
DEMO_VERSION = "streamflow-v3-2024-03"
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
    demo = make_demo(contract, DEMO_VERSION)
    rows = contract.encode_columns({name: demo[name] for name in contract.feature_names()})
    labels = (demo[contract.label_column] == contract.label_values[1]).to_numpy().astype(np.int8)
    ids = demo[contract.id_column].tolist()
    train = split_rows(get_holdout_key(contract), group_rows(ids, rows), ids, rows, labels).train
    golden = contract.encode_columns(draw_columns(contract, np.random.default_rng(SEED), GOLDEN_ROWS))
    bundle = write_bundle(
        folder / name,
        contract=contract,
        model=fit_xgboost(contract, rows[train], labels[train], load_parameters()[name], SEED),
        card=ModelCard(model_version=name, training_data_version=DEMO_VERSION),
        golden_rows=golden,
    )
    return bundle.path
