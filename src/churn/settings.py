"""What can be configured, by environment variables. Only the command line and the service's start read them."""

import hashlib
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from churn.errors import SettingsError
from churn.model.shelf import Shelf, open_shelf
from churn.web.oidc import Allowed, ClientId, ClientSecret, Issuer

MOST_WORKERS = 64
SHORTEST_TOKEN = 16
SENDABLE = re.compile(r"[!-~]{1,200}")


class Settings(BaseSettings):
    """The settings. Each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    churn_home: Path = Field(Path("var"), description="Where everything the project makes is kept.")
    churn_contract: str = Field("streamflow", description="The contract that commands use by default.")
    churn_businesses: str | None = Field(
        None,
        description="Folders with businesses of your own, separated as in `PATH`; "
        "[adding a business](adding-a-business.md) says what lies in them. Their files are run.",
    )
    model_path: Path | None = Field(
        None, description="The bundle to serve; by default `bundles/CONTRACT/champion` under CHURN_HOME."
    )
    model_version: str | None = Field(
        None, description="The version the bundle must have; any version if it is not set."
    )
    challenger_path: Path | None = Field(
        None,
        description="A second bundle of the same contract. It answers each `/predict` too, in the background; its "
        "answers stand in the prediction log. None by default.",
    )
    bundle_keys: Path | None = Field(
        None,
        description="A PEM file of public keys. The service and commands use no bundle that none of them has signed; "
        "`churn bundle` makes keys and signs. Without it signatures are not asked for.",
    )
    churn_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="The banner is shown above this probability; by default above the one that the bundle was sealed "
        "with, else the contract's.",
    )
    offer_policy: Path | None = Field(None, description="The policy file of offers; by default the contract's own.")
    host: str = Field("127.0.0.1", description="The address the service listens on.")
    port: int = Field(8000, ge=1, le=65535, description="The port the service listens on.")
    api_keys_file: Path | None = Field(
        None,
        description="A TOML file of the keys with which the service may be called; it is read again when it changes. "
        "[Who may call](callers.md) says what stands in it. Without keys everybody may call.",
    )
    api_keys: SecretStr | None = Field(
        None, description="The content of such a file itself, where secrets come as variables."
    )
    churn_api_key: SecretStr | None = Field(
        None,
        description="The key with which commands call a service that asks for one: `churn loadtest`, the dashboard, "
        "and rollouts that read `/metrics` of the instances.",
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=MOST_WORKERS,
        description="Server processes; by default one for each CPU that may be used, by a container's quota too.",
    )
    max_queue: int = Field(
        128, ge=1, description="Requests that may wait in one worker; more are refused with 503 and `Retry-After`."
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        le=60,
        description="The time after SIGTERM in which the health paths say 503 and requests are still answered, so "
        "that load balancers notice before the service stops.",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="The least severe log line that is written."
    )
    max_body_bytes: int = Field(65_536, ge=1024, description="A larger body of one subscriber is refused with 413.")
    max_batch_rows: int = Field(
        1000, ge=1, le=10_000, description="A longer batch is refused with 413; its body may have 1,024 bytes a row."
    )
    release_days: str = Field(
        "tue,wed,thu",
        pattern="^(mon|tue|wed|thu)(,(mon|tue|wed|thu))*$",
        description="Days on which `churn release` works: of `mon`, `tue`, `wed`, `thu`, never Friday to Sunday.",
    )
    release_hours: str = Field(
        "09:00-12:00", pattern=r"^\d\d:\d\d-\d\d:\d\d$", description="The hours of such a day in which it works."
    )
    release_time_zone: str = Field("UTC", description="The time zone of these hours, such as `America/New_York`.")
    release_holidays: str = Field(
        "",
        description="Days on which it does not work: the holidays of countries or of parts of them, and single days, "
        "such as `US-CA,2026-12-24`.",
    )
    prediction_log: str | None = Field(
        None,
        description="Where predictions are logged: a folder, or a bucket such as `s3://NAME/PREFIX`; `off` for "
        "nowhere. By default `predictions` under CHURN_HOME, if that can be written.",
    )
    prediction_log_salt: SecretStr | None = Field(
        None,
        min_length=16,
        max_length=64,
        description="A secret with which subscribers' keys are hashed in the log; without it no key is kept.",
    )
    prediction_log_retention_days: int = Field(90, ge=1, le=36_500, description="Older logged predictions are removed.")
    prediction_log_removed_by: Literal["service", "bucket"] = Field(
        "service",
        description="What removes them: the service, or a rule of the bucket itself, on S3 only. With `bucket` the "
        "service only writes, and a segment that a command writes anew gets the tag `kept-days`.",
    )
    prediction_log_segment_seconds: float = Field(
        300, ge=1, le=86_400, description="After this time a journal is closed and can be read as Parquet."
    )
    mlflow_tracking_uri: str | None = Field(
        None, description="The MLflow store; by default an SQLite file under CHURN_HOME."
    )
    portal_url: str | None = Field(
        None,
        pattern=r"^https?://[^/@\s]+/?$",
        description="Where the portal's team app is, such as `http://127.0.0.1:8003`; `churn subscriber` exports and "
        "erases there, too.",
    )
    portal_team_token: SecretStr | None = Field(
        None, min_length=SHORTEST_TOKEN, description="The token of the portal's team app, for `churn subscriber`."
    )
    dashboard_host: str = Field("127.0.0.1", description="The address the dashboard listens on.")
    dashboard_port: int = Field(8002, ge=1, le=65535, description="The port the dashboard listens on.")
    dashboard_public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+/?$",
        description="Where people reach the dashboard, if a proxy stands in front of it. With `https://` the cookie is "
        "`Secure`, and browsers are told to use nothing else. Sign-ins are limited by the last address in "
        "`X-Forwarded-For` then.",
    )
    dashboard_token: SecretStr | None = Field(
        None,
        min_length=SHORTEST_TOKEN,
        description="A secret. Who gives it to the dashboard may look, abort a rollout or let it go on. Without it "
        "everybody may look.",
    )
    dashboard_instances: str | None = Field(
        None,
        pattern=r"^https?://[^\s,]+(\s*,\s*https?://[^\s,]+)*$",
        description="The service's instances that the dashboard shows, such as "
        "`http://10.0.0.1:8000,http://10.0.0.2:8000`; by default the one at HOST and PORT.",
    )
    dashboard_mlflow_url: str | None = Field(
        None, pattern="^https?://", description="Where MLflow's pages are, for the dashboard to link to."
    )

    notify_urls: SecretStr | None = Field(
        None,
        description="Who is told of rollbacks, promotions, long holds, drift and a banner that harms: addresses of "
        "[Apprise](https://appriseit.com/services), separated by spaces. A secret, since they hold tokens. "
        "[Notifications](notifications.md) says more.",
    )
    judge_host: str = Field("127.0.0.1", description="The address `churn judge serve` listens on.")
    judge_port: int = Field(8004, ge=1, le=65535, description="The port `churn judge serve` listens on.")
    judge_token: SecretStr | None = Field(
        None,
        min_length=SHORTEST_TOKEN,
        description="A secret. Who gives it to `churn judge serve` is told a verdict. Without it the command does not "
        "start.",
    )

    oidc_issuer: Issuer = None
    oidc_client_id: ClientId = None
    oidc_client_secret: ClientSecret = None
    oidc_allowed: Allowed = None

    @field_validator("*")
    @classmethod
    def require_text(cls, value: Any) -> Any:
        """Refuse what is not UTF-8: it could be neither hashed nor compared nor sent."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise ValueError("is not text in UTF-8") from None
        return value

    @field_validator("prediction_log_salt")
    @classmethod
    def require_usable_salt(cls, salt: SecretStr | None) -> SecretStr | None:
        """Refuse a salt that BLAKE2 does not take: its limit is in bytes, not in characters."""
        length = len(salt.get_secret_value().encode()) if salt else 0
        if length > hashlib.blake2b.MAX_KEY_SIZE:
            raise ValueError(f"has {length} bytes in UTF-8; at most {hashlib.blake2b.MAX_KEY_SIZE} can be used")
        return salt

    @field_validator("churn_api_key")
    @classmethod
    def require_sendable_key(cls, key: SecretStr | None) -> SecretStr | None:
        """Refuse a key that fits in no header."""
        if key and not SENDABLE.fullmatch(key.get_secret_value()):
            raise ValueError("is no key: give one as `churn keys make` printed it")
        return key

    @field_validator("release_time_zone")
    @classmethod
    def require_known_zone(cls, zone: str) -> str:
        """Refuse a time zone that this machine does not know."""
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such zone; write it like Europe/Berlin") from None
        return zone

    @field_validator("dashboard_instances")
    @classmethod
    def require_addresses(cls, addresses: str | None) -> str | None:
        """Refuse an address that has no host, or a port that cannot be."""
        for address in (addresses or "").split(","):
            if addresses and not _is_address(address.strip()):
                raise ValueError("one of them is no address; write it like http://10.0.0.1:8000")
        return addresses

    @property
    def has_api_keys(self) -> bool:
        """Whether the service asks callers for a key."""
        return bool(self.api_keys or self.api_keys_file)

    def reveal_api_key(self) -> str | None:
        """Return the key with which to call a service; None if there is none."""
        return self.churn_api_key.get_secret_value() if self.churn_api_key else None

    @property
    def bundle_path(self) -> Path:
        """The bundle to serve."""
        return self.model_path or self.shelf(self.churn_contract).champion

    @property
    def service_address(self) -> str:
        """The service's URL on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - not to listen
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def instances(self) -> tuple[str, ...]:
        """The addresses of the service's instances."""
        addresses = (self.dashboard_instances or self.service_address).split(",")
        return tuple(address.strip().rstrip("/") for address in addresses)

    def shelf(self, contract: str) -> Shelf:
        """Return the shelf of a contract's bundles."""
        return open_shelf(self.churn_home, contract)


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, or a bracket that does not close
        return False


def read_settings() -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: an environment variable has a value that cannot be used; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{item['loc'][0]!s}".upper() + f": {item['msg']}" for item in error.errors())
        raise SettingsError(f"unusable settings: {problems}", instead="correct or unset these variables") from error
