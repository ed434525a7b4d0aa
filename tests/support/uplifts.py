"""A small bundle with an uplift, whose effects are planted."""

from pathlib import Path

import numpy as np
import xgboost

from churn.contract.declaration import Rows
from churn.contract.sampling import draw_demo_columns
from churn.explain.specialising import specialise_booster
from churn.explain.xgb import XgboostModel
from churn.model.bundle import Bundle
from churn.model.uplift_files import BANNER_ALONE, UpliftCard
from churn.model.uplift_sealing import UpliftParts
from churn.retention.offers.policy import find_default_policy, load_policy
from support.demo_bundle import write_demo_bundle
from support.examples import STREAMFLOW
from support.policies import LANGUAGES

POLICY = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=LANGUAGES)
ROWS = 3000
OFFERS = (BANNER_ALONE, "yearly-20", "loyalty-15", "priority-support")
NAMES = STREAMFLOW.feature_names()
PROTECTED = [spec.marker.protected for spec in STREAMFLOW.features]


def draw_rows(count: int, seed: int = 1) -> Rows:
    return STREAMFLOW.encode_columns(draw_demo_columns(STREAMFLOW, np.random.default_rng(seed), count))


def plant_effects(rows: Rows) -> dict[str, np.ndarray]:
    """What each offer changes, in points: it helps who pays much or asks often. The banner alone harms some."""
    price, tickets, tenure = (
        rows[:, NAMES.index(name)] for name in ("monthly_charges", "num_support_tickets", "tenure")
    )
    return {
        BANNER_ALONE: np.where(tenure > np.median(tenure), -0.04, 0.02),
        "yearly-20": np.where(price > np.median(price), 0.08, -0.02),
        "loyalty-15": np.where(price > np.median(price), 0.03, -0.03) + np.where(tenure > np.median(tenure), 0, 0.05),
        "priority-support": np.where(tickets > np.median(tickets), 0.12, -0.05),
    }


def fit_whole(rows: Rows) -> xgboost.Booster:
    """Fit one booster over features and offers, which cannot ask about protected fields."""
    hidden = np.where(PROTECTED, np.float32(np.nan), rows)
    columns = [np.hstack([hidden, np.tile(row, (len(rows), 1))]) for row in np.eye(len(OFFERS), dtype=np.float32)]
    effects = plant_effects(rows)
    data = xgboost.DMatrix(np.vstack(columns), np.concatenate([effects[offer] for offer in OFFERS]))
    known = {"objective": "reg:squarederror", "base_score": 0.0, "max_depth": 3, "eta": 0.3, "nthread": 1}
    return xgboost.train(known, data, 12)


def build_uplift(rows: Rows, effects_sha256: str = POLICY.effects_sha256) -> UpliftParts:
    whole = fit_whole(rows)
    first = len(NAMES)
    models = {
        offer: XgboostModel(specialise_booster(whole, {first + at: float(at == place) for at in range(len(OFFERS))}))
        for place, offer in enumerate(OFFERS)
    }
    card = UpliftCard(
        offers=OFFERS,
        policy_sha256=POLICY.sha256,
        effects_sha256=effects_sha256,
        trained_from="2026-01-01",
        trained_until="2026-06-30",
        subscribers=30_000,
    )
    return UpliftParts(card, models)


def write_uplift_bundle(path: Path, version: str = "v0.1.0", *, uplift: UpliftParts | None = None) -> Bundle:
    """Write a bundle of the demo's documented process, with the planted uplift or another."""
    parts = uplift or build_uplift(draw_rows(ROWS))
    return write_demo_bundle(path, version, draws=ROWS, trees=40, edge_rows=300, uplift=parts)
