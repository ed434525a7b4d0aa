"""The server's and the libraries' own messages."""

import io
import json
import logging
import logging.config

import pytest

from churn.web.logging import build_json_formatter, build_log_config


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(lines: io.StringIO) -> logging.Logger:
    handler = logging.StreamHandler(lines)
    handler.setFormatter(build_json_formatter())
    logger = logging.Logger("uvicorn.error")  # noqa: LOG001 - one that no other test knows
    logger.addHandler(handler)
    return logger


def test_a_message_of_the_server_looks_like_a_line_of_ours(log: logging.Logger, lines: io.StringIO) -> None:
    log.info("Started server process [%d]", 7, extra={"color_message": "ignored"})
    line = json.loads(lines.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {"event": "Started server process [7]", "level": "info"}


def test_a_traceback_stays_on_the_line_of_its_message(log: logging.Logger, lines: io.StringIO) -> None:
    try:
        raise ValueError("first\nsecond")  # noqa: TRY301 - a traceback is what is wanted
    except ValueError:
        log.exception("it failed")
    [line] = lines.getvalue().splitlines()
    assert json.loads(line)["exception"].endswith("ValueError: first\nsecond")


def test_the_configuration_is_one_that_the_standard_library_takes() -> None:
    before = logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(build_log_config("warning"))
        assert logging.getLogger().level == logging.WARNING
    finally:
        logging.getLogger().handlers[:] = before
