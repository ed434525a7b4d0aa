"""Who may look and act: people who have signed in. A cookie remembers them, and forms must come from our pages."""

import hashlib
import secrets
from dataclasses import astuple, dataclass
from pathlib import Path

from starlette.requests import Request

from churn.web.ended import EndedSessions
from churn.web.oidc import OidcConfig
from churn.web.sessions import Sessions, SignInNeededError

OPERATOR = "operator"
PENDING_S = 600


@dataclass(frozen=True)
class Visit:
    """What a page may offer.

    Args:
        can_sign_in: whether there is a token or a provider by which people may act.
        form_token: what each form must bring back; None if nothing may be done.
    """

    can_sign_in: bool
    form_token: str | None = None


class Visits:
    """Read and begin visits. Without token and provider everybody may look, and nobody can ever do anything.

    `sessions` are those of people who have signed in, `pending` those of people who are away at the provider.

    Args:
        name: of the app, such as `dashboard`; its cookie is named so.
        token: people who know it may look and act. It also signs: a new token ends all visits.
        oidc: the provider. It also signs: who changes the client's secret, or who is let in, ends all visits.
        folder: where it is kept which visits have ended.
        is_https: whether people reach the app by HTTPS.

    Raises:
        SettingsError: the folder cannot be used.
    """

    def __init__(self, name: str, token: str | None, oidc: OidcConfig | None, folder: Path, *, is_https: bool) -> None:
        self.possible = token is not None or oidc is not None
        known = repr((name, token, oidc and astuple(oidc)))
        key = hashlib.sha256(known.encode()).digest() if self.possible else secrets.token_bytes()
        self._ended = EndedSessions(folder / "sessions.sqlite") if self.possible else None
        ended = self._ended or set[str]()
        self.sessions = Sessions(key, name=name, same_site="strict", ended=ended, secure=is_https)
        # Anybody may begin to sign in, so this key must not be one that can be guessed from what it signs.
        self.pending = Sessions(
            secrets.token_bytes(),
            name=f"{name}_provider",
            same_site="lax",  # it comes back from another site
            ended=ended,
            secure=is_https,
            lifetime_s=PENDING_S,
        )

    def close(self) -> None:
        """Close the file of the visits that have ended."""
        if self._ended:
            self._ended.close()

    def read(self, request: Request) -> Visit:
        """Return what the cookie of a request allows."""
        session = self.sessions.read(request)
        form_token = self.sessions.make_form_token(session) if self.possible and session.user else None
        return Visit(can_sign_in=self.possible, form_token=form_token)

    def find_person(self, request: Request) -> str | None:
        """Return who has signed in by a provider; None for who gave the token, which says nothing of the person."""
        user = self.sessions.read(request).user
        return user if user != OPERATOR else None

    def require_reader(self, request: Request) -> None:
        """Raise SignInNeededError if people can sign in and the reader has not."""
        if self.possible and not self.sessions.read(request).user:
            raise SignInNeededError
