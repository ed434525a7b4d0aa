"""The exported model as a directory that explains itself and vouches for itself.

    model.ubj        the trees, in XGBoost's own format; model.txt in LightGBM's, model.cbm in CatBoost's, and
                     model.skops in that of scikit-learn's models. Only `churn prove` reads those three
    tables_*.npy     the same trees compiled for explaining, where they fit into tables
    golden.json      rows with the contributions and probabilities that the library gave at export
    reference.json   distributions over the holdout, where they are known
    uplift_*         what offers change, where somebody learnt it; `uplift_files.py` says more
    manifest.json    what this is, the reference values, and the sha256 of every file above
    manifest.sha256  the sha256 of the manifest: the bundle's identity
    manifest.sig     who vouches for the manifest, where somebody signed it

`sealing.py` writes it. Loading believes nothing: it reads every file once, into memory. It compares every byte there
with its checksum and the contract with the code's own, and predicts the golden rows anew. Only then is there a model.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.errors import BundleError, ContractError, SettingsError
from churn.explain import Explainer
from churn.explain.arrays import ARRAYS, Tables, file_name
from churn.explain.libraries import find_model_file
from churn.explain.tables import build_table_explainer
from churn.model.golden import require_equal_answers
from churn.model.held import HeldFiles
from churn.model.manifest import (
    EXPORT_AGAIN,
    GOLDEN,
    MANIFEST,
    MANIFEST_SHA256,
    MODEL,
    Manifest,
    parse_manifest,
    read_all,
    read_bundle_file,
    read_manifest_and_seal,
    refuse_damage,
    require_checksum,
)
from churn.model.model import ChurnModel, sigmoid
from churn.model.signing import MOST_SIGNATURE_BYTES, SIGNATURE, require_signature
from churn.model.uplift_reading import read_uplift


class Golden(BaseModel):
    """Encoded rows and what the model said of them: contributions with the base value last, and probability.

    A value that is not known is null.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: Annotated[list[list[float | None]], Field(min_length=1)]
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


def load_bundle(path: Path, keys: Path | None = None) -> Bundle:
    """Read a bundle into memory, verify it there and load its model.

    Args:
        keys: a file of public keys; one of them must have signed it.

    Raises:
        BundleError: a file is missing or changed, the contract is not the code's, or a golden row comes out
            differently, or nobody whom the keys name has signed it; the message names the file and the reason.
        SettingsError: the keys cannot be used.
    """
    files = _hold_files(path)
    if keys:
        require_signature(path, files[MANIFEST], files.get(SIGNATURE), keys)
    return verify_bundle(path, files)


def verify_bundle(path: Path, files: HeldFiles) -> Bundle:
    """Verify the files of a bundle and load its model; `path`, where they lay, is for the messages.

    Raises:
        BundleError: as for `load_bundle`.
    """
    manifest = parse_manifest(path, files[MANIFEST], files[MANIFEST_SHA256])
    contract = find_manifest_contract(path, manifest.contract, manifest.contract_fingerprint, manifest.features)
    for name, expected in manifest.files.items():
        require_checksum(path / name, files[name], expected)
    tables = set(map(file_name, ARRAYS)) if manifest.explainer == "tables" else {MODEL}
    if missing := {find_model_file(manifest.files) or MODEL, GOLDEN, *tables} - set(manifest.files):
        raise BundleError(f"{path / MANIFEST} lists no {' and no '.join(sorted(missing))}", instead=EXPORT_AGAIN)
    width, explain = _build_explainer(path, manifest, files)
    if width != len(contract.features):
        raise BundleError(
            f"the model in {path} takes {width} features, the contract has {len(contract.features)}",
            instead=EXPORT_AGAIN,
        )
    reference = _encode_reference(path, manifest, contract)
    uplift = read_uplift(path, manifest.uplift, files, contract) if manifest.uplift else None
    model = ChurnModel(contract, explain, manifest.model_version, reference, manifest.threshold, uplift)
    with refuse_damage(f"{path / GOLDEN} does not hold golden rows"):
        check_golden(path / GOLDEN, Golden.model_validate_json(bytes(files[GOLDEN])), model)
    return Bundle(path, hashlib.sha256(files[MANIFEST]).hexdigest(), manifest, model, files)


def _hold_files(path: Path) -> HeldFiles:
    """Read the manifest, its signature if there is one, and the files that it lists."""
    manifest, seal = read_manifest_and_seal(path)
    contents = {MANIFEST: manifest, MANIFEST_SHA256: seal}
    if (path / SIGNATURE).exists():
        contents[SIGNATURE] = read_bundle_file(path / SIGNATURE, most_bytes=MOST_SIGNATURE_BYTES)
    return HeldFiles(contents | read_all(path, list(parse_manifest(path, manifest, seal).files)))


def find_manifest_contract(path: Path, name: str, fingerprint: str, features: list[str]) -> type[Contract]:
    """Return the contract that a manifest names.

    Raises:
        BundleError: the code has none of this name, or with another fingerprint.
    """
    try:
        contract = find_contract(name)
    except ContractError as error:
        raise BundleError(f"{path / MANIFEST}: {error.message}", instead=error.instead) from error
    if (fingerprint, features) != (contract.fingerprint, contract.feature_names()):
        raise BundleError(
            f"{path / MANIFEST} was exported for another {name} contract: its fingerprint is {fingerprint[:12]} with "
            f"features {', '.join(features)}; the code's is "
            f"{contract.fingerprint[:12]} with {', '.join(contract.feature_names())}",
            instead="serve it with the code it was exported by, or train and export for this contract",
        )
    return contract


def _encode_reference(path: Path, manifest: Manifest, contract: type[Contract]) -> tuple[float, ...]:
    with refuse_damage(f"{path / MANIFEST}: reference_values"):
        return contract.model_validate(manifest.reference_values).encode()


def _build_explainer(path: Path, manifest: Manifest, files: HeldFiles) -> tuple[int, Explainer]:
    """Return the number of features the model takes, and its explainer."""
    if manifest.explainer == "tables":
        with refuse_damage(f"{path} holds tables that are none"):
            tables = Tables.read(files)
            return len(tables.threshold_ends), build_table_explainer(tables)
    try:
        from churn.explain.xgb import build_xgboost_explainer, load_booster  # noqa: PLC0415 - an extra, slow to load
    except ImportError as error:
        raise BundleError(
            f"{path} is explained by XGBoost, which is not installed: {manifest.explainer_reason}",
            instead="install it with `pip install 'streamflow-churn[xgboost]'`, or train a smaller model",
        ) from error
    with refuse_damage(f"{path / MODEL} is not a model that XGBoost can use"):
        booster = load_booster(path / MODEL, files[MODEL])
        return booster.num_features(), build_xgboost_explainer(booster)


def probabilities_from_contributions(explained: Sequence[Sequence[float]]) -> list[float]:
    """Return the probability of each row of contributions with the base value last."""
    return [sigmoid(sum(row)) for row in explained]


def check_golden(path: Path, golden: Golden, model: ChurnModel) -> None:
    """Raise BundleError if a model answers golden rows otherwise than they say."""
    explained = model.explain(np.array(golden.rows, dtype=np.float32))
    answers = np.column_stack([explained, probabilities_from_contributions(explained.tolist())])
    golden_answers = np.column_stack([golden.contributions, golden.probability])
    require_equal_answers(path, answers, golden_answers)
