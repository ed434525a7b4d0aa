"""A company that never heard of this project: its subscribers, its models and its MLflow registry."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost
from mlflow import MlflowClient

WORDS = {
    "contract_type": ["month-to-month", "one-year", "two-year"],
    "payment_method": ["electronic_check", "mailed_check", "bank_transfer", "credit_card"],
    "internet_service": ["none", "dsl", "fiber_optic"],
}
COLUMNS = [
    "tenure", "monthly_charges", "total_charges", "contract_type", "payment_method", "num_support_tickets",
    "internet_service", "streaming_services", "paperless_billing", "senior_citizen",
]  # fmt: skip


def make_subscribers(count: int, seed: int = 0) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Subscribers in words, and who left."""
    generator = np.random.default_rng(seed)
    tenure = generator.integers(0, 73, count)
    price = np.round(generator.uniform(20, 120, count), 2)
    table = pd.DataFrame({
        "tenure": tenure,
        "monthly_charges": price,
        "total_charges": np.round(tenure * price, 2),
        **{name: generator.choice(words, count) for name, words in WORDS.items()},
        "num_support_tickets": generator.poisson(1.2, count),
        "streaming_services": generator.integers(0, 5, count),
        "paperless_billing": generator.random(count) < 0.6,
        "senior_citizen": generator.random(count) < 0.2,
    })[COLUMNS]  # fmt: skip
    risk = (
        -0.5
        + 1.2 * (table.contract_type == "month-to-month")
        - 0.7 * (table.contract_type == "two-year")
        + 0.8 * (table.payment_method == "electronic_check")
        - 0.5 * (table.payment_method == "credit_card")
        + 0.6 * (table.internet_service == "fiber_optic")
        - 0.04 * table.tenure
        + 0.3 * table.num_support_tickets
    )
    left = generator.random(count) < 1 / (1 + np.exp(-risk.to_numpy()))
    return table, left.astype(np.int64)


def use_store(uri: str) -> None:
    """Let MLflow write there, but not the processes that are started afterwards: MLflow tells them by a variable."""
    mlflow.set_tracking_uri(uri)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def encode(table: pd.DataFrame, words: dict[str, list[str]]) -> pd.DataFrame:
    """Number each category by its place in a list."""
    coded = table.copy()
    for name, order in words.items():
        coded[name] = coded[name].map(order.index)
    return coded.astype(float)


def by_the_alphabet() -> dict[str, list[str]]:
    """The words as a label encoder numbers them."""
    return {name: sorted(words) for name, words in WORDS.items()}


def register(store: Path, name: str, model: Any, log: Callable[..., Any] = mlflow.xgboost.log_model, **how: Any) -> str:
    """Log a model in a registry of SQLite and files; return its address."""
    use_store(f"sqlite:///{store}/company.db")
    mlflow.set_registry_uri(f"sqlite:///{store}/company.db")
    client = MlflowClient()
    if client.get_experiment_by_name("churn") is None:
        client.create_experiment("churn", (store / "artifacts").as_uri())
    mlflow.set_experiment("churn")
    with mlflow.start_run():
        logged = log(model, name="model", registered_model_name=name, pip_requirements=["xgboost"], **how)
    return f"models:/{name}/{logged.registered_model_version}"


def write_scores(path: Path, table: pd.DataFrame, probabilities: npt.NDArray[Any]) -> Path:
    """The file of subscribers with the company's own probabilities."""
    table.assign(churn_probability=probabilities.astype(np.float64)).to_csv(path, index=False)
    return path


def train(table: pd.DataFrame, left: npt.NDArray[np.int64], **how: Any) -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(**{"n_estimators": 30, "max_depth": 4} | how).fit(table, left)
