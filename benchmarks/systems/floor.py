"""(d) The floor: the same schemas through FastAPI as it is ordinarily used, and a constant answer."""

from fastapi import FastAPI

from benchmarks.systems.wire import FEATURES, NO_TELEMETRY, Answer, Subscriber, answer

app = FastAPI(telemetry=NO_TELEMETRY)
CONSTANT = answer([0.0] * len(FEATURES), [0.0] * len(FEATURES), 0.5)


@app.post("/predict")
async def predict(subscriber: Subscriber) -> Answer:  # noqa: ARG001 - validated, then left alone
    """Answers the same whatever is sent."""
    return CONSTANT
