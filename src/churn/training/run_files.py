"""Single files of the runs in a registry: asked for, read and replaced."""

import tempfile
from pathlib import Path

from churn.errors import RegistryError
from churn.training.registry import Registry

EVERY_RUN = 3  # MLflow's ViewType.ALL: runs that somebody deleted keep their files, too
MOST_MODELS = 1000
MOST_RUNS = 50_000  # MLflow's own limit of one answer


def list_runs(registry: Registry, name: str) -> dict[str, str]:
    """Return the runs of a model by id, each with its model version; also those that registered nothing.

    Raises:
        RegistryError: the store cannot be read.
    """
    with registry.translate_errors(f"list the training runs of {name}"):
        experiment = registry.client.get_experiment_by_name(name)
        if experiment is None:
            return {}
        runs = registry.client.search_runs([experiment.experiment_id], run_view_type=EVERY_RUN, max_results=MOST_RUNS)
        if runs.token:
            raise RegistryError(
                f"{name} has more than {MOST_RUNS:,} runs", instead="delete old ones for good: mlflow gc"
            )
        return {run.info.run_id: run.data.tags.get("model_version", run.info.run_id) for run in runs}


def list_models(registry: Registry) -> list[str]:
    """Return the names of all registered models. Raise RegistryError if the store cannot be read."""
    with registry.translate_errors("list the registered models"):
        models = registry.client.search_registered_models(max_results=MOST_MODELS)
        if models.token:
            raise RegistryError(f"there are more than {MOST_MODELS:,} registered models", instead="delete old ones")
        return [model.name for model in models]


def has_file(registry: Registry, run_id: str, path: str) -> bool:
    """Say whether a run has a file. Raise RegistryError if the store cannot be read."""
    with registry.translate_errors(f"list the files of run {run_id}"):
        return path in {file.path for file in registry.client.list_artifacts(run_id, path.rpartition("/")[0])}


def read_file(registry: Registry, run_id: str, path: str) -> bytes | None:
    """Read a file of a run; None if it has none of that name. Raise RegistryError if the store cannot be read."""
    if not has_file(registry, run_id, path):
        return None
    with tempfile.TemporaryDirectory() as to, registry.translate_errors(f"read {path} of run {run_id}"):
        return Path(registry.client.download_artifacts(run_id, path, to)).read_bytes()


def replace_file(registry: Registry, run_id: str, path: str, content: bytes) -> None:
    """Write a file of a run in place of that which is there. Raise RegistryError if the store cannot be written."""
    folder, _, name = path.rpartition("/")
    with tempfile.TemporaryDirectory() as made, registry.translate_errors(f"write {path} of run {run_id}"):
        (Path(made) / name).write_bytes(content)
        registry.client.log_artifact(run_id, str(Path(made) / name), folder)
