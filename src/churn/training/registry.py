"""MLflow: where runs, models and aliases are kept. The only module that imports it."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

# Before the import: no figures to MLflow's makers, no bars among ours, no minutes of waiting for a server.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")  # seconds, of each attempt

import logging

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, Schema

from churn.contract.declaration import Contract
from churn.errors import ChurnError, RegistryError
from churn.explain.libraries import TRUSTED_TYPES
from churn.explain.trained import TrainedModel
from churn.model.shelf import CHAMPION, PREVIOUS
from churn.training.flavors import read_model
from churn.training.tracking_store import hide_password, make_database, require_usable_store
from churn.training.versions import FetchedModel, RunRecord, VersionInfo, name_registered_model

EXPORT_FOLDER = "export"
FORCED, FORCED_REASON = "promotion_forced", "promotion_reason"
FORCED_TAGS = {FORCED, FORCED_REASON}
EVALUATION, EVALUATES = "evaluation_run", "evaluates"
NOBODYS_MODEL = "no-model-has-this-name-5b1f9c"
MOST_KEPT_BYTES = 256 * 2**20
PACKAGES = {"xgboost": "xgboost-cpu"}  # the same library without what graphics processors need
MOST_SAID = 200  # characters of what a library says of an answer

for noisy in ("mlflow", "alembic"):  # its notes are for its own developers; the command line says what matters
    logging.getLogger(noisy).setLevel(logging.ERROR)


def build_signature(contract: type[Contract], library: str = "XGBoost") -> ModelSignature:
    """Build the model's signature: encoded numbers by feature name in, one probability out.

    scikit-learn compares in double precision with prices that occur, so it must be given these and not their float32.
    """
    number = "double" if library == "scikit-learn" else "float"
    return ModelSignature(
        Schema([ColSpec(number, name) for name in contract.feature_names()]), Schema([ColSpec(number)])
    )


class Registry:
    """A tracking store and its model registry.

    The default is an SQLite file in `mlflow/` below `home`. `tracking_uri` is any other store, as this MLflow wants it.
    """

    def __init__(self, home: Path, tracking_uri: str | None = None) -> None:
        self._artifacts: str | None = None
        if tracking_uri is None:
            folder = (home / "mlflow").resolve()
            tracking_uri = f"sqlite:///{folder}/mlflow.db"
            self._artifacts = (folder / "artifacts").as_uri()
            if not (folder / "mlflow.db").exists():
                make_database(folder / "mlflow.db", lambda uri: MlflowClient(uri, uri))
        require_usable_store(tracking_uri)
        self.tracking_uri, self._shown = tracking_uri, hide_password(tracking_uri)
        with _keep_environment(), self.translate_errors("open the store"):
            mlflow.set_tracking_uri(tracking_uri)
            mlflow.set_registry_uri(tracking_uri)
            self.client = MlflowClient(tracking_uri, tracking_uri)

    def register(self, contract: type[Contract], model: TrainedModel, record: RunRecord) -> VersionInfo:
        """Record a run with its model and registers it; the version exists only once all else is stored.

        Raises:
            RegistryError: the store cannot be reached or refuses.
        """
        name = name_registered_model(contract)
        with self.translate_errors("record the training run"):
            experiment = self._experiment(name)
            with mlflow.start_run(experiment_id=experiment, tags=dict(record.tags)) as run:
                self._log(record)
                logged = _log_model(model, build_signature(contract, model.library))
            self._ensure_model(name)
            version = self.client.create_model_version(
                name, logged.model_uri, run.info.run_id, tags=dict(record.tags), model_id=logged.model_id
            )
            return self._describe(version)

    def record_evaluation(self, contract: type[Contract], info: VersionInfo, record: RunRecord) -> None:
        """Record how a version did on a holdout, in a run beside its own, which the version then names."""
        marked = replace(record, tags={**record.tags, EVALUATES: f"models:/{info.name}/{info.number}"})
        self.tag(info, {EVALUATION: self.record_run(contract, info, f"evaluation of {info.name}", marked)})

    def record_run(self, contract: type[Contract], beside: VersionInfo, title: str, record: RunRecord) -> str:
        """Record a run that registers nothing, beside a version's own; return its id."""
        with self.translate_errors(f"record the {title}"):
            own = self.client.get_run(beside.run_id).info.experiment_id if beside.run_id else None
            experiment = own or self._experiment(name_registered_model(contract))
            with mlflow.start_run(experiment_id=experiment, run_name=title, tags=dict(record.tags)) as run:
                self._log(record)
            return str(run.info.run_id)

    def list_versions(self, name: str) -> list[VersionInfo]:
        """List all versions of a model, newest first; none if the model is not registered."""
        with self.translate_errors(f"list the versions of {name}"):
            quote = '"' if "'" in name else "'"
            bare = self.client.search_model_versions(f"name = {quote}{name}{quote}")
            # The search does not fill in aliases; the single look-up does.
            versions = [self.client.get_model_version(name, version.version) for version in bare]
            if not versions:
                self._require_refusal()
            return sorted((self._describe(version) for version in versions), key=lambda info: -info.number)

    def find(self, uri: str) -> VersionInfo:
        """Find the version that `models:/NAME@ALIAS` or `models:/NAME/NUMBER` names.

        Raises:
            RegistryError: there is none, or the address has another form.
        """
        name, separator, rest = uri.removeprefix("models:/").replace("@", "/@").partition("/")
        if not uri.startswith("models:/") or not name or not separator or not rest:
            raise RegistryError(
                f"{uri!r} is no model's address", instead="write models:/NAME@ALIAS or models:/NAME/NUMBER"
            )
        with self.translate_errors(f"find {uri}"):
            if rest.startswith("@"):
                return self._describe(self.client.get_model_version_by_alias(name, rest[1:]))
            return self._describe(self.client.get_model_version(name, rest))

    def find_champion(self, name: str) -> VersionInfo | None:
        """Find the version with the alias `champion`, if there is one."""
        return next((info for info in self.list_versions(name) if CHAMPION in info.aliases), None)

    def promote(self, info: VersionInfo, tags: Mapping[str, str]) -> None:
        """Move the alias `champion` to this version, with tags that say how it came about.

        The version that had it becomes `previous`.
        """
        with self.translate_errors(f"promote {info.name} version {info.number}"):
            for key in FORCED_TAGS & info.tags.keys() - tags.keys():  # what an earlier promotion said
                self.client.delete_model_version_tag(info.name, str(info.number), key)
            self.tag(info, tags)
            before = self.find_champion(info.name)
            if before and before.number != info.number:
                self.client.set_registered_model_alias(info.name, PREVIOUS, str(before.number))
            self.client.set_registered_model_alias(info.name, CHAMPION, str(info.number))

    def tag(self, info: VersionInfo, tags: Mapping[str, str]) -> None:
        """Add tags to a version, in place of those of the same names."""
        with self.translate_errors(f"tag {info.name} version {info.number}"):
            for key, value in tags.items():
                self.client.set_model_version_tag(info.name, str(info.number), key, value)

    def fetch(self, info: VersionInfo) -> FetchedModel:
        """Download a version's model without ever unpickling, and the files its run kept for the export.

        Raises:
            RegistryError: it is no model of a library that is read, in a format that is safe to load.
        """
        with (
            tempfile.TemporaryDirectory() as folder,
            self.translate_errors(f"download {info.name} version {info.number}"),
        ):
            source = f"models:/{info.name}/{info.number}"
            model = Path(mlflow.artifacts.download_artifacts(source, dst_path=folder))
            return FetchedModel(
                info, read_model(source, model, Model.load(str(model))), self._export_files(info, Path(folder))
            )

    def _export_files(self, info: VersionInfo, folder: Path) -> dict[str, bytes]:
        kept_by = info.evaluation or info.run_id
        listed = self.client.list_artifacts(kept_by, EXPORT_FOLDER) if kept_by is not None else []
        if kept_by is None or not listed:
            return {}
        if any(file.is_dir for file in listed) or sum(file.file_size or 0 for file in listed) > MOST_KEPT_BYTES:
            raise RegistryError(
                f"{EXPORT_FOLDER}/ of the run {kept_by} holds folders or more than {MOST_KEPT_BYTES >> 20} MiB",
                instead="keep there what `churn train` keeps and nothing else",
            )
        copied = Path(self.client.download_artifacts(kept_by, EXPORT_FOLDER, str(folder)))
        return {file.name: file.read_bytes() for file in copied.iterdir()}

    def _require_refusal(self) -> None:
        """Ask for a model that nobody has. A server that answers 200 to every path has no model, and is no MLflow."""
        try:
            self.client.get_registered_model(NOBODYS_MODEL)
        except MlflowException:
            return
        raise RegistryError(
            f"{self._shown} is no MLflow server: it has an answer to every question",
            instead="set MLFLOW_TRACKING_URI to the MLflow server itself, and see what stands before it",
        )

    def _experiment(self, name: str) -> str:
        existing = self.client.get_experiment_by_name(name)
        return str(existing.experiment_id if existing else self.client.create_experiment(name, self._artifacts))

    def _ensure_model(self, name: str) -> None:
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name)

    def _log(self, record: RunRecord) -> None:
        mlflow.log_params(dict(record.params))
        mlflow.log_metrics(dict(record.metrics))
        with tempfile.TemporaryDirectory() as folder:
            for name, content in record.files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            mlflow.log_artifacts(folder)

    def _describe(self, version: ModelVersion) -> VersionInfo:
        run = self.client.get_run(version.run_id) if version.run_id else None
        evaluation = self._find_evaluation(version)
        metrics = {**(run.data.metrics if run else {}), **(evaluation.data.metrics if evaluation else {})}
        return VersionInfo(
            name=version.name,
            number=int(version.version),
            run_id=version.run_id or None,
            aliases=tuple(sorted(version.aliases)),
            tags=dict(version.tags),
            metrics=metrics,
            evaluation=evaluation.info.run_id if evaluation else None,
            evaluated_for=evaluation.data.tags.get("contract_fingerprint") if evaluation else None,
        )

    def _find_evaluation(self, version: ModelVersion) -> Run | None:
        """Return the run that measured a version, if the run says so too: a tag alone is not believed."""
        if not (run_id := version.tags.get(EVALUATION)):
            return None
        try:
            run = self.client.get_run(run_id)
        except MlflowException:  # removed since
            return None
        return run if run.data.tags.get(EVALUATES) == f"models:/{version.name}/{version.version}" else None

    def _shorten(self, error: Exception) -> str:
        """Return the first line of what a library says, without the password that it may repeat."""
        return str(error).strip().partition("\n")[0].replace(self.tracking_uri, self._shown)[:MOST_SAID]

    @contextmanager
    def translate_errors(self, what: str) -> Iterator[None]:
        """Turn MLflow's exceptions, and whatever its client raises at an answer of another form, into one sentence."""
        try:
            yield
        except ChurnError:
            raise
        except MlflowException as error:
            raise RegistryError(
                f"could not {what} in {self._shown}: {self._shorten(error)}",
                instead="see what there is with `churn models`, and check MLFLOW_TRACKING_URI",
            ) from error
        except Exception as error:
            raise RegistryError(
                f"could not {what} in {self._shown}: {type(error).__name__}: {self._shorten(error)}",
                instead="see whether an MLflow server answers at MLFLOW_TRACKING_URI, and no proxy in its place",
            ) from error


def _log_model(model: TrainedModel, signature: ModelSignature) -> ModelInfo:
    """Log a model as its own library's flavour does, in a format that runs no code when it is read."""
    needed = [f"{PACKAGES.get(package, package)}=={number}" for package, number in model.versions.items()]
    logged: dict[str, Any] = {"name": "model", "signature": signature, "pip_requirements": needed}
    log: Callable[..., ModelInfo]
    match model.library:
        case "XGBoost":
            log = mlflow.xgboost.log_model
        case "LightGBM":
            log = mlflow.lightgbm.log_model
        case _:
            log = mlflow.sklearn.log_model
            logged |= {"serialization_format": "skops", "skops_trusted_types": TRUSTED_TYPES}
            logged |= {"pyfunc_predict_fn": "predict_proba"}
    return log(model.native, **logged)


@contextmanager
def _keep_environment() -> Iterator[None]:
    """Keep what MLflow writes into the environment from the processes that are started from here."""
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
