"""(a) The first version's request path: pandas, predict_proba, and a shap.TreeExplainer that is built once."""

import logging
import os
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pandas as pd
import shap
import xgboost
from fastapi import FastAPI, Request, Response

from benchmarks.systems.wire import FEATURES, NO_TELEMETRY, VERSION, Answer, Subscriber, build_answer, encode

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("churn")

model = xgboost.XGBClassifier()
model.load_model(os.environ["BENCH_MODEL"])
model.set_params(n_jobs=1)
explainer = shap.TreeExplainer(model)
app = FastAPI(telemetry=NO_TELEMETRY)


@app.middleware("http")
async def observe(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add the two headers and log the request, as the specification asks."""
    started = time.perf_counter()
    response = await call_next(request)
    duration_ms = (time.perf_counter() - started) * 1000
    response.headers["X-Response-Time-Ms"] = f"{duration_ms:.2f}"
    response.headers["X-Model-Version"] = VERSION
    log.info("%s %s %s %.2fms", request.method, request.url.path, response.status_code, duration_ms)
    return response


@app.post("/predict")
async def predict(subscriber: Subscriber) -> Answer:
    """Predict and explain one subscriber."""
    values = encode(subscriber)
    frame = pd.DataFrame([values], columns=FEATURES)
    probability = float(model.predict_proba(frame)[0, 1])
    contributions = np.asarray(explainer.shap_values(frame))[0]
    return build_answer(values, contributions.tolist(), probability)
