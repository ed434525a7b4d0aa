"""MLflow for real: SQLite and a server process, our own models and those that somebody else registered."""

import io
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import mlflow
import numpy as np
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression
from support.broken_servers import always
from support.company import use_store
from support.examples import STREAMFLOW
from support.processes import churn, free_port, succeed
from support.small_server import http, small_server

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import BundleError, DataError, GateError, RegistryError
from churn.explain.xgb import XgboostModel
from churn.files import encode_json
from churn.model.bundle import load_bundle
from churn.model.reference import measure_reference
from churn.model.shelf import Shelf
from churn.training.data import TrainingData
from churn.training.export import export_model
from churn.training.holdout import split_by_chance
from churn.training.kept import HoldoutRows
from churn.training.measured import MEASURED_FILE, Measured, measure
from churn.training.promotion import check_version, find_version
from churn.training.registered import TRUSTED_TYPES, RegisteredModel
from churn.training.registry import FORCED, FORCED_REASON, Registry
from churn.training.run_files import list_models
from churn.training.subscribers import SUBSCRIBERS_FILE, find_versions, forget_subscriber, hash_subscribers
from churn.training.versions import FetchedModel, RunRecord, VersionInfo, name_registered_model

pytestmark = [
    pytest.mark.xdist_group("registry"),
    # MLflow warns of its own type hints, its own pickles and its own future.
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("UserWarning", "FutureWarning", "DeprecationWarning")),
]

ROWS = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, np.random.default_rng(0), 300))
LABELS = (ROWS[:, 0] < 60).astype(np.int8)
MORE_ROWS = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, np.random.default_rng(1), 600))
MORE_LABELS = (MORE_ROWS[:, 0] < 60).astype(np.int8)
NAMES = STREAMFLOW.feature_names()


def booster(names: list[str] | None = NAMES, objective: str = "binary:logistic") -> xgboost.Booster:
    data = xgboost.DMatrix(ROWS[:, : len(names or NAMES)], LABELS, feature_names=names)
    return xgboost.train({"objective": objective, "max_depth": 2}, data, 3)


def model(names: list[str] | None = NAMES) -> XgboostModel:
    return XgboostModel(booster(names))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """The default store: SQLite and a folder."""
    return Registry(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `mlflow server` process on a store of its own."""
    store, port = tmp_path_factory.mktemp("server"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--backend-store-uri", f"sqlite:///{store}/mlflow.db", "--artifacts-destination", str(store)],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if httpx2.get(f"{address}/health", trust_env=False).is_success:
                break
        except httpx2.TransportError:
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(60)


RECORD = RunRecord(
    params={"trees": 3},
    metrics={"test_auc": 0.9},
    tags={"model_version": "v1.0.0", "contract": "streamflow", "contract_fingerprint": STREAMFLOW.fingerprint},
    files={"environment.txt": b"xgboost-cpu"},
)


def test_a_model_goes_through_a_real_server_from_registration_to_bundle(server: str, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "unused", server)
    info = registry.register(STREAMFLOW, model(), RECORD)
    assert (info.number, info.tags["model_version"], info.metrics["test_auc"]) == (1, "v1.0.0", 0.9)
    registry.promote(info, {})
    assert registry.find_champion(name_registered_model(STREAMFLOW)) == registry.find(f"models:/{info.name}@champion")
    bundle = export(registry, f"models:/{info.name}@champion", tmp_path)
    assert bundle.name == "v1.0.0"
    assert load_bundle(bundle).manifest.test_auc == 0.9
    assert not (tmp_path / "unused").exists()


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    registry = Registry(tmp_path, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RegistryError, match="could not list the versions"):
        registry.list_versions("any")


def foreign(registry: Registry, name: str, log: str, model: object, **how: object) -> str:
    """Logs a model as somebody without this project would."""
    use_store(registry.tracking_uri)
    if mlflow.get_experiment_by_name("foreign") is None:
        mlflow.create_experiment("foreign", Path(registry.tracking_uri.removeprefix("sqlite:///")).parent.as_uri())
    mlflow.set_experiment("foreign")
    flavor = {"xgboost": mlflow.xgboost, "sklearn": mlflow.sklearn}[log]
    with mlflow.start_run():
        flavor.log_model(model, name="model", registered_model_name=name, pip_requirements=["xgboost-cpu"], **how)
    return f"models:/{name}/1"


def export(registry: Registry, uri: str, folder: Path) -> Path:
    return export_model(
        registry, uri, None, shelf_of=lambda _: Shelf(folder), contract=None, otherwise="streamflow"
    ).bundle.path


def test_a_booster_that_somebody_else_registered_is_exported(registry: Registry, tmp_path: Path) -> None:
    path = export(registry, foreign(registry, "a-booster", "xgboost", booster()), tmp_path)
    manifest = load_bundle(path).manifest
    assert (manifest.model_version, manifest.test_auc, manifest.training_date) == ("a-booster-v1", None, None)


@pytest.mark.parametrize("flavor", ["xgboost", "sklearn"])
def test_a_classifier_in_either_flavour_is_exported_and_answers_as_it_did(
    registry: Registry, flavor: str, tmp_path: Path
) -> None:
    classifier = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(ROWS, LABELS)
    how = {"skops_trusted_types": TRUSTED_TYPES, "serialization_format": "skops"} if flavor == "sklearn" else {}
    path = export(registry, foreign(registry, f"a-classifier-{flavor}", flavor, classifier, **how), tmp_path)
    expected = classifier.predict_proba(ROWS)[:, 1]
    assert load_bundle(path).model.predict_probabilities(ROWS) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("form", ["pickle", "cloudpickle"])
def test_a_pickle_is_never_loaded(registry: Registry, form: str, tmp_path: Path) -> None:
    classifier = xgboost.XGBClassifier(n_estimators=3).fit(ROWS, LABELS)
    uri = foreign(registry, f"a-{form}", "sklearn", classifier, serialization_format=form)
    with pytest.raises(RegistryError, match="can run code when loaded") as refused:
        export(registry, uri, tmp_path)
    assert "skops" in refused.value.instead
    assert "--check rows.csv" in refused.value.instead
    assert list(tmp_path.iterdir()) == []


def test_another_kind_of_model_is_refused(registry: Registry, tmp_path: Path) -> None:
    uri = foreign(
        registry, "a-regression", "sklearn", LogisticRegression().fit(ROWS, LABELS), serialization_format="skops"
    )
    with pytest.raises(
        RegistryError, match="is a LogisticRegression, which says no probability of leaving by boosted trees"
    ):
        export(registry, uri, tmp_path)


@pytest.mark.parametrize(
    ("name", "model", "complaints"),
    [
        ("lacking", booster(NAMES[:-1]), ["it lacks senior_citizen"]),
        ("renamed", booster([*NAMES[:-1], "age"]), ["it lacks senior_citizen", "it wants age"]),
        ("reordered", booster(NAMES[::-1]), ["another order: feature 1 is senior_citizen, not tenure"]),
        ("ranking", booster(objective="binary:hinge"), ["its objective is binary:hinge"]),
    ],
)
def test_a_model_that_does_not_fit_is_refused_with_all_differences(
    registry: Registry, name: str, model: xgboost.Booster, complaints: list[str], tmp_path: Path
) -> None:
    with pytest.raises(BundleError) as refused:
        export(registry, foreign(registry, name, "xgboost", model), tmp_path)
    for complaint in complaints:
        assert complaint in refused.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["models:/nothing@champion", "models:/nothing/3"])
def test_a_model_that_is_not_registered_is_one_sentence(registry: Registry, uri: str) -> None:
    with pytest.raises(RegistryError, match=r"could not find models:/nothing"):
        registry.find(uri)


@pytest.mark.parametrize("uri", ["nothing", "models:/", "models:/name", "models:/@champion", "runs:/abc/model"])
def test_an_address_of_another_form_is_refused(registry: Registry, uri: str) -> None:
    with pytest.raises(RegistryError, match="no model's address"):
        registry.find(uri)


def test_a_version_that_kept_no_holdout_fails_a_gate_of_that_name(registry: Registry) -> None:
    registry.register(STREAMFLOW, model(), RECORD)
    _, gates = check_version(registry, STREAMFLOW, "v1.0.0")
    assert [(gate.name, gate.passed) for gate in gates] == [("holdout", False)]


def test_a_version_that_is_not_there_is_answered_with_those_that_are(registry: Registry) -> None:
    registry.register(STREAMFLOW, model(), RECORD)
    with pytest.raises(RegistryError, match="has no version v9") as refused:
        check_version(registry, STREAMFLOW, "v9")
    assert "v1.0.0" in refused.value.instead


def test_a_registry_is_not_handed_on_to_processes_that_are_started_afterwards(tmp_path: Path) -> None:
    before = dict(os.environ)
    Registry(tmp_path)
    assert dict(os.environ) == before


def test_who_was_champion_becomes_previous_and_may_be_named_so(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    first, second = (
        registry.register(STREAMFLOW, model(), replace(RECORD, tags={**RECORD.tags, "model_version": version}))
        for version in ("v1.0.0", "v1.1.0")
    )
    for info in (first, second, second):  # the same one again changes nothing
        registry.promote(info, {})
    assert find_version(registry, STREAMFLOW, "champion").number == second.number
    assert find_version(registry, STREAMFLOW, "previous").number == first.number
    registry.promote(first, {})
    assert find_version(registry, STREAMFLOW, "previous").number == second.number


def test_a_model_that_could_not_be_served_cannot_be_promoted(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.register(STREAMFLOW, model(NAMES[::-1]), RECORD)
    with pytest.raises(GateError, match="does not fit the contract streamflow: its features come in another order"):
        check_version(registry, STREAMFLOW, "v1.0.0")


def test_a_champion_that_cannot_be_compared_with_fails_a_gate_and_can_be_replaced_by_force(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.promote(registry.register(STREAMFLOW, model(NAMES[:3]), RECORD), {FORCED: "holdout"})
    kept = {**RECORD.files, "export/holdout.npz": holdout_file()}
    newer = replace(RECORD, tags={**RECORD.tags, "model_version": "v1.1.0"}, files=kept)
    info = registry.register(STREAMFLOW, model(), newer)
    _, gates = check_version(registry, STREAMFLOW, "v1.1.0")
    assert "comparison" in [gate.name for gate in gates if not gate.passed]
    registry.promote(info, {FORCED: "comparison"})
    champion = registry.find_champion(info.name)
    assert champion is not None
    assert (champion.number, champion.tags[FORCED]) == (2, "comparison")
    registry.promote(champion, {})
    assert FORCED not in registry.find(f"models:/{info.name}/2").tags


def test_a_failed_gate_is_named_and_only_a_reason_gets_past_it(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.register(STREAMFLOW, model(), replace(RECORD, files={"export/holdout.npz": holdout_file()}))
    refused = churn(tmp_path, "promote", "v1.0.0")
    assert refused.code == 6
    assert "v1.0.0 was not promoted: calibration: calibration error" in refused.err
    assert registry.find_champion(name_registered_model(STREAMFLOW)) is None
    assert churn(tmp_path, "promote", "v1.0.0", "--force", "--reason", " ").code == 2
    succeed(tmp_path, "promote", "v1.0.0", "--force", "--reason", "a trial")
    champion = registry.find_champion(name_registered_model(STREAMFLOW))
    assert champion is not None
    assert champion.tags.items() >= {FORCED: "calibration", FORCED_REASON: "a trial"}.items()


def test_a_version_is_compared_with_a_champion_that_it_was_not_measured_beside_once_its_data_is_given(
    tmp_path: Path,
) -> None:
    registry, data = Registry(tmp_path), TrainingData("data of May", "0" * 64, {}, MORE_ROWS, MORE_LABELS)
    shares, own = {"senior_citizen": 0.0}, measure(model(), HoldoutRows(ROWS, LABELS))
    kept = {**RECORD.files, f"export/{MEASURED_FILE}": Measured(own, shares, {}).encode()}
    record = replace(RECORD, files=kept, tags={**RECORD.tags, "training_data_sha256": data.sha256})
    champion = registry.register(STREAMFLOW, model(), replace(record, tags={**record.tags, "model_version": "v0"}))
    registry.promote(champion, {})
    registry.register(STREAMFLOW, model(), record)

    _, gates = check_version(registry, STREAMFLOW, "v1.0.0")
    assert "`churn promote v1.0.0 --data FILE`" in gates[0].reason
    _, gates = check_version(registry, STREAMFLOW, "v1.0.0", data)
    assert [gate.name for gate in gates if "the champion's" in gate.reason] == ["auc", "log loss"]
    with pytest.raises(DataError, match="is not the file"):
        check_version(registry, STREAMFLOW, "v1.0.0", replace(data, sha256="1" * 64))


def test_a_champion_is_compared_on_the_rows_that_it_was_not_trained_on(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    ids = tuple(f"id-{number}" for number in range(len(MORE_ROWS)))
    data = TrainingData("data of May", "0" * 64, {}, MORE_ROWS, MORE_LABELS, ids)
    boundary = data.split(STREAMFLOW).boundary
    tags = {**RECORD.tags, "training_data_sha256": data.sha256, **boundary.build_tags()}
    shifted = replace(boundary, stayed_below=1.0, left_below=1.0).build_tags()
    champion = registry.register(STREAMFLOW, model(), replace(RECORD, tags={**tags, **shifted}))
    registry.promote(champion, {})
    registry.register(STREAMFLOW, model(), replace(RECORD, tags={**tags, "model_version": "v1.1.0"}))

    def say(**tags_of_champion: str) -> str:
        registry.tag(champion, tags_of_champion)
        _, gates = check_version(registry, STREAMFLOW, "v1.1.0", data)
        return next(gate.reason for gate in gates if gate.name == "comparison")

    rows = len(data.split(STREAMFLOW).holdout)
    assert say() == f"on {rows} of the {rows} rows of the holdout, on which the champion was not trained"
    assert f"the champion was not trained on 0 of the {rows} rows" in say(holdout_left_below="0.0")
    assert "which flatters it, is not known" in say(holdout_left_below="unknown", training_data_sha256="1" * 64)
    # Of a version that kept no boundary, the holdout follows from the rows' order.
    by_chance = np.flatnonzero(split_by_chance(MORE_LABELS))
    both = len(set(by_chance.tolist()) & set(data.split(STREAMFLOW).holdout.tolist()))
    assert f"the champion was not trained on {both} of the {rows} rows" in say(training_data_sha256=data.sha256)


def test_versions_trained_with_a_subscriber_are_named_until_they_are_forgotten(tmp_path: Path) -> None:
    registry, name = Registry(tmp_path), name_registered_model(STREAMFLOW)
    files = {
        "v1": {SUBSCRIBERS_FILE: hash_subscribers(["ann", "bob"], "a salt")},
        "v2": {SUBSCRIBERS_FILE: hash_subscribers(["bob"], "a salt")},
        "v3": {SUBSCRIBERS_FILE: hash_subscribers(["ann"], "another salt")},
        "v4": {"export/holdout.npz": holdout_file()},
    }
    for version, kept in files.items():
        tags = {**RECORD.tags, "model_version": version}
        registry.register(STREAMFLOW, model(), replace(RECORD, tags=tags, files=kept))

    assert find_versions(registry, name, "ann", "a salt") == ({"v1"}, {"v3", "v4"}, {"v4"}, set())
    forget_subscriber(registry, name, "ann", "a salt")
    assert find_versions(registry, name, "ann", "a salt") == (set(), {"v3", "v4"}, {"v4"}, set())
    assert find_versions(registry, name, "bob", "a salt").trained_with == {"v1", "v2"}

    foreign(registry, "theirs", "xgboost", booster())
    assert set(list_models(registry)) == {name, "theirs"}
    assert find_versions(registry, "theirs", "bob", "a salt") == (set(), {"number 1"}, set(), set())


def test_an_exported_bundle_holds_no_row_of_the_holdout(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    info = registry.register(STREAMFLOW, model(), replace(RECORD, files={"export/holdout.npz": holdout_file()}))
    bundle = export(registry, f"models:/{info.name}/1", tmp_path)
    golden = json.loads((bundle / "golden.json").read_text())["rows"]
    assert set(map(tuple, golden)).isdisjoint(map(tuple, ROWS.tolist()))


def holdout_file() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, rows=ROWS, labels=LABELS)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><title>Sign in</title>",
        b"[" * 50_000,
        b'{"model_versions": [true], "model_version": {"version": {}}}',
        b'{"model_versions": [{"name": "a", "version": "x"}], "model_version": {"version": "x"}}',
    ],
    ids=["HTML", "deep", "types", "no number"],
)
def test_an_answer_that_is_none_of_mlflow_is_told_in_a_sentence(body: bytes, tmp_path: Path) -> None:
    with small_server(always(http(200, body))) as address:
        store = Registry(tmp_path, address)
        for ask in (lambda: store.list_versions("a"), lambda: store.find("models:/a/1")):
            with pytest.raises(RegistryError, match="could not"):
                ask()


def reference_of(contract: type[Contract]) -> bytes:
    """What a training run keeps of this contract's holdout."""
    rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(0), 50))
    return encode_json(measure_reference(contract, rows, np.linspace(0, 1, 50)))


class OneModel(Registry):
    """A registry that has one model, and what a training run kept with it."""

    def __init__(self, kept: dict[str, bytes], auc: float | None = None, **tags: str) -> None:
        info = VersionInfo("a", 1, None, (), tags, {} if auc is None else {"test_auc": auc})
        self.fetched = FetchedModel(info, RegisteredModel(model(), lambda rows: rows[:, 0].astype(float)), kept)

    def find(self, _: str) -> VersionInfo:
        return self.fetched.info

    def fetch(self, _: VersionInfo) -> FetchedModel:
        return self.fetched


@pytest.mark.parametrize(
    "store",
    [
        OneModel({"reference_values.json": b"[[1, 2]]"}),
        OneModel({"reference_values.json": b"{"}),
        OneModel({"holdout.npz": b"PK"}),
        OneModel({"holdout.npz": b""}),
        OneModel({"reference.json": b"[1]"}),
        OneModel({"reference.json": reference_of(find_contract("telco"))}),
        OneModel({"reference.json": reference_of(STREAMFLOW).replace(b'"counts": [', b'"counts": [1, ')}),
        OneModel({}, model_version="../../etc"),
        OneModel({}, model_version="champion"),
        OneModel({}, model_version="v" * 65),
        OneModel({}, training_date="yesterday"),
        OneModel({}, training_data_version="x" * 201),
        OneModel({}, auc=math.nan),
        OneModel({}, auc=88.3),
    ],
)
def test_what_was_kept_with_a_model_and_is_damaged_is_told_in_a_sentence(store: Registry, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="of the registered model cannot be used"):
        export_model(store, "a", None, shelf_of=lambda _: Shelf(tmp_path), contract=None, otherwise="streamflow")


def test_a_version_that_was_trained_for_another_fingerprint_is_not_exported(tmp_path: Path) -> None:
    store = OneModel({}, contract_fingerprint="0" * 64)
    with pytest.raises(BundleError, match="trained for the fingerprint 000000000000, the code's streamflow has"):
        export_model(store, "a", None, shelf_of=lambda _: Shelf(tmp_path), contract=None, otherwise="streamflow")
