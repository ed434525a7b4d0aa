"""Commands on training: `churn train`, `churn tune`."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.data import read_data, recognise_demo
from churn.cli.extras import require_training_extra
from churn.cli.options import (
    AsOfOption,
    ContractOption,
    DataArgument,
    JsonOption,
    OptionalReason,
    ReportOption,
    StrictOption,
    day_from_option,
    require_reason,
)
from churn.cli.reports import require_forms
from churn.cli.show import out, print_table, say, show_progress
from churn.cli.trained import show_training
from churn.contract.declaration import Contract
from churn.contract.places import locate_files
from churn.errors import SettingsError
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.training.pipeline import TrainingResult
    from churn.training.registry import Registry
    from churn.training.versions import VersionInfo

# The training libraries take seconds to import and are an extra, so each command imports what it needs itself.
# ruff: noqa: PLC0415


DEFAULT_TRIALS, MOST_TRIALS = 40, 10_000
NAMES = "XGBoost, LightGBM or histogram"

app = typer.Typer()


def open_registry(settings: Settings) -> Registry:
    """Open the model registry that the settings name."""
    require_training_extra()
    from churn.training.registry import Registry

    return Registry(settings.churn_home, settings.mlflow_tracking_uri)


@app.command(epilog="Example: churn train var/data/streamflow-v3-2024-03.csv --model-version v2.3.1")
def train(
    data: Annotated[
        Path | None, typer.Argument(help="A .csv or .parquet file; none with --uplift.", show_default=False)
    ] = None,
    contract: ContractOption = "streamflow",
    model_version: Annotated[str | None, typer.Option(help="What to call the model; v1, v2, ... if not given.")] = None,
    data_version: Annotated[
        str | None,
        typer.Option(help="What the data is called; recognised for demo data, else the file's name and hash."),
    ] = None,
    *,
    method: Annotated[str | None, typer.Option(help=f"Fit this method whatever the comparison says: {NAMES}.")] = None,
    as_of: AsOfOption = None,
    strict: StrictOption = False,
    uplift: Annotated[
        bool,
        typer.Option(
            "--uplift",
            help="Learn from the log what offers change, in place of who leaves, and register it with the champion's "
            "churn model if it surely earns more; exit code 9 if that is not sure.",
        ),
    ] = False,
    policy: Annotated[
        Path | None,
        typer.Option(help="With --uplift: the policy in force; OFFER_POLICY, or the contract's own, if not given."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --uplift: register it past failed gates; needs --reason.")
    ] = False,
    reason: OptionalReason = None,
    out_paths: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train, measure and register a model: comparison, final fit, one untouched holdout, plots, all in MLflow."""
    if uplift:
        from churn.cli.uplift import Asked, train_uplift_and_register

        if data or data_version or method or as_of or strict:
            raise SettingsError(
                "--uplift learns from the log, not from a file", instead="leave out the file and what is said of it"
            )
        forced = require_reason("--force", reason) if force else None
        asked = Asked(policy, model_version, forced, require_forms(out_paths), as_json)
        train_uplift_and_register(find_contract(contract), read_settings(), asked)
        return
    if policy or force or reason or out_paths or as_json:
        raise SettingsError(
            "--policy, --force, --reason, --out and --json are of --uplift", instead="leave them out, or add --uplift"
        )
    if data is None:
        raise SettingsError("there is no file to train on", instead="give one: churn train FILE, or use --uplift")
    train_and_register(
        find_contract(contract),
        data,
        read_settings(),
        model_version,
        data_version,
        method=method,
        strict=strict,
        as_of=day_from_option(as_of),
    )


@app.command(epilog="Example: churn tune var/data/streamflow-v3-2024-03.csv --trials 40")
def tune(
    data: DataArgument,
    *,
    contract: ContractOption = "streamflow",
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Trials in all, those of an earlier start included; 40 without --minutes."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, max=1440, help="After these no further trial begins.")
    ] = None,
    method: Annotated[str, typer.Option(help=f"Whose parameters are searched for: {NAMES}.")] = "XGBoost",
    seed: Annotated[int, typer.Option(help="Of the search, the folds and the fits.")] = 0,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write the parameters; tuned/CONTRACT.json under CHURN_HOME if not given."),
    ] = None,
    as_of: AsOfOption = None,
    strict: StrictOption = False,
) -> None:
    """Search for a method's parameters on the training part; an interrupted search goes on where it stopped."""
    require_training_extra()
    from churn.training.methods.catalogue import find_method
    from churn.training.tuned import save_tuned
    from churn.training.tuning import tune as run_study

    settings, chosen, tuned_method = read_settings(), find_contract(contract), find_method(method)
    read = read_data(chosen, data, strict=strict, as_of=day_from_option(as_of))
    training_part = read.split(chosen).train
    storage = settings.churn_home.resolve() / "optuna.db"
    storage.parent.mkdir(parents=True, exist_ok=True)
    most_trials = trials or (DEFAULT_TRIALS if minutes is None else MOST_TRIALS)
    limits = [f"{trials or DEFAULT_TRIALS} trials"] if trials or minutes is None else []
    limits += [f"{minutes:g} minutes"] if minutes is not None else []
    limited = " or ".join(limits)
    say(f"tuning {tuned_method.name} on {len(training_part)} rows of {read.version}, {limited}, kept in {storage}")
    began = time.monotonic()

    def report(done: int, total: int, best: float) -> None:
        text = f"{done} trials, best AUC {best:.4f}"
        if minutes is not None and trials is None:
            move(min(round(time.monotonic() - began), round(60 * minutes)), round(60 * minutes), f"{text}, seconds")
        else:
            move(done, total, text)

    with show_progress("trials") as move:
        tuned = run_study(
            chosen,
            read.rows[training_part],
            read.labels[training_part],
            groups=read.group().numbers[training_part],
            data_version=recognise_demo(chosen, read) or read.version,
            data_sha256=read.sha256,
            method=tuned_method,
            seed=seed,
            trials=most_trials,
            minutes=minutes,
            storage=f"sqlite:///{storage}",
            progress=report,
        )
    read_by_train = locate_files(chosen).tuned.resolve()
    destination = to or settings.churn_home / "tuned" / f"{contract}.json"
    save_tuned(tuned, destination)
    best, picked = tuned.record["best"], tuned.record["chosen"]
    print_table("Tuning", ["", "trees", tuned_method.size, "AUC", "standard error"], [
        [name, trial["params"]["trees"], trial["params"][tuned_method.size], trial["mean_auc"], trial["standard_error"]]
        for name, trial in (("best", best), ("chosen: the cheapest that is as good", picked))
    ])  # fmt: skip
    out.print(f"written to {destination}")
    if destination.resolve() != read_by_train:
        say(f"`churn train` reads {read_by_train}; copy the file there if these are to be used")


def train_and_register(
    contract: type[Contract],
    path: Path,
    settings: Settings,
    model_version: str | None = None,
    data_version: str | None = None,
    *,
    method: str | None = None,
    strict: bool = False,
    as_of: date | None = None,
) -> VersionInfo:
    """Do what `churn train` does."""
    require_training_extra()
    from churn.training.methods.catalogue import find_method

    forced = None if method is None else find_method(method)
    say(f"reading {path}")
    data = read_data(contract, path, version=data_version, strict=strict, as_of=as_of)
    demo = recognise_demo(contract, data)
    if demo is not None and data_version is None:
        data = replace(data, version=demo)
    registry = open_registry(settings)
    from churn.training.measured import choose_compared, compare_versions
    from churn.training.pipeline import build_run_record, train_model
    from churn.training.versions import name_registered_model

    earlier = registry.list_versions(name_registered_model(contract))
    version = model_version
    if not version and demo is not None and contract.demo is not None:
        version = contract.demo.versions[demo].model_version
    version = version or f"v{len(earlier) + 1}"
    with show_progress("comparison") as move:
        trained = train_model(contract, data, version, demo_version=demo, forced=forced, say=say, progress=move)
    show_training(trained)
    if not trained.is_tuned:
        say(_advise_tuning(trained, path))
    compared = choose_compared(earlier)
    say(f"measuring {len(compared)} earlier versions on the same holdout")
    others = compare_versions(
        registry,
        contract,
        compared,
        trained=trained.model,
        holdout=trained.holdout_rows(),
        find_unseen=trained.find_unseen,
    )
    say("drawing plots and recording the run in MLflow")
    salt = settings.prediction_log_salt.get_secret_value() if settings.prediction_log_salt else None
    info = registry.register(contract, trained.model, build_run_record(trained, others=others, salt=salt))
    following = f"churn promote {version} --contract {contract.contract_name}"
    out.print(f"registered {info.name} version {info.number} ({version}); next: {following}")
    return info


def _advise_tuning(trained: TrainingResult, path: Path) -> str:
    """Say that the method that was fitted has plain parameters, and which command searches for better ones."""
    name, method = trained.contract.contract_name, trained.method.name
    option = "" if method == trained.tuned.method else f" --method {method.split()[0]}"
    command = f"churn tune {path} --contract {name} --minutes 3{option}"
    if trained.tuned.record:
        return (
            f"{name} is tuned for {trained.tuned.method}, and {method} was fitted with plain parameters: `{command}` "
            "searches for better ones"
        )
    return f"{name} is not tuned: `{command}` searches for better parameters"
