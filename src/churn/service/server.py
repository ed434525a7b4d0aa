"""The service as a process: everything that can be refused is refused before anything listens."""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from churn.contract.catalogues import list_languages
from churn.cpus import count_usable_cpus
from churn.errors import SettingsError
from churn.model.bundle import Bundle, load_bundle
from churn.retention.banner import OTHER_EFFECTS, find_uplift
from churn.retention.offers.policy import Policy, load_policy
from churn.service.counting.counters import Counters
from churn.service.counting.layout import count_cells, describe_served_model, lay_out_cells
from churn.service.counting.ledger import Ledger
from churn.service.keys import KeyRing, open_key_ring
from churn.service.standby import Standby
from churn.service.startup import challenger_from_bundle, load_challenger_bundle, require_writable_log
from churn.service.worker import load_ahead
from churn.service.workers import MOST_PROCESSES, CreateApp, Workers
from churn.settings import MOST_WORKERS, Settings
from churn.web.addresses import format_url, is_loopback
from churn.web.logging import build_log_config
from churn.web.protocol import PROTOCOL
from churn.web.server import KEEP_ALIVE_S, AcceptingServer, listen, stop_without_failure

if TYPE_CHECKING:
    from fastapi import FastAPI

# Shorter than the 30 s after which a container platform kills what it told to stop.
GRACEFUL_SHUTDOWN_S = 20

log = logging.getLogger("churn.callers")

type OnReady = Callable[[str, Bundle], None]


def serve(settings: Settings, *, on_ready: OnReady = lambda *_: None) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that have come and return.

    Args:
        settings: what to serve, where, and with how many workers; by default one for each usable CPU.
        on_ready: called with the address, such as `http://127.0.0.1:8000`, and the bundle once every worker answers.

    Raises:
        BundleError: the bundle is missing or damaged, or the challenger's is.
        OfferPolicyError: the policy of offers cannot be read, or does not fit the bundle's contract.
        SettingsError: the address or the keys cannot be used, MODEL_VERSION is not the bundle's version, or the
            challenger is of another contract.
        ChurnError: a worker failed to start.
    """
    workers = settings.workers or min(count_usable_cpus(), MOST_WORKERS)
    if workers > 1:
        load_ahead()
    with stop_without_failure():
        bundle = load_bundle(settings.bundle_path, settings.bundle_keys)
        bundle.require_version(settings.model_version)
        policy = load_policy(
            settings.offer_policy, bundle.model.contract, languages=list_languages(bundle.model.contract)
        )
        require_writable_log(settings, bundle.model.contract.contract_name)
        challenger = load_challenger_bundle(settings, bundle)
        keys = open_key_ring(settings)
        with listen(settings.host, settings.port, app="service") as listener:
            announce = functools.partial(_announce, settings, keys, policy, on_ready, bundle)
            if workers == 1:
                app = _create_settled_app(settings, policy, keys, bundle, challenger)
                AcceptingServer(_config(settings, app, workers=1), announce).run([listener])
            else:
                served = describe_served_model(bundle.model, policy, has_challenger=challenger is not None)
                ledger = Ledger(count_cells(lay_out_cells(served)), rows=MOST_PROCESSES)
                # Workers share the memory of these bundles. One that starts later gets the same, whatever the folders
                # hold by then.
                create = functools.partial(_create_settled_app, settings, policy, keys, ledger=ledger)
                factory = functools.partial(create, bundle, challenger)
                # Read again at a reload: these folders, even if another version is champion by then.
                challenger_path = settings.challenger_path and settings.challenger_path.resolve()
                pinned = settings.model_copy(update={"challenger_path": challenger_path})
                load_again = functools.partial(_load_bundles_again, pinned, bundle.path.resolve(), bundle)
                standby = Standby(Counters(served, ledger), listener, log_level=settings.log_level, keys=keys)
                Workers(
                    _config(settings, factory, workers=workers),
                    listener,
                    announce,
                    standby,
                    reload=lambda: functools.partial(create, *load_again()),
                    # A worker that starts later begins with the keys that were usable last.
                    keep_up=functools.partial(keys.keep_up, standby.counters.count_keys_read) if keys else lambda: None,
                ).run()


def _announce(settings: Settings, keys: KeyRing | None, policy: Policy, on_ready: OnReady, bundle: Bundle) -> None:
    if keys is None and not is_loopback(settings.host):
        log.warning("everybody who reaches %s may call: neither API_KEYS_FILE nor API_KEYS is set", settings.host)
    if bundle.model.uplift and not find_uplift(bundle.model, policy):
        log.warning("the uplift of %s does not decide: %s", bundle.path, OTHER_EFFECTS.format(version=policy.version))
    on_ready(format_url(settings.host, settings.port), bundle)


def _load_bundles_again(settings: Settings, path: Path, served: Bundle) -> tuple[Bundle, Bundle | None]:
    """Return the bundle that lies at `path` now, and the challenger's.

    Raises:
        BundleError: one is missing or damaged.
        SettingsError: one cannot stand in for the bundle that is served: it is of another version or contract.
    """
    bundle = load_bundle(path, settings.bundle_keys)
    bundle.require_version(served.model.version)
    if bundle.manifest.contract_fingerprint != served.manifest.contract_fingerprint:
        raise SettingsError(f"{path} holds a bundle of another contract", instead="start the service anew")
    return bundle, load_challenger_bundle(settings, bundle)


def _create_settled_app(
    settings: Settings,
    policy: Policy,
    keys: KeyRing | None,
    bundle: Bundle,
    challenger: Bundle | None,
    *,
    ledger: Ledger | None = None,
) -> FastAPI:
    """Return the app, with all that was loaded for it set aside from garbage collection.

    A full collection would stop every request for some 100 ms to look at the libraries' objects, which stay anyway.
    """
    from churn.service.app import create_app  # noqa: PLC0415 - slow to load, and the parent of workers does not need it

    app = create_app(
        settings,
        bundle=bundle,
        policy=policy,
        ledger=ledger,
        keys=keys,
        find_challenger=lambda *_: challenger_from_bundle(challenger),
    )
    gc.collect()
    gc.freeze()
    return app


def _config(settings: Settings, app: FastAPI | CreateApp, *, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=workers > 1,
        workers=workers,
        loop="uvloop",
        http=PROTOCOL,
        ws="none",
        lifespan="on",
        log_config=build_log_config(settings.log_level),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
