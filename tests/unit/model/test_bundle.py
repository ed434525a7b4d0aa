"""A bundle is believed only after everything about it was checked."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from support.examples import STREAMFLOW

from churn.businesses import find_contract
from churn.contract.sampling import draw_columns
from churn.errors import BundleError
from churn.explain.xgb import XgboostModel
from churn.files import encode_json, hash_file
from churn.model.bundle import Bundle, load_bundle
from churn.model.manifest import ModelCard, seal_from_manifest
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
    assert "horizon_days" not in manifest  # nobody said it, and earlier programs know no such field


def test_the_horizon_of_the_label_is_kept_if_somebody_said_it() -> None:
    card = ModelCard(model_version="v1", horizon_days=60)
    assert card.model_dump()["horizon_days"] == 60
    assert ModelCard.model_validate(card.model_dump()) == card


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
        ({"bundle_format": 1}, "is of format 1, which is not served"),
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
        ("groups", lambda groups: groups[:-1], "features do not add up"),
        ("groups", lambda groups: groups - np.array([0, 0, 2**62, 0, 0]), "groups do not add up"),
        ("groups", lambda groups: groups + np.array([0, 0, 2**62, 0, 0]), "do not add up"),
        ("features", lambda features: features + 10, "features are out of range"),
        ("threshold_ends", lambda ends: ends + 1, "thresholds do not add up"),
        ("threshold_ends", lambda ends: ends[:0], "thresholds do not add up"),
        ("threshold_ends", lambda ends: np.array([2**62, -(2**63), -(2**62), *ends[3:]]), "thresholds do not add up"),
        ("threshold_ends", lambda ends: np.array([ends[1], ends[0], *ends[2:]]), "thresholds do not add up"),
        ("threshold_ends", lambda ends: np.repeat(ends, 30), "too many features"),
        ("thresholds", lambda thresholds: thresholds[::-1], "thresholds do not rise"),
        ("thresholds", lambda thresholds: thresholds * np.float32(np.nan), "thresholds do not rise"),
        ("passes", lambda passes: np.append(passes, np.uint8(1)), "passes do not add up"),
        ("passes", lambda passes: np.append(passes, np.uint8(2)), "passes are not 0 or 1"),
        ("base", lambda base: base * np.nan, "base is no log-odds"),
        ("base", lambda base: np.repeat(base, 2), "base is no log-odds"),
        ("numbers", lambda numbers: numbers.astype(np.float64), "numbers is float64"),
        ("numbers", lambda numbers: numbers.astype(">f4"), "numbers is >f4"),
        ("numbers", lambda numbers: numbers[:-1], "numbers do not add up"),
        ("numbers", lambda numbers: numbers * np.float32(np.nan), "numbers are no log-odds"),
        ("numbers", lambda numbers: numbers + np.float32(1e30), "numbers are no log-odds"),
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


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "(" * 9000,
        "{[]: 1}",
        HEADER[:-3],
        HEADER.replace("(1,)", "(4611686018427387904,)"),
        HEADER.replace("(1,)", "(-1,)"),
        HEADER.replace("(1,)", "(1L,)"),
        HEADER.replace("(1,)", "None"),
        HEADER.replace("(1,)", "(1, 1)").replace("False", "True"),
        HEADER.replace("<f4", "<M8[s]"),
        HEADER.replace("'<f4'", "['<f4']"),
        HEADER + "   ",  # so the numbers behind it lie where no number may lie
    ],
)
def test_tables_with_a_header_that_numpy_stumbles_over_are_refused(bundle: Path, header: str) -> None:
    content = header.encode()
    written = b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content + bytes(4)
    (bundle / "tables_numbers.npy").write_bytes(written)
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match="tables that are none"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", b"\x80\x04N."]
)
def test_tables_that_are_no_array_are_refused(bundle: Path, content: bytes) -> None:
    (bundle / "tables_numbers.npy").write_bytes(content)
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match="tables that are none"):
        load_bundle(bundle)


NO_GOLDEN_ROWS = [
    b"",
    b"null",
    b"[" * 100_000,
    b'{"rows": "\xff"}',
    b'{"rows": [[1e999]], "contributions": [[1]], "probability": [1]}',
    b'{"rows": [[NaN]], "contributions": [[1]], "probability": [1]}',
    b'{"rows": [[1], [1, 2]], "contributions": [[1], [1]], "probability": [1, 1]}',
    b'{"rows": [[1]], "contributions": [[1]], "probability": [1]}',
    b'{"rows": [[1' + b"0" * 5000 + b']], "contributions": [[1]], "probability": [1]}',
]


@pytest.mark.parametrize("content", NO_GOLDEN_ROWS, ids=lambda content: str(content[:40]))
def test_golden_rows_that_are_none_are_refused(bundle: Path, content: bytes) -> None:
    (bundle / "golden.json").write_bytes(content)
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match="golden"):
        load_bundle(bundle)


def test_golden_rows_of_uneven_answers_are_refused(bundle: Path) -> None:
    golden = json.loads((bundle / "golden.json").read_text())
    golden["contributions"][1].pop()
    (bundle / "golden.json").write_bytes(encode_json(golden))
    reseal(bundle, lambda _: None)
    with pytest.raises(BundleError, match="golden"):
        load_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"[]", b"{" * 100_000, b'{"\xff": 1}', b'{"test_auc": NaN}', b"1" * 5000])
def test_a_manifest_that_is_none_is_refused(bundle: Path, content: bytes) -> None:
    (bundle / "manifest.json").write_bytes(content)
    (bundle / "manifest.sha256").write_bytes(seal_from_manifest(content))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(bundle)


def put_folder(file: Path) -> None:
    file.mkdir()


def put_loop(file: Path) -> None:
    file.symlink_to(file.name)


def put_pipe(file: Path) -> None:
    os.mkfifo(file)


def put_endless_file(file: Path) -> None:
    with file.open("wb") as hole:
        hole.truncate(2**40)


@pytest.mark.parametrize("put", [put_folder, put_loop, put_pipe, put_endless_file])
@pytest.mark.parametrize("name", ["golden.json", "manifest.json", "manifest.sha256"])
def test_what_cannot_be_read_as_a_file_is_refused_and_named(
    bundle: Path, name: str, put: Callable[[Path], None]
) -> None:
    (bundle / name).unlink()
    put(bundle / name)
    with pytest.raises(BundleError, match=rf"{name} cannot be read"):
        load_bundle(bundle)


def test_a_place_that_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read: File name too long"):
        load_bundle(tmp_path / ("x" * 300))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BundleError, match="there is no bundle at"):
        load_bundle(tmp_path / "loop")


@pytest.mark.parametrize("change", [lambda _: b"", lambda content: bytes(len(content))], ids=["truncated", "zeroed"])
def test_a_loaded_bundle_answers_on_when_its_files_are_written_over_in_place(
    bundle: Path, change: Callable[[bytes], bytes]
) -> None:
    loaded = load_bundle(bundle)
    before = predict_example(loaded)
    for file in bundle.iterdir():
        file.write_bytes(change(file.read_bytes()))
    assert predict_example(loaded) == before


def test_nobody_can_write_to_what_is_held(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    assert loaded.files["golden.json"].readonly
    if sys.platform == "linux":  # where other processes of this user find open files, too
        links = [link for link in Path("/proc/self/fd").iterdir() if "churn-bundle" in os.path.realpath(link)]
        assert links
        for link in links:
            with link.open("r+b", buffering=0) as file, pytest.raises(PermissionError):
                file.write(b"x")


HANDED: list[Bundle] = []


def test_a_process_that_is_handed_a_bundle_answers_from_the_same_bytes(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    shutil.rmtree(bundle)
    with ProcessPoolExecutor(1, get_context("spawn"), take, (loaded,)) as pool:
        assert pool.submit(predict_example).result(timeout=60) == predict_example(loaded)


def take(bundle: Bundle) -> None:
    HANDED.append(bundle)


def predict_example(bundle: Bundle | None = None) -> tuple[str, Any]:
    answering = bundle or HANDED[0]
    return answering.sha256, answering.model.predict([STREAMFLOW.model_validate(STREAMFLOW.example())])


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
        model=XgboostModel(booster),
        card=ModelCard(model_version="v0"),
        golden_rows=rows[:5],
    )
    assert (bundles["streamflow"].manifest.explainer, written.manifest.explainer) == ("tables", "pred_contribs")
    assert written.manifest.explainer_reason == "its trees split on categories"
    assert not list((tmp_path / "bundle").glob("tables_*"))
    margins = load_bundle(tmp_path / "bundle").model.explain(rows).sum(axis=1)
    assert margins == pytest.approx(booster.predict(matrix, output_margin=True), abs=1e-5)


@pytest.mark.parametrize("threshold", [None, 0.125])
def test_a_bundle_has_the_threshold_that_it_was_sealed_with_and_else_no_new_key(
    tmp_path: Path, threshold: float | None
) -> None:
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, np.random.default_rng(0), 50))
    matrix = xgboost.DMatrix(rows, rows[:, 4] % 2)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 2}, matrix, 2)
    write_bundle(
        tmp_path / "bundle",
        contract=STREAMFLOW,
        model=XgboostModel(booster),
        card=ModelCard(model_version="v0"),
        golden_rows=rows[:5],
        threshold=threshold,
    )
    assert load_bundle(tmp_path / "bundle").model.threshold == threshold
    # Programs that do not know the key refuse a manifest that has it.
    assert ("threshold" in json.loads((tmp_path / "bundle" / "manifest.json").read_bytes())) is (threshold is not None)


def test_a_bundle_that_cannot_be_verified_is_never_left_behind(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        write_bundle(
            tmp_path / "bundle",
            contract=STREAMFLOW,
            model=XgboostModel(NARROW),
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
