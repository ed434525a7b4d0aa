"""Everything wired in one place."""

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract, Rows
from churn.errors import ChurnError
from churn.model.bundle import Bundle, load_bundle
from churn.model.model import ChurnModel
from churn.model.threshold import find_threshold
from churn.prediction_log.writer import PredictionLog
from churn.retention.offers.policy import Policy, load_policy
from churn.service.answering.events import event_routes
from churn.service.answering.reports import BannerReport
from churn.service.answering.routes import predict_routes
from churn.service.counting.counters import Counters
from churn.service.counting.layout import describe_served_model
from churn.service.counting.ledger import Ledger
from churn.service.counting.pairs import PairCounter
from churn.service.edge.callers import Callers
from churn.service.edge.drain import Drain
from churn.service.edge.middleware import ObservationMiddleware, refuse_connection
from churn.service.edge.openapi import build_document
from churn.service.edge.operations import operations_routes
from churn.service.edge.problems import Problem, answer_problem
from churn.service.edge.request_ids import RequestIds
from churn.service.edge.route import DirectApi
from churn.service.edge.tracing import configure_telemetry
from churn.service.edge.waiting_room import WaitingRoom
from churn.service.keys import KeyRing, open_key_ring
from churn.service.startup import FindChallenger, load_challenger, log_during, open_prediction_log
from churn.settings import Settings, read_settings
from churn.web.edge import Edge
from churn.web.lines import find_output

INTERFACE_VERSION = "1.0.0"


def create_app(
    settings: Settings | None = None,
    *,
    bundle: Bundle | None = None,
    policy: Policy | None = None,
    ledger: Ledger | None = None,
    keys: KeyRing | None = None,
    find_challenger: FindChallenger = load_challenger,
) -> FastAPI:
    """Return the service of a bundle's model, ready to answer: `uvicorn --factory churn.service.app:create_app`.

    Settings come from the environment by default, and bundle, policy and keys from the settings. Without a ledger that
    other workers share, the service counts alone.

    Raises:
        BundleError: a bundle is missing or damaged.
        OfferPolicyError: the policy of offers cannot be read, or does not fit the contract.
        SettingsError: a setting cannot be used, MODEL_VERSION is not the bundle's version, or the challenger is of
            another contract.
    """
    settings = settings or read_settings()
    bundle = bundle or load_bundle(settings.bundle_path, settings.bundle_keys)
    bundle.require_version(settings.model_version)
    policy = policy or load_policy(
        settings.offer_policy, bundle.model.contract, languages=list_languages(bundle.model.contract)
    )
    has_challenger = settings.challenger_path is not None
    served = describe_served_model(bundle.model, policy, bundle_sha256=bundle.sha256, has_challenger=has_challenger)
    counters = Counters(served, ledger)
    challenger = find_challenger(settings, bundle)
    if challenger:
        challenger.observer = PairCounter(
            challenger, counters, threshold=find_threshold(bundle.model, settings.churn_threshold).probability
        )
    prediction_log = open_prediction_log(settings, bundle, policy, challenger)
    if prediction_log:
        prediction_log.observer = counters.count_log_records
        prediction_log.trouble_observer = counters.count_log_trouble
    return build_app(
        bundle.model,
        settings,
        model_path=bundle.path,
        policy=policy,
        counters=counters,
        prediction_log=prediction_log,
        keys=keys,
    )


def build_app(
    model: ChurnModel,
    settings: Settings,
    *,
    model_path: Path,
    policy: Policy | None = None,
    counters: Counters | None = None,
    prediction_log: PredictionLog | None = None,
    keys: KeyRing | None = None,
) -> FastAPI:
    """Return the service of any model. It counts for itself unless it is given counters.

    Raises:
        SettingsError: the keys that the settings name cannot be used.
        OfferPolicyError: the policy of the settings, or the contract's own, cannot be used.
    """
    policy = policy or load_policy(settings.offer_policy, model.contract, languages=list_languages(model.contract))
    counters = counters or Counters(describe_served_model(model, policy))
    keys = keys or open_key_ring(settings)
    find_output().observer = counters.count_lost_line
    threshold = find_threshold(model, settings.churn_threshold)
    drain, salt = Drain(settings.drain_seconds), settings.prediction_log_salt
    predictions = predict_routes(
        model,
        policy,
        counters,
        prediction_log=prediction_log,
        threshold=threshold.probability,
        max_body_bytes=settings.max_body_bytes,
        max_batch_rows=settings.max_batch_rows,
    )
    operations = operations_routes(model, drain, counters, model_path=model_path, threshold=threshold)
    app = DirectApi(
        routes=[*predictions.routes, *event_routes(counters, prediction_log).routes, *operations.routes],
        title=f"Churn prediction: {model.contract.contract_name}",
        description="How likely a subscriber is to leave, and the reasons in plain language.",
        version=INTERFACE_VERSION,
        docs_url=None,  # the page would load its scripts from another company's servers
        redoc_url=None,
        redirect_slashes=False,
        telemetry=configure_telemetry(counters.count_lost_spans),
        lifespan=log_during(prediction_log, drain.lifespan),
        middleware=[
            Middleware(
                ObservationMiddleware,
                model_version=model.version,
                log_level=settings.log_level,
                counters=counters,
                drain=drain,
                request_ids=RequestIds(salt.get_secret_value() if salt else None),
                callers=Callers(keys, counters) if keys else None,
            )
        ],
        exception_handlers={Problem: answer_problem, HTTPException: answer_problem},
    )
    app.state.counters = counters
    app.state.prediction_log = prediction_log
    refuse = partial(refuse_connection, counters, model.version)
    app.state.edge = Edge(refuse, WaitingRoom(settings.max_queue, counters).admit)
    app.openapi_schema = build_document(app, model.contract, BannerReport)
    return app


def build_openapi_document(contract: type[Contract]) -> dict[str, Any]:
    """Return the interface for a contract, without a model."""

    def untrained(_: Rows) -> Any:
        raise ChurnError("this app only describes the interface, it has no model", instead="use create_app")

    defaults = Settings.model_construct()  # whatever the environment says: the document is the same everywhere
    app = build_app(ChurnModel(contract, untrained, version="none"), defaults, model_path=Path())
    return app.openapi()
