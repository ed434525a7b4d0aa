"""Retraining for real: MLflow's store, a prediction log and outcomes, from what came of subscribers to the shadow."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.processes import churn
from support.retrained import CONTRACT, SALT, make_home, write_training_file

from churn.errors import BundleError, DataError, ExitCode, GateError, RegistryError
from churn.model.bundle import load_bundle
from churn.model.shelf import CHALLENGER, Shelf, open_shelf
from churn.outcomes.store import load_outcomes, locate_outcomes
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import hash_key
from churn.retraining.attempts import Attempts
from churn.retraining.lock import AtWork, lock_retraining
from churn.retraining.looking import Look, find_standing, look
from churn.retraining.people import find_log_versions
from churn.retraining.plan import RetrainingPlan, read_retraining_plan
from churn.retraining.running import Workplace, go_on, require_free_shadow, retrain_champion
from churn.retraining.sources import find_training_file, read_recipe
from churn.training.export import export_model
from churn.training.kept import LOG_FROM, LOG_UNTIL
from churn.training.methods.method import Recipe
from churn.training.registry import Registry
from churn.training.versions import RunRecord, VersionInfo

pytestmark = [
    pytest.mark.xdist_group("retraining"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("UserWarning", "FutureWarning", "DeprecationWarning")),
]

NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Home(NamedTuple):
    """A home in which one may retrain."""

    path: Path
    registry: Registry
    champion: VersionInfo
    places: Places
    shelf: Shelf

    def look(self, plan: RetrainingPlan | None = None, *, outcomes: Any = None, drift: str | None = None) -> Look:
        known = load_outcomes(locate_outcomes(self.path, CONTRACT.contract_name)) if outcomes is None else outcomes
        return look(
            self.registry, CONTRACT, plan or read_retraining_plan(), places=self.places, outcomes=known,
            measure_drift=lambda: drift, home=self.path, given=None, now=NOW, at_once=True,
        )  # fmt: skip

    def work(self, export: Callable[[str], str] | None = None) -> Workplace:
        return Workplace(
            self.registry, CONTRACT, self.places, self.shelf, NOW, export or self.export,
            hash_key=partial(hash_key, salt=SALT), salt=SALT,
        )  # fmt: skip

    def export(self, uri: str) -> str:
        done = export_model(
            self.registry, uri, None, shelf_of=lambda _: self.shelf, contract=None, otherwise="streamflow", edge_rows=50
        )
        return done.bundle.path.name

    def versions(self) -> list[VersionInfo]:
        return self.registry.list_versions(self.champion.name)

    def attempts(self) -> Attempts:
        return Attempts(self.registry, self.champion.name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    path = tmp_path_factory.mktemp("home")
    champion = make_home(path)
    places = locate_log(None, CONTRACT.contract_name, home=path)
    return Home(path, Registry(path), champion, places, open_shelf(path, CONTRACT.contract_name))


def refuse_to_export(_: str) -> str:
    raise BundleError("the disk is full", instead="make room")


def test_what_became_of_subscribers_makes_a_challenger_and_a_stop_makes_no_second_one(home: Home) -> None:
    before, seen, attempts = len(home.versions()), home.look(), home.attempts()
    assert (seen.obstacle, seen.due.cause is not None) == ("", True)
    with pytest.raises(BundleError, match="the disk is full"):
        retrain_champion(home.work(refuse_to_export), attempts, seen.material, seen.due, seen.obstacle)
    assert attempts.list_newest()[0].ending == "failed"
    assert not (home.shelf.folder / CHALLENGER).exists()
    unfinished = find_standing(home.registry, CONTRACT, read_retraining_plan(), now=NOW)["unfinished"]

    version = go_on(home.work(), attempts, home.champion)
    assert version == unfinished
    assert go_on(home.work(), attempts, home.champion) is None
    assert len(home.versions()) == before + 1
    made = next(info for info in home.versions() if CHALLENGER in info.aliases)
    assert home.shelf.find_alias(CHALLENGER) == home.shelf.bundle(str(version)).resolve()
    manifest = load_bundle(home.shelf.folder / CHALLENGER).manifest
    assert manifest.registered_as == f"models:/{made.name}/{made.number}"
    assert home.registry.find_champion(made.name) == home.champion  # who is live is for the rollout to say

    last = attempts.list_newest()[0]
    assert (last.ending, last.step, last.version) == ("shadow", "done", version)
    assert last.metrics["log_trained_on"] + last.metrics["log_held_out"] == len(seen.material.logged)
    assert last.metrics["log_treated_left_out"] == seen.material.logged.treated > 0
    assert {"log_auc_untreated", "log_auc_untreated_champion"} <= made.metrics.keys()
    assert "date" not in home.look(RetrainingPlan(new_outcomes=1)).due.describe()
    assert home.look(RetrainingPlan(new_outcomes=1)).due.cause == "asked for"  # all of the log is known already
    require_free_shadow(home.versions(), home.champion)

    first, until = int(made.tags[LOG_FROM]), int(made.tags[LOG_UNTIL])
    assert find_log_versions(home.registry, made.name, [first + 1]) == {version}
    assert find_log_versions(home.registry, made.name, [first - 1, until + 1]) == set()
    _require_nobody(home)


def _require_nobody(home: Home) -> None:
    """No key, no hash of one, and no row of the log lies anywhere but in log and outcomes."""
    keys = [b"new-17", str(hash_key("new-17", SALT)).encode()]
    elsewhere = [path for path in home.path.rglob("*") if path.is_file()]
    elsewhere = [path for path in elsewhere if path.relative_to(home.path).parts[0] not in {"predictions", "outcomes"}]
    assert len(elsewhere) > 10
    assert [path for path in elsewhere for key in keys if key in path.read_bytes()] == []


def test_outcomes_of_leavers_alone_are_refused_and_the_attempt_says_so(home: Home) -> None:
    known = load_outcomes(locate_outcomes(home.path, CONTRACT.contract_name))
    before, seen = len(home.versions()), home.look(outcomes=[outcome for outcome in known if outcome.left])
    assert "import what became of everybody" in seen.obstacle
    with pytest.raises(GateError, match="the log cannot be trained on"):
        retrain_champion(home.work(), home.attempts(), seen.material, seen.due, seen.obstacle)
    last = home.attempts().list_newest()[0]
    assert (last.ending, last.made_challenger) == ("refused", False)
    assert len(home.versions()) == before


def test_a_challenger_that_is_worse_is_refused_and_no_version_is_made(home: Home) -> None:
    before, seen = len(home.versions()), home.look()
    poor = replace(seen.material, recipe=Recipe(seen.material.recipe.method, {"trees": 1, "max_depth": 1}, 0))
    with pytest.raises(GateError, match=r"the challenger is refused: .*AUC") as refused:
        retrain_champion(home.work(), home.attempts(), poor, seen.due, "")
    last = home.attempts().list_newest()[0]
    assert (last.ending, last.made_challenger, last.said) == ("refused", True, refused.value.message[:1000])
    assert last.metrics["test_auc"] < 0.85
    assert len(home.versions()) == before


def test_another_file_than_the_champions_is_refused_by_its_hash(home: Home, tmp_path: Path) -> None:
    other = write_training_file(tmp_path / "other.csv", count=20, seed=9)
    with pytest.raises(DataError, match="its sha256 differs"):
        find_training_file(home.champion, home.path, other)
    with pytest.raises(DataError, match="the old training rows are not here") as missing:
        find_training_file(home.champion, tmp_path, None)
    assert "--data FILE" in missing.value.instead
    assert find_training_file(home.champion, home.path, None).name == "old.csv"


def test_a_champion_of_somebody_else_has_no_recipe(home: Home) -> None:
    model = home.registry.fetch(home.champion).trained
    foreign = home.registry.register(CONTRACT, model, RunRecord({}, {}, {"model_version": "v0.1"}, {}))
    with pytest.raises(RegistryError, match="does not say by which method"):
        read_recipe(home.registry, foreign)


def test_a_challenger_that_a_person_set_is_not_replaced(home: Home) -> None:
    theirs = VersionInfo("one", 7, None, (CHALLENGER,), {}, {})
    with pytest.raises(GateError, match="no retraining made it"):
        require_free_shadow([theirs], home.champion)


def test_a_dry_run_says_every_step_and_changes_nothing(home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*")}
    done = churn(home.path, "retrain", "--dry-run", "--json", PREDICTION_LOG_SALT=SALT)
    assert done.code == ExitCode.DONE, done.err
    said = json.loads(done.out)
    assert [step for step, _ in said["steps"]][:4] == ["due", "old rows", "log", "usable"]
    assert (said["obstacle"], said["steps"][-1][1]) == ("", "stop there")
    assert {path: path.stat().st_mtime_ns for path in home.path.rglob("*")} == before


def test_two_at_once_are_one(home: Home) -> None:
    with lock_retraining(home.path, "of-the-test"):
        with pytest.raises(AtWork) as told, lock_retraining(home.path, "of-the-test"):
            pass
        assert told.value.exit_code == ExitCode.NOT_OVER
    with lock_retraining(home.path, "of-the-test"):
        pass


def test_without_a_registry_nothing_is_made(tmp_path: Path) -> None:
    done = churn(tmp_path, "retrain", "status")
    assert done.code == ExitCode.REGISTRY_TROUBLE
    assert "there is no champion to retrain" in done.err
    assert not list(tmp_path.iterdir())
