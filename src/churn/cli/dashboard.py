"""The command `churn dashboard`: rollouts, shadow, the service, drift, outcomes and models as pages."""

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.service.startup import find_log_places
from churn.settings import read_settings
from churn.web.oidc import read_oidc_config

# ruff: noqa: PLC0415 - an extra

app = typer.Typer()


@app.command(epilog="Example: DASHBOARD_PORT=8002 churn dashboard")
def dashboard() -> None:
    """Show rollouts, shadow, health, drift, outcomes and models as pages until stopped; DASHBOARD_* says where."""
    settings = read_settings()
    require_dashboard_extra()
    from churn.dashboard.routes.service import DashboardConfig
    from churn.dashboard.server import serve

    token = settings.dashboard_token
    contract = find_contract(settings.churn_contract).contract_name
    config = DashboardConfig(
        home=settings.churn_home,
        contract=contract,
        champion=settings.bundle_path,
        places=find_log_places(settings, contract),
        policy=settings.offer_policy,
        instances=settings.instances,
        api_key=settings.reveal_api_key(),
        mlflow_url=settings.dashboard_mlflow_url,
        token=token.get_secret_value() if token else None,
        public_url=settings.dashboard_public_url,
        oidc=read_oidc_config(settings, "dashboard"),
    )
    serve(config, host=settings.dashboard_host, port=settings.dashboard_port, log_level=settings.log_level)


def require_dashboard_extra() -> None:
    """Raise ChurnError if a library of the dashboard is not installed."""
    require_extra("dashboard", "httpx2", "itsdangerous", "jinja2", "python_multipart", "scipy", "vl_convert")
