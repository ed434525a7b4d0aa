"""The exported model as a directory that explains itself and vouches for itself.

    model.ubj        the trees, in XGBoost's own format
    tables_*.npy     the same trees compiled for explaining, where they fit into tables
    golden.json      rows with the contributions and probabilities that XGBoost gave at export
    reference.json   distributions over the holdout, where they are known
    manifest.json    what this is, the reference values, and the sha256 of every file above
    manifest.sha256  the sha256 of the manifest: the bundle's identity

`sealing.py` writes it. Loading believes nothing: it reads every file once, into memory. It compares every byte there
with its checksum and the contract with the code's own, and predicts the golden rows anew. Only then is there a model.
"""

import hashlib
from collections.abc import Buffer, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.contract.phrases import Value
from churn.errors import BundleError, ChurnError, ContractError, SettingsError
from churn.explain import Explainer
from churn.explain.arrays import ARRAYS, Tables, file_name
from churn.explain.tables import build_table_explainer
from churn.model.held import MOST_BYTES, HeldFiles, read_file
from churn.model.model import ChurnModel, sigmoid

MODEL, GOLDEN, REFERENCE = "model.ubj", "golden.json", "reference.json"
MANIFEST, MANIFEST_SHA256 = "manifest.json", "manifest.sha256"
GOLDEN_TOLERANCE = 1e-5
MOST_MANIFEST_BYTES = 2**20
VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
EXPORT_AGAIN = "export the model again with `churn export`"

type Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
type FileName = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9]+$")]


class ModelCard(BaseModel):
    """The metadata that travels with a model, as the spec names it; unknown figures of a foreign model are null."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)

    model_version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    mlflow_run_id: str | None = None
    registered_as: Annotated[str | None, Field(max_length=512, description="models:/NAME/NUMBER.")] = None
    training_date: str | None = None
    training_data_version: str | None = None
    test_auc: float | None = None
    test_f1: float | None = None


class Manifest(ModelCard):
    """What a bundle says of itself."""

    features: list[str]
    bundle_format: Literal[3] = 3
    contract: str
    contract_fingerprint: Sha256
    explainer: Literal["tables", "pred_contribs"]
    explainer_reason: Annotated[str | None, Field(description="Why not tables.")] = None
    reference_values: Annotated[
        dict[str, Value], Field(description="What each feature typically is where it speaks for staying.")
    ]
    libraries: dict[str, str]
    files: dict[FileName, Sha256]


class Golden(BaseModel):
    """Encoded rows and what the model said of them: contributions with the base value last, and probability."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: Annotated[list[list[float]], Field(min_length=1)]
    contributions: list[list[float]]
    probability: list[float]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle and the model in it.

    A process that is being spawned can be handed one: it verifies the same bytes again and shares their memory.

    Args:
        path: the folder that it was read from, which may have changed since.
        sha256: of its manifest; its identity.
        files: all that it was made of.
    """

    path: Path
    sha256: str
    manifest: Manifest
    model: ChurnModel
    files: HeldFiles = field(repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return verify_bundle, (self.path, self.files)

    def require_version(self, asked: str | None) -> None:
        """Refuse to stand in for another version; None asks for any.

        Raises:
            SettingsError: names both versions.
        """
        held = self.manifest.model_version
        if asked not in {None, held}:
            raise SettingsError(
                f"MODEL_VERSION asks for {asked}, but the bundle at {self.path} holds {held}",
                instead="set MODEL_PATH to a bundle of that version, or unset MODEL_VERSION",
            )


def load_bundle(path: Path) -> Bundle:
    """Read a bundle into memory, verify it there and load its model.

    Raises:
        BundleError: a file is missing or changed, the contract is not the code's, or a golden row comes out
            differently; the message names the file and the reason.
    """
    return verify_bundle(path, _hold_files(path))


def verify_bundle(path: Path, files: HeldFiles) -> Bundle:
    """Verify the files of a bundle and load its model; `path`, where they lay, is for the messages.

    Raises:
        BundleError: as for `load_bundle`.
    """
    manifest = _parse_manifest(path, files[MANIFEST], files[MANIFEST_SHA256])
    contract = _find_contract(path, manifest)
    for name, expected in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise BundleError(f"{path / name} was changed after the export: its sha256 differs", instead=EXPORT_AGAIN)
    tables = set(map(file_name, ARRAYS)) if manifest.explainer == "tables" else set()
    if missing := {MODEL, GOLDEN, *tables} - set(manifest.files):
        raise BundleError(f"{path / MANIFEST} lists no {' and no '.join(sorted(missing))}", instead=EXPORT_AGAIN)
    width, explain = _build_explainer(path, manifest, files)
    if width != len(contract.features):
        raise BundleError(
            f"the model in {path} takes {width} features, the contract has {len(contract.features)}",
            instead=EXPORT_AGAIN,
        )
    model = ChurnModel(contract, explain, manifest.model_version, _encode_reference(path, manifest, contract))
    with _refuse_damage(f"{path / GOLDEN} does not hold golden rows"):
        _check_golden(path / GOLDEN, Golden.model_validate_json(bytes(files[GOLDEN])), model)
    return Bundle(path, hashlib.sha256(files[MANIFEST]).hexdigest(), manifest, model, files)


def identify_bundle(path: Path) -> str | None:
    """Return the sha256 that identifies the bundle in a folder, without verifying it; None if it has no manifest."""
    try:
        return hashlib.sha256(_read(path / MANIFEST)).hexdigest()
    except BundleError:
        return None


def seal_from_manifest(manifest: Buffer) -> bytes:
    """Return the manifest's checksum as `sha256sum --check` reads it."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a bundle and verify its seal. Neither check the other files nor load the model.

    Raises:
        BundleError: there is no bundle, its manifest was changed, or it is of another form.
    """
    return _parse_manifest(path, *_read_manifest_and_seal(path))


def _hold_files(path: Path) -> HeldFiles:
    """Read the manifest, and the files that it lists."""
    manifest, seal = _read_manifest_and_seal(path)
    contents = {MANIFEST: manifest, MANIFEST_SHA256: seal}
    left = MOST_BYTES
    for name in _parse_manifest(path, manifest, seal).files:
        contents[name] = _read(path / name, most_bytes=left)
        left -= len(contents[name])
    return HeldFiles(contents)


def _read(file: Path, *, most_bytes: int = MOST_MANIFEST_BYTES) -> bytes:
    return read_file(file, most_bytes=most_bytes, instead=EXPORT_AGAIN)


def _read_manifest_and_seal(path: Path) -> tuple[bytes, bytes]:
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", instead=EXPORT_AGAIN) from error
    if not is_folder:
        raise BundleError(
            f"there is no bundle at {path}",
            instead="make one with `churn export models:/NAME@champion`, or set MODEL_PATH to the bundle's directory",
        )
    seal = _read(path / MANIFEST_SHA256)
    return _read(path / MANIFEST), seal


def _parse_manifest(path: Path, manifest: Buffer, seal: Buffer) -> Manifest:
    if bytes(seal) != seal_from_manifest(manifest):
        raise BundleError(
            f"{path / MANIFEST} was changed after the export: {MANIFEST_SHA256} differs", instead=EXPORT_AGAIN
        )
    with _refuse_damage(
        str(path / MANIFEST), instead="this version of the code cannot read the bundle; export the model again"
    ):
        return Manifest.model_validate_json(bytes(manifest))


@contextmanager
def _refuse_damage(problem: str, *, instead: str = EXPORT_AGAIN) -> Iterator[None]:
    """Turn whatever a library raises at what a bundle holds into the promised error.

    The readers of NumPy, JSON and XGBoost promise no kinds of errors for a file that somebody damaged and sealed anew.
    """
    try:
        yield
    except ChurnError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(
            ": ".join([problem, *filter(None, [".".join(map(str, first["loc"]))]), first["msg"]]), instead=instead
        ) from error
    except Exception as error:
        raise BundleError(f"{problem}: {error or type(error).__name__}", instead=instead) from error


def _find_contract(path: Path, manifest: Manifest) -> type[Contract]:
    try:
        contract = find_contract(manifest.contract)
    except ContractError as error:
        raise BundleError(f"{path / MANIFEST}: {error.message}", instead=error.instead) from error
    if (manifest.contract_fingerprint, manifest.features) != (contract.fingerprint, contract.feature_names()):
        raise BundleError(
            f"{path / MANIFEST} was exported for another {manifest.contract} contract: its fingerprint is "
            f"{manifest.contract_fingerprint[:12]} with features {', '.join(manifest.features)}; the code's is "
            f"{contract.fingerprint[:12]} with {', '.join(contract.feature_names())}",
            instead="serve it with the code it was exported by, or train and export for this contract",
        )
    return contract


def _encode_reference(path: Path, manifest: Manifest, contract: type[Contract]) -> tuple[float, ...]:
    with _refuse_damage(f"{path / MANIFEST}: reference_values"):
        return contract.model_validate(manifest.reference_values).encode()


def _build_explainer(path: Path, manifest: Manifest, files: HeldFiles) -> tuple[int, Explainer]:
    """Return the number of features the model takes, and its explainer."""
    if manifest.explainer == "tables":
        with _refuse_damage(f"{path} holds tables that are none"):
            tables = Tables.read(files)
            return len(tables.threshold_ends), build_table_explainer(tables)
    try:
        from churn.explain.xgb import build_xgboost_explainer, load_booster  # noqa: PLC0415 - an extra, slow to load
    except ImportError as error:
        raise BundleError(
            f"{path} is explained by XGBoost, which is not installed: {manifest.explainer_reason}",
            instead="install it with `pip install 'streamflow-churn[xgboost]'`, or train a smaller model",
        ) from error
    with _refuse_damage(f"{path / MODEL} is not a model that XGBoost can use"):
        booster = load_booster(path / MODEL, files[MODEL])
        return booster.num_features(), build_xgboost_explainer(booster)


def probabilities_from_contributions(explained: Sequence[Sequence[float]]) -> list[float]:
    """Return the probability of each row of contributions with the base value last."""
    return [sigmoid(sum(row)) for row in explained]


def _check_golden(path: Path, golden: Golden, model: ChurnModel) -> None:
    explained = model.explain(np.array(golden.rows, dtype=np.float32))
    answers = np.column_stack([explained, probabilities_from_contributions(explained.tolist())])
    golden_answers = np.column_stack([golden.contributions, golden.probability])
    if answers.shape != golden_answers.shape:
        raise BundleError(f"{path} holds golden rows of another shape than the model's", instead=EXPORT_AGAIN)
    worst = np.abs(answers - golden_answers).max(axis=1)
    if not (worst <= GOLDEN_TOLERANCE).all():
        row = int(np.nanargmax(np.where(np.isnan(worst), np.inf, worst)))
        raise BundleError(
            f"{path}: golden row {row} comes out differently than at export, by {worst[row]:.2g}",
            instead="the libraries here answer differently; install the locked ones, or export the model again here",
        )
