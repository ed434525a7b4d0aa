"""One JSON object a line on standard output: our own lines, and those of the server and the libraries."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

import structlog
from pydantic_core import to_json

from churn.web.lines import find_output

REQUEST = "request"
# Tracebacks without the values of local variables: those are a subscriber's.
SHARED: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
]


def open_log(level: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger that writes straight to stdout, set up as structlog's notes on performance advise."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(cast("BinaryIO", find_output())),
        processors=[*SHARED, structlog.processors.JSONRenderer(serializer=_json_bytes)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return log


def open_request_log(level: str) -> Callable[..., None]:
    """Return what writes the line of a request that went well: the logger's line, in a third of the time."""
    if level not in {"debug", "info"}:
        return lambda **_: None
    out = find_output()

    def write(**fields: Any) -> None:
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        out.write(to_json({"event": REQUEST, **fields, "level": "info", "time": time}) + b"\n")

    return write


def _json_bytes(line: Any, **_: Any) -> bytes:
    return to_json(line, serialize_unknown=True)


def build_json_formatter() -> logging.Formatter:
    """Return a formatter that makes lines of the standard library's logging look like our own."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


class LineHandler(logging.Handler):
    """Writes what the libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line."""
        try:
            find_output().write(self.format(record).encode(errors="backslashreplace") + b"\n")
        except Exception:  # noqa: BLE001 - as each handler of the standard library does
            self.handleError(record)


def build_log_config(level: str) -> dict[str, Any]:
    """Return the standard library's logging as `logging.config.dictConfig` takes it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.build_json_formatter"}},
        "handlers": {"stdout": {"()": LineHandler, "formatter": "json"}},
        "root": {"handlers": ["stdout"], "level": level.upper()},
        "loggers": {"httpx2": {"level": "WARNING"}},  # it writes a line for each request
    }
