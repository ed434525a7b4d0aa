"""The manifest of a bundle: what the bundle says of itself, and the checksum of every other file."""

import hashlib
import json
from collections.abc import Buffer, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from churn.contract.phrases import Value
from churn.errors import BundleError, ChurnError
from churn.model.formats import read_format
from churn.model.held import MOST_BYTES, read_file
from churn.model.uplift_files import UpliftCard

MODEL, GOLDEN, REFERENCE = "model.ubj", "golden.json", "reference.json"


MANIFEST, MANIFEST_SHA256 = "manifest.json", "manifest.sha256"


MOST_MANIFEST_BYTES = 2**20


VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


EXPORT_AGAIN = "export the model again with `churn export`"


type Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


type FileName = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9]+$")]


UPLIFT_FORMAT: Final = 4


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
    # Left out where nobody said it, so that earlier programs read the manifest.
    horizon_days: Annotated[
        int | None,
        Field(gt=0, description="Within how many days the label says who left.", exclude_if=lambda days: days is None),
    ] = None
    as_of: Annotated[
        str | None,
        Field(
            description="The day to which the training data's dates were counted, or the column that said it.",
            exclude_if=lambda day: day is None,
        ),
    ] = None
    calibration_slope: Annotated[
        float | None,
        Field(gt=0, description="By which the leaves were multiplied.", exclude_if=lambda slope: slope is None),
    ] = None
    calibration_intercept: Annotated[
        float | None, Field(description="What the base score gained then.", exclude_if=lambda added: added is None)
    ] = None


class Manifest(ModelCard):
    """What a bundle says of itself."""

    features: list[str]
    bundle_format: Annotated[Literal[3, 4], Field(description="4 is 3 with an uplift.")] = 3
    contract: str
    contract_fingerprint: Sha256
    explainer: Literal["tables", "pred_contribs"]
    explainer_reason: Annotated[str | None, Field(description="Why not tables.")] = None
    reference_values: Annotated[
        dict[str, Value], Field(description="What each feature typically is where it speaks for staying.")
    ]
    threshold: Annotated[
        float | None, Field(ge=0, le=1, description="The banner is shown above it; absent: the contract's.")
    ] = None
    uplift: Annotated[
        UpliftCard | None,
        Field(
            description="What offers change, if somebody learnt it; absent: the policy's effects alone.",
            exclude_if=lambda uplift: uplift is None,
        ),
    ] = None
    libraries: dict[str, str]
    files: dict[FileName, Sha256]

    @model_validator(mode="after")
    def _name_its_format(self) -> Self:
        """Require format 4 of an uplift, so that a program that cannot use one says which program can."""
        if (self.uplift is not None) != (self.bundle_format == UPLIFT_FORMAT):
            raise ValueError(f"an uplift stands in format {UPLIFT_FORMAT}, and nothing else does")
        return self


# Every format that is served, for ever. A new one gets a reader here, and this program writes the latest.
READERS: Mapping[int, type[Manifest]] = {3: Manifest, UPLIFT_FORMAT: Manifest}


def identify_bundle(path: Path) -> str | None:
    """Return the sha256 that identifies the bundle in a folder, without verifying it; None if it has no manifest."""
    try:
        return hashlib.sha256(read_bundle_file(path / MANIFEST)).hexdigest()
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
    return parse_manifest(path, *read_manifest_and_seal(path))


def read_listed_files(path: Path) -> dict[str, bytes]:
    """Read a bundle of any format: its manifest, and the files that it lists. All have the checksums that they should.

    Raises:
        BundleError: a file is missing or changed.
    """
    manifest, seal = read_manifest_and_seal(path)
    _require_seal(path, manifest, seal)
    with refuse_damage(str(path / MANIFEST)):
        sums = TypeAdapter(dict[FileName, Sha256]).validate_python(json.loads(manifest)["files"])
    contents = read_all(path, list(sums))
    for name, content in contents.items():
        require_checksum(path / name, content, sums[name])
    return {MANIFEST: manifest, **contents}


def read_all(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = MOST_BYTES
    for name in names:
        contents[name] = read_bundle_file(path / name, most_bytes=left)
        left -= len(contents[name])
    return contents


def read_bundle_file(file: Path, *, most_bytes: int = MOST_MANIFEST_BYTES) -> bytes:
    return read_file(file, most_bytes=most_bytes, instead=EXPORT_AGAIN)


def read_manifest_and_seal(path: Path) -> tuple[bytes, bytes]:
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", instead=EXPORT_AGAIN) from error
    if not is_folder:
        raise BundleError(
            f"there is no bundle at {path}",
            instead="make one with `churn export models:/NAME@champion`, or set MODEL_PATH to the bundle's directory",
        )
    seal = read_bundle_file(path / MANIFEST_SHA256)
    return read_bundle_file(path / MANIFEST), seal


def _require_seal(path: Path, manifest: Buffer, seal: Buffer) -> None:
    if bytes(seal) != seal_from_manifest(manifest):
        raise BundleError(
            f"{path / MANIFEST} was changed after the export: {MANIFEST_SHA256} differs", instead=EXPORT_AGAIN
        )


def require_checksum(file: Path, content: Buffer, expected: str) -> None:
    if hashlib.sha256(content).hexdigest() != expected:
        raise BundleError(f"{file} was changed after the export: its sha256 differs", instead=EXPORT_AGAIN)


def parse_manifest(path: Path, manifest: Buffer, seal: Buffer) -> Manifest:
    _require_seal(path, manifest, seal)
    reader = READERS[read_format(path / MANIFEST, manifest, READERS)]
    with refuse_damage(
        str(path / MANIFEST), instead="this version of the code cannot read the bundle; export the model again"
    ):
        return reader.model_validate_json(bytes(manifest))


@contextmanager
def refuse_damage(problem: str, *, instead: str = EXPORT_AGAIN) -> Iterator[None]:
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
