"""What can be configured, by environment variables. Only the command line and the service's start read them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from churn.errors import SettingsError
from churn.model.shelf import Shelf, open_shelf

MOST_WORKERS = 64
SHORTEST_TOKEN = 16


class Settings(BaseSettings):
    """The settings. Each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    churn_home: Annotated[Path, Field(description="Where everything the project makes is kept.")] = Path("var")
    churn_contract: Annotated[str, Field(description="The contract that commands use by default.")] = "streamflow"
    model_path: Annotated[
        Path | None, Field(description="The bundle to serve; by default `bundles/CONTRACT/champion` under CHURN_HOME.")
    ] = None
    model_version: Annotated[
        str | None, Field(description="The version the bundle must have; any version if it is not set.")
    ] = None
    challenger_path: Annotated[
        Path | None,
        Field(
            description="A second bundle of the same contract. It answers each `/predict` too, in the background; its "
            "answers stand in the prediction log. None by default."
        ),
    ] = None
    churn_threshold: Annotated[float, Field(ge=0, le=1, description="The banner is shown above this probability.")] = (
        0.6
    )
    offer_policy: Annotated[
        Path | None, Field(description="The policy file of offers; by default the contract's own.")
    ] = None
    host: Annotated[str, Field(description="The address the service listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The port the service listens on.")] = 8000
    workers: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_WORKERS,
            description="Server processes; by default one for each CPU that may be used, by a container's quota too.",
        ),
    ] = None
    max_queue: Annotated[
        int,
        Field(ge=1, description="Requests that may wait in one worker; more are refused with 503 and `Retry-After`."),
    ] = 128
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=60,
            description="The time after SIGTERM in which the health paths say 503 and requests are still answered, so "
            "that load balancers notice before the service stops.",
        ),
    ] = 0
    log_level: Annotated[
        str, Field(pattern="^(debug|info|warning|error)$", description="The least severe log line that is written.")
    ] = "info"
    max_body_bytes: Annotated[
        int, Field(ge=1024, description="A larger body of one subscriber is refused with 413.")
    ] = 65_536
    max_batch_rows: Annotated[
        int,
        Field(ge=1, le=10_000, description="A longer batch is refused with 413; its body may have 1,024 bytes a row."),
    ] = 1000
    release_days: Annotated[
        str,
        Field(
            pattern="^(mon|tue|wed|thu)(,(mon|tue|wed|thu))*$",
            description="Days on which `churn release` works: of `mon`, `tue`, `wed`, `thu`, never Friday to Sunday.",
        ),
    ] = "tue,wed,thu"
    release_hours: Annotated[
        str,
        Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$", description="The hours of such a day in which it works."),
    ] = "09:00-12:00"
    release_time_zone: Annotated[
        str, Field(description="The time zone of these hours, such as `America/New_York`.")
    ] = "UTC"
    release_holidays: Annotated[
        str,
        Field(
            description="Days on which it does not work: the holidays of countries or of parts of them, and single "
            "days, such as `US-CA,2026-12-24`."
        ),
    ] = ""
    prediction_log: Annotated[
        str | None,
        Field(
            description="Where predictions are logged: a folder, or a bucket such as `s3://NAME/PREFIX`; `off` for "
            "nowhere. By default `predictions` under CHURN_HOME, if that can be written."
        ),
    ] = None
    prediction_log_salt: Annotated[
        SecretStr | None,
        Field(
            min_length=16,
            max_length=64,
            description="A secret with which subscribers' keys are hashed in the log; without it no key is kept.",
        ),
    ] = None
    prediction_log_retention_days: Annotated[int, Field(ge=1, description="Older logged predictions are removed.")] = 90
    prediction_log_segment_seconds: Annotated[
        float, Field(ge=1, le=86_400, description="After this time a journal is closed and can be read as Parquet.")
    ] = 300
    mlflow_tracking_uri: Annotated[
        str | None, Field(description="The MLflow store; by default an SQLite file under CHURN_HOME.")
    ] = None
    dashboard_host: Annotated[str, Field(description="The address the dashboard listens on.")] = "127.0.0.1"
    dashboard_port: Annotated[int, Field(ge=1, le=65535, description="The port the dashboard listens on.")] = 8002
    dashboard_token: Annotated[
        SecretStr | None,
        Field(
            min_length=SHORTEST_TOKEN,
            description="A secret. Who gives it to the dashboard may abort a rollout or let it go on. Without it the "
            "dashboard can only be read.",
        ),
    ] = None
    dashboard_instances: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s,]+(\s*,\s*https?://[^\s,]+)*$",
            description="The service's instances that the dashboard shows, such as "
            "`http://10.0.0.1:8000,http://10.0.0.2:8000`; by default the one at HOST and PORT.",
        ),
    ] = None
    dashboard_mlflow_url: Annotated[
        str | None, Field(pattern="^https?://", description="Where MLflow's pages are, for the dashboard to link to.")
    ] = None

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
