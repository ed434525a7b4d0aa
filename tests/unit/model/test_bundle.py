"""A bundle is believed only after everything about it was checked."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from support.examples import STREAMFLOW

from churn.businesses import find_contract
from churn.contract.sampling import draw_columns
from churn.errors import BundleError
from churn.files import encode_json, hash_file
from churn.model.bundle import Bundle, ModelCard, load_bundle
from churn.model.reference import measure_reference
from churn.model.sealing import write_bundle

# A model of three features, which no contract has.
NARROW_ROWS = np.random.default_rng(0).random((50, 3), dtype=np.float32)
NARROW = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(NARROW_ROWS, NARROW_ROWS[:, 0] > 0.5), 2)


@pytest.fixture
def bundle(bundles: dict[str, Bundle], tmp_path: Path) -> Path:
    """A copy of the trained bundle, to be damaged."""
    return Path(shutil.copytree(bundles["streamflow"].path, tmp_path / "bundle"))


def reseal(bundle: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    """Changes the manifest and makes all checksums right again, as a careful forger would."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"] = {name: hash_file(bundle / name) for name in manifest["files"]}
    change(manifest)
    (bundle / "manifest.json").write_bytes(encode_json(manifest))
    (bundle / "manifest.sha256").write_text(f"{hash_file(bundle / 'manifest.json')}  manifest.json\n")


def test_a_bundle_that_is_loaded_answers_as_it_did_when_it_was_written(
    bundles: dict[str, Bundle], bundle: Path
) -> None:
    subscriber = STREAMFLOW.model_validate(STREAMFLOW.example())
    assert load_bundle(bundle).model.predict([subscriber]) == bundles["streamflow"].model.predict([subscriber])


def test_the_manifest_carries_the_metadata_of_the_spec(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest.keys() >= {
        "model_version",
        "mlflow_run_id",
        "training_date",
        "training_data_version",
        "test_auc",
        "test_f1",
        "features",
    }
    assert manifest["features"] == STREAMFLOW.feature_names()


FILES = ["model.ubj", "tables_numbers.npy", "golden.json", "reference.json", "manifest.json", "manifest.sha256"]


@pytest.mark.parametrize("name", FILES)
def test_any_changed_byte_is_found_and_its_file_named(bundle: Path, name: str) -> None:
    file = bundle / name
    content = file.read_bytes()
    for at in {0, len(content) // 2, len(content) - 1}:
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(BundleError, match=r"changed after the export") as refused:
            load_bundle(bundle)
        named = "manifest" if name.startswith("manifest") else name
        assert named in refused.value.message


@pytest.mark.parametrize("name", FILES)
def test_any_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=rf"{name} cannot be read"):
        load_bundle(bundle)


def test_a_folder_that_is_not_there_is_answered_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle at") as refused:
        load_bundle(tmp_path / "nothing")
    assert "churn export" in refused.value.instead


def test_a_golden_row_that_comes_out_differently_is_refused(bundle: Path) -> None:
    golden = json.loads((bundle / "golden.json").read_text())
    golden["contributions"][3][0] += 0.001
    (bundle / "golden.json").write_bytes(encode_json(golden))
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match="golden row 3 comes out differently"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"contract_fingerprint": "0" * 64}, "another streamflow contract"),
        ({"features": ["tenure"]}, "another streamflow contract"),
        ({"contract": "elsewhere"}, "no contract 'elsewhere'"),
        ({"bundle_format": 1}, "bundle_format"),
        ({"surprise": 1}, "surprise"),
        ({"files": {"../../etc/passwd": "0" * 64}}, "files"),
        ({"files": {}}, "lists no"),
        ({"contract": "telco", "contract_fingerprint": find_contract("telco").fingerprint}, "another telco contract"),
    ],
)
def test_a_foreign_manifest_is_refused_even_with_right_checksums(
    bundle: Path, change: dict[str, object], complaint: str
) -> None:
    reseal(bundle, lambda manifest: manifest.update(change))
    with pytest.raises(BundleError, match=complaint):
        load_bundle(bundle)


def test_a_model_file_that_is_no_model_is_refused(bundle: Path) -> None:
    (bundle / "model.ubj").write_bytes(b"\x80\x04N.")  # a pickle of None
    reseal(bundle, lambda manifest: manifest.update(explainer="pred_contribs"))
    with pytest.raises(BundleError, match="not a model in XGBoost's own format"):
        load_bundle(bundle)


def test_a_model_of_another_width_is_refused(bundle: Path) -> None:
    NARROW.save_model(bundle / "model.ubj")
    reseal(bundle, lambda manifest: manifest.update(explainer="pred_contribs"))
    with pytest.raises(BundleError, match="takes 3 features, the contract has 10"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("array", "change", "complaint"),
    [
        ("groups", lambda groups: groups + np.array([0, 0, 0, 0, 10**6]), "numbers do not add up"),
        ("groups", lambda groups: groups + np.array([99, 0, 0, 0, 0]), "groups do not add up"),
        ("groups", lambda groups: groups + np.array([0, 0, 4, 0, 0]), "groups do not add up"),
        ("groups", lambda groups: groups - np.array([0, 0, 0, 10**6, 0]), "passes do not add up"),
        ("groups", lambda groups: groups[:, :4], "groups is int64"),
        ("features", lambda features: features + 10, "features are out of range"),
        ("threshold_ends", lambda ends: ends + 1, "thresholds do not add up"),
        ("threshold_ends", lambda ends: ends[:0], "thresholds do not add up"),
        ("numbers", lambda numbers: numbers.astype(np.float64), "numbers is float64"),
        ("numbers", lambda numbers: numbers[:-1], "numbers do not add up"),
    ],
)
def test_tables_that_point_past_their_ends_are_refused(
    bundle: Path, array: str, change: Callable[[Any], Any], complaint: str
) -> None:
    file = bundle / f"tables_{array}.npy"
    np.save(file, change(np.load(file)))
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match=complaint):
        load_bundle(bundle)


def test_tables_that_are_a_pickle_are_refused(bundle: Path) -> None:
    np.save(bundle / "tables_base.npy", np.array([{}]), allow_pickle=True)
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match="tables that are none"):
        load_bundle(bundle)


def test_a_model_that_fits_no_tables_is_explained_by_xgboost_and_the_manifest_says_why(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, np.random.default_rng(0), 400))
    types = ["c" if spec.kind == "category" else "q" for spec in STREAMFLOW.features]
    payment = rows[:, STREAMFLOW.feature_names().index("payment_method")]
    matrix = xgboost.DMatrix(rows, payment % 2, feature_types=types, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, 2)
    written = write_bundle(
        tmp_path / "bundle",
        contract=STREAMFLOW,
        booster=booster,
        card=ModelCard(model_version="v0"),
        golden_rows=rows[:5],
    )
    assert (bundles["streamflow"].manifest.explainer, written.manifest.explainer) == ("tables", "pred_contribs")
    assert written.manifest.explainer_reason == "its trees split on categories"
    assert not list((tmp_path / "bundle").glob("tables_*"))
    margins = load_bundle(tmp_path / "bundle").model.explain(rows).sum(axis=1)
    assert margins == pytest.approx(booster.predict(matrix, output_margin=True), abs=1e-5)


def test_a_bundle_that_cannot_be_verified_is_never_left_behind(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        write_bundle(
            tmp_path / "bundle",
            contract=STREAMFLOW,
            booster=NARROW,
            card=ModelCard(model_version="v0"),
            golden_rows=NARROW_ROWS,
        )
    assert list(tmp_path.iterdir()) == []


def test_reference_counts_add_up_for_every_feature() -> None:
    for name in ("streamflow", "telco"):
        contract = find_contract(name)
        rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(0), 500))
        reference = measure_reference(contract, rows, np.linspace(0, 1, 500))
        assert list(reference["features"]) == contract.feature_names()
        for counted in reference["features"].values():
            bins = len(counted["values"]) if "values" in counted else len(counted["edges"]) + 1
            assert (len(counted["counts"]), sum(counted["counts"])) == (bins, 500)
        score = reference["probability"]
        assert (len(score["counts"]), sum(score["counts"])) == (len(score["edges"]) - 1, 500)
