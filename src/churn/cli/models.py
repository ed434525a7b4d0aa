"""Commands on registered models: `churn models`, `churn promote`, `churn export`, `churn ui`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.data import read_data, show_problems
from churn.cli.options import ContractOption, JsonOption, NameOption, OptionalReason, VersionArgument, require_reason
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.cli.training import open_registry
from churn.contract.declaration import Contract
from churn.errors import GateError, SettingsError
from churn.model.shelf import CHAMPION
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.training.export import Exported
    from churn.training.gates import Gate

# ruff: noqa: PLC0415 - MLflow takes seconds to import

app = typer.Typer()


@app.command(epilog="Example: churn models --json")
def models(*, contract: ContractOption = "streamflow", name: NameOption = None, as_json: JsonOption = False) -> None:
    """List the registered versions with aliases and metrics, newest first."""
    registry = open_registry(read_settings())
    from churn.training.registry import FORCED
    from churn.training.versions import name_registered_model

    name = name or name_registered_model(find_contract(contract))
    versions = registry.list_versions(name)
    listed = [
        {
            "number": info.number,
            "model_version": info.tags.get("model_version"),
            "aliases": list(info.aliases),
            "training_data_version": info.tags.get("training_data_version"),
            "forced": info.tags.get(FORCED),
            **{metric: info.metrics.get(metric) for metric in ("test_auc", "test_f1", "test_log_loss")},
        }
        for info in versions
    ]
    if as_json:
        print_json({"name": name, "versions": listed})
    elif not listed:
        out.print(f"{name} has no versions; train one with `churn train`, or name another model with --name")
    else:
        columns = ["number", "version", "aliases", "data", "forced past", "AUC", "F1", "log loss"]
        print_table(name, columns, [[_format_cell(value) for value in row.values()] for row in listed])


@app.command(epilog="Example: churn promote v2.4.0")
def promote(
    version: VersionArgument,
    *,
    contract: ContractOption = "streamflow",
    force: Annotated[bool, typer.Option("--force", help="Promote past failed gates; needs --reason.")] = False,
    reason: OptionalReason = None,
    data: Annotated[
        Path | None,
        typer.Option(help="The file it was trained on: measure anew, for a champion that is not measured on it yet."),
    ] = None,
    holdout: Annotated[
        Path | None,
        typer.Option(
            help="Subscribers that it was not trained on, with the label: measure it on all of them, and record "
            "figures and reference. For a version that somebody else trained."
        ),
    ] = None,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the alias `champion` to a version, if the release gates hold."""
    forced = require_reason("--force", reason) if force else None
    if data and holdout:
        raise SettingsError("--data and --holdout are two files to measure on", instead="give one of them")
    promote_version(
        find_contract(contract),
        version,
        read_settings(),
        forced=forced,
        data=data,
        holdout=holdout,
        name=name,
        as_json=as_json,
    )


def promote_version(
    contract: type[Contract],
    version: str,
    settings: Settings,
    *,
    forced: str | None = None,
    data: Path | None = None,
    holdout: Path | None = None,
    name: str | None = None,
    as_json: bool = False,
) -> None:
    """Do what `churn promote` does; `forced` is the reason to go past failed gates."""
    registry = open_registry(settings)
    trained_on = read_data(contract, data, as_json=as_json) if data else None
    unseen = read_data(contract, holdout, as_json=as_json) if holdout else None
    from churn.training.promotion import check_version
    from churn.training.registry import FORCED, FORCED_REASON

    info, gates = check_version(registry, contract, version, trained_on, unseen=unseen, name=name)
    failed = [gate for gate in gates if not gate.passed]
    verdicts = [
        {"gate": gate.name, "passed": gate.passed, "undecided": gate.undecided, "reason": gate.reason} for gate in gates
    ]
    if as_json:
        print_json({"version": version, "promoted": not failed or forced is not None, "gates": verdicts})
    else:
        rows = [[gate.name, _mark(gate), gate.reason] for gate in gates]
        print_table("Release gates", ["gate", "", "why"], rows)
    if failed and forced is None:
        raise GateError(
            f"{version} was not promoted: {'; '.join(f'{gate.name}: {gate.reason}' for gate in failed)}",
            instead="train a better version, or promote it with --force --reason TEXT, which is recorded",
        )
    tags = {}
    if forced is not None:
        tags = {FORCED: ", ".join(gate.name for gate in failed) or "none failed", FORCED_REASON: forced}
    registry.promote(info, tags)
    if not as_json:
        following = f"churn export models:/{info.name}@{CHAMPION}"
        out.print(f"{info.name} version {info.number} ({version}) is champion; next: {following}")


@app.command(epilog="Example: churn export models:/streamflow-churn-predictor@champion")
def export(
    uri: Annotated[str, typer.Argument(help="models:/NAME@ALIAS or models:/NAME/NUMBER", show_default=False)],
    to: Annotated[
        Path | None,
        typer.Option("--out", help="The bundle's directory; bundles/CONTRACT/VERSION under CHURN_HOME if not given."),
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option(help="The contract; what the registered version says if not given, else CHURN_CONTRACT."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            help="A .csv or .parquet file of subscribers with `churn_probability` as the model's owner computed it; "
            "the bundle must say the same."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Above which probability the banner is shown; by default as `churn threshold --set` chose, else the "
            "contract's.",
        ),
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace another model's bundle, and let the alias leave another model.")
    ] = False,
) -> None:
    """Export a registered model as a bundle that explains itself, if it says what the registered model says."""
    exported = export_bundle(
        uri, read_settings(), to=to, contract=contract, check=check, force=force, threshold=threshold
    )
    bundle = exported.bundle
    serving = f"next: CHURN_CONTRACT={bundle.manifest.contract} churn serve"
    following = serving if exported.is_measured else "its codes were not measured, see above"
    out.print(f"{bundle.manifest.model_version} exported to {bundle.path}; {following}")


def export_bundle(
    uri: str,
    settings: Settings,
    *,
    to: Path | None = None,
    contract: str | None = None,
    check: Path | None = None,
    force: bool = False,
    threshold: float | None = None,
) -> Exported:
    """Do what `churn export` does."""
    registry = open_registry(settings)
    from churn.training.export import export_model

    with show_problems(), show_progress("comparing the tables with XGBoost", calm=True) as move:
        exported = export_model(
            registry,
            uri,
            to,
            shelf_of=settings.shelf,
            contract=contract,
            otherwise=settings.churn_contract,
            check=check,
            force=force,
            threshold=threshold,
            progress=move,
        )
    for note in exported.notes:
        say(note)
    return exported


@app.command(epilog="Example: churn ui --port 5000")
def ui(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 5000,
) -> None:
    """Open MLflow's own pages on the store; stop with Ctrl+C."""
    registry = open_registry(read_settings())
    if registry.tracking_uri.startswith("http"):
        out.print(f"the store has its own pages: {registry.tracking_uri}")
        return
    from churn.training.tracking_store import build_ui_command

    say(f"MLflow's pages are at http://{host}:{port}")
    command = build_ui_command(registry.tracking_uri, host, port)
    # Without its runner of jobs: there are none here, and it keeps half a CPU busy.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    os.execve(command[0], command, environment)  # noqa: S606 - in our place, so that a signal to us reaches it


def _mark(gate: Gate) -> str:
    if gate.undecided:
        return "undecided"
    return "holds" if gate.passed else "FAILED"


def _format_cell(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else value
