"""The ways into an app: a token, a provider, or none."""

from pathlib import Path

from structlog.typing import FilteringBoundLogger

from churn.web.oidc import OidcConfig
from churn.web.tokens import TokenGuard
from churn.web.visits import Visits


class Entrance:
    """What people and machines come in by.

    Args:
        name: of the app, such as `dashboard`.
        token: what people and machines may give; None if there is none.
        oidc: the provider by which people may sign in; None if there is none.
        folder: where it is kept which visits have ended.
        public_url: where people reach the app, if a proxy stands in front of it.

    Raises:
        SettingsError: the folder cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        token: str | None,
        oidc: OidcConfig | None,
        folder: Path,
        public_url: str | None,
        log: FilteringBoundLogger,
    ) -> None:
        self.oidc, self.log = oidc, log
        self.is_behind_proxy = public_url is not None
        self.is_https = (public_url or "").startswith("https:")
        self.tokens = TokenGuard(token, log, is_behind_proxy=self.is_behind_proxy) if token else None
        self.visits = Visits(name, token, oidc, folder, is_https=self.is_https)
