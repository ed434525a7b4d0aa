"""A bundle that knows the demo's subscribers nearly as well as the real one does, made in seconds."""

from pathlib import Path

import numpy as np
import xgboost

from churn.businesses import find_contract
from churn.contract.sampling import draw_demo_columns
from churn.explain.xgb import XgboostModel
from churn.model.bundle import Bundle
from churn.model.manifest import ModelCard
from churn.model.reference import measure_reference
from churn.model.sealing import write_bundle
from churn.model.uplift_sealing import UpliftParts

ROWS = 20_000
TREES = 120


def write_demo_bundle(
    path: Path,
    version: str = "v0.0.2",
    *,
    draws: int = ROWS,
    trees: int = TREES,
    edge_rows: int | None = None,
    uplift: UpliftParts | None = None,
) -> Bundle:
    """Trains on the demo's documented process."""
    contract = find_contract("streamflow")
    assert contract.demo is not None
    generator = np.random.default_rng(1)
    columns = draw_demo_columns(contract, generator, draws)
    left = generator.random(draws) < 1 / (1 + np.exp(-contract.demo.log_odds(columns, {})))
    rows = contract.encode_columns(columns)
    parameters = {
        "objective": "binary:logistic",
        "max_depth": 2,
        "learning_rate": 0.1,
        "monotone_constraints": contract.monotone_constraints(),
        "nthread": 1,
    }
    booster = xgboost.train(parameters, xgboost.DMatrix(rows, label=left.astype(np.float32)), trees)
    scores = booster.predict(xgboost.DMatrix(rows)).astype(np.float64)
    return write_bundle(
        path,
        contract=contract,
        model=XgboostModel(booster),
        card=ModelCard(model_version=version),
        golden_rows=rows[:5],
        reference=measure_reference(contract, rows, scores),
        more_rows=rows[:2000],
        edge_rows=edge_rows,
        uplift=uplift,
    )
