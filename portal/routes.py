"""A subscriber's routes: sign in and out, *Manage Subscription*, and what they do about its banner.

There is no password: this is a demonstration.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from churn.answers import RetentionAnswer
from churn.web.sessions import see_other
from portal.advice import Adviser
from portal.banner import Display, decide_display
from portal.bills import find_last_bill, is_open
from portal.business import Business
from portal.exposures import ExposureRecorder
from portal.facts import describe_facts, is_draft
from portal.pages import find_account_template
from portal.records import BannerHistory, DemoSubscriber, ResponseKind
from portal.reporting import EventReporter
from portal.sessions import SubscriberSessions


def sign_in_routes(business: Business, sessions: SubscriberSessions) -> APIRouter:
    """Return the routes of signing in and out."""
    router, store = APIRouter(), sessions.store

    @router.get("/sign-in")
    async def choose(request: Request) -> Response:
        session = sessions.read(request)
        response = sessions.pages.build_page(
            "sign_in.html",
            subscribers=await run_in_threadpool(store.list_subscribers),
            form_token=sessions.make_form_token(session),
            signed_in=session.user,
            **business.say_in(business.choose_language(_read_accepted(request))),
        )
        sessions.keep(response, session)
        return response

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await sessions.read_form(request)
        if await run_in_threadpool(store.find_subscriber, fields.get("subscriber", "")) is None:
            raise HTTPException(404)
        return start(request, fields["subscriber"], "/")

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await sessions.read_form(request)
        return start(request, None, "/sign-in")

    def start(request: Request, subscriber: str | None, path: str) -> Response:
        response = see_other(path)
        sessions.start(request, response, subscriber)
        return response

    return router


def subscription_routes(
    business: Business,
    sessions: SubscriberSessions,
    adviser: Adviser,
    recorder: ExposureRecorder,
    reporter: EventReporter,
    *,
    now: Callable[[], datetime],
) -> APIRouter:
    """Return the route of the page. The recorder is told what it shows, and the reporter that a banner was seen."""
    router, store = APIRouter(), sessions.store
    account = find_account_template(business)

    @router.get("/")
    async def manage(request: Request) -> Response:
        subscriber = await sessions.require_subscriber(request)
        history = await run_in_threadpool(store.read_history, subscriber.key)
        answer = await ask(request, subscriber, history) if subscriber.wants_offers else None
        today = now().date()
        shown = await record(decide_display(answer, subscriber=subscriber.key, history=history, today=today))
        active, banner = shown.active, shown.banner
        spoken = banner.language if banner else active.language if active else None
        language = business.choose_language(_read_accepted(request), spoken)
        say = business.say_in(language)
        return sessions.build_page(
            request,
            "manage.html",
            subscriber=subscriber,
            account=account,
            facts=subscriber.facts,
            described=describe_facts(business.contract, subscriber.facts, language, not_known=say["say"]["not_known"]),
            is_draft=is_draft(business.contract),
            today=today,
            banner=banner,
            active=active,
            **say,
        )

    async def ask(request: Request, subscriber: DemoSubscriber, history: BannerHistory) -> RetentionAnswer | None:
        return await adviser.advise(
            subscriber.facts,
            subscriber_key=subscriber.key,
            last_offer=history.accepted.accepted_on if history.accepted else None,
            language=business.phrases.choose_language(_read_accepted(request)),
        )

    async def record(shown: Display) -> Display:
        """Record what is shown. A banner that cannot be recorded is not shown: nobody could accept its offer."""
        if shown.exposure and not await recorder.record(shown.exposure, now()):
            return Display(active=shown.active)
        if shown.exposure and shown.banner:
            reporter.report(shown.exposure, "seen", now())
        return shown

    return router


def offer_routes(
    business: Business, sessions: SubscriberSessions, reporter: EventReporter, now: Callable[[], datetime]
) -> APIRouter:
    """Return the routes of accepting. The record says what was offered; a request only says which."""
    router = APIRouter()

    @router.get("/offers/{prediction_id}")
    async def confirm(request: Request, prediction_id: str) -> Response:
        subscriber = await sessions.require_subscriber(request)
        exposure = await sessions.require_exposure(subscriber, prediction_id)
        if exposure.offer is None:
            raise HTTPException(404)
        return sessions.build_page(
            request,
            "confirm.html",
            subscriber=subscriber,
            exposure=exposure,
            offer=exposure.offer,
            words=business.phrases.find(exposure.language),
            **business.say_in(business.choose_language("", exposure.language)),
        )

    @router.post("/offers/{prediction_id}")
    async def accept(request: Request, prediction_id: str) -> Response:
        exposure, _ = await sessions.read_response(request, prediction_id)
        if exposure.offer is None:
            raise HTTPException(404)
        if not is_open(exposure.offer, now().date()):
            raise HTTPException(410)
        last_bill = find_last_bill(exposure.offer, now().date())
        if await run_in_threadpool(sessions.store.accept_offer, exposure, now(), active_until=last_bill):
            reporter.report(exposure, "accepted", now())
        return see_other("/")

    return router


def banner_routes(sessions: SubscriberSessions, reporter: EventReporter, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes of all that is no accepting."""
    router, store = APIRouter(), sessions.store

    @router.post("/banners/{prediction_id}/dismissal")
    async def dismiss(request: Request, prediction_id: str) -> Response:
        exposure, _ = await sessions.read_response(request, prediction_id)
        await run_in_threadpool(store.record_response, exposure, "dismissal", now())
        reporter.report(exposure, "dismissed", now())
        return _finish(request)

    @router.post("/banners/{prediction_id}/opinion")
    async def opine(request: Request, prediction_id: str) -> Response:
        exposure, form = await sessions.read_response(request, prediction_id)
        opinion: ResponseKind = "helpful" if form.get("helpful") == "yes" else "not_helpful"
        if await run_in_threadpool(store.record_response, exposure, opinion, now()) and opinion == "helpful":
            reporter.report(exposure, "helpful", now())
        return _finish(request)

    @router.post("/banners/{prediction_id}/opt-out")
    async def opt_out(request: Request, prediction_id: str) -> Response:
        exposure, _ = await sessions.read_response(request, prediction_id)
        await run_in_threadpool(store.record_response, exposure, "opt_out", now())
        reporter.report(exposure, "objected", now())
        await run_in_threadpool(store.set_wants_offers, exposure.subscriber, wants=False)
        return see_other("/")

    @router.post("/offers-wanted")
    async def turn_offers_on(request: Request) -> Response:
        subscriber = await sessions.require_subscriber(request)
        await sessions.read_form(request)
        await run_in_threadpool(store.set_wants_offers, subscriber.key, wants=True)
        return see_other("/")

    return router


def _read_accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _finish(request: Request) -> Response:
    # A script that has changed the page itself needs no new one.
    from_script = request.headers.get("accept") == "application/json"
    return Response(status_code=204) if from_script else see_other("/")
