"""What an attempt starts from: the champion's recipe and training file, and the log's segments."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from churn.contract.declaration import Contract
from churn.errors import DataError, RegistryError
from churn.files import hash_file
from churn.prediction_log.places import Places
from churn.prediction_log.reader import walk_log
from churn.training.data import TrainingData, read_training_data
from churn.training.folds import SEED
from churn.training.kept import AS_OF
from churn.training.methods.catalogue import find_method
from churn.training.methods.method import Recipe
from churn.training.registry import Registry
from churn.training.versions import VersionInfo

DATA_SHA256, DATA_VERSION = "training_data_sha256", "training_data_version"
DATA = "data"  # below CHURN_HOME, where `churn data demo` writes, too
KINDS = {".csv", ".parquet"}
NOT_PARAMETERS = {"method", "rows", "holdout_rows"}


class LoggedSegment(NamedTuple):
    """A closed segment that an attempt read: its name, how many records it holds, and the sha256 of its content."""

    name: str
    records: int
    sha256: str


def read_recipe(registry: Registry, champion: VersionInfo) -> Recipe:
    """Read by which method and parameters the champion was fitted.

    Raises:
        RegistryError: its run does not say so, for somebody else trained it.
    """
    name = f"{champion.name} number {champion.number}"
    with registry.translate_errors(f"read how {name} was trained"):
        kept = registry.client.get_run(champion.run_id).data.params if champion.run_id else {}
    try:
        method = find_method(kept["method"])
        params = {
            key: _read_number(text) for key, text in kept.items() if key not in NOT_PARAMETERS | _log_params(kept)
        }
        return Recipe(method, {"trees": params.pop("trees"), **params}, SEED)
    except (KeyError, ValueError) as error:
        raise RegistryError(
            f"the run of the champion, {name}, does not say by which method and parameters it was fitted",
            instead="train a version with `churn train` and promote it, then retrain that",
        ) from error


def _log_params(kept: Iterable[str]) -> set[str]:
    return {name for name in kept if name.startswith("log_")}


def _read_number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def find_training_file(champion: VersionInfo, home: Path, given: Path | None) -> Path:
    """Find the file that the champion was trained on: the one given, or the one below CHURN_HOME with its sha256.

    Raises:
        DataError: there is none, or the one given is another.
    """
    sha256, version = champion.tags.get(DATA_SHA256), champion.tags.get(DATA_VERSION, "its file")
    what = f"the champion, {champion.name} number {champion.number}, was trained on {version}"
    if sha256 is None:
        raise DataError(
            f"nothing says which file {champion.name} number {champion.number} was trained on",
            instead="train a version with `churn train` and promote it, then retrain that",
        )
    if given is not None:
        if hash_file(given) != sha256:
            raise DataError(
                f"{given} is not the file of the old rows: {what}, and its sha256 differs",
                instead="give that file with --data; to train on another one, use `churn train`",
            )
        return given
    folder = home / DATA
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in KINDS and hash_file(path) == sha256:
            return path
    raise DataError(
        f"the old training rows are not here: {what}, and no file in {folder} has its sha256",
        instead="give that file with --data FILE, or `data` in the plan",
    )


def read_old_rows(contract: type[Contract], champion: VersionInfo, path: Path) -> TrainingData:
    """Read the champion's training file as it was read then. Raise DataError if it cannot be."""
    said = champion.tags.get(AS_OF, "")
    try:
        as_of = date.fromisoformat(said)
    except ValueError:  # there are no dates, or a column says it
        as_of = None
    return read_training_data(contract, path, version=champion.tags.get(DATA_VERSION), as_of=as_of)


def list_logged_segments(places: Places, first_us: int, last_us: int) -> list[LoggedSegment]:
    """List the closed segments that may hold records of a time, in microseconds since 1970, oldest first.

    Raises:
        OSError, ChurnError: the log cannot be read.
    """
    since, until = (datetime.fromtimestamp(us / 1e6, UTC) for us in (first_us, last_us + 1))
    return [
        LoggedSegment(file.segment.name, file.segment.records, hashlib.sha256(file.read()).hexdigest())
        for file in walk_log(places, since, until)
        if file.segment
    ]
