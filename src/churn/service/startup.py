"""From the settings to the prediction log and the challenger of a service."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from churn.errors import SettingsError
from churn.model.bundle import Bundle, load_bundle
from churn.model.threshold import find_threshold
from churn.prediction_log.actions import Possible
from churn.prediction_log.challenger import Challenger
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.record import JournalHeader
from churn.prediction_log.writer import PredictionLog
from churn.retention.offers.policy import Policy
from churn.retention.verifying import LATEST
from churn.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI  # the parent of workers, which checks the settings, does not need it

OFF = "off"

type Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
type FindChallenger = Callable[[Settings, Bundle], Challenger | None]

log = logging.getLogger("churn.prediction_log")


def find_log_places(settings: Settings, contract: str) -> Places | None:
    """Return where the predictions of a contract are logged; None if the settings want no log.

    Raises:
        SettingsError: PREDICTION_LOG is a URL that cannot be written to, or has no rules that remove segments.
    """
    if settings.prediction_log == OFF:
        return None
    kept_days = settings.prediction_log_retention_days if settings.prediction_log_removed_by == "bucket" else None
    return locate_log(settings.prediction_log, contract, home=settings.churn_home, kept_days=kept_days)


def require_writable_log(settings: Settings, contract: str) -> None:
    """Refuse a place that cannot be written if it was asked for or a challenger needs it; else the log is left out.

    Raises:
        SettingsError: names the folder and the reason.
    """
    log_places = find_log_places(settings, contract)
    if log_places is None or (settings.prediction_log is None and settings.challenger_path is None):
        return
    try:
        log_places.prepare()
        tempfile.TemporaryFile(dir=log_places.journals).close()
        if not log_places.is_remote:
            tempfile.TemporaryFile(dir=log_places.where).close()
    except OSError as error:
        raise SettingsError(
            f"PREDICTION_LOG: {log_places.journals} cannot be written: {error.strerror}",
            instead="name a folder that can be written (for a bucket: CHURN_HOME, where journals lie), or `off`",
        ) from error


def open_prediction_log(
    settings: Settings, bundle: Bundle, policy: Policy, challenger: Challenger | None = None
) -> PredictionLog | None:
    """Return the log of a bundle's predictions, not yet started; None if the settings want none.

    Raises:
        SettingsError: PREDICTION_LOG is a URL that cannot be written to.
    """
    contract = bundle.model.contract
    log_places = find_log_places(settings, contract.contract_name)
    if log_places is None:
        return None
    header = JournalHeader(
        contract=contract.contract_name,
        features=tuple(contract.feature_names()),
        model_version=bundle.model.version,
        bundle_sha256=bundle.sha256,
        threshold=find_threshold(bundle.model, settings.churn_threshold).probability,
        salt=settings.prediction_log_salt.get_secret_value() if settings.prediction_log_salt else None,
        challenger_version=challenger.model.version if challenger else None,
        challenger_bundle_sha256=challenger.bundle_sha256 if challenger else None,
        possible=Possible.from_policy(policy),
        policy_version=policy.version,
        policy_sha256=policy.sha256,
        experiment=policy.holdout.experiment,
        holdout_share=policy.holdout.share,
        draw_seed=policy.holdout.experiment,
        horizon_days=contract.horizon_days,
        verification=LATEST,
    )
    return PredictionLog(
        log_places,
        header,
        segment_s=settings.prediction_log_segment_seconds,
        retention_days=settings.prediction_log_retention_days,
        challenger=challenger,
        policy=policy.content,
    )


def log_during(prediction_log: PredictionLog | None, inner: Lifespan) -> Lifespan:
    """Return a lifespan around another one, in which predictions are logged, if they can be."""

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


def load_challenger(settings: Settings, champion: Bundle) -> Challenger | None:
    """Return the challenger that the settings name; None if they name none.

    Raises:
        BundleError, SettingsError: as for its bundle.
    """
    return challenger_from_bundle(load_challenger_bundle(settings, champion))


def challenger_from_bundle(bundle: Bundle | None) -> Challenger | None:
    """Return the challenger of a bundle, if there is one."""
    return Challenger(bundle.model, bundle.sha256) if bundle else None


def load_challenger_bundle(settings: Settings, champion: Bundle) -> Bundle | None:
    """Return the bundle of the challenger that the settings name; None if they name none.

    Raises:
        BundleError: its bundle is missing or damaged.
        SettingsError: it answers another contract than the champion, or there is no log to write to.
    """
    path = settings.challenger_path
    if path is None:
        return None
    if settings.prediction_log == OFF:
        raise SettingsError(
            "CHALLENGER_PATH is set and PREDICTION_LOG is `off`, but the challenger answers into the prediction log",
            instead="unset PREDICTION_LOG or name a place, or unset CHALLENGER_PATH",
        )
    bundle = load_bundle(path, settings.bundle_keys)
    mine, theirs = champion.manifest, bundle.manifest
    if mine.contract_fingerprint != theirs.contract_fingerprint:
        raise SettingsError(
            f"CHALLENGER_PATH: the bundle at {path} answers the contract {theirs.contract} (fingerprint "
            f"{theirs.contract_fingerprint[:12]}), the champion at {champion.path} the contract {mine.contract} "
            f"({mine.contract_fingerprint[:12]})",
            instead="set it to a bundle of the champion's contract",
        )
    return bundle
