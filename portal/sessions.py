"""Who is signed in, kept in a signed cookie, and the token that a form must bring back."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "portal_session"
LIFETIME_S = 12 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """One visit.

    Args:
        nonce: random, new whenever somebody signs in or out; the form token is made of it.
        subscriber: the key of who is signed in; None before that.
    """

    nonce: str
    subscriber: str | None = None


class Sessions:
    """Reads and writes sessions.

    Args:
        key: signs the cookie, and makes the form tokens.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._serializer = URLSafeTimedSerializer(
            key, salt="portal session", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def read(self, request: Request) -> Session:
        """The request's session; a new one without anybody if its cookie is missing, expired or not ours."""
        try:
            nonce, subscriber = self._serializer.loads(request.cookies.get(COOKIE, ""), max_age=LIFETIME_S)
        except BadSignature:
            return Session(secrets.token_urlsafe(16))
        return Session(nonce, subscriber)

    def start(self, response: Response, subscriber: str | None, *, secure: bool) -> None:
        """Begins a new session. What was known of the old one, by anybody, is worth nothing in it."""
        self.keep(response, Session(secrets.token_urlsafe(16), subscriber), secure=secure)

    def keep(self, response: Response, session: Session, *, secure: bool) -> None:
        """Sends the session's cookie."""
        response.set_cookie(
            COOKIE,
            self._serializer.dumps([session.nonce, session.subscriber]),
            max_age=LIFETIME_S,
            httponly=True,
            samesite="lax",
            secure=secure,
        )

    def form_token(self, session: Session) -> str:
        """What a form of this session carries. Another site cannot know it, and other sessions have others."""
        return hmac.new(self._key, f"form {session.nonce}".encode(), hashlib.sha256).hexdigest()

    def is_genuine(self, session: Session, token: str) -> bool:
        """Whether a form comes from a page of this session."""
        return hmac.compare_digest(self.form_token(session).encode(), token.encode())
