"""Who may look and act: people who gave the token. A cookie remembers them, and forms must come from our own pages."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from churn.web.ended import EndedSessions
from churn.web.sessions import Sessions, SignInNeededError

OPERATOR = "operator"


@dataclass(frozen=True)
class Visit:
    """What a page may offer.

    Args:
        can_sign_in: whether there is a token with which people may act.
        form_token: what each form must bring back; None if nothing may be done.
    """

    can_sign_in: bool
    form_token: str | None = None


class Visits:
    """Read and begin visits. Without a token everybody may look, and nobody can ever do anything.

    Args:
        name: of the app, such as `dashboard`; its cookie is named so.
        token: people who know it may look and act. It also signs: a new token ends all visits.
        folder: where it is kept which visits have ended.
        is_https: whether people reach the app by HTTPS.

    Raises:
        SettingsError: the folder cannot be used.
    """

    def __init__(self, name: str, token: str | None, folder: Path, *, is_https: bool) -> None:
        self.possible = token is not None
        key = hashlib.sha256(f"{name} {token or secrets.token_urlsafe()}".encode()).digest()
        ended = EndedSessions(folder / "sessions.sqlite") if token else set[str]()
        self.sessions = Sessions(key, name=name, same_site="strict", ended=ended, secure=is_https)

    def read(self, request: Request) -> Visit:
        """Return what the cookie of a request allows."""
        session = self.sessions.read(request)
        form_token = self.sessions.make_form_token(session) if self.possible and session.user else None
        return Visit(can_sign_in=self.possible, form_token=form_token)

    def require_reader(self, request: Request) -> None:
        """Raise SignInNeededError if there is a token and the reader has not given it."""
        if self.possible and not self.sessions.read(request).user:
            raise SignInNeededError
