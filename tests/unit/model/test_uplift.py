"""A bundle with an uplift says what the fitted booster says, and is refused where it would say anything else."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.uplifts import NAMES, OFFERS, ROWS, build_uplift, draw_rows, fit_whole, write_uplift_bundle

from churn.errors import BundleError
from churn.explain.xgb import XgboostModel
from churn.files import hash_file
from churn.model.bundle import Bundle, load_bundle, verify_bundle
from churn.model.formats import read_format
from churn.model.manifest import MANIFEST, MANIFEST_SHA256, seal_from_manifest
from churn.model.uplift import Uplift
from churn.model.uplift_files import UPLIFT_GOLDEN
from churn.model.uplift_sealing import UpliftParts

WHOLE = fit_whole(draw_rows(ROWS))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_uplift_bundle(tmp_path_factory.mktemp("uplift") / "v0.1.0")


def uplift_of(bundle: Bundle) -> Uplift:
    assert bundle.model.uplift
    return bundle.model.uplift


def seal_again(folder: Path, **changes: Any) -> None:
    """Seal what somebody changed, as one who knows how would."""
    manifest = json.loads((folder / MANIFEST).read_bytes()) | changes
    manifest["files"] = {name: hash_file(folder / name) for name in manifest["files"] if (folder / name).exists()}
    content = json.dumps(manifest).encode()
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST_SHA256).write_bytes(seal_from_manifest(content))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), place=st.integers(0, len(OFFERS) - 1), unknown=st.integers(0, 3))
def test_an_adjustment_is_what_xgboost_says_of_the_offer_and_its_contributions_add_up_to_it(
    bundle: Bundle, seed: int, place: int, unknown: int
) -> None:
    row = draw_rows(1, seed)
    row[0, :unknown] = np.nan
    hidden = np.where([spec.marker.protected for spec in STREAMFLOW.features], np.float32(np.nan), row)
    data = xgboost.DMatrix(np.hstack([hidden, np.eye(len(OFFERS), dtype=np.float32)[[place]]]))
    adjustment = uplift_of(bundle).find_adjustment(tuple(row[0].tolist()), OFFERS[place])
    assert adjustment.points == pytest.approx(WHOLE.predict(data)[0], abs=1e-4)
    assert adjustment.points == round(adjustment.points, 4)
    base = adjustment.points - sum(adjustment.contributions)
    other = uplift_of(bundle).find_adjustment(tuple(draw_rows(1, seed + 1)[0].tolist()), OFFERS[place])
    assert base == pytest.approx(other.points - sum(other.contributions), abs=1e-4)
    assert [adjustment.contributions[at] for at, spec in enumerate(STREAMFLOW.features) if spec.marker.protected] == [0]


def test_an_offer_without_an_explainer_is_not_adjusted(bundle: Bundle) -> None:
    assert uplift_of(bundle).find_adjustment((0.0,) * len(NAMES), "autopay-3") == (0.0, ())


def test_the_bundle_is_of_format_4_which_a_program_of_format_3_refuses_and_names_the_one_that_can(
    bundle: Bundle,
) -> None:
    assert bundle.manifest.bundle_format == 4
    with pytest.raises(BundleError, match="is of format 4, and this program reads 3") as refused:
        read_format(bundle.path / MANIFEST, bundle.files[MANIFEST], {3})
    assert "which wrote it, or later" in str(refused.value.instead)


def test_a_process_that_is_spawned_has_the_same_uplift(bundle: Bundle) -> None:
    row = tuple(draw_rows(1, 5)[0].tolist())
    again = verify_bundle(bundle.path, bundle.files)
    assert uplift_of(again).find_adjustment(row, "yearly-20") == uplift_of(bundle).find_adjustment(row, "yearly-20")
    assert pickle.dumps(bundle.manifest)


@pytest.mark.parametrize(
    ("format_number", "keeps_uplift"), [(3, True), (4, False)], ids=["an uplift in format 3", "format 4 without one"]
)
def test_format_and_uplift_belong_together(
    tmp_path: Path, bundle: Bundle, format_number: int, keeps_uplift: bool
) -> None:
    folder = Path(shutil.copytree(bundle.path, tmp_path / "b"))
    manifest = json.loads((folder / MANIFEST).read_bytes())
    if not keeps_uplift:
        del manifest["uplift"]
        (folder / MANIFEST).write_text(json.dumps(manifest))
    seal_again(folder, bundle_format=format_number)
    with pytest.raises(BundleError, match="an uplift stands in format 4"):
        load_bundle(folder)


@pytest.mark.parametrize("name", [UPLIFT_GOLDEN, "uplift_1_tables_numbers.npy", "uplift_0_tables_base.npy"])
def test_a_missing_file_is_named(tmp_path: Path, bundle: Bundle, name: str) -> None:
    folder = Path(shutil.copytree(bundle.path, tmp_path / "b"))
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name.replace(".", r"\.")):
        load_bundle(folder)
    seal_again(folder)
    with pytest.raises(BundleError, match=f"lists no {name}"):
        load_bundle(folder)


def test_tables_that_say_something_else_than_at_export_are_refused(tmp_path: Path, bundle: Bundle) -> None:
    folder = Path(shutil.copytree(bundle.path, tmp_path / "b"))
    base = folder / "uplift_2_tables_base.npy"
    np.save(base, np.load(base) + 0.01)
    with pytest.raises(BundleError, match="was changed after the export"):
        load_bundle(folder)
    seal_again(folder)
    with pytest.raises(BundleError, match=r"uplift_golden\.json: golden row 0 comes out differently.*by 0\.01"):
        load_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"rows": [[1]], "contributions": []}', b"\x93NUMPY"])
def test_damaged_golden_rows_are_refused_in_words(tmp_path: Path, bundle: Bundle, content: bytes) -> None:
    folder = Path(shutil.copytree(bundle.path, tmp_path / "b"))
    (folder / UPLIFT_GOLDEN).write_bytes(content)
    seal_again(folder)
    with pytest.raises(BundleError, match="does not hold golden rows"):
        load_bundle(folder)


def test_an_uplift_that_asks_about_a_protected_field_is_refused(tmp_path: Path) -> None:
    rows = draw_rows(ROWS)
    senior = rows[:, NAMES.index("senior_citizen")]
    booster = xgboost.train({"max_depth": 2, "nthread": 1}, xgboost.DMatrix(rows, 0.1 * senior), 2)
    parts = build_uplift(rows)
    with pytest.raises(BundleError, match="decides on 'yearly-20' by senior_citizen, which is protected"):
        write_uplift_bundle(
            tmp_path / "b", uplift=UpliftParts(parts.card, {**parts.models, "yearly-20": XgboostModel(booster)})
        )
    assert not (tmp_path / "b").exists()
