"""Everything wired in one place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from churn.contract.declaration import Contract, Rows
from churn.contract.language import language_codes
from churn.errors import ChurnError
from churn.model.bundle import Bundle, load_bundle
from churn.model.model import ChurnModel
from churn.prediction_log.writer import PredictionLog
from churn.retention.offers.policy import Policy, load_policy
from churn.service import openapi
from churn.service.counting import Counting
from churn.service.draining import Draining
from churn.service.endpoints import endpoints
from churn.service.families import served
from churn.service.health import health_paths
from churn.service.ledger import Ledger
from churn.service.metrics import metrics_path
from churn.service.middleware import Observation, refuse_not_http
from churn.service.problems import Problem, answer_problem
from churn.service.recording import prediction_log_of, recorded
from churn.service.route import DirectApi
from churn.service.shadow import CountedPairs, FindChallenger, challenger_of
from churn.service.tracing import telemetry
from churn.service.waiting import WaitingRoom
from churn.settings import Settings, read_settings
from churn.web.protocol import Edge

INTERFACE_VERSION = "1.0.0"


def create_app(
    settings: Settings | None = None,
    *,
    bundle: Bundle | None = None,
    policy: Policy | None = None,
    ledger: Ledger | None = None,
    find_challenger: FindChallenger = challenger_of,
) -> FastAPI:
    """The service of a bundle's model, ready to answer: `uvicorn --factory churn.service.app:create_app`.

    Args:
        settings: by default those of the environment.
        bundle: by default the one that the settings name.
        policy: of offers; by default likewise.
        ledger: where it counts together with other workers; by default it counts alone.
        find_challenger: gives the second model, where there is to be one.

    Raises:
        BundleError: a bundle is missing or damaged.
        OfferPolicyError: so is the policy of its offers, or it does not fit the contract.
        SettingsError: a setting cannot be used, MODEL_VERSION is not the bundle's version, or the challenger is of
            another contract.
    """
    settings = settings or read_settings()
    bundle = bundle or load_bundle(settings.bundle_path)
    bundle.require_version(settings.model_version)
    policy = policy or load_policy(settings.offer_policy, bundle.model.contract, languages=language_codes())
    shadowed = settings.challenger_path is not None
    counting = Counting(served(bundle.model, policy, bundle_sha256=bundle.sha256, shadowed=shadowed), ledger)
    challenger = find_challenger(settings, bundle)
    if challenger:
        challenger.observer = CountedPairs(challenger, counting, threshold=settings.churn_threshold)
    prediction_log = prediction_log_of(settings, bundle, challenger)
    if prediction_log:
        prediction_log.observer = counting.logged
    return build_app(
        bundle.model,
        settings,
        model_path=bundle.path,
        policy=policy,
        counting=counting,
        prediction_log=prediction_log,
    )


def build_app(
    model: ChurnModel,
    settings: Settings,
    *,
    model_path: Path,
    policy: Policy | None = None,
    counting: Counting | None = None,
    prediction_log: PredictionLog | None = None,
) -> FastAPI:
    """The service of any model, wherever it came from; it counts for itself unless it is given where to count.

    Raises:
        OfferPolicyError: the policy of the settings, or the contract's own, cannot be used.
    """
    policy = policy or load_policy(settings.offer_policy, model.contract, languages=language_codes())
    counting = counting or Counting(served(model, policy))
    draining = Draining(settings.drain_seconds)
    router = endpoints(
        model,
        policy,
        counting,
        prediction_log=prediction_log,
        threshold=settings.churn_threshold,
        max_body_bytes=settings.max_body_bytes,
        max_batch_rows=settings.max_batch_rows,
    )
    health = health_paths(model, draining, model_path=model_path)
    app = DirectApi(
        routes=[*router.routes, *health.routes, *metrics_path(counting).routes],
        title=f"Churn prediction: {model.contract.contract_name}",
        description="How likely a subscriber is to leave, and the reasons in plain language.",
        version=INTERFACE_VERSION,
        docs_url=None,  # the page would load its scripts from another company's servers
        redoc_url=None,
        redirect_slashes=False,
        telemetry=telemetry(),
        lifespan=recorded(prediction_log, draining.lifespan),
        middleware=[
            Middleware(
                Observation,
                model_version=model.version,
                log_level=settings.log_level,
                counting=counting,
                draining=draining,
            )
        ],
        exception_handlers={Problem: answer_problem, HTTPException: answer_problem},
    )
    app.state.counting = counting
    app.state.prediction_log = prediction_log
    refuse = partial(refuse_not_http, counting, model.version)
    app.state.edge = Edge(refuse, WaitingRoom(settings.max_queue, counting).admit)
    app.openapi_schema = openapi.document(app, model.contract)
    return app


def openapi_document(contract: type[Contract]) -> dict[str, Any]:
    """The interface for a contract, without a model."""

    def untrained(_: Rows) -> Any:
        raise ChurnError("this app only describes the interface, it has no model", instead="use create_app")

    defaults = Settings.model_construct()  # whatever the environment says: the document is the same everywhere
    app = build_app(ChurnModel(contract, untrained, version="none"), defaults, model_path=Path())
    return app.openapi()
