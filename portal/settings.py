"""What can be configured, by environment variables, and the key that signs."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from churn.errors import SettingsError
from churn.web.addresses import is_loopback
from churn.web.oidc import Allowed, ClientId, ClientSecret, Issuer, OidcConfig, read_oidc_config

SHORTEST_SECRET = 32
SHORTEST_TOKEN = 16


class PortalSettings(BaseSettings):
    """Each field is one environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    churn_home: Annotated[Path, Field(description="Where everything the project makes is kept.")] = Path("var")
    churn_contract: Annotated[str, Field(description="The contract of the service, whose business is shown.")] = (
        "streamflow"
    )
    portal_host: Annotated[str, Field(description="The address the portal listens on.")] = "127.0.0.1"
    portal_port: Annotated[int, Field(ge=1, le=65535, description="The port the portal listens on.")] = 8001
    portal_public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^/\s]+/?$",
            description="Where people reach the portal, if a proxy stands in front. With `https://` the cookie is "
            "`Secure`, and browsers are told to use nothing else.",
        ),
    ] = None
    portal_retention_days: Annotated[
        int,
        Field(
            ge=31,
            le=3660,
            description="How long it is kept what was shown to whom, and what they did about it. Counts stay, and so "
            "does the offer that somebody accepted last.",
        ),
    ] = 400
    portal_secret: Annotated[
        SecretStr | None,
        Field(
            min_length=SHORTEST_SECRET,
            description="The key that signs sessions; by default one is made and kept under CHURN_HOME.",
        ),
    ] = None
    portal_subscribers: Annotated[
        Path | None,
        Field(
            description="A CSV file in the form of the training data: its first 12 rows are the demo's subscribers. By "
            "default they are those that the business declares, or else are drawn from its contract."
        ),
    ] = None
    portal_team_host: Annotated[str, Field(description="The address the team's pages listen on.")] = "127.0.0.1"
    portal_team_port: Annotated[int, Field(ge=1, le=65535, description="The port the team's pages listen on.")] = 8003
    portal_team_public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^/\s]+/?$",
            description="Where people reach the team's pages, if a proxy stands in front. With `https://` the cookie "
            "is `Secure`. Sign-ins are limited by the last address in `X-Forwarded-For` then.",
        ),
    ] = None
    portal_team_token: Annotated[
        SecretStr | None,
        Field(
            min_length=SHORTEST_TOKEN,
            description="A secret. Who gives it sees the team's pages, and machines give it under `/api/`. Without it "
            "the pages are open, and listen on this machine only.",
        ),
    ] = None
    oidc_issuer: Issuer = None
    oidc_client_id: ClientId = None
    oidc_client_secret: ClientSecret = None
    oidc_allowed: Allowed = None
    service_url: Annotated[str, Field(pattern="^https?://", description="Where the churn service is.")] = (
        "http://127.0.0.1:8000"
    )
    churn_api_key: Annotated[
        SecretStr | None,
        Field(description="The key with which the portal calls the service, where that asks for one."),
    ] = None
    service_budget_ms: Annotated[
        int, Field(ge=1, le=10_000, description="How long a page waits for the service; then it is shown without.")
    ] = 200

    @field_validator("portal_secret", "portal_team_token", "oidc_client_secret")
    @classmethod
    def require_text(cls, secret: SecretStr | None) -> SecretStr | None:
        """Refuse a secret that is not UTF-8: nothing could be signed or compared with it."""
        try:
            (secret.get_secret_value() if secret else "").encode()
        except UnicodeEncodeError:
            raise ValueError("is not text in UTF-8") from None
        return secret

    def require_writable_folder(self) -> None:
        """Write into the folder once.

        Raises:
            SettingsError: it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as error:
            raise SettingsError(
                f"CHURN_HOME: {self.folder} cannot be written: {error.strerror}",
                instead="set it to a folder that can be written",
            ) from error

    def read_team_oidc(self) -> OidcConfig | None:
        """Return the provider of the team's pages; raise SettingsError if what is set of it cannot be used."""
        return read_oidc_config(self, "portal_team")

    def require_closed_team_door(self) -> None:
        """Let no other machine reach the team's pages if nobody needs to sign in.

        Raises:
            SettingsError: it could, or what is set of the provider cannot be used.
        """
        if not (self.portal_team_token or self.read_team_oidc()) and not is_loopback(self.portal_team_host):
            raise SettingsError(
                f"PORTAL_TEAM_HOST is {self.portal_team_host}: the team's pages would be open to other machines",
                instead="set PORTAL_TEAM_TOKEN, with which people then sign in, or OIDC_ISSUER; or let it be 127.0.0.1",
            )

    @property
    def folder(self) -> Path:
        """The folder of the portal's own files."""
        return self.churn_home / "portal"

    @property
    def store_path(self) -> Path:
        """The SQLite file of subscribers and events."""
        return self.folder / "portal.sqlite"

    @property
    def is_https(self) -> bool:
        """Whether people reach the portal by HTTPS."""
        return (self.portal_public_url or "").startswith("https:")

    @property
    def service_budget_s(self) -> float:
        """The budget in seconds."""
        return self.service_budget_ms / 1000

    @property
    def api_key(self) -> str | None:
        """The key for the service; None if there is none."""
        return self.churn_api_key.get_secret_value() if self.churn_api_key else None

    def load_signing_key(self) -> str:
        """Return PORTAL_SECRET, or a key that is made once and that only its owner may read."""
        if self.portal_secret:
            return self.portal_secret.get_secret_value()
        path = self.folder / "secret"
        if not path.exists():
            _make_key(path)
        key = path.read_text()
        if len(key) < SHORTEST_SECRET:
            raise SettingsError(
                f"{path} holds no whole key", instead="delete it; a new one is made, people sign in anew"
            )
        return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # for its owner only, from the start
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SHORTEST_SECRET))
        with contextlib.suppress(FileExistsError):  # another portal that starts now was first: its key holds
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()


def read_settings() -> PortalSettings:
    """Return the settings of this process; raise `SettingsError` that names each variable that cannot be used."""
    try:
        return PortalSettings()
    except ValidationError as error:
        problems = "; ".join(f"{item['loc'][0]!s}".upper() + f": {item['msg']}" for item in error.errors())
        raise SettingsError(f"unusable settings: {problems}", instead="correct or unset these variables") from error
