"""Models that somebody else registered: a bundle says what they say themselves, or there is none."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import lightgbm
import mlflow
import numpy as np
import pytest
import xgboost
from mlflow import MlflowClient
from mlflow.models import Model, infer_signature
from support.company import COLUMNS, WORDS, by_the_alphabet, encode, make_subscribers, register, train, write_scores
from support.examples import STREAMFLOW
from support.processes import churn, serving

from churn.errors import BundleError, DataError, RegistryError
from churn.model.bundle import load_bundle
from churn.model.shelf import Shelf
from churn.training.data import InvalidData
from churn.training.export import Exported, export_model
from churn.training.flavors import read_model
from churn.training.promotion import find_version
from churn.training.registered import TRUSTED_TYPES
from churn.training.registry import Registry

pytestmark = [
    pytest.mark.xdist_group("registry"),
    # MLflow and XGBoost warn of their own hints, formats and future.
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("UserWarning", "FutureWarning", "DeprecationWarning")),
]

TABLE, LEFT = make_subscribers(2000)
CODED = encode(TABLE, WORDS)
ROWS = CODED.to_numpy(np.float32)
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "bring-your-own-model.md"
EDGE_ROWS = 1000  # of the tables' proof, which test_tables.py holds to its full number
SMALL = {"n_estimators": 8, "max_depth": 3}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the company's registry."""
    return tmp_path_factory.mktemp("company")


def export(
    store: Path, uri: str, folder: Path, check: Path | None = None, out: Path | None = None, *, force: bool = False
) -> Exported:
    registry = Registry(folder / "unused", f"sqlite:///{store}/company.db")
    shelf = Shelf(folder / "shelf")
    return export_model(
        registry, uri, out, shelf_of=lambda _: shelf, contract=None, otherwise="streamflow", check=check, force=force,
        edge_rows=EDGE_ROWS,
    )  # fmt: skip


def refuse(store: Path, uri: str, folder: Path, check: Path | None = None) -> str:
    """Return why the model is refused. Nothing may be left behind."""
    with pytest.raises(BundleError) as refused:
        export(store, uri, folder, check)
    assert not list((folder / "shelf").glob("*"))
    return refused.value.message


def test_a_model_that_stopped_early_is_exported_with_the_trees_it_predicts_with(store: Path, tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=60, learning_rate=1.0, max_depth=4, early_stopping_rounds=5)
    model.fit(CODED[:1200], LEFT[:1200], eval_set=[(CODED[1200:], LEFT[1200:])], verbose=False)
    own = model.predict_proba(CODED)[:, 1]
    every = model.get_booster().predict(xgboost.DMatrix(CODED))
    assert np.abs(every - own).max() > 0.1  # or this would test nothing
    exported = export(store, register(store, "early", model), tmp_path)
    assert np.abs(exported.bundle.model.predict_probabilities(ROWS) - own).max() <= 1e-5
    assert "its training stopped early" in exported.notes[0]


def test_a_booster_that_stopped_early_predicts_with_all_its_trees_and_so_does_its_bundle(
    store: Path, tmp_path: Path
) -> None:
    data, watched = xgboost.DMatrix(CODED[:1200], LEFT[:1200]), xgboost.DMatrix(CODED[1200:], LEFT[1200:])
    model = xgboost.train(
        {"objective": "binary:logistic", "learning_rate": 1.0}, data, 40,
        evals=[(watched, "watched")], early_stopping_rounds=5, verbose_eval=False,
    )  # fmt: skip
    own = model.predict(xgboost.DMatrix(CODED))
    exported = export(store, register(store, "early-booster", model), tmp_path)
    assert np.abs(exported.bundle.model.predict_probabilities(ROWS) - own).max() <= 1e-5


def test_columns_are_not_taken_by_position_where_the_signature_names_another_order(store: Path, tmp_path: Path) -> None:
    ordered = CODED[sorted(COLUMNS)]
    model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(ordered.to_numpy(), LEFT), 5)
    uri = register(store, "unnamed", model, signature=infer_signature(ordered, LEFT.astype(float)))
    why = refuse(store, uri, tmp_path)
    assert "its signature's features come in another order: feature 1 is contract_type, not tenure" in why


def test_columns_without_names_and_signature_are_taken_by_position_and_it_is_said(store: Path, tmp_path: Path) -> None:
    model = xgboost.train({"objective": "binary:logistic", "max_depth": 3}, xgboost.DMatrix(CODED.to_numpy(), LEFT), 5)
    exported = export(store, register(store, "bare", model), tmp_path)
    assert "taken in the contract's order" in exported.notes[0]
    own = model.predict(xgboost.DMatrix(CODED.to_numpy()))
    assert np.abs(exported.bundle.model.predict_probabilities(ROWS) - own).max() <= 1e-5


def test_other_codes_are_found_where_the_owner_gives_probabilities(store: Path, tmp_path: Path) -> None:
    coded = encode(TABLE, by_the_alphabet())
    model = train(coded, LEFT, **SMALL)
    uri = register(store, "alphabet", model)
    check = write_scores(tmp_path / "scores.csv", TABLE, model.predict_proba(coded)[:, 1])
    why = refuse(store, uri, tmp_path, check)
    assert "payment_method is coded electronic_check 2, mailed_check 3, bank_transfer 0, credit_card 1" in why
    assert "internet_service is coded none 2, dsl 0, fiber_optic 1" in why
    assert "With that all 2,000 rows agree" in why
    silent = export(store, uri, tmp_path)
    assert not silent.is_measured
    assert "nothing was measured of what its owner says" in silent.notes[-1]


@pytest.mark.parametrize(
    ("name", "change", "cause"),
    [
        ("turned", {"left": 1 - LEFT}, "its label is turned round, 1 means churned 0"),
        ("swapped", {"names": {"tenure": "monthly_charges", "monthly_charges": "tenure"}}, "its columns stand in"),
        ("from-one", {"plus": "contract_type"}, "contract_type is coded month-to-month 1, one-year 2, two-year 3"),
    ],
)
def test_the_likeliest_cause_is_named(
    store: Path, name: str, change: dict[str, Any], cause: str, tmp_path: Path
) -> None:
    coded = CODED.rename(columns=change.get("names", {}))[COLUMNS]
    if "plus" in change:
        coded = coded.assign(**{change["plus"]: coded[change["plus"]] + 1})
    left = change.get("left", LEFT)
    model = train(coded, left, **SMALL)
    own = model.predict_proba(coded)[:, int(left is LEFT)]
    why = refuse(store, register(store, name, model), tmp_path, write_scores(tmp_path / "scores.csv", TABLE, own))
    assert cause in why


def test_a_model_that_takes_a_number_for_a_missing_value_is_refused_with_that_cause(
    store: Path, tmp_path: Path
) -> None:
    model = train(CODED, LEFT, missing=0.0, **SMALL)
    how = {"serialization_format": "skops", "skops_trusted_types": TRUSTED_TYPES}
    uri = register(store, "missing", model, mlflow.sklearn.log_model, **how)
    assert "Likeliest cause: it takes 0 for a missing value" in refuse(store, uri, tmp_path)


def test_an_input_example_with_other_codes_refuses_the_model(store: Path, tmp_path: Path) -> None:
    coded = CODED.assign(internet_service=CODED.internet_service + 1)
    uri = register(store, "exampled", train(coded, LEFT, **SMALL), input_example=coded[:20])
    assert "input example has 3 as internet_service" in refuse(store, uri, tmp_path)


def test_what_predicts_by_code_of_its_own_needs_the_owners_probabilities(store: Path, tmp_path: Path) -> None:
    def log(model: xgboost.XGBClassifier, name: str, **how: Any) -> Any:
        """Logs a model in the native format whose prediction is a class of the company's."""
        run = mlflow.active_run()
        assert run is not None
        described = mlflow.models.Model(run_id=run.info.run_id)
        path = tmp_path / "model"
        mlflow.xgboost.save_model(model, path, mlflow_model=described)
        text = (path / "MLmodel").read_text().replace("loader_module: mlflow.xgboost", "loader_module: acme.loading")
        (path / "MLmodel").write_text(text)
        mlflow.log_artifacts(str(path), name)
        version = mlflow.register_model(f"runs:/{described.run_id}/{name}", how["registered_model_name"]).version
        return SimpleNamespace(registered_model_version=version)

    model = train(CODED, LEFT, **SMALL)
    uri = register(store, "coded", model, log)
    assert "predicts by code that was logged with it (acme.loading), which is never run" in refuse(store, uri, tmp_path)
    own = model.predict_proba(CODED)[:, 1]
    assert export(store, uri, tmp_path, write_scores(tmp_path / "scores.csv", TABLE, own)).is_measured
    why = refuse(store, uri, tmp_path / "again", write_scores(tmp_path / "scores.csv", TABLE, own**1.1))
    assert "a calibration or another unit is left" in why


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"contract_type": "weekly"}, "unknown category"),
        ({"churn_probability": "73.05"}, "not a number from 0 to 1"),
        ({"churn_probability": "nan"}, "not a number from 0 to 1"),
        ({"tenure": ""}, "blank"),
    ],
)
def test_a_bad_cell_among_the_owners_rows_is_named_with_its_line(
    store: Path, change: dict[str, str], check: str, tmp_path: Path
) -> None:
    path = write_scores(tmp_path / "scores.csv", TABLE[:30], np.linspace(0.12345, 0.9, 30))
    lines = path.read_text().splitlines()
    row = dict(zip(lines[0].split(","), lines[3].split(","), strict=True)) | change
    path.write_text("\n".join([*lines[:3], ",".join(row.values()), *lines[4:]]) + "\n")
    uri = register(store, "any", train(CODED, LEFT, **SMALL))
    with pytest.raises(InvalidData) as refused:
        export(store, uri, tmp_path, path)
    assert [(problem.column, problem.check, problem.lines) for problem in refused.value.problems] == [
        (next(iter(change)), check, (4,))
    ]


def test_probabilities_with_few_decimals_are_no_proof(store: Path, tmp_path: Path) -> None:
    uri = register(store, "coarse", train(CODED, LEFT, **SMALL))
    check = write_scores(tmp_path / "scores.csv", TABLE, np.full(len(TABLE), 0.731))
    with pytest.raises(DataError, match="have at most 3 decimals, which cannot show that a model is the same"):
        export(store, uri, tmp_path, check)


def test_two_registered_models_lie_side_by_side_and_each_names_itself(store: Path, tmp_path: Path) -> None:
    for name in ("one", "two words"):
        export(store, register(store, name, train(CODED, LEFT, **SMALL)), tmp_path)
    assert {path.name for path in (tmp_path / "shelf").iterdir()} == {"one-v1", "two-words-v1"}
    manifest = load_bundle(tmp_path / "shelf" / "two-words-v1").manifest
    assert (manifest.model_version, manifest.registered_as) == ("two-words-v1", "models:/two words/1")
    assert manifest.mlflow_run_id is not None


def test_nothing_is_replaced_without_force_but_the_same_version(store: Path, tmp_path: Path) -> None:
    first, second = (register(store, "again", train(CODED, LEFT, **SMALL)) for _ in range(2))
    out = tmp_path / "bundle"
    for _ in range(2):
        export(store, first, tmp_path, out=out)
    with pytest.raises(BundleError, match="holds another model, models:/again/1") as refused:
        export(store, second, tmp_path, out=out)
    assert "--force" in refused.value.instead
    export(store, second, tmp_path, out=out, force=True)
    assert load_bundle(out).manifest.registered_as == "models:/again/2"


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_bundle_is_never_replaced(store: Path, force: bool, tmp_path: Path) -> None:
    uri = register(store, "careless", train(CODED, LEFT, **SMALL))
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    link.symlink_to(mine)
    for out, why in ((mine, "holds other files"), (mine / "thesis.txt", "no folder"), (link, "no folder")):
        with pytest.raises(BundleError, match=why):
            export(store, uri, tmp_path, out=out, force=force)
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert link.is_symlink()


def test_an_alias_leaves_another_model_only_by_force(store: Path, tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        register(store, name, train(CODED, LEFT, **SMALL))
        MlflowClient().set_registered_model_alias(name, "champion", "1")
    champion = tmp_path / "shelf" / "champion"
    export(store, "models:/ours@champion", tmp_path)
    with pytest.raises(BundleError, match=r"champion in .* points to ours-v1, which is models:/ours/1, and theirs is"):
        export(store, "models:/theirs@champion", tmp_path)
    assert champion.readlink() == Path("ours-v1")
    assert not (tmp_path / "shelf" / "theirs-v1").exists()
    export(store, "models:/theirs@champion", tmp_path, force=True)
    assert champion.readlink() == Path("theirs-v1")
    assert champion.with_name("previous").readlink() == Path("ours-v1")


def test_a_model_in_the_format_that_xgboost_dropped_is_named_with_what_to_do(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "xgboost-1.7.6" / "model.xgb", tmp_path)
    flavors = {"xgboost": {"data": "model.xgb", "model_class": "xgboost.core.Booster", "model_format": "xgb"}}
    with pytest.raises(RegistryError, match=r"in the format that XGBoost 3\.1 dropped") as refused:
        read_model("models:/old/1", tmp_path, Model(flavors=flavors))
    assert "load it with XGBoost < 3.1 and log it as ubj" in refused.value.instead


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside.ubj", "absent.ubj", None])
def test_a_model_is_read_only_from_what_was_registered(name: str | None, tmp_path: Path) -> None:
    (tmp_path / "outside.ubj").touch()
    (tmp_path / "model").mkdir()
    with pytest.raises(RegistryError, match="is not among what was registered"):
        read_model("models:/odd/1", tmp_path / "model", Model(flavors={"xgboost": {"data": name}}))


def test_what_the_librarys_own_contributions_cost_is_said(store: Path, tmp_path: Path) -> None:
    model = xgboost.train({"objective": "binary:logistic", "booster": "gblinear"}, xgboost.DMatrix(CODED, LEFT), 3)
    exported = export(store, register(store, "linear", model), tmp_path)
    assert exported.bundle.manifest.explainer == "pred_contribs"
    assert "XGBoost's own contributions, because its booster is gblinear" in exported.notes[0]
    assert "15 to 35 times" in exported.notes[0]
    assert (
        np.abs(exported.bundle.model.predict_probabilities(ROWS) - model.predict(xgboost.DMatrix(CODED))).max() <= 1e-5
    )


def write_holdout(path: Path, count: int, seed: int) -> Path:
    """Subscribers whom no model was trained on, with the label, as the contract's data files are."""
    table, left = make_subscribers(count, seed)
    table.assign(subscriber_id=[f"c{at}" for at in range(count)], churned=left).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["gated", "gated-lightgbm"])
def test_a_holdout_gives_a_foreign_version_its_gates_its_auc_and_its_reference(
    store: Path, name: str, tmp_path: Path
) -> None:
    if name == "gated":
        register(store, name, train(CODED, LEFT, n_estimators=8, max_depth=3, learning_rate=0.1))
    else:
        data = lightgbm.Dataset(CODED, LEFT)
        booster = lightgbm.train({"objective": "binary", "num_threads": 1, "verbose": -1}, data, 8)
        register(store, name, booster, mlflow.lightgbm.log_model)
    environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{store}/company.db"}
    bare = churn(tmp_path, "promote", "1", "--name", name, **environment)
    assert bare.code == 6
    assert "churn promote --holdout FILE" in bare.err
    unseen = write_holdout(tmp_path / "unseen.csv", 3000, seed=1)
    done = churn(tmp_path, "promote", "1", "--name", name, "--holdout", unseen, "--json", **environment)
    gates = {gate["gate"]: gate for gate in json.loads(done.out)["gates"]}
    assert gates["contract"]["passed"]
    assert "measured on rows in the codes of" in gates["contract"]["reason"]
    assert gates["auc"]["reason"].startswith("AUC 0.")
    listed = json.loads(churn(tmp_path, "models", "--name", name, "--json", **environment).out)
    assert listed["versions"][0]["test_auc"] == pytest.approx(float(gates["auc"]["reason"][4:10]), abs=1e-4)
    exported = export(store, f"models:/{name}/1", tmp_path)
    assert exported.bundle.manifest.test_auc == listed["versions"][0]["test_auc"]
    assert "reference.json" in exported.bundle.manifest.files


def test_an_evaluation_is_believed_only_if_its_run_names_the_version(store: Path, tmp_path: Path) -> None:
    uri = register(store, "claimed", train(CODED, LEFT, **SMALL))
    registry = Registry(tmp_path, f"sqlite:///{store}/company.db")
    for run in ("no-such-run", registry.find(uri).run_id):
        registry.tag(registry.find(uri), {"evaluation_run": str(run)})
        assert registry.find(uri).evaluation is None


def test_a_foreign_version_is_found_by_number_and_by_its_bundles_name(store: Path, tmp_path: Path) -> None:
    register(store, "o'neill", train(CODED, LEFT, **SMALL))
    registry = Registry(tmp_path, f"sqlite:///{store}/company.db")
    for version in ("1", "o-neill-v1"):
        assert find_version(registry, STREAMFLOW, version, "o'neill").number == 1


def test_the_five_commands_of_the_page_bring_a_model_to_answers_that_are_its_own(store: Path, tmp_path: Path) -> None:
    table, left = make_subscribers(8000)
    coded = encode(table, WORDS)
    model = train(coded, left, n_estimators=60, max_depth=3, learning_rate=0.1)
    register(store, "acme-churn", model)
    own = model.predict_proba(coded)[:, 1].astype(float)
    write_scores(tmp_path / "rows.csv", table[:500], own[:500].round(4))
    write_holdout(tmp_path / "unseen.csv", 8000, seed=1)
    environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{store}/company.db"}
    block = PAGE.read_text().partition("```console\n")[2].partition("```")[0]
    *commands, last = [line.removeprefix("$ churn ").split() for line in block.splitlines()]
    for command in commands:
        done = churn(tmp_path, *(tmp_path / word if word.endswith(".csv") else word for word in command), **environment)
        assert done.code == 0, done.err
    assert "it says what rows.csv says on all 500 rows" in done.err
    with serving(tmp_path, *last) as (address, _):
        answers = [
            httpx2.post(f"{address}/predict", json=subscriber, trust_env=False).json()
            for subscriber in table[:20].to_dict("records")
        ]
    said = np.array([answer["churn_probability"] for answer in answers])
    assert np.abs(said - own[:20]).max() <= 0.5e-4 + 1e-6  # four decimals are shown
    assert {answer["model_version"] for answer in answers} == {"acme-churn-v1"}
