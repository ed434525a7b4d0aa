"""Spans of a real service, sent to a collector that listens."""

import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.listening import QuietHandler, listening
from support.processes import serving, succeed

from churn.businesses import find_contract
from churn.model.bundle import Bundle

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"  # the specification's own example
PATIENCE_S = 30


@contextmanager
def collector() -> Iterator[tuple[str, queue.Queue[Span]]]:
    """A collector's address, and the spans that it was sent."""
    spans: queue.Queue[Span] = queue.Queue()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            for resource in sent.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        spans.put(span)
            self.answer(200)

    with listening(Handler) as address:
        yield address, spans


def test_a_request_goes_on_in_its_callers_trace_and_keeps_nothing_of_the_query(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    settings = {"MODEL_PATH": bundles["streamflow"].path, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with (
        collector() as (endpoint, spans),
        serving(tmp_path, "serve", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **settings) as (address, _),
    ):
        httpx2.get(f"{address}/health", trust_env=False)
        answer = httpx2.post(
            f"{address}/predict?reasons=2",
            json=find_contract("streamflow").example(),
            headers={"traceparent": f"00-{TRACE}-{CALLER}-01"},
            trust_env=False,
        )
        assert answer.status_code == 200
        span = spans.get(timeout=PATIENCE_S)
        attributes = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
        assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("POST /predict", TRACE, CALLER)
        assert (attributes["http.response.status_code"], attributes["url.query"]) == (200, "not kept")
        assert spans.empty()
    (record,) = json.loads(succeed(tmp_path, "predictions", "tail", "--json"))
    assert (record["prediction_id"], record["trace_id"]) == (answer.json()["prediction_id"], TRACE)


def test_a_service_without_a_collector_loads_nothing_that_speaks_to_one() -> None:
    code = """
import sys
from churn.businesses import find_contract
from churn.service.app import build_openapi_document
build_openapi_document(find_contract("streamflow"))
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "google"))])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(said.strip().replace("'", '"')) == []
