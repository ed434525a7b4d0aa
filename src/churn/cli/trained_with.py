"""Which versions were trained with a subscriber, as far as runs and periods tell: for `churn subscriber`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from churn.businesses import find_contract, list_contracts
from churn.cli.training import open_registry
from churn.errors import ChurnError, RegistryError
from churn.settings import Settings

if TYPE_CHECKING:
    from churn.training.subscribers import Versions

# ruff: noqa: PLC0415 - MLflow takes seconds to import

NO_REGISTRY = "there is no model registry under CHURN_HOME, and no MLFLOW_TRACKING_URI, so no version can be named"


def find_trained(
    settings: Settings, key: str, times: Mapping[str, Sequence[int]], *, forget: bool = False
) -> tuple[dict[str, Versions], list[ChurnError]]:
    """Find the versions that were trained with a subscriber, by contract; return with them what went wrong.

    `times` are those of their records, by contract. `forget` removes the subscriber from the lists that tell it, once
    all versions are known.
    """
    salt = settings.prediction_log_salt
    if salt is None or not (settings.mlflow_tracking_uri or (settings.churn_home / "mlflow").is_dir()):
        return {}, [RegistryError(NO_REGISTRY, instead="see whether CHURN_HOME is the right one")]
    trained: dict[str, Versions] = {}
    try:
        registry = open_registry(settings)
        from churn.retraining.people import find_log_versions
        from churn.training.run_files import list_models
        from churn.training.subscribers import find_versions, forget_subscriber
        from churn.training.versions import name_registered_model

        names = {contract: name_registered_model(find_contract(contract)) for contract in list_contracts()}
        secret = salt.get_secret_value()
        trained = {
            contract: find_versions(registry, name, key, secret)._replace(
                with_log=find_log_versions(registry, name, times.get(contract, ()))
            )
            for contract, name in names.items()
        }
        # Somebody else trained these; what with, only they know.
        others = [name for name in list_models(registry) if name not in names.values()]
        trained |= {name: find_versions(registry, name, key, secret) for name in others}
        for name in names.values() if forget else ():
            forget_subscriber(registry, name, key, secret)
    except ChurnError as error:
        return trained, [error]
    return trained, []


def describe_versions(trained: dict[str, Versions]) -> list[str]:
    """Say in sentences which versions were trained with the subscriber, and which ones are not known."""
    lines = {
        "Trained with them": "trained_with",
        "Trained on the log of a time in which they were, so maybe with them; `churn retrain --now`, once they are "
        "erased, makes one without": "with_log",
        "Nobody knows whether with them, as it was without PREDICTION_LOG_SALT, with another or by others": "unknown",
        "Rows without ids are kept with these, which may be theirs; train anew and delete the runs": "with_rows",
    }
    figures = figures_from_versions(trained)
    listed = {
        said: [f"{contract} {version}" for contract, kinds in figures.items() for version in kinds[kind]]
        for said, kind in lines.items()
    }
    if trained and not listed["Trained with them"]:
        listed["Trained with them"] = ["no version that is known of"]
    return [f"{said}: {', '.join(versions)}" for said, versions in listed.items() if versions]


def figures_from_versions(trained: dict[str, Versions]) -> dict[str, Any]:
    """Return the versions for JSON, by model and by what is known."""
    return {
        contract: {kind: sorted(names) for kind, names in versions._asdict().items()}
        for contract, versions in trained.items()
    }
