"""(b) The obvious improvement: no pandas, no shap, XGBoost's own contributions; otherwise plain FastAPI.

The ready-made servers do the same with the model.
"""

import math
import os

import numpy as np
import xgboost
from fastapi import FastAPI

from benchmarks.systems.wire import NO_TELEMETRY, Answer, Subscriber, build_answer, encode


def load_booster(path: str) -> xgboost.Booster:
    """Load the booster with one thread: the workers run in parallel."""
    booster = xgboost.Booster(model_file=path)
    booster.set_param({"nthread": 1})
    return booster


def explain(booster: xgboost.Booster, subscriber: Subscriber) -> Answer:
    """Answer one subscriber. Contributions and base value sum to the margin, so one call gives both."""
    values = encode(subscriber)
    row = xgboost.DMatrix(np.array([values], dtype=np.float32), nthread=1)
    *contributions, base = booster.predict(row, pred_contribs=True, validate_features=False)[0].tolist()
    return build_answer(values, contributions, 1 / (1 + math.exp(-sum(contributions) - base)))


def make_app() -> FastAPI:
    """Make the service of the model that BENCH_MODEL names."""
    booster = load_booster(os.environ["BENCH_MODEL"])
    app = FastAPI(telemetry=NO_TELEMETRY)

    @app.post("/predict")
    async def predict(subscriber: Subscriber) -> Answer:
        return explain(booster, subscriber)

    return app
