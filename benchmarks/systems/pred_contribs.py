"""(b) The obvious improvement: no pandas, no shap, XGBoost's own contributions; otherwise plain FastAPI.

What it does with a model is what the ready-made servers are given to do as well.
"""

import math
import os

import numpy as np
import xgboost
from fastapi import FastAPI

from benchmarks.systems.wire import NO_TELEMETRY, Answer, Subscriber, answer, encode


def load(path: str) -> xgboost.Booster:
    """The booster, with one thread: the workers are the parallelism."""
    booster = xgboost.Booster(model_file=path)
    booster.set_param({"nthread": 1})
    return booster


def explained(booster: xgboost.Booster, subscriber: Subscriber) -> Answer:
    """One subscriber's answer; contributions and base value sum to the margin, so one call gives both."""
    values = encode(subscriber)
    row = xgboost.DMatrix(np.array([values], dtype=np.float32), nthread=1)
    *contributions, base = booster.predict(row, pred_contribs=True, validate_features=False)[0].tolist()
    return answer(values, contributions, 1 / (1 + math.exp(-sum(contributions) - base)))


def make_app() -> FastAPI:
    """The service of the model that BENCH_MODEL names."""
    booster = load(os.environ["BENCH_MODEL"])
    app = FastAPI(telemetry=NO_TELEMETRY)

    @app.post("/predict")
    async def predict(subscriber: Subscriber) -> Answer:
        return explained(booster, subscriber)

    return app
