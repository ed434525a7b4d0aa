"""The shelf: the folder where a contract's bundles lie, with the links `champion`, `previous` and `challenger`.

bundles/CONTRACT/VERSION    a bundle
bundles/CONTRACT/champion   a link to the one that `churn serve` serves
bundles/CONTRACT/previous   a link to the champion before it
bundles/CONTRACT/challenger a link to the one that `churn retrain` made last, for CHALLENGER_PATH
"""

from dataclasses import dataclass
from pathlib import Path

from churn.errors import BundleError, ChurnError
from churn.files import point_link
from churn.model.manifest import MANIFEST, Manifest, ModelCard, identify_bundle, read_manifest

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
BUNDLES = "bundles"
SHOWN_DIGITS = 12
FORCE = "replace it with --force, or give another folder with --out"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of one contract's bundles; it need not exist yet."""

    folder: Path

    @property
    def champion(self) -> Path:
        """Return the link to the bundle that is served."""
        return self.folder / CHAMPION

    def bundle(self, version: str) -> Path:
        """Return the folder of a version's bundle, whether it exists or not."""
        return self.folder / version

    def move_alias(self, alias: str, version: str) -> None:
        """Point the link named `alias` to a version's bundle."""
        point_link(self.folder / alias, self.bundle(version))

    def find_alias(self, alias: str) -> Path | None:
        """Return the bundle that the link named `alias` points to; None if there is none.

        Raises:
            BundleError: something else than a link has this name.
        """
        link = self.folder / alias
        if link.exists() and not link.is_symlink():
            raise BundleError(f"{link} is no link to a bundle", instead="give the alias another name in the registry")
        return link.resolve() if link.exists() else None

    def move_champion(self, version: str) -> None:
        """Point `champion` to a version's bundle, and `previous` to the earlier champion.

        Do nothing if the version has no bundle here. A second call changes nothing.
        """
        if not self.bundle(version).is_dir():
            return
        if self.champion.exists() and (earlier := self.champion.resolve().name) != version:
            self.move_alias(PREVIOUS, earlier)
        self.move_alias(CHAMPION, version)

    def find(self, sha256: str) -> Path | None:
        """Return the folder of the bundle whose manifest has this checksum, or None."""
        for manifest in sorted(self.folder.glob(f"*/{MANIFEST}")):
            if identify_bundle(manifest.parent) == sha256:
                return manifest.parent.resolve()  # `champion` is a link
        return None


@dataclass(frozen=True, slots=True)
class ShelvedBundle:
    """One bundle on a shelf.

    Args:
        contract: the contract's name.
        name: of its folder.
        is_champion: whether `champion` points to it.
        manifest: None if the bundle cannot be used.
        seal: the first digits of its sha256.
        problem: why it cannot be used.
    """

    contract: str
    name: str
    is_champion: bool
    manifest: Manifest | None
    seal: str = ""
    problem: str = ""


def require_replaceable(path: Path, card: ModelCard, *, force: bool) -> None:
    """Refuse to write a bundle where something else is. The same registered version may be written again.

    Args:
        force: replace the bundle of another model, too. What is no bundle is never replaced.

    Raises:
        BundleError: says what is there.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise BundleError(f"{path} is no folder of its own", instead="give another folder with --out")
    if not path.exists() or not any(path.iterdir()):
        return
    if not (path / MANIFEST).is_file():
        raise BundleError(f"{path} holds other files than a bundle", instead="give a new or empty folder with --out")
    if force:
        return
    try:
        there = read_manifest(path)
    except ChurnError as error:
        raise BundleError(f"{path} would be replaced, and cannot be read: {error.message}", instead=FORCE) from error
    is_same_run = there.mlflow_run_id == card.mlflow_run_id and card.mlflow_run_id is not None
    if not is_same_run or there.registered_as not in {None, card.registered_as}:
        raise BundleError(
            f"{path} holds another model, {there.registered_as or there.model_version} of the run "
            f"{there.mlflow_run_id or 'none'}; nothing is replaced",
            instead=FORCE,
        )


def open_shelf(home: Path, contract: str) -> Shelf:
    """Return the shelf of a contract below CHURN_HOME."""
    return Shelf(home / BUNDLES / contract)


def list_bundles(home: Path) -> list[ShelvedBundle]:
    """List the bundles of all contracts below CHURN_HOME: by contract, the champion first, then the newest."""
    folders = (path for path in sorted((home / BUNDLES).glob("*/*")) if path.is_dir() and not path.is_symlink())
    bundles = [_describe(path) for path in folders if not path.name.startswith(".")]
    bundles.sort(key=lambda bundle: (bundle.manifest.training_date if bundle.manifest else None) or "", reverse=True)
    return sorted(bundles, key=lambda bundle: (bundle.contract, not bundle.is_champion))


def _describe(path: Path) -> ShelvedBundle:
    contract, champion = path.parent.name, Shelf(path.parent).champion
    is_champion = champion.exists() and champion.resolve() == path.resolve()
    try:
        manifest = read_manifest(path)
        return ShelvedBundle(contract, path.name, is_champion, manifest, (identify_bundle(path) or "")[:SHOWN_DIGITS])
    except ChurnError as error:
        return ShelvedBundle(contract, path.name, is_champion, None, problem=error.message)
