"""The pages of what runs, what became of it, and what is held: shadow, the service, drift, outcomes, models."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from fastapi import APIRouter, Request
from fastapi.responses import Response

from churn.businesses import find_contract
from churn.dashboard.charts.drift import TONES, drift_charts
from churn.dashboard.charts.outcomes import outcome_charts
from churn.dashboard.charts.shadow import DAYS, Shadowing, shadowing
from churn.dashboard.health import Service, ask
from churn.dashboard.outcomes import Outcomes, outcomes_of
from churn.dashboard.pages import page
from churn.dashboard.rollouts import Rollouts
from churn.dashboard.visits import Visits
from churn.errors import ChurnError, RolloutError
from churn.model.shelf import list_bundles
from churn.monitoring.comparison import BAND_WORDS, Comparison, compare
from churn.prediction_log.places import Places
from churn.rollout.routers.router import TRACKS

SERVICE_AGE_S, LOG_AGE_S = 3.0, 60.0


@dataclass(frozen=True)
class Watched:
    """What a dashboard looks at, and who may act.

    Args:
        home: CHURN_HOME.
        contract: the name of that of the log and its outcomes.
        champion: the bundle whose reference is compared.
        places: of the prediction log; None if there is none.
        instances: addresses of the service's instances.
        mlflow_url: where MLflow's pages are; None if they are not linked.
        token: whoever knows it may act; None if nobody may.
    """

    home: Path
    contract: str
    champion: Path
    places: Places | None = None
    instances: tuple[str, ...] = ()
    mlflow_url: str | None = None
    token: str | None = field(default=None, repr=False)


class Kept[T]:
    """A value that is made anew when somebody asks and it has become too old; made by one thread at a time."""

    def __init__(self, make: Callable[[], T], *, for_s: float) -> None:
        self._make = make
        self._for_s = for_s
        self._lock = Lock()
        self._found: tuple[float, T] | None = None

    def get(self) -> T:
        """The value, no older than it may be."""
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > self._for_s:
                self._found = (time.monotonic(), self._make())
            return self._found[1]


def service_routes(watched: Watched, rollouts: Rollouts, visits: Visits) -> APIRouter:
    """The routes."""
    router = APIRouter()
    service = Kept(lambda: ask(_tracks(watched, rollouts)), for_s=SERVICE_AGE_S)
    compared = Kept(lambda: _compared(watched, service.get()), for_s=LOG_AGE_S)
    known = Kept(lambda: _known(watched), for_s=LOG_AGE_S)
    shadowed = Kept(lambda: _shadowed(watched), for_s=LOG_AGE_S)

    @router.get("/shadow")
    def shadow_page(request: Request) -> Response:
        found, problem = shadowed.get()
        return page(request, "shadow.html", visit=visits.read(request), found=found, problem=problem, days=DAYS)

    @router.get("/service")
    def service_page(request: Request) -> Response:
        return page(request, "service.html", visit=visits.read(request), service=service.get())

    @router.get("/drift")
    def drift_page(request: Request) -> Response:
        found, problem = compared.get()
        return page(
            request,
            "drift.html",
            visit=visits.read(request),
            comparison=found,
            charts=drift_charts(found) if found else [],
            problem=problem,
            words=BAND_WORDS,
            tones=TONES,
        )

    @router.get("/outcomes")
    def outcomes_page(request: Request) -> Response:
        found, problem = known.get()
        charts = outcome_charts(found) if found else {}
        return page(request, "outcomes.html", visit=visits.read(request), found=found, problem=problem, charts=charts)

    @router.get("/models")
    def models_page(request: Request) -> Response:
        held = list_bundles(watched.home)
        return page(request, "models.html", visit=visits.read(request), held=held, mlflow_url=watched.mlflow_url)

    return router


def _tracks(watched: Watched, rollouts: Rollouts) -> dict[str, str]:
    """The addresses of the instances, those of rollouts that are under way included, and which track each is on."""
    found = dict.fromkeys(watched.instances, "")
    with suppress(RolloutError):  # the page of rollouts says what is wrong with them
        for rollout in rollouts.all():
            for track in TRACKS:
                places = () if rollout.is_over else rollout.setup.places[track]
                found |= {str(place).rstrip("/"): track for place in places if str(place).startswith("http")}
    return found


def _compared(watched: Watched, service: Service) -> tuple[Comparison | None, ChurnError | None]:
    counted = [(each.version, each.counts.probability) for each in service.instances if each.counts]
    return _read(lambda: compare(watched.champion, watched.places, counted))


def _shadowed(watched: Watched) -> tuple[Shadowing | None, ChurnError | None]:
    """Nothing of either without a log."""
    places, contract = watched.places, find_contract(watched.contract)
    return _read(lambda: shadowing(places, contract, datetime.now(UTC))) if places else (None, None)


def _known(watched: Watched) -> tuple[Outcomes | None, ChurnError | None]:
    """Nothing of either without a log."""
    places = watched.places
    return _read(lambda: outcomes_of(watched.home, watched.contract, places)) if places else (None, None)


def _read[T](read: Callable[[], T]) -> tuple[T | None, ChurnError | None]:
    """What is read of the log, or why it cannot be."""
    try:
        return read(), None
    except ChurnError as error:
        return None, error
    except OSError as error:
        return None, ChurnError(f"the prediction log cannot be read: {error}", instead="see who may read its folder")
