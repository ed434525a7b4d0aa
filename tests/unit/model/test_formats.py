"""Formats of bundles: those that are served for ever, those that are upgraded, and those of a later program."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.earlier import EARLIER

from churn.errors import BundleError
from churn.model.bundle import Golden, load_bundle
from churn.model.manifest import GOLDEN, MANIFEST, MANIFEST_SHA256, READERS, seal_from_manifest
from churn.model.shelf import list_bundles
from churn.model.upgrading import upgrade_bundle

V1 = EARLIER / "bundles" / "streamflow" / "v0.0.1"


def write_earlier(folder: Path, number: int, **changes: Any) -> Path:
    """A bundle as an earlier program wrote it: format 1 without tables, both without reference values."""
    shutil.copytree(V1, folder)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    del manifest["reference_values"]
    if number == 1:
        del manifest["explainer_reason"]
        manifest["explainer"] = "pred_contribs"
        for tables in folder.glob("tables_*"):
            tables.unlink()
            del manifest["files"][tables.name]
    seal(folder, manifest | {"bundle_format": number} | changes)
    return folder


def seal(folder: Path, manifest: Any) -> None:
    content = json.dumps(manifest).encode()
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST_SHA256).write_bytes(seal_from_manifest(content))


@pytest.mark.parametrize("number", READERS)
def test_every_format_that_has_a_reader_has_a_bundle_of_an_earlier_version(number: int) -> None:
    bundles = [load_bundle(path) for path in sorted(EARLIER.parent.glob("*/bundles/*/v*"))]
    assert number in {bundle.manifest.bundle_format for bundle in bundles}


@pytest.mark.parametrize("number", [1, 2])
def test_an_earlier_format_is_named_with_what_to_do_and_becomes_one_of_today(tmp_path: Path, number: int) -> None:
    path = write_earlier(tmp_path / "bundles" / "streamflow" / "v0.0.1", number)
    with pytest.raises(BundleError, match=f"format {number}, which is not served any more") as refused:
        load_bundle(path)
    assert refused.value.instead == f"make one of today of it: churn bundle upgrade {path}"
    [shelved] = list_bundles(tmp_path)
    assert f"format {number}" in shelved.problem

    upgraded = upgrade_bundle(path, path)
    before = load_bundle(V1)
    assert load_bundle(path).sha256 == upgraded.sha256
    assert upgraded.manifest.model_version == "v0.0.1"
    assert (upgraded.manifest.bundle_format, upgraded.manifest.explainer) == (3, "tables")
    golden = Golden.model_validate_json((V1 / GOLDEN).read_bytes())
    rows = np.array(golden.rows, dtype=np.float32)
    assert np.abs(upgraded.model.explain(rows) - before.model.explain(rows)).max() < 1e-6
    kept = Golden.model_validate_json((path / GOLDEN).read_bytes())
    assert not {*map(tuple, kept.rows)} & {*map(tuple, golden.rows)}


def test_a_model_that_answers_otherwise_than_then_is_not_upgraded_and_nothing_is_changed(tmp_path: Path) -> None:
    path = write_earlier(tmp_path / "bundle", 1)
    golden = json.loads((path / GOLDEN).read_bytes())
    golden["probability"][0] += 0.01
    (path / GOLDEN).write_text(json.dumps(golden))
    with pytest.raises(BundleError, match=r"golden\.json was changed"):
        upgrade_bundle(path, path)
    manifest = json.loads((path / MANIFEST).read_bytes())
    manifest["files"][GOLDEN] = hashlib.sha256((path / GOLDEN).read_bytes()).hexdigest()
    seal(path, manifest)
    before = sorted((file.name, file.read_bytes()) for file in path.iterdir())
    with pytest.raises(BundleError, match="golden row 0 comes out differently"):
        upgrade_bundle(path, path)
    assert sorted((file.name, file.read_bytes()) for file in path.iterdir()) == before
    assert [each.name for each in tmp_path.iterdir()] == ["bundle"]


def test_only_an_earlier_format_is_upgraded_and_only_for_the_contract_of_then(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is of format 3, which is served as it is"):
        upgrade_bundle(V1, tmp_path / "new")
    other = write_earlier(tmp_path / "other", 2, contract_fingerprint="0" * 64)
    with pytest.raises(BundleError, match="exported for another streamflow contract"):
        upgrade_bundle(other, other)


@pytest.mark.parametrize(
    ("number", "why", "instead"),
    [
        (5, "is of format 5, and this program reads 3, 4", "install streamflow-churn 0.1.0, which wrote it, or later"),
        ("3", "names no bundle_format", "churn export"),
        (True, "names no bundle_format", "churn export"),
        (None, "names no bundle_format", "churn export"),
        (-1, "is of format -1", "install"),
    ],
)
def test_any_other_format_is_refused_with_what_to_install(
    tmp_path: Path, number: object, why: str, instead: str
) -> None:
    folder = Path(shutil.copytree(V1, tmp_path / "bundle"))
    seal(folder, json.loads((folder / MANIFEST).read_bytes()) | {"bundle_format": number})
    with pytest.raises(BundleError, match=why) as refused:
        load_bundle(folder)
    assert instead in refused.value.instead
