"""The prediction log of a worker, from the settings to the running thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from churn.errors import SettingsError
from churn.model.bundle import Bundle
from churn.prediction_log.challenger import Challenger
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import JournalHeader
from churn.prediction_log.writer import PredictionLog
from churn.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI  # the parent of workers, which checks the settings, does not need it

OFF = "off"

type Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

log = logging.getLogger("churn.prediction_log")


def log_places(settings: Settings, contract: str) -> Places | None:
    """Where the predictions of a contract are logged; None if the settings want no log.

    Raises:
        SettingsError: PREDICTION_LOG is a URL that cannot be written to.
    """
    if settings.prediction_log == OFF:
        return None
    return locate_log(settings.prediction_log, contract, home=settings.churn_home)


def require_writable(settings: Settings, contract: str) -> None:
    """Refuses a place that cannot be written, if it was asked for or a challenger needs it; else it is done without.

    Raises:
        SettingsError: names the folder and the reason.
    """
    found = log_places(settings, contract)
    if found is None or (settings.prediction_log is None and settings.challenger_path is None):
        return
    try:
        found.prepare()
    except OSError as error:
        raise SettingsError(
            f"PREDICTION_LOG: {found.journals} cannot be written: {error.strerror}",
            instead="name a folder that can be written (for a bucket: CHURN_HOME, where journals lie), or `off`",
        ) from error


def prediction_log_of(settings: Settings, bundle: Bundle, challenger: Challenger | None = None) -> PredictionLog | None:
    """The log of a bundle's predictions, which is yet to be started; None if the settings want none.

    Args:
        settings: where it lies.
        bundle: what answers.
        challenger: what answers the same in the background, if anything does.

    Raises:
        SettingsError: PREDICTION_LOG is a URL that cannot be written to.
    """
    contract = bundle.model.contract
    found = log_places(settings, contract.contract_name)
    if found is None:
        return None
    source = JournalHeader(
        contract=contract.contract_name,
        features=tuple(contract.feature_names()),
        model_version=bundle.model.version,
        bundle_sha256=bundle.sha256,
        threshold=settings.churn_threshold,
        salt=settings.prediction_log_salt.get_secret_value() if settings.prediction_log_salt else None,
        challenger_version=challenger.model.version if challenger else None,
        challenger_bundle_sha256=challenger.bundle_sha256 if challenger else None,
    )
    return PredictionLog(
        found,
        source,
        segment_s=settings.prediction_log_segment_seconds,
        retention_days=settings.prediction_log_retention_days,
        challenger=challenger,
    )


def recorded(prediction_log: PredictionLog | None, inner: Lifespan) -> Lifespan:
    """A lifespan in which predictions are logged, around another one; a log that cannot be written fails no start."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app):
            _start(prediction_log)
            try:
                yield
            finally:
                if prediction_log:
                    await asyncio.to_thread(prediction_log.stop)

    return lifespan


def _start(prediction_log: PredictionLog | None) -> None:
    if prediction_log is None:
        log.info("predictions are not logged: PREDICTION_LOG says so, or there is no bundle")
        return
    try:
        prediction_log.start()
    except OSError as error:
        log.warning("predictions are not logged: %s cannot be written: %s", error.filename, error.strerror)
    else:
        log.info("%s", prediction_log)
