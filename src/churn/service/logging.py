"""One JSON object a line on stdout, for our own lines and for those of the server and the libraries."""

from __future__ import annotations

import logging
from typing import Any

import structlog

# Tracebacks without the values of local variables: those are a subscriber's.
SHARED: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
]


def open_log(level: str) -> structlog.typing.FilteringBoundLogger:
    """A logger that writes straight to stdout: a request's line passes no other logging machinery."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(),
        processors=[*SHARED, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return log


def json_formatter() -> logging.Formatter:
    """Formats what arrives through the standard library's logging as our own lines are formatted."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


def log_config(level: str) -> dict[str, Any]:
    """The standard library's logging as `logging.config.dictConfig` takes it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.json_formatter"}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        "root": {"handlers": ["stdout"], "level": level.upper()},
    }
