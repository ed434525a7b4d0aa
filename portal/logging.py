"""One JSON object a line on standard output. Nothing of a subscriber is logged, their key neither."""

from __future__ import annotations

import sys
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger, Processor

SHARED: list[Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,  # without the values of variables: those are a subscriber's
]
FORMATTER = {
    "()": structlog.stdlib.ProcessorFormatter,
    "foreign_pre_chain": SHARED,
    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
}
# The standard library's logging as `logging.config.dictConfig` takes it: the server's lines look like ours.
LOG_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": FORMATTER},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {"httpx2": {"level": "WARNING"}},  # it writes a line for each request
}


def open_log() -> FilteringBoundLogger:
    """A logger that writes to standard output."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stdout),
        processors=[*SHARED, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
    return log
