"""An uplift goes from exposures through a real MLflow store into a bundle that holds it."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import typer
import xgboost
from support.examples import STREAMFLOW
from support.learning_world import find_champion, find_exposures

from churn.cli import uplift as command
from churn.contract.catalogues import list_languages
from churn.errors import DataError, GateError, RegistryError
from churn.explain.arrays import Tables
from churn.explain.tables import build_table_explainer
from churn.explain.xgb import XgboostModel, load_booster
from churn.learning.measures import read_rates
from churn.learning.stakes import weigh_exposures
from churn.model.manifest import read_manifest
from churn.model.shelf import Shelf
from churn.outcomes.exposures import Exposures
from churn.retention.offers.effects_hash import hash_effects
from churn.retention.offers.policy import Policy, find_default_policy, load_policy
from churn.settings import Settings
from churn.training.export import export_model
from churn.training.promotion import check_version
from churn.training.registry import Registry
from churn.training.run_files import read_file
from churn.training.uplift.boosting import fit_adjustment
from churn.training.uplift.lessons import collect_lessons, split_subscribers
from churn.training.uplift.recording import Base, build_version_record, fetch_base, name_uplift_version
from churn.training.uplift.training import TrainedUplift, train_uplift
from churn.training.versions import RunRecord, VersionInfo, name_registered_model

pytestmark = [
    pytest.mark.xdist_group("registry"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("UserWarning", "FutureWarning", "DeprecationWarning")),
]

NAME = name_registered_model(STREAMFLOW)
POLICY: Policy = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=list_languages(STREAMFLOW))
RECORD = RunRecord(
    params={"method": "XGBoost", "trees": 60},
    metrics={"test_auc": 0.9, "test_f1": 0.7},
    tags={"model_version": "v2.3.1", "contract": "streamflow", "contract_fingerprint": STREAMFLOW.fingerprint},
    files={"export/curve.json": b"{}"},
)


def make_champion(registry: Registry, version: str = "v2.3.1") -> VersionInfo:
    bundle = find_champion()
    model = XgboostModel(load_booster(Path("model.ubj"), bundle.files["model.ubj"]))
    record = replace(RECORD, tags={**RECORD.tags, "model_version": version})
    info = registry.register(STREAMFLOW, model, record)
    registry.promote(info, {})
    return info


@cache
def learn() -> tuple[Exposures, TrainedUplift]:
    """An uplift of few subscribers, with rounds that the gate would not have chosen."""
    exposures, _ = find_exposures(6000, 5, share=0.5)
    stakes = weigh_exposures(exposures, POLICY, STREAMFLOW)
    rates = read_rates(POLICY, stakes.actions)
    trained = train_uplift(exposures, stakes, rates, without_offer="reasons", horizon_days=60, currency="USD")
    folds = split_subscribers(exposures, 2, 0)
    lessons = collect_lessons(exposures, stakes, rates, folds)
    lessons.target[:] = 0.05 * (exposures.features[lessons.row][:, 1] > 70) - 0.02 * lessons.features[:, -1]
    return exposures, replace(trained, adjustment=fit_adjustment(lessons, folds, seed=0, rounds=5))


def register(registry: Registry, base: Base, version: str, forced: str | None = "to see it") -> VersionInfo:
    exposures, trained = learn()
    record = build_version_record(STREAMFLOW, base, trained, exposures, POLICY, version=version, forced=forced)
    return registry.register(STREAMFLOW, base.fetched.trained, record)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A store with a champion, number 1, and a version with an uplift over it, number 2."""
    registry = Registry(tmp_path_factory.mktemp("store"))
    make_champion(registry)
    base = fetch_base(registry, STREAMFLOW)
    register(registry, base, name_uplift_version(base, registry.list_versions(NAME)))
    return registry


def test_the_version_says_what_it_was_trained_on_and_keeps_what_the_champion_said(registry: Registry) -> None:
    info = registry.find(f"models:/{NAME}/2")
    exposures, trained = learn()
    assert info.tags["model_version"] == "v2.3.1-uplift1"
    assert info.tags["uplift_of"] == "1"
    assert info.tags["uplift_policy_sha256"] == POLICY.sha256
    assert info.tags["uplift_subscribers"] == str(trained.traffic.subscribers) == str(len(exposures))
    assert info.tags["uplift_trained_from"] == "2026-01-01"
    assert info.tags["log_from"] == str(exposures.time.min())
    assert info.tags["uplift_gate_subscribers"] == "failed"
    assert info.tags["contract_fingerprint"] == STREAMFLOW.fingerprint
    assert info.metrics["test_auc"] == 0.9
    assert info.metrics["uplift_money_low"] <= info.metrics["uplift_money"]
    assert registry.client.get_run(str(info.run_id)).data.params["method"] == "XGBoost"
    verdict = json.loads(read_file(registry, str(info.run_id), "uplift_verdict.json") or b"")
    assert verdict["verdict"] == "hold"
    assert verdict["wait"]["subscribers"] > 0
    assert verdict["autoc"].keys() == {"risk", "policy", "uplift"}


def test_it_has_gates_of_its_own_and_its_failed_ones_are_named(registry: Registry) -> None:
    info, gates = check_version(registry, STREAMFLOW, "v2.3.1-uplift1")
    by_name = {gate.name: gate for gate in gates}
    assert info.number == 2
    assert list(by_name) == ["contract", "champion", "exploration", "subscribers", "rounds", "overlap", "money"]
    assert by_name["contract"].passed
    assert by_name["champion"].passed
    assert not by_name["subscribers"].passed


def test_a_file_of_subscribers_does_not_measure_it(registry: Registry) -> None:
    with pytest.raises(DataError, match="say nothing of what an offer changes"):
        check_version(registry, STREAMFLOW, "v2.3.1-uplift1", unseen=object())  # type: ignore[arg-type]


def test_its_bundle_has_the_champions_probabilities_and_for_each_action_what_its_booster_adds(
    registry: Registry, tmp_path: Path
) -> None:
    def export(number: int) -> Path:
        return export_model(
            registry,
            f"models:/{NAME}/{number}",
            tmp_path / str(number),
            shelf_of=lambda name: Shelf(tmp_path / name),
            contract=None,
            otherwise="streamflow",
            edge_rows=500,
        ).bundle.path

    plain, own = export(1), export(2)
    assert "uplift" not in json.loads((plain / "manifest.json").read_text())
    assert (plain / "model.ubj").read_bytes() == (own / "model.ubj").read_bytes()
    assert (plain / "golden.json").read_bytes() == (own / "golden.json").read_bytes()
    manifest = read_manifest(own)
    assert manifest.model_version == "v2.3.1-uplift1"
    exposures, trained = learn()
    assert manifest.uplift is not None
    assert manifest.uplift.offers == trained.adjustment.actions
    assert manifest.uplift.effects_sha256 == hash_effects(POLICY.document)
    assert manifest.uplift.subscribers == len(exposures)
    rows = exposures.features[:300].astype(np.float32)
    held = {name: memoryview((own / name).read_bytes()) for name in manifest.files}
    for place, (action, booster) in enumerate(trained.adjustment.specialise().items()):
        added = build_table_explainer(Tables.read(held, f"uplift_{place}_"))(rows).sum(axis=1)
        assert added == pytest.approx(booster.predict(xgboost.DMatrix(rows)), abs=1e-5), action


def test_over_another_champion_it_must_be_trained_again(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    make_champion(registry)
    base = fetch_base(registry, STREAMFLOW)
    info = register(registry, base, "v2.3.1-uplift1")
    registry.promote(info, {})
    above = fetch_base(registry, STREAMFLOW)  # the champion has an uplift: its churn model is still number 1's
    assert (above.number, above.version) == (1, "v2.3.1")
    assert name_uplift_version(above, registry.list_versions(NAME)) == "v2.3.1-uplift2"
    make_champion(registry, "v2.4.0")
    _, gates = check_version(registry, STREAMFLOW, "v2.3.1-uplift1")
    [champion] = [gate for gate in gates if gate.name == "champion"]
    assert not champion.passed
    assert "train the uplift again" in champion.reason


def test_without_a_champion_there_is_nothing_that_an_uplift_could_go_with(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="has no champion"):
        fetch_base(Registry(tmp_path), STREAMFLOW)


def test_the_command_holds_says_what_it_takes_and_records_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(tmp_path)
    champion = make_champion(registry)
    monkeypatch.setattr(command, "read_log", lambda *_: find_exposures(1500, 7)[0])
    asked = command.Asked(out_paths=[tmp_path / "uplift.html", tmp_path / "uplift.json"])
    with pytest.raises(typer.Exit) as ended:
        command.train_uplift_and_register(STREAMFLOW, Settings(churn_home=tmp_path), asked)
    assert ended.value.exit_code == 9
    said = capsys.readouterr().out
    assert "hold: nothing is registered" in said
    assert "more subscribers above the threshold are needed at least" in said
    assert [info.number for info in registry.list_versions(NAME)] == [champion.number]
    runs = registry.client.search_runs([registry.client.get_run(str(champion.run_id)).info.experiment_id])
    assert {run.data.tags.get("uplift_verdict") for run in runs} == {None, "hold"}
    assert json.loads((tmp_path / "uplift.json").read_text())["verdict"] == "hold"
    assert "Hold: it is not sure" in (tmp_path / "uplift.html").read_text()


def test_a_reason_gets_past_the_gates_but_not_past_an_adjustment_that_is_none(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exposures, trained = learn()
    monkeypatch.setattr(command, "read_log", lambda *_: exposures)
    monkeypatch.setattr(command, "learn", lambda *_: trained)
    settings = Settings(churn_home=tmp_path, mlflow_tracking_uri=registry.tracking_uri)
    command.train_uplift_and_register(STREAMFLOW, settings, command.Asked(forced="a trial"))
    assert "next: churn promote v2.3.1-uplift2" in capsys.readouterr().out
    assert registry.find(f"models:/{NAME}/3").tags["uplift_forced"] == "a trial"
    monkeypatch.setattr(
        command, "learn", lambda *_: replace(trained, adjustment=replace(trained.adjustment, booster=None))
    )
    with pytest.raises(GateError, match="no adjustment to register"):
        command.train_uplift_and_register(STREAMFLOW, settings, command.Asked(forced="a trial"))
