"""An image is built of a checkout and a bundle, and of nothing else that lies around."""

import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xgboost
from support.gym import write_gym

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import ImageError
from churn.explain.xgb import XgboostModel
from churn.image.source import BUSINESSES, DOCKERFILE, SENT, Checkout, find_checkout, stage_context
from churn.model.bundle import Bundle, load_bundle
from churn.model.manifest import ModelCard
from churn.model.sealing import write_bundle

ROOT = Path(__file__).resolve().parents[3]
FILES = {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "src/churn/model.py", "portal/app.py", DOCKERFILE}


def a_checkout(folder: Path) -> Path:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("as committed")
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "--message", "all", "--date", "2026-11-24T09:00:00Z")


def test_the_checkout_is_found_from_a_folder_within_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = a_checkout(tmp_path)
    monkeypatch.chdir(checkout / "src" / "churn")
    assert find_checkout(None).path == checkout


def test_a_folder_that_is_no_checkout_is_refused_even_within_one(tmp_path: Path) -> None:
    folder = a_checkout(tmp_path) / "src"
    with pytest.raises(ImageError, match=f"no checkout of the project at {folder}"):
        find_checkout(folder)


def test_a_checkout_without_git_has_no_revision_and_no_time(tmp_path: Path) -> None:
    source = find_checkout(a_checkout(tmp_path))
    assert (source.revision, source.created) == ("unknown", "1970-01-01T00:00:00Z")


def test_a_change_that_is_not_committed_marks_the_revision(tmp_path: Path) -> None:
    commit(a_checkout(tmp_path))
    committed = find_checkout(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", committed.revision)
    assert committed.committed_s > 0
    (tmp_path / "notes.txt").write_text("not of the image")
    assert find_checkout(tmp_path) == committed
    (tmp_path / "uv.lock").write_text("changed")
    assert find_checkout(tmp_path).revision == f"{committed.revision}-dirty"


def test_what_is_sent_is_the_checkout_without_what_builds_leave_behind_and_the_bundle(
    tmp_path: Path, bundles: dict[str, Bundle]
) -> None:
    checkout = a_checkout(tmp_path / "checkout")
    for left in ("src/churn/__pycache__/model.pyc", "src/churn/kernel.so", "src/churn/explain/kernel.c", "var/secret"):
        (checkout / left).parent.mkdir(parents=True, exist_ok=True)
        (checkout / left).write_text("left behind")
    bundle = bundles["streamflow"]
    with stage_context(Checkout(checkout, "unknown", 0), bundle) as folder:
        sent = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    baked = {f"bundle/{name}" for name in (*bundle.manifest.files, "manifest.json", "manifest.sha256")}
    assert sent == FILES | baked
    assert not folder.exists()


def test_a_business_from_outside_the_package_goes_with_its_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_BUSINESSES", str(write_gym(tmp_path / "ours")))
    checkout, bundle = a_checkout(tmp_path / "checkout"), bundle_of(find_contract("gym"), tmp_path / "bundle")
    with stage_context(Checkout(checkout, "unknown", 0), bundle) as folder:
        assert {path.name for path in (folder / BUSINESSES).iterdir()} == {"gym.py", "gym.toml"}
        monkeypatch.setenv("CHURN_BUSINESSES", str(folder / BUSINESSES))
        assert load_bundle(folder / "bundle").model.contract.contract_name == "gym"


def bundle_of(contract: type[Contract], path: Path) -> Bundle:
    rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(0), 200))
    data = xgboost.DMatrix(rows, label=rows[:, 0] < np.median(rows[:, 0]))
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, data, 2)
    return write_bundle(
        path, contract=contract, model=XgboostModel(booster), card=ModelCard(model_version="v1"), golden_rows=rows[:5]
    )


def test_dockerignore_lets_the_same_through() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == {*SENT, "bundle"}


def test_the_builder_has_the_versions_that_the_project_names() -> None:
    pinned = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "deploy/docker/builder.txt").read_text("utf-8"), re.MULTILINE)
    )
    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    uv = re.search(r"^UV_VERSION=(.+)$", (ROOT / "scripts/lib/environment.sh").read_text("utf-8"), re.MULTILINE)
    assert uv is not None
    assert pinned == {"uv": uv[1], **{name.lower(): version for name, version in (each.split("==") for each in named)}}
