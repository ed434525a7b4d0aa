"""A bundle with an uplift holds each offer's booster and tables, and proves that they agree."""

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost
from support.examples import STREAMFLOW

from churn.contract.sampling import draw_columns
from churn.errors import BundleError
from churn.explain.arrays import Tables
from churn.explain.tables import build_table_explainer
from churn.explain.xgb import XgboostModel
from churn.model.manifest import ModelCard, read_manifest
from churn.model.sealing import write_bundle
from churn.model.uplift_files import UpliftCard, UpliftGolden
from churn.model.uplift_sealing import UpliftParts

ROWS = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, np.random.default_rng(0), 500))
OFFERS = ("banner alone", "yearly-20")
CARD = UpliftCard(
    offers=OFFERS,
    policy_sha256="a" * 64,
    effects_sha256="b" * 64,
    trained_from="2026-01-01",
    trained_until="2026-06-30",
    subscribers=30_000,
)


def fit(objective: str, target: np.ndarray, columns: int | None = None) -> XgboostModel:
    rows = ROWS[:, :columns]
    params = {"objective": objective, "nthread": 1, "max_depth": 2}
    return XgboostModel(xgboost.train(params, xgboost.DMatrix(rows, target), 4))


CHURN = fit("binary:logistic", ROWS[:, 0] > np.median(ROWS[:, 0]))
EFFECTS = [fit("reg:squarederror", 0.1 * (ROWS[:, place] > np.median(ROWS[:, place])) - 0.05) for place in (1, 2)]


def write(path: Path, uplift: UpliftParts | None, model: XgboostModel = CHURN) -> None:
    write_bundle(
        path,
        contract=STREAMFLOW,
        model=model,
        card=ModelCard(model_version="v1"),
        golden_rows=ROWS[:9],
        more_rows=ROWS,
        edge_rows=300,
        uplift=uplift,
    )


def test_the_bundle_holds_for_each_offer_tables_that_say_what_its_booster_says(tmp_path: Path) -> None:
    write(tmp_path / "b", UpliftParts(CARD, dict(zip(OFFERS, EFFECTS, strict=True))))
    manifest = read_manifest(tmp_path / "b")
    assert manifest.uplift == CARD
    golden = UpliftGolden.model_validate_json((tmp_path / "b" / "uplift_golden.json").read_bytes())
    for place, model in enumerate(EFFECTS):
        prefix = f"uplift_{place}_"
        held = {name: memoryview((tmp_path / "b" / name).read_bytes()) for name in manifest.files}
        explain = build_table_explainer(Tables.read(held, prefix))
        assert explain(ROWS).sum(axis=1) == pytest.approx(model.native.predict(xgboost.DMatrix(ROWS)), abs=1e-5)
        assert golden.contributions[place] == pytest.approx(explain(ROWS[:9]), abs=1e-5)
        assert f"uplift_{place}.ubj" in manifest.files


def test_a_bundle_without_an_uplift_has_no_new_key_and_no_new_file(tmp_path: Path) -> None:
    write(tmp_path / "b", None)
    assert "uplift" not in json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert not list((tmp_path / "b").glob("uplift*"))


def test_an_uplift_of_other_features_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    narrow = fit("reg:squarederror", ROWS[:, 0] * 0.01, columns=3)
    with pytest.raises(BundleError, match="the uplift of yearly-20 takes 3 features"):
        write(tmp_path / "b", UpliftParts(CARD, {"banner alone": EFFECTS[0], "yearly-20": narrow}))
    assert not (tmp_path / "b").exists()


def test_a_regressor_is_never_sealed_as_the_model_of_who_leaves(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="predicts something else than the probability"):
        write(tmp_path / "b", None, EFFECTS[0])
