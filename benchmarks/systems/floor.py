"""(d) The floor: FastAPI as it is usually written, with the same schemas and a constant answer."""

from fastapi import FastAPI

from benchmarks.systems.wire import FEATURES, NO_TELEMETRY, Answer, Subscriber, build_answer

app = FastAPI(telemetry=NO_TELEMETRY)
CONSTANT = build_answer([0.0] * len(FEATURES), [0.0] * len(FEATURES), 0.5)


@app.post("/predict")
async def predict(subscriber: Subscriber) -> Answer:  # noqa: ARG001 - validated, then left alone
    """Answer the same whatever is sent."""
    return CONSTANT
