"""Who may do something: whoever gave the token, for as long as a signed cookie says so, by forms of our own pages."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from fastapi import HTTPException, Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "dashboard_session"
LIFETIME_S = 12 * 3600
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Visit:
    """What a page may offer.

    Args:
        can_sign_in: whether there is a token with which one may act.
        form_token: what each form must bring back; None if nothing may be done.
    """

    can_sign_in: bool
    form_token: str | None = None


class Visits:
    """Reads and begins visits. Without a token nobody can ever do anything.

    Args:
        token: whoever knows it may act. It also signs: a new token ends all visits.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._key = hashlib.sha256(f"dashboard {token}".encode()).digest()
        self._serializer = URLSafeTimedSerializer(
            self._key, salt="dashboard", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    @property
    def possible(self) -> bool:
        """Whether there is a token."""
        return self._token is not None

    def read(self, request: Request) -> Visit:
        """What the cookie of a request allows."""
        if not self.possible:
            return Visit(can_sign_in=False)
        try:
            nonce = str(self._serializer.loads(request.cookies.get(COOKIE, ""), max_age=LIFETIME_S))
        except BadSignature:
            return Visit(can_sign_in=True)
        return Visit(can_sign_in=True, form_token=self._form_token(nonce))

    def is_token(self, given: str) -> bool:
        """Whether that is the token; takes as long whether it nearly is or not."""
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def begin(self, response: Response, *, secure: bool) -> None:
        """From here on the browser may act."""
        response.set_cookie(
            COOKIE,
            self._serializer.dumps(secrets.token_urlsafe(16)),
            max_age=LIFETIME_S,
            httponly=True,
            samesite="strict",
            secure=secure,
        )

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form of ours.

        Raises:
            HTTPException: 403 if it was sent by another site's page, by nobody who signed in, or without the token of
                the visit; 400 if it is no form.
        """
        fields = await read_form(request)
        expected = self.read(request).form_token
        if expected is None or not hmac.compare_digest(fields.get("form_token", "").encode(), expected.encode()):
            raise HTTPException(403)
        return fields

    def _form_token(self, nonce: str) -> str:
        return hmac.new(self._key, f"form {nonce}".encode(), hashlib.sha256).hexdigest()


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page of this site sent.

    Raises:
        HTTPException: 403 if the browser says that another site did; 400 if it is no form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(403)
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise HTTPException(400)
    async with request.form(max_fields=8) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}
