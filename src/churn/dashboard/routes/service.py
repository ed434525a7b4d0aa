"""The pages of shadow, service, drift, outcomes and models."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from churn.businesses import find_contract
from churn.dashboard.charts.drift import report_drift
from churn.dashboard.charts.outcomes import report_outcomes
from churn.dashboard.charts.shadow import report_shadow
from churn.dashboard.health import Service, ask_instances
from churn.dashboard.pages import build_page
from churn.dashboard.report import Report
from churn.dashboard.rollouts import Rollouts
from churn.errors import ChurnError, DataError, RolloutError
from churn.learning.effect_reading import report_effects
from churn.model.shelf import list_bundles
from churn.monitoring.comparison import compare
from churn.prediction_log.places import Places
from churn.prediction_log.reader import describe_left_out
from churn.retraining.standing import locate_standing, read_standing
from churn.shadow.reading import EVER, choose_bundles, read_pairs
from churn.shadow.report import build_report
from churn.web.oidc import OidcConfig
from churn.web.visits import Visits

SERVICE_AGE_S, LOG_AGE_S = 3.0, 60.0
SHADOW_DAYS = 7

type ReportOrProblem = tuple[Report | None, ChurnError | None]


@dataclass(frozen=True)
class DashboardConfig:
    """What a dashboard looks at, and who may act.

    Args:
        home: CHURN_HOME.
        contract: the name of the contract of log and outcomes.
        champion: the bundle with the reference.
        places: of the prediction log; None if there is none.
        policy: the file that names segments and margin; None for the contract's own.
        instances: addresses of the service's instances.
        api_key: sent to these; None if there is none.
        mlflow_url: where MLflow's pages are; None if they are not linked.
        token: people who know it may act; None if nobody may.
        public_url: where people reach it, if a proxy stands in front of it.
        oidc: the provider by which people may sign in, too.
    """

    home: Path
    contract: str
    champion: Path
    places: Places | None = None
    policy: Path | None = None
    instances: tuple[str, ...] = ()
    api_key: str | None = None
    mlflow_url: str | None = None
    token: str | None = field(default=None, repr=False)
    public_url: str | None = None
    oidc: OidcConfig | None = None


class CachedValue[T]:
    """A value that is made anew if it is too old when somebody asks. One thread at a time makes it."""

    def __init__(self, make: Callable[[], T], *, for_s: float) -> None:
        self._make = make
        self._for_s = for_s
        self._lock = Lock()
        self._made: tuple[float, T] | None = None

    def get(self) -> T:
        """Return the value, no older than it may be."""
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] > self._for_s:
                self._made = (time.monotonic(), self._make())
            return self._made[1]


def service_routes(config: DashboardConfig, rollouts: Rollouts, visits: Visits) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    service = CachedValue(lambda: ask_instances(_map_tracks(config, rollouts), config.api_key), for_s=SERVICE_AGE_S)
    drift = _cache_report(lambda damaged: _compare_drift(config, service.get(), damaged))
    outcomes = _cache_report(lambda damaged: _sum_up_outcomes(config, damaged))
    shadow = _cache_report(lambda damaged: _compare_shadow(config, damaged))

    @router.get("/shadow")
    def shadow_page(request: Request) -> Response:
        return report_page(request, "shadow.html", shadow, days=SHADOW_DAYS, contract=config.contract)

    @router.get("/service")
    def service_page(request: Request) -> Response:
        return build_page(request, "service.html", visit=visits.read(request), service=service.get())

    @router.get("/drift")
    def drift_page(request: Request) -> Response:
        return report_page(request, "drift.html", drift)

    @router.get("/outcomes")
    def outcomes_page(request: Request) -> Response:
        return report_page(request, "outcomes.html", outcomes)

    @router.get("/models")
    def models_page(request: Request) -> Response:
        bundles = list_bundles(config.home)
        return build_page(
            request,
            "models.html",
            visit=visits.read(request),
            bundles=bundles,
            contract=config.contract,
            mlflow_url=config.mlflow_url,
            retraining=read_standing(locate_standing(config.home, config.contract)),
        )

    def report_page(request: Request, template: str, cached: CachedValue[ReportOrProblem], **values: Any) -> Response:
        report, problem = cached.get()
        values |= {"visit": visits.read(request), "report": report, "problem": problem}
        return build_page(request, template, **values, **(report.values if report else {}))

    return router


def _map_tracks(config: DashboardConfig, rollouts: Rollouts) -> dict[str, str]:
    """Return the track of each instance's address, instances of rollouts under way included."""
    tracks = dict.fromkeys(config.instances, "")
    with suppress(RolloutError):  # the page of rollouts says what is wrong with them
        for rollout in rollouts.list_all():
            for track, places in ({} if rollout.is_over else rollout.setup.places).items():
                tracks |= {str(place).rstrip("/"): track for place in places if str(place).startswith("http")}
    return tracks


def _compare_drift(config: DashboardConfig, service: Service, damaged: list[DataError]) -> Report:
    counted = [(instance.version, instance.counts.probability) for instance in service.instances if instance.counts]
    return report_drift(compare(config.champion, config.places, counted, damaged=damaged))


def _compare_shadow(config: DashboardConfig, damaged: list[DataError]) -> Report | None:
    """Compare the two bundles that answered last; None without a log, or if no challenger answered in these days."""
    if config.places is None:
        return None
    since = datetime.now(UTC) - timedelta(days=SHADOW_DAYS)
    sums = read_pairs(config.places, find_contract(config.contract), during=(since, EVER[1]), damaged=damaged)
    bundles = choose_bundles(sums, None, None)
    return report_shadow(build_report(bundles, sums[bundles])) if bundles and sums[bundles].pairs else None


def _sum_up_outcomes(config: DashboardConfig, damaged: list[DataError]) -> Report | None:
    """Report what is known of the log's predictions; None without a log."""
    if config.places is None:
        return None
    contract = find_contract(config.contract)
    summary, effects = report_effects(
        config.home, contract, config.places, config.policy, now=datetime.now(UTC), damaged=damaged
    )
    return report_outcomes(summary, effects)


def _cache_report(read: Callable[[list[DataError]], Report | None]) -> CachedValue[ReportOrProblem]:
    return CachedValue(lambda: _try_to_read(read), for_s=LOG_AGE_S)


def _try_to_read(read: Callable[[list[DataError]], Report | None]) -> ReportOrProblem:
    """Return the report, with a warning if it is not complete; or why the log cannot be read."""
    damaged: list[DataError] = []
    try:
        report = read(damaged)
        if report is None:
            return None, next(iter(damaged), None)
        return replace(report, warning=describe_left_out(damaged)), None
    except ChurnError as error:
        return None, error
    except OSError as error:
        return None, ChurnError(f"the prediction log cannot be read: {error}", instead="see who may read its folder")
