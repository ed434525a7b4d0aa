"""uvicorn alone: a constant answer without a framework, with as many headers as our service sends."""

from starlette.types import Receive, Scope, Send

from benchmarks.systems.wire import FEATURES, VERSION, build_answer

BODY = build_answer([0.0] * len(FEATURES), [0.0] * len(FEATURES), 0.5).model_dump_json().encode()
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
    (b"x-response-time-ms", b"1.000"),
    (b"x-model-version", VERSION.encode()),
    (b"x-request-id", b"0123456789abcdef0123456789abcdef"),
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and answer the same whatever it says."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
