"""Models of LightGBM, CatBoost and scikit-learn, from a company's registry to answers that are their own."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import catboost
import httpx2
import lightgbm
import mlflow
import numpy as np
import pytest
import skops.io
from mlflow.models import Model
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from support.company import WORDS, encode, make_subscribers, register
from support.examples import STREAMFLOW
from support.patchy import Member
from support.processes import serving

from churn.contract.language import list_language_codes
from churn.errors import RegistryError
from churn.model.shelf import Shelf
from churn.retention.offers.policy import load_policy
from churn.retention.proving import draw_batches, prove
from churn.training.agreement import list_misfits
from churn.training.export import Exported, export_model
from churn.training.flavors import read_model
from churn.training.methods.catalogue import SERVABLE
from churn.training.methods.method import Recipe, ServableMethod
from churn.training.registered import TRUSTED_TYPES
from churn.training.registry import Registry
from churn.training.versions import RunRecord

pytestmark = [
    pytest.mark.xdist_group("registry"),
    # These libraries warn of their own hints, names and future.
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("UserWarning", "FutureWarning", "DeprecationWarning")),
]

TABLE, LEFT = make_subscribers(600)
CODED = encode(TABLE, WORDS)
SKOPS = {"serialization_format": "skops", "skops_trusted_types": TRUSTED_TYPES}
QUIET = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
LIBRARIES = ("catboost", "lightgbm", "mlflow", "pandas", "shap", "sklearn", "xgboost")


def fit_lightgbm(**how: Any) -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(**{"n_estimators": 20, "n_jobs": 1, "verbose": -1} | how).fit(CODED, LEFT)


def fit_early() -> lightgbm.LGBMClassifier:
    model = lightgbm.LGBMClassifier(n_estimators=60, learning_rate=0.5, n_jobs=1, verbose=-1)
    stop = lightgbm.early_stopping(3, verbose=False)
    return model.fit(CODED[:400], LEFT[:400], eval_set=[(CODED[400:], LEFT[400:])], callbacks=[stop])


def fit_catboost(**how: Any) -> catboost.CatBoostClassifier:
    return catboost.CatBoostClassifier(**{"iterations": 20, "depth": 4} | QUIET | how).fit(CODED, LEFT)


def log_booster(model: lightgbm.LGBMClassifier, **how: Any) -> Any:
    return mlflow.lightgbm.log_model(model.booster_, **how)


CASES: dict[str, tuple[Callable[[], Any], Callable[..., Any], dict[str, Any], str]] = {
    "lightgbm": (fit_lightgbm, log_booster, {}, "model.txt"),
    "lightgbm-early": (fit_early, mlflow.lightgbm.log_model, SKOPS, "model.txt"),
    "catboost": (fit_catboost, mlflow.catboost.log_model, {}, "model.cbm"),
    "histogram": (
        lambda: HistGradientBoostingClassifier(max_iter=20).fit(CODED, LEFT),
        mlflow.sklearn.log_model,
        SKOPS,
        "model.skops",
    ),
    "gradient": (
        lambda: GradientBoostingClassifier(n_estimators=20).fit(CODED, LEFT),
        mlflow.sklearn.log_model,
        SKOPS,
        "model.skops",
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the company's registry."""
    return tmp_path_factory.mktemp("company")


def export(store: Path, uri: str, folder: Path) -> Exported:
    registry, shelf = Registry(folder / "unused", f"sqlite:///{store}/company.db"), Shelf(folder / "shelf")
    return export_model(
        registry, uri, None, shelf_of=lambda _: shelf, contract=None, otherwise="streamflow", edge_rows=1000
    )


def block_libraries(folder: Path) -> str:
    """A folder for PYTHONPATH in which the libraries of models cannot be imported."""
    for library in LIBRARIES:
        (folder / f"{library}.py").write_text("raise ImportError('a service needs no library of models')\n")
    return str(folder)


@pytest.mark.parametrize("name", CASES)
def test_a_service_without_the_library_says_what_the_registered_model_says(
    store: Path, name: str, tmp_path: Path
) -> None:
    fit, log, how, file = CASES[name]
    model = fit()
    own = model.predict_proba(CODED)[:, 1]
    exported = export(store, register(store, name, model, log, **how), tmp_path)
    bundle = exported.bundle
    assert np.abs(bundle.model.predict_probabilities(CODED.to_numpy(np.float32)) - own).max() <= 1e-5
    assert file in bundle.manifest.files
    assert bundle.manifest.explainer == "tables"
    policy = load_policy(None, STREAMFLOW, languages=list_language_codes())
    proof = prove(bundle, policy, draw_batches(bundle.model.contract, 300), threshold=0.3, today=date(2026, 1, 1))
    assert proof.banners > 0
    assert not proof.broken
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    with serving(tmp_path, "serve", MODEL_PATH=bundle.path, PYTHONPATH=block_libraries(blocked)) as (address, _):
        answers = [
            httpx2.post(f"{address}/predict", json=subscriber, trust_env=False).json()
            for subscriber in TABLE[:20].to_dict("records")
        ]
    said = np.array([answer["churn_probability"] for answer in answers])
    assert np.abs(said - own[:20]).max() <= 0.5e-4 + 1e-6  # four decimals are shown


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("own"))


@pytest.mark.parametrize("method", SERVABLE.values(), ids=SERVABLE)
def test_a_calibrated_model_of_each_method_is_registered_so_that_mlflow_and_the_bundle_say_the_same(
    registry: Registry, method: ServableMethod, tmp_path: Path
) -> None:
    rows, shelf = CODED.to_numpy(np.float32), Shelf(tmp_path / "shelf")
    recipe = Recipe(method, {"trees": 30, method.size: method.plain_sizes[-1], **method.plain}, 0)
    fitted = recipe.fit(STREAMFLOW, rows, LEFT.astype(np.int8))
    expected = 1 / (1 + np.exp(-(0.6 * fitted.compute_margins(rows) - 0.25)))
    info = registry.register(STREAMFLOW, method.calibrate(fitted, 0.6, -0.25), RunRecord({}, {}, {}, {}))
    uri = f"models:/{info.name}/{info.number}"
    numbers = mlflow.models.get_model_info(uri).signature.inputs.numpy_types()
    said = mlflow.pyfunc.load_model(uri).predict(CODED.astype(dict(zip(CODED, numbers, strict=True))))
    assert (said if said.ndim == 1 else said[:, 1]) == pytest.approx(expected, abs=1e-6)
    exported = export_model(
        registry, uri, None, shelf_of=lambda _: shelf, contract=None, otherwise="streamflow", edge_rows=1000
    )
    assert exported.bundle.manifest.explainer == "tables"
    assert exported.bundle.model.predict_probabilities(rows) == pytest.approx(expected, abs=1e-5)


MULTI = np.arange(600) % 3
WORDED = TABLE.assign(contract_type=TABLE.contract_type.astype("category"))


def save_lightgbm(model: Any, folder: Path) -> dict[str, Any]:
    model.save_model(folder / "model.lgb")
    return {"lightgbm": {"data": "model.lgb", "model_class": "lightgbm.basic.Booster"}}


def save_catboost(model: Any, folder: Path) -> dict[str, Any]:
    model.save_model(str(folder / "model.cb"))
    return {"catboost": {"data": "model.cb", "model_type": type(model).__name__, "save_format": "cbm"}}


def save_skops(model: Any, folder: Path) -> dict[str, Any]:
    skops.io.dump(model, folder / "model.skops")
    return {"sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"}}


def boost(labels: Any = LEFT, table: Any = CODED, **how: Any) -> lightgbm.Booster:
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings | how, lightgbm.Dataset(table, labels), 3)


def boost_trees(labels: Any = LEFT, table: Any = CODED, **how: Any) -> catboost.CatBoostClassifier:
    return catboost.CatBoostClassifier(**{"iterations": 2} | QUIET | how).fit(table, labels)


def fit_sklearn(kind: Any, labels: Any = LEFT, **how: Any) -> Any:
    return kind(**how).fit(CODED, labels)


CATEGORICAL = WORDED[["tenure", "contract_type"]]
HISTOGRAM, GRADIENT = (
    partial(HistGradientBoostingClassifier, max_iter=2),
    partial(GradientBoostingClassifier, n_estimators=2),
)
REFUSED: dict[str, tuple[Callable[[], Any], Callable[[Any, Path], dict[str, Any]]]] = {
    "its objective is multiclass num_class:3, not binary": (
        lambda: boost(MULTI, objective="multiclass", num_class=3),
        save_lightgbm,
    ),
    "its objective is regression, not binary": (lambda: boost(objective="regression"), save_lightgbm),
    "it is a random forest, which averages its trees": (
        lambda: boost(boosting="rf", bagging_freq=1, bagging_fraction=0.5),
        save_lightgbm,
    ),
    "its leaves are linear models": (lambda: boost(linear_tree=True), save_lightgbm),
    "it splits on categorical columns": (lambda: boost(table=CATEGORICAL), save_lightgbm),
    "it takes 0 for a missing value": (lambda: boost(zero_as_missing=True), save_lightgbm),
    "its loss is MultiClass, not Logloss": (lambda: boost_trees(MULTI), save_catboost),
    "it splits on categories": (lambda: boost_trees(table=CATEGORICAL, cat_features=["contract_type"]), save_catboost),
    "it tells 3 classes apart": (lambda: fit_sklearn(HISTOGRAM, MULTI), save_skops),
    "its loss is exponential": (lambda: fit_sklearn(GRADIENT, loss="exponential"), save_skops),
    "it starts from something else": (lambda: fit_sklearn(GRADIENT, init="zero"), save_skops),
}


@pytest.mark.parametrize("complaint", REFUSED)
def test_what_cannot_be_served_is_refused_by_name(complaint: str, tmp_path: Path) -> None:
    fit, save = REFUSED[complaint]
    model = read_model("models:/acme/1", tmp_path, Model(flavors=save(fit(), tmp_path)))
    assert complaint in "; ".join(list_misfits(STREAMFLOW, model))


def test_a_model_that_takes_no_missing_value_does_not_fit_a_contract_that_has_some(tmp_path: Path) -> None:
    flavors = save_skops(fit_sklearn(GRADIENT), tmp_path)
    model = read_model("models:/acme/1", tmp_path, Model(flavors=flavors))
    assert "it predicts nothing where a value is missing" in "; ".join(list_misfits(Member, model))
    assert not list(list_misfits(STREAMFLOW, model))


def test_a_forest_is_refused_with_the_reason(tmp_path: Path) -> None:
    forest = RandomForestClassifier(n_estimators=2).fit(CODED, LEFT)
    with pytest.raises(RegistryError, match="is a RandomForestClassifier, which averages the probabilities"):
        read_model("models:/acme/1", tmp_path, Model(flavors=save_skops(forest, tmp_path)))


@pytest.mark.parametrize(
    ("flavor", "complaint"),
    [
        ({"lightgbm": {"data": "m", "model_class": "lightgbm.sklearn.LGBMRegressor"}}, "is a LGBMRegressor, which"),
        ({"lightgbm": {"data": "m"}}, "not in LightGBM's own text format"),
        ({"lightgbm": {"data": "m", "model_class": "lightgbm.sklearn.LGBMClassifier"}}, "logged as pickle, which"),
        ({"catboost": {"data": "m", "model_type": "CatBoostRanker"}}, "is a CatBoostRanker, which says"),
        ({"catboost": {"data": "m", "save_format": "onnx"}}, "saved as onnx, which is not read"),
        ({"catboost": {"data": "m"}}, "not in CatBoost's own format cbm"),
        ({"pytorch": {}}, "no model of XGBoost, LightGBM, CatBoost, scikit-learn: it was logged as pytorch"),
    ],
)  # fmt: skip
def test_what_is_in_no_readable_format_is_refused_with_what_to_do(
    flavor: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "m").write_text("tree\nobjective=binary sigmoid:1\n")
    with pytest.raises(RegistryError, match=complaint) as refused:
        read_model("models:/acme/1", tmp_path, Model(flavors=flavor))
    assert refused.value.instead


def test_the_numbers_of_a_damaged_tree_are_not_followed(tmp_path: Path) -> None:
    flavors = save_lightgbm(boost(), tmp_path)
    text = (tmp_path / "model.lgb").read_text()
    (tmp_path / "model.lgb").write_text(text.replace("left_child=1", "left_child=0", 1))
    with pytest.raises(RegistryError, match="not in LightGBM's own text format"):
        read_model("models:/acme/1", tmp_path, Model(flavors=flavors))
