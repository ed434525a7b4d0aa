"""Tracing by OpenTelemetry, where a collector is named; without one nothing of it is loaded.

FastAPI itself makes the span of a request and takes the caller's trace from `traceparent` (W3C Trace Context). What is
here says where spans go, and what they must not hold.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from churn.errors import SettingsError

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.sdk.trace import TracerProvider

# OpenTelemetry's own names, which whoever runs a collector knows.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DISABLED = "OTEL_SDK_DISABLED"
SERVICE_NAME = "OTEL_SERVICE_NAME"
# Asked every few seconds by load balancers and Prometheus; nobody follows such a request.
NOT_TRACED = frozenset({"/health", "/readyz", "/livez", "/metrics"})


def tracing_wanted() -> bool:
    """Whether the environment names a collector, by OpenTelemetry's standard variables."""
    return any(map(os.environ.get, ENDPOINTS)) and os.environ.get(DISABLED, "").lower() != "true"


def telemetry() -> TelemetryConfig:
    """What FastAPI is told: spans if they are wanted, and of its own metrics and logs none, for we have ours.

    Raises:
        SettingsError: a collector is named, and the libraries that speak to it are not there.
    """
    ours: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
    if not tracing_wanted():
        return ours
    return {
        **ours,
        "tracing": True,
        "tracer_provider": _provider(),
        "exclude": lambda scope: scope["path"] in NOT_TRACED,
    }


def _provider() -> TracerProvider:
    """Sends spans in the background, in batches; drops them rather than wait for the collector."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            f"a collector is named, and what speaks to it is not installed: {error.name}",
            instead=f"install the extra `tracing`, or unset {' and '.join(ENDPOINTS)}",
        ) from error

    class WithoutQuery(SpanProcessor):
        """A query is whatever a caller sent, so no span keeps it; neither does the log."""

        def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002 - the interface's
            if span.attributes and "url.query" in span.attributes:
                span.set_attribute("url.query", "not kept")

        def on_end(self, span: ReadableSpan) -> None:
            """Nothing to do."""

    named = {} if os.environ.get(SERVICE_NAME) else {"service.name": "streamflow-churn"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(WithoutQuery())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def trace_id_of(scope: Any) -> str | None:
    """The id of the trace that a request belongs to, 32 hex digits; None where it is not traced."""
    traced = scope.get("fastapi.telemetry")
    return f"{traced.span.get_span_context().trace_id:032x}" if traced and traced.span else None


def name_span(scope: Any, route: str) -> None:
    """Names a request's span after its route, as FastAPI's own routes do; nothing where it is not traced."""
    traced = scope.get("fastapi.telemetry")
    if traced and traced.span:
        traced.route = route
        traced.span.set_attribute("http.route", route)
        traced.span.update_name(f"{traced.span_method} {route}")
