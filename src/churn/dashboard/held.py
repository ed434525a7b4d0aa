"""The bundles that lie below CHURN_HOME, and which of them is the champion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from churn.errors import ChurnError
from churn.model.bundle import MANIFEST_SHA256, Manifest, verified_manifest

CHAMPION = "champion"


@dataclass(frozen=True)
class Held:
    """One bundle.

    Args:
        contract: whose.
        name: of its folder.
        champion: whether `champion` points to it.
        manifest: None if it cannot be used.
        seal: the first digits of its manifest's checksum.
        problem: why it cannot be used.
    """

    contract: str
    name: str
    champion: bool
    manifest: Manifest | None
    seal: str = ""
    problem: str = ""


def held_bundles(home: Path) -> list[Held]:
    """All of all contracts, the champion of each first, then the newest."""
    folders = sorted(path for path in (home / "bundles").glob("*/*") if path.is_dir() and not path.is_symlink())
    found = [_held(path) for path in folders if not path.name.startswith(".")]
    found.sort(key=lambda each: (each.manifest.training_date if each.manifest else None) or "", reverse=True)
    return sorted(found, key=lambda each: (each.contract, not each.champion))


def _held(path: Path) -> Held:
    link = path.parent / CHAMPION
    champion = link.exists() and link.resolve() == path.resolve()
    try:
        manifest = verified_manifest(path)
    except ChurnError as error:
        return Held(path.parent.name, path.name, champion, None, problem=error.message)
    seal = (path / MANIFEST_SHA256).read_text(encoding="ascii")[:12]
    return Held(path.parent.name, path.name, champion, manifest, seal)
