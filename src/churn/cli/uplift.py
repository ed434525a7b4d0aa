"""What `churn train --uplift` does: learn from the log what offers change, and register it if it earns more."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from churn.cli.extras import require_training_extra
from churn.cli.predictions import require_log
from churn.cli.reports import write_report
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.cpus import count_usable_cpus
from churn.errors import DataError, ExitCode, GateError
from churn.retention.offers.policy import Policy, load_policy
from churn.settings import Settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.outcomes.exposures import Exposures
    from churn.training.uplift.training import TrainedUplift

# ruff: noqa: PLC0415 - the training libraries take seconds to import

RANKINGS = {"risk": "the risk alone", "policy": "the policy's own effects", "uplift": "the uplift's effects"}


class Asked(NamedTuple):
    """What somebody asks of `churn train --uplift`; `forced` is the reason to go past gates that do not hold."""

    policy: Path | None = None
    model_version: str | None = None
    forced: str | None = None
    out_paths: Sequence[Path] = ()
    as_json: bool = False


def train_uplift_and_register(contract: type[Contract], settings: Settings, asked: Asked) -> None:
    """Do what `churn train --uplift` does.

    Raises:
        GateError: somebody goes past the gates, and there is no adjustment that could be sealed.
        typer.Exit: with exit code 9 if the gates do not hold.
    """
    require_training_extra()
    policy = load_policy(asked.policy or settings.offer_policy, contract, languages=list_languages(contract))
    from churn.cli.training import open_registry
    from churn.training.uplift.recording import (
        build_verdict_record,
        build_version_record,
        fetch_base,
        name_uplift_version,
        summarize_uplift,
    )

    registry = open_registry(settings)
    base = fetch_base(registry, contract)
    exposures = read_log(contract, settings)
    trained = learn(exposures, policy, contract)
    summary = summarize_uplift(trained) | {"policy": policy.version, "registered": None}
    if trained.is_open or asked.forced is not None:
        if trained.adjustment.booster is None:
            raise GateError(
                "there is no adjustment to register: out of fold no round is better than the policy's own effects",
                instead=f"wait for more subscribers: {trained.wait.reason}",
            )
        name = base.fetched.info.name
        version = asked.model_version or name_uplift_version(base, registry.list_versions(name))
        record = build_version_record(contract, base, trained, exposures, policy, version=version, forced=asked.forced)
        info = registry.register(contract, base.fetched.trained, record)
        summary["registered"] = {"name": info.name, "number": info.number, "model_version": version}
    else:
        record = build_verdict_record(trained, policy, contract)
        registry.record_run(contract, base.fetched.info, f"uplift of {base.fetched.info.name}", record)
    write_report(asked.out_paths, summary, functools.partial(_build_report, trained, policy))
    if asked.as_json:
        print_json(summary)
    else:
        show_uplift(trained, policy)
        if summary["registered"]:
            out.print(
                f"registered {info.name} version {info.number} ({version}); next: churn promote {version} --contract "
                f"{contract.contract_name}"
            )
        else:
            out.print(f"hold: nothing is registered. {make_sentence(trained.wait.reason)}")
    if not summary["registered"]:
        raise typer.Exit(ExitCode.NOT_OVER)


def read_log(contract: type[Contract], settings: Settings) -> Exposures:
    """Read what became of subscribers. Raise DataError if there is nobody of whom it is known."""
    from churn.outcomes.reading_exposures import read_exposures
    from churn.outcomes.store import load_outcomes, locate_outcomes
    from churn.prediction_log.reader import require_whole

    places = require_log(settings, contract.contract_name)
    damaged: list[DataError] = []
    with show_progress("segments", calm=True) as move:
        exposures = read_exposures(
            places,
            load_outcomes(locate_outcomes(settings.churn_home, contract.contract_name)),
            contract,
            now=datetime.now(UTC),
            horizon_days=contract.horizon_days,
            damaged=damaged,
            progress=move,
        )
    require_whole(damaged)
    if not len(exposures):
        raise DataError(
            "of nobody in the log it is known, and ripe, whether they left",
            instead="import what became of subscribers: churn outcomes import FILE",
        )
    return exposures


def learn(exposures: Exposures, policy: Policy, contract: type[Contract]) -> TrainedUplift:
    """Train an uplift over what the policy says."""
    from churn.learning.measures import read_rates
    from churn.learning.stakes import weigh_exposures
    from churn.training.uplift.training import train_uplift

    say(f"learning what offers change from {len(exposures):,} subscribers, over the effects of {policy.version}")
    stakes = weigh_exposures(exposures, policy, contract)
    with show_progress("fits") as move:
        return train_uplift(
            exposures,
            stakes,
            read_rates(policy, stakes.actions),
            hidden=[spec.name for spec in contract.features if spec.marker.protected],
            without_offer=policy.document.without_offer,
            horizon_days=contract.horizon_days,
            currency=policy.currency,
            threads=count_usable_cpus(),
            progress=move,
        )


def show_uplift(trained: TrainedUplift, policy: Policy) -> None:
    """Show the gates, and how well subscribers are ranked."""
    for title, columns, rows in list_tables(trained):
        print_table(title, columns, rows)
    out.print(
        f"All amounts are in {policy.currency} and rest on what {policy.version} assumes of margin and months kept"
    )


def list_tables(trained: TrainedUplift) -> list[tuple[str, list[str], list[list[object]]]]:
    """Return what is shown, as tables: title, columns, rows."""
    gates: list[list[object]] = [
        [gate.name, "undecided" if gate.undecided else "holds" if gate.passed else "FAILED", gate.reason]
        for gate in trained.gates
    ]
    curves: list[list[object]] = [
        [RANKINGS[name], f"{curve.area:+.4f}", f"{curve.standard_error:.4f}"] for name, curve in trained.curves.items()
    ]
    tables = [("Gates of the uplift", ["gate", "", "why"], gates)]
    if curves:
        title = "Beside it: who is reached first, if ranked by this (AUTOC, points of leaving; it decides nothing)"
        tables.append((title, ["ranked by", "AUTOC", "standard error"], curves))
    return tables


def make_sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _build_report(trained: TrainedUplift, policy: Policy) -> Report:
    from churn.dashboard.report import Table, report_figures

    headline = (
        "The uplift surely earns more than the policy"
        if trained.is_open
        else "Hold: it is not sure that an uplift earns more than the policy"
    )
    traffic = trained.traffic
    return report_figures(
        "Uplift",
        f"{headline}.",
        [],
        [Table(title, columns, rows) for title, columns, rows in list_tables(trained)],
        lead=make_sentence(trained.wait.reason),
        basis=f"{traffic.subscribers:,} subscribers above the threshold, from {traffic.first_day} to "
        f"{traffic.last_day}. Amounts are in {policy.currency} and rest on the margin and the months kept that "
        f"{policy.version} assumes.",
        badge="open" if trained.is_open else "hold",
        tone="good" if trained.is_open else "calm",
    )
