"""The routes by which people sign in at a provider, and come back."""

import hmac
import math

from fastapi import APIRouter, Request
from fastapi.responses import Response
from structlog.typing import FilteringBoundLogger

from churn.web.attempts import Attempts, find_source
from churn.web.entrance import Entrance
from churn.web.oidc import CALLBACK, OidcConfig, name_person
from churn.web.pages import Pages
from churn.web.provider import Provider, ProviderError, Secrets
from churn.web.sessions import Session, Sessions, begin_session, see_other

MOST_CODE_LETTERS = 4096
AWAY = "The provider by which people sign in does not answer. Try again in a minute. If it stays so, tell who runs it."
LOST = (
    "This sign-in was begun in another browser, more than ten minutes ago, or it is over already. Go back and sign in "
    "once more."
)
UNBELIEVED = (
    "What the provider said of you could not be verified, so you were not let in. Go back and sign in once more. If it "
    "stays so, tell who runs these pages: their log says why."
)
DENIED = "The provider did not sign you in. Go back, and sign in once more."
STRANGER = (
    "The provider knows you as {name}, who may not see these pages. Ask who runs them for a place in OIDC_ALLOWED."
)
OFTEN = "Too many sign-ins did not succeed from here. Wait a minute, then try again."


class SignInError(Exception):
    """Somebody is not let in. The text tells them why, and what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class ProviderSignIn:
    """Send people to the provider, and judge who comes back.

    Args:
        pending: the sessions of people who are away at the provider.
    """

    def __init__(self, config: OidcConfig, pending: Sessions, log: FilteringBoundLogger) -> None:
        self._config, self._pending, self._log = config, pending, log
        self._provider = Provider(config)

    async def begin(self) -> Response:
        """Return the way to the provider; raise SignInError if there is none."""
        session = begin_session("pending")
        try:
            answer = see_other(await self._provider.build_sign_in_url(self._derive_secrets(session)))
        except ProviderError as error:
            raise self._explain(error) from error
        self._pending.keep(answer, session)
        return answer

    async def identify(self, request: Request) -> str:
        """Return the name of somebody who comes back and is let in; raise SignInError for all others."""
        session, query = self._pending.read(request), request.query_params
        secrets = self._derive_secrets(session)
        is_ours = hmac.compare_digest(query.get("state", "").encode(), secrets.state.encode())
        # A sign-in is used once, whatever comes of it.
        if not (session.user and is_ours and self._pending.end(session)):
            raise SignInError(400, LOST)
        if query.get("iss", self._config.issuer) != self._config.issuer:  # RFC 9207
            raise self._explain(ProviderError("another provider has sent this person", is_away=False))
        code = query.get("code", "")
        if "error" in query or not 0 < len(code) <= MOST_CODE_LETTERS:
            raise SignInError(403, DENIED)
        try:
            claims = await self._provider.identify(code, secrets)
        except ProviderError as error:
            raise self._explain(error) from error
        name = name_person(claims)
        if not self._config.is_allowed(claims):
            self._log.warning("sign_in_refused", reason="not in OIDC_ALLOWED", who=name)
            raise SignInError(403, STRANGER.format(name=name))
        return name

    def _explain(self, error: ProviderError) -> SignInError:
        self._log.warning("provider_failed" if error.is_away else "sign_in_refused", reason=str(error))
        return SignInError(503, AWAY) if error.is_away else SignInError(403, UNBELIEVED)

    def _derive_secrets(self, session: Session) -> Secrets:
        """Return the secrets of a sign-in. They follow from its session and our key: nothing need be remembered."""
        return Secrets(*(self._pending.make_secret(session, use) for use in ("state", "nonce", "verifier")))


def oidc_routes(entrance: Entrance, config: OidcConfig, pages: Pages) -> APIRouter:
    """Return the routes. People who come back and are let in have a visit like those who gave the token."""
    router, attempts, log = APIRouter(), Attempts(), entrance.log
    sign_in = ProviderSignIn(config, entrance.visits.pending, log)

    @router.get("/sign-in/provider")
    async def begin() -> Response:
        try:
            return await sign_in.begin()
        except SignInError as error:
            return show_problem(error)

    @router.get(CALLBACK)
    async def come_back(request: Request) -> Response:
        source = find_source(request, is_behind_proxy=entrance.is_behind_proxy)
        if wait_s := attempts.take(source):
            log.warning("too_many_attempts", source=source)
            page = show_problem(SignInError(429, OFTEN))
            page.headers["Retry-After"] = str(math.ceil(wait_s))
            return page
        try:
            name = await sign_in.identify(request)
        except SignInError as error:
            return show_problem(error)
        attempts.forget(source)
        log.info("signed_in", who=name)
        # The cookie does not go with what another site leads to, redirects included; it goes with what this page opens.
        answer = pages.build_page("web/signed_in.html")
        entrance.visits.sessions.start(request, answer, name)
        return answer

    def show_problem(error: SignInError) -> Response:
        return pages.build_page("problem.html", status=error.status, title="You are not signed in", text=str(error))

    return router
