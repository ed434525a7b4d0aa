"""What tests of every part may ask for."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import xgboost
from hypothesis import HealthCheck, settings

from churn.businesses import find_contract, list_contracts
from churn.contract.sampling import draw_columns
from churn.explain.xgb import XgboostModel
from churn.model.bundle import Bundle
from churn.model.manifest import ModelCard
from churn.model.reference import measure_reference
from churn.model.sealing import write_bundle

# The same examples on every machine, and no failure because a machine is slow.
settings.register_profile("churn", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("churn")

# What a shell without job control starts in the background ignores Ctrl+C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """A small trained model of each contract, by the contract's name."""
    return {name: _bundle(name, tmp_path_factory) for name in list_contracts()}


def _bundle(name: str, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    contract = find_contract(name)
    generator = np.random.default_rng(0)
    rows = contract.encode_columns(draw_columns(contract, generator, 500))
    # Who leaves follows from the features, so that probabilities lie on both sides of every limit.
    score = rows @ generator.normal(size=rows.shape[1]) / rows.std(axis=0).max()
    labels = (score > np.median(score)).astype(np.float32)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, label=labels), 20
    )
    path = tmp_path_factory.mktemp("bundles") / name
    return write_bundle(
        path,
        contract=contract,
        model=XgboostModel(booster),
        card=ModelCard(model_version="v0.0.1"),
        golden_rows=rows[:5],
        more_rows=rows,
        reference=measure_reference(contract, rows, booster.predict(xgboost.DMatrix(rows)).astype(np.float64)),
    )


@pytest.fixture(scope="session")
def telco_csv() -> Path:
    """The public Telco sample, which the project does not contain."""
    path = os.environ.get("TELCO_CSV")
    if not path:
        pytest.skip("set TELCO_CSV to the path of the public Telco sample")
    return Path(path)
