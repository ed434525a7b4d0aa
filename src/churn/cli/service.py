"""The main road: `churn start` does everything from data to a running service, `churn serve` its last step alone."""

from __future__ import annotations

import contextlib
import functools
import json
import shlex
import sys
from typing import TYPE_CHECKING

import typer

from churn.businesses import find_contract
from churn.cli.data import find_first_demo, make_demo_file
from churn.cli.models import export_bundle, promote_version
from churn.cli.options import ContractOption
from churn.cli.show import err, say
from churn.cli.training import open_registry, train_and_register
from churn.contract.declaration import Contract
from churn.errors import BundleError
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.model.bundle import Bundle

app = typer.Typer()


@app.command(epilog="Example: CHURN_HOME=var PORT=8000 churn start")
def start(contract: ContractOption = "streamflow") -> None:
    """Go the whole road on demo data and serve: what is already there is reused, an interrupted start goes on."""
    settings, chosen = read_settings().model_copy(update={"churn_contract": contract}), find_contract(contract)
    if settings.model_path is None and not settings.bundle_path.exists():
        # Standard output is the service's log, one JSON object a line; what training shows goes beside it.
        with contextlib.redirect_stdout(sys.stderr):
            _make_champion(chosen, settings)
    else:
        say(f"reusing the bundle at {settings.bundle_path}")
    _serve(settings)


@app.command(epilog="Example: MODEL_PATH=var/bundles/streamflow/v2.3.1 churn serve")
def serve() -> None:
    """Serve a bundle over HTTP until stopped; MODEL_PATH, HOST, PORT and WORKERS say which, where and how."""
    settings = read_settings()
    find_contract(settings.churn_contract)  # a name that is none is better refused than looked for on the disk
    _serve(settings)


def _make_champion(contract: type[Contract], settings: Settings) -> None:
    name = contract.contract_name
    if contract.demo is None:
        raise BundleError(
            f"there is no bundle at {settings.bundle_path}, and the contract {name} has no demo data to make one of",
            instead=f"make one: churn train FILE --contract {name}, churn promote, churn export; then start again",
        )
    version, demo = find_first_demo(contract)
    say(f"step 1 of 4: demo data {version}")
    data = make_demo_file(contract, version, settings)  # anew: a file of an older process would be other data
    registry = open_registry(settings)
    from churn.training.versions import name_registered_model  # noqa: PLC0415 - an extra, seconds to import

    name = name_registered_model(contract)
    say(f"step 2 of 4: train and register {demo.model_version}")
    if not any(info.tags.get("model_version") == demo.model_version for info in registry.list_versions(name)):
        train_and_register(contract, data, settings, demo.model_version)
    say("step 3 of 4: promote it to champion")
    if registry.find_champion(name) is None:
        promote_version(contract, demo.model_version, settings)
    say("step 4 of 4: export the bundle")
    export_bundle(f"models:/{name}@champion", settings)


def _serve(settings: Settings) -> None:
    from churn.service.server import serve as run  # noqa: PLC0415 - other commands need no server

    run(settings, on_ready=functools.partial(_announce, settings))


def _announce(settings: Settings, address: str, bundle: Bundle) -> None:
    """Say what to try first, once the service listens; on standard error, beside the log."""
    example = json.dumps(bundle.model.contract.example_request())
    err.print(f"\n[bold green]{bundle.manifest.model_version} is served at {address}[/]")
    if bundle.manifest.explainer_reason:
        err.print(f"It is explained by XGBoost, not by tables: {bundle.manifest.explainer_reason}", markup=False)
    err.print("\nTry it:\n")
    key = '-H "Authorization: Bearer $CHURN_API_KEY" ' if settings.has_api_keys else ""
    curl = f"curl -s {address}/predict {key}-H 'Content-Type: application/json' -d {shlex.quote(example)}"
    err.print(f"  {curl}\n", markup=False)
    err.print("Where to go next:\n")
    err.print(f"  {address}/openapi.json   the interface; docs/contract.md says it in words", markup=False)
    err.print(
        f"  CHURN_HOME={settings.churn_home} churn ui       MLflow's pages: run, plots, registered model", markup=False
    )
    err.print("  README.md                the next five minutes\n\nStop with Ctrl+C.\n", markup=False)
