"""What is said of a registered version and of a run, in words that are not MLflow's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn.contract.declaration import Contract
from churn.explain.trained import TrainedModel
from churn.training.registered import RegisteredModel


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of a registered model.

    Args:
        evaluation: the run of this project that measured it on a holdout, after somebody else registered it.
        evaluated_for: the fingerprint of the contract that this holdout was read by.
    """

    name: str
    number: int
    run_id: str | None
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    evaluation: str | None = None
    evaluated_for: str | None = None


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A registered model, its version, and the files its training run kept for the export (may be empty)."""

    info: VersionInfo
    model: RegisteredModel
    export_files: Mapping[str, bytes]

    @property
    def trained(self) -> TrainedModel:
        """Return the trees that the model predicts with."""
        return self.model.trained


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a training run leaves in the store; files by their path under the run's artifacts."""

    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, bytes]


def name_registered_model(contract: type[Contract]) -> str:
    """Return what the contract's model is called in the registry."""
    return f"{contract.contract_name}-churn-predictor"
