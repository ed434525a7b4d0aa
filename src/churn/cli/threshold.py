"""The command `churn threshold`: whom the banner reaches above each threshold, and which one a version gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.banners import open_banner_subscribers
from churn.cli.extras import require_extra
from churn.cli.options import ContractOption, JsonOption, NameOption
from churn.cli.show import out, print_json, print_table, say
from churn.cli.trained import word_reach
from churn.cli.training import open_registry
from churn.clocks import find_today
from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.errors import RegistryError, SettingsError
from churn.model.bundle import load_bundle
from churn.model.shelf import CHAMPION
from churn.retention.offers.policy import Policy, load_policy
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from churn.training.curve import Reach, ThresholdCurve
    from churn.training.registry import Registry
    from churn.training.versions import VersionInfo

# ruff: noqa: PLC0415 - the training libraries take seconds to import

app = typer.Typer()


@app.command(epilog="Example: churn threshold v2.3.1 --share 0.05 --set")
def threshold(
    version: Annotated[
        str, typer.Argument(help="The model's version, its number in the registry, or an alias.")
    ] = CHAMPION,
    *,
    contract: ContractOption = "streamflow",
    share: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Choose the lowest threshold that shows a banner to at most so many."),
    ] = None,
    by_value: Annotated[
        Path | None,
        typer.Option(
            help="A file of subscribers: choose the highest threshold that loses none of the value that the policy "
            "expects of offers to them. It needs the version's bundle."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--set", help="Let the version have the chosen threshold: the next `churn export` seals it.")
    ] = False,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whom the banner reaches above each threshold on the holdout, and choose one."""
    if share is not None and by_value is not None:
        raise SettingsError("--share and --by-value choose two thresholds", instead="give one of them")
    if keep and share is None and by_value is None:
        raise SettingsError("--set was given and no threshold is chosen", instead="choose by --share or --by-value")
    settings, chosen_contract = read_settings(), find_contract(contract)
    registry = open_registry(settings)
    from churn.training.kept import THRESHOLD, read_threshold
    from churn.training.promotion import find_version

    info = find_version(registry, chosen_contract, version, name)
    curve = _read_kept_curve(registry, info)
    own = read_threshold(info)
    present = curve.measure(chosen_contract.threshold if own is None else own)
    policy: Policy | None = None
    net_dollars: npt.NDArray[np.float64] | None = None
    if by_value is not None:
        policy = load_policy(settings.offer_policy, chosen_contract, languages=list_languages(chosen_contract))
        net_dollars = _sum_net_dollars(settings, policy, chosen_contract, info, by_value)
    chosen: Reach | None = None
    if share is not None:
        chosen = curve.choose(share)
    elif net_dollars is not None:
        from churn.training.curve import choose_by_value

        chosen = choose_by_value(curve, net_dollars)
    rows = _list_rows(curve, present, chosen, net_dollars)
    if chosen is not None and keep:
        registry.tag(info, {THRESHOLD: f"{chosen.threshold:g}"})
    if as_json:
        print_json(
            {
                "version": info.tags.get("model_version", str(info.number)),
                "rows": present.rows,
                "leavers": present.leavers,
                "present": present.threshold,
                "present_from": "contract" if own is None else "version",
                "chosen": None if chosen is None else chosen.threshold,
                "is_set": chosen is not None and keep,
                "thresholds": rows,
            }
        )
        return
    _show(info, present, rows, currency=policy.currency if policy else None)
    source = "the contract's" if own is None else "set for this version"
    out.print(f"now {present.threshold:g}, {source}: {word_reach(present)}")
    if chosen is not None:
        out.print(f"chosen {chosen.threshold:g}: {word_reach(chosen)}")
        out.print(
            f"set; next: churn export models:/{info.name}/{info.number}"
            if keep
            else "nothing is set: give --set, or `churn export --threshold`"
        )
    if settings.churn_threshold is not None:
        say(f"CHURN_THRESHOLD is {settings.churn_threshold:g} here: a service with it shows the banner above that")


def _read_kept_curve(registry: Registry, info: VersionInfo) -> ThresholdCurve:
    from churn.training.curve import CURVE_FILE, read_curve
    from churn.training.registry import EXPORT_FOLDER
    from churn.training.run_files import read_file

    run_id = info.evaluation or info.run_id
    content = read_file(registry, run_id, f"{EXPORT_FOLDER}/{CURVE_FILE}") if run_id else None
    if content is None:
        raise RegistryError(
            f"{info.name} number {info.number} has no curve of thresholds: another program trained it",
            instead="measure it with `churn promote VERSION --holdout FILE`, or train it again",
        )
    return read_curve(content)


def _sum_net_dollars(
    settings: Settings, policy: Policy, contract: type[Contract], info: VersionInfo, source: Path
) -> npt.NDArray[np.float64]:
    """Sum what offers to the subscribers of each thousandth are expected to be worth, by the policy in force."""
    require_extra("offers", "pyarrow")
    import numpy as np

    from churn.retention.campaign.worth import sum_net_cents
    from churn.training.curve import STEPS, steps_from_probabilities
    from churn.training.kept import name_version

    model = load_bundle(settings.shelf(contract.contract_name).bundle(name_version(contract, info))).model
    say(f"weighing the offers of {policy.version} to the subscribers in {source}")
    today = find_today()
    with open_banner_subscribers(source, model, threshold=0.0, today=today) as (subscribers, _):
        cents = sum_net_cents(policy, subscribers, today)
    steps = steps_from_probabilities(np.fromiter(cents, dtype=np.float64))
    return np.bincount(steps, np.fromiter(cents.values(), dtype=np.float64) / 100, minlength=STEPS + 1)


def _list_rows(
    curve: ThresholdCurve, present: Reach, chosen: Reach | None, net_dollars: npt.NDArray[np.float64] | None
) -> list[dict[str, Any]]:
    """List the thresholds of some shares of banners, the present and the chosen one, from the highest on."""
    from churn.training.curve import SHOWN_SHARES, STEPS

    shown = {reach.threshold: reach for reach in map(curve.choose, SHOWN_SHARES)} | {present.threshold: present}
    if chosen is not None:
        shown[chosen.threshold] = chosen
    rows: list[dict[str, Any]] = []
    for at, reach in sorted(shown.items(), reverse=True):
        row: dict[str, Any] = dict(reach.describe())
        if net_dollars is not None:
            row["net_dollars"] = round(float(net_dollars[round(at * STEPS) + 1 :].sum()), 2)
        row["note"] = ", ".join(
            name for name, other in (("now", present), ("chosen", chosen)) if other and other.threshold == at
        )
        rows.append(row)
    return rows


def _show(info: VersionInfo, present: Reach, rows: list[dict[str, Any]], *, currency: str | None) -> None:
    def percent(share: float | None) -> str:
        return "" if share is None else f"{share:.1%}"

    title = (
        f"{info.tags.get('model_version', info.number)} on a holdout of {present.rows:,} subscribers, "
        f"{present.leavers:,} of them left"
    )
    value = [f"net value in {currency}"] if currency else []
    columns = ["above", "see a banner", "of them left", "leavers reached", *value, ""]
    print_table(title, columns, [
        [
            f"{row['threshold']:g}",
            f"{percent(row['banner_share'])} ({row['banners']:,})",
            percent(row["precision"]),
            f"{percent(row['recall'])} ({row['leavers_reached']:,})",
            *([f"{row['net_dollars']:,.0f}"] if currency else []),
            row["note"],
        ]
        for row in rows
    ])  # fmt: skip
