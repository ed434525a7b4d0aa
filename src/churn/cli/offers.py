"""Commands on offers: `churn offers check`, `churn offers simulate`, `churn offers diff`."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.banners import open_banner_subscribers
from churn.cli.extras import require_extra
from churn.cli.offers_on_log import simulate_on_log
from churn.cli.options import JsonOption
from churn.cli.reports import FORMS, require_forms, write_report
from churn.cli.show import out, print_json, print_table, say
from churn.contract.catalogues import list_languages, list_missing
from churn.contract.declaration import Contract
from churn.errors import ContractError, OfferPolicyError, SettingsError
from churn.model.bundle import Bundle, load_bundle
from churn.model.model import ChurnModel
from churn.model.threshold import find_threshold
from churn.retention.offers.policy import Policy, build_policy, find_default_policy, read_policy
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.retention.campaign.changes import PolicyChange

# ruff: noqa: PLC0415 - what reads files is an extra

LINES = ".csv"  # a line for each subscriber

PolicyArgument = Annotated[Path, typer.Argument(help="A policy file.", show_default=False)]
BundleOption = Annotated[
    Path | None,
    typer.Option("--bundle", help="The bundle's directory; the one that `churn serve` would serve if not given."),
]
NamedContractOption = Annotated[
    str | None, typer.Option("--contract", help="The contract to check it by; the one that it names if not given.")
]
LoggedContractOption = Annotated[
    str | None, typer.Option("--contract", help="With --log: whose; CHURN_CONTRACT if not given.")
]
TodayOption = Annotated[
    datetime | None,
    typer.Option("--today", formats=["%Y-%m-%d"], help="The day to decide on; today, in UTC, if not given."),
]

app = typer.Typer(name="offers", help="Check, simulate and compare policies of offers.", no_args_is_help=True)


@app.command("check", epilog="Example: churn offers check my-policy.toml")
def offers_check(policy: PolicyArgument, contract: NamedContractOption = None) -> None:
    """Check a policy file against its contract and show all that is wrong with it; exit code 2 if anything is."""
    read = read_given_policy(policy, contract)
    language = read.document.languages[0]
    rows = [
        [terms.code, terms.offer.expires.isoformat(), ", ".join(terms.offer.saves), terms.titles[language]]
        for terms in read.terms
    ]
    print_table(f"{read.version} is valid", ["offer", "until", "answers", "title"], rows)
    named = find_contract(read.document.contract)
    for code in read.document.languages:
        if missing := list_missing(named, code):
            out.print(
                f"{code} lacks {len(missing)} messages of {named.contract_name}: what needs one is said in English"
            )
    holdout = read.holdout
    out.print(f"{100 * holdout.share:g} % of the subscribers are held out by the experiment {holdout.experiment}")
    for line in describe_learning(read):
        out.print(line)
    if expired := [terms.code for terms in read.terms if terms.offer.expires < _day(None)]:
        out.print(f"expired, and no longer made: {', '.join(expired)}")


@app.command(
    "simulate", epilog="Example: churn offers simulate subscribers.csv --policy my-policy.toml --out simulation.html"
)
def offers_simulate(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Subscribers: a file, or a folder of files, as `churn score` reads.",
            show_default=False,
        ),
    ] = None,
    *,
    on_log: Annotated[
        bool,
        typer.Option("--log", help="Value the policy by what became of those in the prediction log, in place of FILE."),
    ] = False,
    contract_name: LoggedContractOption = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy file; OFFER_POLICY, or the contract's own, if not given.")
    ] = None,
    bundle: BundleOption = None,
    out_paths: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Also write the report to this file, as its ending says: .html, .json, .png, or .csv with a line for "
            "each subscriber. Repeat it for several.",
        ),
    ] = None,
    today: TodayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who of a file of subscribers would get what, at what expected cost and value, before a policy goes live.

    With --log: what the policy would have been worth for those who came, by what became of them, with an interval.
    Exit code 9: it would choose what the log could not have tried, so the log says nothing of it.
    """
    if on_log is (source is not None):
        raise SettingsError(
            "give either FILE or --log" if on_log else "there is neither FILE nor --log",
            instead="name a file of subscribers, or give --log to value the policy by what became of those who came",
        )
    if source is None:
        paths = require_forms(out_paths)
        settings = read_settings()
        logged = find_contract(contract_name or settings.churn_contract)
        chosen = read_given_policy(policy or settings.offer_policy or find_default_policy(logged), logged)
        raise typer.Exit(simulate_on_log(chosen, logged, settings, paths, as_json=as_json))
    paths = require_forms(out_paths, (*FORMS, LINES))
    require_extra("offers", "pyarrow")
    from churn.retention.campaign.report import build_summary, build_tables
    from churn.retention.campaign.simulation import csv_from_lines, simulate

    settings = read_settings()
    loaded = _bundle(bundle, settings)
    contract = loaded.model.contract
    chosen = read_given_policy(policy or settings.offer_policy or find_default_policy(contract), contract)
    say(f"simulating {chosen.version} over {source} with {loaded.manifest.model_version}")
    day = _day(today)
    threshold = find_threshold(loaded.model, settings.churn_threshold).probability
    with open_banner_subscribers(source, loaded.model, threshold, today=day) as (subscribers, census):
        simulation = simulate(chosen, subscribers, day)
    content = build_summary(
        chosen,
        census,
        simulation,
        model_version=loaded.manifest.model_version,
        threshold=threshold,
        today=day,
    )
    write_report(
        paths, content, functools.partial(_build_report, content), {LINES: lambda: csv_from_lines(simulation.lines)}
    )
    if as_json:
        print_json(content)
    else:
        for shown in build_tables(content):
            print_table(*shown)


@app.command("diff", epilog="Example: churn offers diff old.toml new.toml subscribers.csv")
def offers_diff(
    old: PolicyArgument,
    new: PolicyArgument,
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Subscribers, to show whose offers change.", show_default=False),
    ] = None,
    *,
    contract: NamedContractOption = None,
    bundle: BundleOption = None,
    today: TodayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in words what changed between two policies, and over a file of subscribers what that changes for them."""
    from churn.retention.campaign.changes import list_changes

    settings, loaded = read_settings(), None
    chosen: type[Contract] | str | None = contract
    if source is not None:
        require_extra("offers", "pyarrow")
        loaded = _bundle(bundle, settings)
        chosen = loaded.model.contract
    before, after = read_given_policy(old, chosen), read_given_policy(new, chosen)
    changes = list_changes(before.document, after.document)
    compared = None
    if source is not None and loaded is not None:
        threshold = find_threshold(loaded.model, settings.churn_threshold).probability
        compared = _compared(before, after, source, loaded.model, threshold=threshold, day=_day(today))
    if as_json:
        print_json(
            {
                "old": before.version,
                "new": after.version,
                "ends_the_experiment": any(change.ends_the_experiment for change in changes),
                "changes": [change._asdict() for change in changes],
                "subscribers": compared,
            }
        )
        return
    show_changes(before, after, changes)
    if compared is not None:
        from churn.retention.campaign.report import build_comparison_tables

        for shown in build_comparison_tables(compared):
            print_table(*shown)


def describe_learning(policy: Policy) -> Iterator[str]:
    """Say what a policy does where no offer is worth it, what it tries, and what of it is measured."""
    shown = "nothing is shown" if policy.without_offer == "nothing" else "the reasons are shown alone"
    yield f"where no offer is worth it, {shown}"
    explore = policy.explore
    if explore.share:
        yield (
            f"{100 * explore.share:g} % of those with a key get an action by lot, and keep it for "
            f"{explore.period_days} days"
        )
    if policy.untried:
        yield f"no longer tried by lot: {', '.join(code for code in policy.codes if code in policy.untried)}"
    if explore.below_threshold:
        yield f"{100 * explore.below_threshold:g} % of those below the threshold take part"
    if policy.segments:
        yield f"segments, the first that fits: {', '.join(segment.name for segment in policy.segments)}; else others"
    measured = [terms.code for terms in policy.terms if terms.offer.measured]
    yield f"measured: {', '.join(measured)}" if measured else "no offer is measured: all of it is assumed"
    yield "what it is worth to keep a subscriber is assumed, and every amount rests on it"


def _build_report(content: Mapping[str, Any]) -> Report:
    from churn.dashboard.charts.offers import report_offers

    return report_offers(content)


def read_given_policy(path: Path, contract: type[Contract] | str | None) -> Policy:
    """Read a policy for a contract or its name; by default for the one that the file names."""
    file = read_policy(path)
    if not isinstance(contract, type):
        try:
            contract = find_contract(contract or file.document.contract)
        except ContractError as error:
            raise OfferPolicyError(f"{path}: contract: {error.message}", instead=error.instead) from error
    return build_policy(file, contract, languages=list_languages(contract))


def _bundle(path: Path | None, settings: Settings) -> Bundle:
    loaded = load_bundle(path or settings.bundle_path, settings.bundle_keys)
    loaded.require_version(settings.model_version)
    return loaded


def _day(given: datetime | None) -> date:
    return (given or datetime.now(UTC)).date()


def _compared(
    old: Policy, new: Policy, source: Path, model: ChurnModel, *, threshold: float, day: date
) -> dict[str, Any]:
    from churn.retention.campaign.report import build_comparison_summary
    from churn.retention.campaign.simulation import compare_policies

    with open_banner_subscribers(source, model, threshold, today=day) as (subscribers, census):
        comparison = compare_policies(old, new, subscribers, day)
    return build_comparison_summary(census, comparison)


def show_changes(old: Policy, new: Policy, changes: Sequence[PolicyChange]) -> None:
    if not changes:
        out.print("the two policies say the same")
        return
    if all(change.place != "version" for change in changes):
        out.print(f"[bold yellow]both are called {old.version}[/]: give the new one a version of its own")
    if any(change.ends_the_experiment for change in changes):
        out.print(
            "[bold red]THIS ENDS THE RUNNING EXPERIMENT:[/] the holdout changes, so subscribers change arms, and "
            "what was measured until now does not go on"
        )
    print_table(f"From {old.version} to {new.version}", ["what", "change"], [change[:2] for change in changes])
