"""Who is signed in, kept in a signed cookie, and the token that a form must bring back."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from churn.clocks import Clock, read_clock
from churn.web.ended import EndedSessions

LIFETIME_S = 12 * 3600
FORM = "application/x-www-form-urlencoded"
FORM_TOKEN = "form_token"  # noqa: S105 - a field's name
MOST_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Session:
    """One visit; without a user before anybody signs in.

    The nonce is random, and new whenever somebody signs in or out. The form token is made of it.
    """

    nonce: str
    user: str | None = None


def begin_session(user: str | None = None) -> Session:
    """Return a session that nobody has had."""
    return Session(secrets.token_urlsafe(16), user)


class _SteadySigner(TimestampSigner):
    """Sign with the time at which the sessions began, and what the machine has run since.

    So somebody who sets the clock makes no session longer or shorter.
    """

    def __init__(self, *arguments: Any, read_clock: Callable[[], Clock], began: Clock, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._read_clock, self._began = read_clock, began

    def get_timestamp(self) -> int:
        return int(self._began.wall_s + self._read_clock().measure_since(self._began))


class Sessions:
    """Read and write sessions.

    Args:
        key: signs the cookie, and makes the form tokens. A new key ends all sessions.
        ended: the sessions that have ended.
        lifetime_s: how long a session lasts.
        secure: whether people reach the pages by HTTPS; the cookie is then sent by nothing else.
        same_site: whether a link on another site leads to a page that is signed in (`lax`) or not (`strict`).
        clock: tells what the clocks show.
    """

    def __init__(
        self,
        key: bytes,
        *,
        name: str,
        same_site: Literal["lax", "strict"],
        ended: EndedSessions | set[str],
        secure: bool,
        lifetime_s: int = LIFETIME_S,
        clock: Callable[[], Clock] = read_clock,
    ) -> None:
        self._key, self._ended, self._secure, self._lifetime_s = key, ended, secure, lifetime_s
        self._cookie = f"{name}_session"
        self._same_site = same_site
        self._serializer = URLSafeTimedSerializer(
            key,
            salt=f"{name} session",
            signer=_SteadySigner,
            signer_kwargs={
                "digest_method": hashlib.sha256,
                "key_derivation": "hmac",
                "read_clock": clock,
                "began": clock(),
            },
        )

    def read(self, request: Request) -> Session:
        """Return the request's session; a new one without a user if its cookie is missing, not ours, or ended."""
        try:
            nonce, user = self._serializer.loads(request.cookies.get(self._cookie, ""), max_age=self._lifetime_s)
        except BadSignature:
            return begin_session()
        if user is not None and nonce in self._ended:
            return begin_session()
        return Session(nonce, user)

    def start(self, request: Request, response: Response, user: str | None) -> None:
        """Begin a new session, and end the old one: its cookie and its form tokens are worth nothing any more."""
        if (old := self.read(request)).user is not None:
            self.end(old)
        self.keep(response, begin_session(user))

    def end(self, session: Session) -> bool:
        """End a session; return False if it had ended before."""
        if session.nonce in self._ended:
            return False
        self._ended.add(session.nonce)
        return True

    def keep(self, response: Response, session: Session) -> None:
        """Send the session's cookie."""
        response.set_cookie(
            self._cookie,
            self._serializer.dumps([session.nonce, session.user]),
            max_age=self._lifetime_s,
            httponly=True,
            samesite=self._same_site,
            secure=self._secure,
        )

    def make_form_token(self, session: Session) -> str:
        """Return what a form of this session carries. Other sites cannot know it, and other sessions have others."""
        return self.make_secret(session, "form")

    def make_secret(self, session: Session, use: str) -> str:
        """Return what only we can know of this session, 64 hex digits; for each use another."""
        return hmac.new(self._key, f"{use} {session.nonce}".encode(), hashlib.sha256).hexdigest()

    async def read_form(self, request: Request) -> dict[str, str]:
        """Return the fields of a form that one of this session's own pages has sent.

        Raises:
            HTTPException: 403 if it does not carry the session's token, or another site sent it; 400 if it is no form.
        """
        fields = await read_form(request)
        expected = self.make_form_token(self.read(request))
        if not hmac.compare_digest(fields.get(FORM_TOKEN, "").encode(), expected.encode()):
            raise HTTPException(403)
        return fields


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that a page of this site sent.

    Raises:
        HTTPException: 403 if the browser says that another site did; 400 if it is no form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403)
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise HTTPException(400)
    async with request.form(max_fields=MOST_FIELDS) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


class SignInNeededError(Exception):
    """A page that needs somebody signed in was opened by nobody."""


async def send_to_sign_in(_: Request, __: Exception) -> Response:
    """Answer with the way to sign in."""
    return see_other("/sign-in")


def see_other(path: str) -> RedirectResponse:
    """Send the browser to a page after a form: going back then sends nothing twice."""
    return RedirectResponse(path, status_code=303)
