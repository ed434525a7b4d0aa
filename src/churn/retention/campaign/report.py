"""A simulation and a comparison, each as one object for scripts and as tables for people."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple, get_args

from churn.answers import Arm
from churn.contract.language import ENGLISH, SYMBOLS
from churn.retention.campaign.population import Census
from churn.retention.campaign.simulation import PolicyComparison, Seen, Simulation
from churn.retention.offers.policy import Policy

ARMS: dict[Arm, str] = {
    "treatment": "shown the banner",
    "holdout": "held out: shown nothing",
    "unassigned": "without an id: shown the banner, in no arm",
}
WHY = {
    "no_offers": "the policy has no offers",
    "no_reason_shown": "there is no reason to show",
    "expired": "expired",
    "cooldown": "in the cooldown",
    "not_eligible": "not eligible",
    "answers_no_reason": "answers none of the reasons shown",
    "not_worth_its_cost": "not worth its cost",
    "worth_less_than_the_chosen": "another is worth more",
    "not_drawn": "another was drawn by lot",
}
MEASURED = ("take_up", "leavers_use", "strength")
MONEY = {"cost_dollars": "cost", "saved_dollars": "margin kept", "net_dollars": "net value"}


ASSUMED = {"code", "take_up", "saves", "leavers_use", "source", "worth_dollars"}
SEEN: tuple[Seen, ...] = get_args(Seen.__value__)
RESTS_ON = "amounts rest on an assumed margin"


class PrintedTable(NamedTuple):
    """A table to print."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def build_summary(
    policy: Policy, census: Census, simulation: Simulation, *, model_version: str, threshold: float, today: date
) -> dict[str, Any]:
    """Return all figures of a simulation; money in the policy's currency."""
    assumed = policy.document.assumptions
    return {
        "policy_version": policy.version,
        "contract": policy.document.contract,
        "currency": policy.currency,
        "model_version": model_version,
        "threshold": threshold,
        "today": today.isoformat(),
        "rows": census.rows,
        "invalid_rows": census.invalid_rows,
        "invalid": [asdict(invalid) for invalid in census.invalid()],
        "banners": simulation.banners,
        "arms": {arm: simulation.arms[arm] for arm in ARMS},
        "seen": {seen: simulation.seen[seen] for seen in SEEN},
        "by_lot": round(simulation.by_lot, 2),
        "offers": [
            {
                "code": code,
                **totals.figures(),
                "reasons": dict(totals.reasons.most_common()),
                "why_not": dict(totals.why_not.most_common()),
            }
            for code, totals in simulation.offers.items()
        ],
        "total": simulation.made.figures(),
        "no_offer": dict(simulation.no_offer.most_common()),
        "withheld_by_the_holdout": simulation.withheld.figures(),
        "assumptions": {
            **(assumed.model_dump() if assumed else {}),
            "offers": [offer.model_dump(include=ASSUMED, exclude_none=True) for offer in policy.document.offers],
        },
        "measured": [
            {"code": offer.code, **offer.measured.model_dump(mode="json", by_alias=True, exclude_none=True)}
            for offer in policy.document.offers
            if offer.measured
        ],
    }


def build_tables(summary: Mapping[str, Any]) -> Iterator[PrintedTable]:
    """Make tables of a summary, without those that would be empty."""
    counts = {"rows": summary["rows"], "not valid": summary["invalid_rows"], "with a banner": summary["banners"]}
    counts |= {f"- {words}": summary["arms"][arm] for arm, words in ARMS.items() if summary["arms"][arm]}
    counts |= {f"- see {seen}": count for seen, count in summary["seen"].items() if count}
    if by_lot := round(summary["by_lot"]):
        counts["- of them, expected to get another action by lot"] = by_lot
    title = f"Subscribers; those above {summary['threshold']:g} see a banner"
    yield PrintedTable(title, ["", "count"], _align_counts(counts.items()))
    if summary["invalid"]:
        wrong = [
            [rows["column"], rows["check"], rows["count"], ", ".join(rows["first"])] for rows in summary["invalid"]
        ]
        yield PrintedTable("Rows that are not valid", ["column", "check", "count", "first"], wrong)
    yield _offers(summary)
    answered = [
        (offer["code"], reason, count) for offer in summary["offers"] for reason, count in offer["reasons"].items()
    ]
    if answered:
        columns = ["offer", "in answer to", "made"]
        yield PrintedTable("Which reasons the offers answer", columns, _align_counts(answered))
    if summary["no_offer"]:
        why = [(WHY[why], count) for why, count in summary["no_offer"].items()]
        yield PrintedTable("No offer: how far the nearest one came", ["why", "count"], _align_counts(why))
    yield _assumptions(summary["assumptions"])
    if summary["measured"]:
        yield _measured(summary["measured"])


def build_comparison_summary(census: Census, comparison: PolicyComparison) -> dict[str, Any]:
    """Return all figures of a comparison; money in the new policy's currency."""
    return {
        "currency": comparison.currency,
        "rows": census.rows,
        "invalid_rows": census.invalid_rows,
        "banners": comparison.banners,
        "arms_changed": comparison.arms_changed,
        "changed": [
            {"from": before, "to": after, "count": count} for (before, after), count in comparison.changed.most_common()
        ],
        "old": comparison.old.figures(),
        "new": comparison.new.figures(),
    }


def build_comparison_tables(summary: Mapping[str, Any]) -> Iterator[PrintedTable]:
    """Make tables of a comparison's summary."""
    changes = [(change["from"], change["to"], change["count"]) for change in summary["changed"]]
    changed, arms = sum(count for *_, count in changes), summary["arms_changed"]
    title = f"{changed:,} of {summary['banners']:,} subscribers with a banner get something else"
    if arms:
        title += f"; {arms:,} change arms"
    yield PrintedTable(title, ["from", "to", "count"], _align_counts(changes))
    old, new = summary["old"], summary["new"]
    rows = [["offers made", *_change(old["count"], new["count"], "{:,.0f}")]]
    rows += [[f"{words}, {_sign(summary)}", *_change(old[name], new[name], "{:,.2f}")] for name, words in MONEY.items()]
    yield PrintedTable(f"Expected, each by what its own policy says; {RESTS_ON}", ["", "old", "new", "change"], rows)


def _change(old: float, new: float, form: str) -> list[str]:
    return [form.format(old), form.format(new), form.replace("{:", "{:+").format(round(new - old, 2))]


def _align_numbers(numbers: Iterable[float], form: str = "{:,}") -> list[str]:
    """Write numbers with one width, so that they align below each other."""
    texts = [form.format(number) for number in numbers]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]


def _align_counts(rows: Collection[tuple[Any, ...]]) -> list[list[str]]:
    """Align the counts with which the rows end."""
    counts = _align_numbers(count for *_, count in rows)
    return [[*words, count] for (*words, _), count in zip(rows, counts, strict=True)]


def _offers(summary: Mapping[str, Any]) -> PrintedTable:
    made = [*summary["offers"], {"code": "all", "why_not": {}, **summary["total"]}]
    columns = [
        [offer["code"] for offer in made],
        _align_numbers(offer["count"] for offer in made),
        *(_align_numbers((offer[name] for offer in made), "{:,.2f}") for name in MONEY),
        [next((f"{WHY[why]}: {count:,}" for why, count in offer["why_not"].items()), "") for offer in made],
    ]
    withheld = summary["withheld_by_the_holdout"]
    title = f"Offers of {summary['policy_version']}; {RESTS_ON}"
    if withheld["count"]:
        net = ENGLISH.write_money(withheld["net_dollars"], summary["currency"])
        title += f"; the holdout withholds {withheld['count']:,} more, net {net}"
    names = ["offer", "made", *(f"{words}, {_sign(summary)}" for words in MONEY.values()), "mostly not made because"]
    return PrintedTable(title, names, list(zip(*columns, strict=True)))


def _sign(summary: Mapping[str, Any]) -> str:
    currency: str = summary["currency"]
    return SYMBOLS.get(currency, currency)


def _assumptions(assumed: Mapping[str, Any]) -> PrintedTable:
    rows = []
    if "margin_share" in assumed:
        rows = [
            ["margin share of the price", f"{assumed['margin_share']:g}", assumed["margin_share_source"]],
            ["months that a kept subscriber stays", f"{assumed['months_kept']:g}", assumed["months_kept_source"]],
        ]
    for offer in assumed["offers"]:
        worth = f"; worth {offer['worth_dollars']:,g}" if "worth_dollars" in offer else ""
        saves = ", ".join(f"{group} {rate:g}" for group, rate in offer["saves"].items())
        rows.append(
            [
                offer["code"],
                f"taken up {offer['take_up']:g}; saves {saves}; leavers use {offer['leavers_use']:g}{worth}",
                offer["source"],
            ]
        )
    return PrintedTable("All of this rests on assumptions", ["what", "assumed", "where it is from"], rows)


def _measured(measured: Sequence[Mapping[str, Any]]) -> PrintedTable:
    rows = []
    for offer in measured:
        period = f"{offer['experiment']}, {offer['from']} to {offer['until']}"
        numbers = [(name.replace("_", " "), offer[name]) for name in MEASURED if name in offer]
        numbers += [(f"strength in {segment['name']}", segment["strength"]) for segment in offer["segment"]]
        rows += [[offer["code"], name, _write_estimate(number), period] for name, number in numbers]
    return PrintedTable(
        "Measured, in place of what was assumed", ["offer", "what", "measured", "where it is from"], rows
    )


def _write_estimate(number: Mapping[str, float]) -> str:
    return f"{number['value']:g} ({number['low']:g} to {number['high']:g})"
