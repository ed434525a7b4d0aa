"""`churn offers simulate --log`: what a policy would have been worth, by what the log says of those who came."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from churn.cli.extras import require_extra
from churn.cli.predictions import require_log
from churn.cli.reports import name_left_out, write_report
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import DataError, ExitCode
from churn.retention.offers.policy import Policy
from churn.settings import Settings

if TYPE_CHECKING:
    from churn.contract.declaration import Contract

# ruff: noqa: PLC0415 - what reads Parquet and what draws takes a moment to load, or is an extra


def simulate_on_log(
    policy: Policy, contract: type[Contract], settings: Settings, paths: Sequence[Path], *, as_json: bool
) -> ExitCode:
    """Value a policy on the log and show it. The exit code says whether the log can tell."""
    require_extra("report", "jinja2", "vl_convert")
    from churn.dashboard.charts.policy_value import (
        build_value_tables,
        describe_basis,
        describe_refusal,
        report_policy_value,
    )
    from churn.learning.valuing import build_figures, value_policy
    from churn.outcomes.reading_exposures import read_exposures
    from churn.outcomes.store import load_outcomes, locate_outcomes
    from churn.prediction_log.reader import require_whole

    name = contract.contract_name
    damaged: list[DataError] = []
    with show_progress("segments", calm=True) as move:
        exposures = read_exposures(
            require_log(settings, name),
            load_outcomes(locate_outcomes(settings.churn_home, name)),
            contract,
            now=datetime.now(UTC),
            horizon_days=contract.horizon_days,
            damaged=damaged,
            progress=move,
        )
    value = value_policy(exposures, policy, contract)
    assumed = describe_assumptions(policy)
    figures = build_figures(value) | {"rests_on": assumed}
    write_report(
        paths,
        figures | name_left_out(damaged),
        functools.partial(report_policy_value, value, assumed),
        damaged=damaged,
    )
    if as_json:
        print_json(figures | name_left_out(damaged))
    else:
        if value.new.subscribers:
            for shown in build_value_tables(value):
                print_table(*shown)
            out.print(describe_basis(value))
            out.print(assumed)
        out.print(f"{value.verdict}: {value.reason}")
        if advice := describe_refusal(value):
            out.print(advice)
    require_whole(damaged)
    return ExitCode.NOT_OVER if value.verdict == "refused" else ExitCode.DONE


def describe_assumptions(policy: Policy) -> str:
    """Say what every amount rests on that nobody has measured."""
    assumed = policy.document.assumptions
    if assumed is None:
        return "Assumed, and in every amount: the worth_dollars of the offers."
    return (
        f"Assumed, and in every amount: who is kept stays for {assumed.months_kept:g} months, and "
        f"{assumed.margin_share:.0%} of the price is left after costs. The leaving that is prevented rests on neither."
    )
