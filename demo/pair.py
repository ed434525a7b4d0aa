"""The two versions that a demonstration plays with.

A contract with a demo process declares them, and they are trained where they are missing. Any other contract plays with
its champion and the newest other bundle on its shelf, or else with its champion under another name.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from churn.businesses import find_contract
from churn.cli.data import make_demo_file
from churn.cli.models import export_bundle
from churn.cli.show import say
from churn.cli.training import open_registry, train_and_register
from churn.contract.declaration import Contract
from churn.errors import ChurnError
from churn.files import write_bytes
from churn.model.manifest import MANIFEST, MANIFEST_SHA256, seal_from_manifest
from churn.model.shelf import list_bundles
from churn.settings import Settings

AGAIN = "-again"


@dataclass(frozen=True)
class Pair:
    """The bundles of the stable version and of the canary. A folder's name is its version."""

    contract: type[Contract]
    stable: Path
    canary: Path


def make_pair(settings: Settings, folder: Path) -> Pair:
    """Return the pair of the contract that the settings name. What has to be made anew goes into the folder.

    Raises:
        ChurnError: the contract has no demo process, and no champion has been exported.
    """
    contract = find_contract(settings.churn_contract)
    return _train_pair(contract, settings) if contract.demo else _find_pair(contract, settings, folder)


def _find_pair(contract: type[Contract], settings: Settings, folder: Path) -> Pair:
    name = contract.contract_name
    bundles = [
        bundle
        for bundle in list_bundles(settings.churn_home)
        if bundle.contract == name and bundle.manifest and bundle.manifest.contract_fingerprint == contract.fingerprint
    ]
    shelf = settings.shelf(name)
    if not bundles or not bundles[0].is_champion:
        raise ChurnError(
            f"{shelf.champion} is no bundle of the contract {name}, which has no demo data to make one of",
            instead=f"make one: churn train FILE --contract {name}, churn promote, churn export; "
            "or name the folder that has one with CHURN_HOME",
        )
    stable = shelf.bundle(bundles[0].name)
    if bundles[1:]:
        return Pair(contract, stable, shelf.bundle(bundles[1].name))
    say(f"there is no other version of {name} than {stable.name}: the canary has the same model under another name")
    return Pair(contract, stable, copy_as(stable, folder / f"{stable.name}{AGAIN}"))


def copy_as(bundle: Path, copy: Path) -> Path:
    """Copy a bundle, as the version that the copy's folder names. It has no signature."""
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns("*.sig"))
    manifest = json.loads((copy / MANIFEST).read_bytes()) | {"model_version": copy.name}
    content = json.dumps(manifest, indent=2).encode()
    write_bytes(copy / MANIFEST, content)
    write_bytes(copy / MANIFEST_SHA256, seal_from_manifest(content))
    return copy


def _train_pair(contract: type[Contract], settings: Settings) -> Pair:
    """Train and export the versions that are missing, as scripts/serve does."""
    assert contract.demo is not None  # noqa: S101 - it was asked before
    shelf = settings.shelf(contract.contract_name)
    versions = [version.model_version for version in contract.demo.versions.values()][:2]
    missing = {version for version in versions if not shelf.bundle(version).is_dir()}
    if missing:
        registry = open_registry(settings)
        from churn.training.promotion import find_version  # noqa: PLC0415 - MLflow takes seconds to import
        from churn.training.versions import name_registered_model  # noqa: PLC0415

        name = name_registered_model(contract)
        for data, version in contract.demo.versions.items():
            if version.model_version not in missing:
                continue
            say(f"making {version.model_version}, which is not there yet")
            if version.model_version not in {info.tags.get("model_version") for info in registry.list_versions(name)}:
                train_and_register(contract, make_demo_file(contract, data, settings), settings, version.model_version)
            info = find_version(registry, contract, version.model_version)
            export_bundle(f"models:/{name}/{info.number}", settings, contract=contract.contract_name)
    stable, canary = map(shelf.bundle, versions)
    return Pair(contract, stable, canary)
