"""Tracing by OpenTelemetry, where a collector is named; without one nothing of it is loaded.

FastAPI itself makes the span of a request and takes the caller's trace from `traceparent` (W3C Trace Context). This
module says where spans go, and what they must not hold.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from churn.errors import SettingsError

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger("churn.tracing")

# OpenTelemetry's own names.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DISABLED = "OTEL_SDK_DISABLED"
SERVICE_NAME = "OTEL_SERVICE_NAME"
# Asked every few seconds by load balancers and Prometheus; nobody follows such a request.
NOT_TRACED = frozenset({"/", "/health", "/readyz", "/livez", "/metrics"})


def is_tracing_wanted() -> bool:
    """Return whether the environment names a collector, by OpenTelemetry's standard variables."""
    return any(map(os.environ.get, ENDPOINTS)) and os.environ.get(DISABLED, "").lower() != "true"


def configure_telemetry(count_lost: Callable[[int], None] = lambda _: None) -> TelemetryConfig:
    """Return what FastAPI is to do: spans if they are wanted, but no metrics and no logs, for we have our own.

    Args:
        count_lost: called with the number of spans that the collector did not take, from another thread.

    Raises:
        SettingsError: a collector is named whose address is none, or the libraries that speak to it are missing.
    """
    ours: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
    if not is_tracing_wanted():
        return ours
    return {
        **ours,
        "tracing": True,
        "tracer_provider": _build_provider(count_lost),
        "exclude": lambda scope: scope["path"] in NOT_TRACED,
    }


def _build_provider(count_lost: Callable[[int], None]) -> TracerProvider:
    """Return what sends spans in the background, in batches, and drops them rather than wait for the collector."""
    _require_address()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            f"a collector is named, and what speaks to it is not installed: {error.name}",
            instead=f"install the extra `tracing`, or unset {' and '.join(ENDPOINTS)}",
        ) from error

    class WithoutQuery(SpanProcessor):
        """Removes the query, which may hold anything that a caller sent; the log does not keep it either."""

        def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002 - the interface's
            if span.attributes and "url.query" in span.attributes:
                span.set_attribute("url.query", "not kept")

        def on_end(self, span: ReadableSpan) -> None:
            """Do nothing."""

    class CountingExporter(OTLPSpanExporter):
        """Counts what the collector does not take."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = super().export(spans)
            if result is not SpanExportResult.SUCCESS:
                count_lost(max(len(spans), 1))
            return result

    named = {} if os.environ.get(SERVICE_NAME) else {"service.name": "streamflow-churn"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(WithoutQuery())
    exporter = CountingExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    # Nobody waits for the collector; who starts a service learns soon whether it is there.
    threading.Thread(target=_try, args=(exporter,), name="try-collector", daemon=True).start()
    return provider


def _require_address() -> None:
    for name in ENDPOINTS:
        address = os.environ.get(name)
        if address and not address.startswith(("http://", "https://")):
            raise SettingsError(
                f"{name}: {address!r} is no address of a collector", instead="write it like http://127.0.0.1:4318"
            )


def _try(exporter: SpanExporter) -> None:
    """Send nothing to the collector, once."""
    if exporter.export([]).name != "SUCCESS":
        log.warning("the collector of traces takes nothing; spans are lost until it does")


def read_trace_id(scope: Any) -> str | None:
    """Return the id of a request's trace, 32 hex digits; None where it is not traced."""
    traced = scope.get("fastapi.telemetry")
    return f"{traced.span.get_span_context().trace_id:032x}" if traced and traced.span else None


def name_span(scope: Any, route: str) -> None:
    """Name a request's span after its route, as FastAPI's own routes do; do nothing where it is not traced."""
    traced = scope.get("fastapi.telemetry")
    if traced and traced.span:
        traced.route = route
        traced.span.set_attribute("http.route", route)
        traced.span.update_name(f"{traced.span_method} {route}")
