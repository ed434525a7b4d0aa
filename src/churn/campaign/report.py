"""A simulation as one object for scripts, and the same as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple

from churn.answers import Arm
from churn.campaign.population import Census
from churn.campaign.simulation import Simulation, Tally
from churn.offers.policy import Policy

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
}
MOST_REASONS = 3


class Table(NamedTuple):
    """A table to print."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def summary(
    policy: Policy, census: Census, simulation: Simulation, *, model_version: str, threshold: float, today: date
) -> dict[str, Any]:
    """All figures; money in dollars."""
    assumed = policy.document.assumptions
    return {
        "policy_version": policy.version,
        "contract": policy.document.contract,
        "model_version": model_version,
        "threshold": threshold,
        "today": today.isoformat(),
        "rows": census.rows,
        "invalid_rows": census.invalid_rows,
        "invalid": [asdict(invalid) for invalid in census.invalid()],
        "banners": simulation.banners,
        "arms": {arm: simulation.arms[arm] for arm in ARMS},
        "offers": [
            {
                "code": code,
                **figures(tally),
                "reasons": dict(tally.reasons.most_common()),
                "why_not": dict(tally.why_not.most_common()),
            }
            for code, tally in simulation.offers.items()
        ],
        "total": figures(simulation.total()),
        "no_offer": dict(simulation.no_offer.most_common()),
        "withheld_by_the_holdout": figures(simulation.withheld),
        "assumptions": {
            **assumed.model_dump(),
            "offers": [
                offer.model_dump(include={"code", "take_up", "saves", "source"}) for offer in policy.document.offers
            ],
        },
    }


def figures(tally: Tally) -> dict[str, float]:
    """Offers as numbers."""
    return {
        "count": tally.count,
        "cost_dollars": tally.cost_dollars,
        "saved_dollars": tally.saved_dollars,
        "net_dollars": tally.net_dollars,
    }


def tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    """The summary as people read it; those that would be empty are left out."""
    counts = [["rows", summary["rows"]], ["not valid", summary["invalid_rows"]], ["with a banner", summary["banners"]]]
    arms = [[f"- {words}", summary["arms"][arm]] for arm, words in ARMS.items() if summary["arms"][arm]]
    yield Table(f"Subscribers, above {summary['threshold']:g} with a banner", ["", "count"], [*counts, *arms])
    if summary["invalid"]:
        wrong = [[one["column"], one["check"], one["count"], ", ".join(one["first"])] for one in summary["invalid"]]
        yield Table("Rows that are not valid", ["column", "check", "count", "first"], wrong)
    yield _offers(summary)
    if summary["no_offer"]:
        rows = [[WHY[why], count] for why, count in summary["no_offer"].items()]
        yield Table("No offer: how far the nearest one came", ["why", "count"], rows)
    yield _assumptions(summary["assumptions"])


def money(amounts: Sequence[float]) -> list[str]:
    """Amounts as texts that stand right when they stand below each other."""
    texts = [f"{amount:,.2f}" for amount in amounts]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]


def _offers(summary: Mapping[str, Any]) -> Table:
    made = [*summary["offers"], {"code": "all", "reasons": {}, "why_not": {}, **summary["total"]}]
    names = ["cost_dollars", "saved_dollars", "net_dollars"]
    amounts = zip(*(money([one[name] for one in made]) for name in names), strict=True)
    rows = [
        [one["code"], one["count"], *dollars, _most(one["reasons"]), _mostly(one["why_not"])]
        for one, dollars in zip(made, amounts, strict=True)
    ]
    withheld = summary["withheld_by_the_holdout"]
    title = f"Offers of {summary['policy_version']}"
    if withheld["count"]:
        title += f" (the holdout withholds {withheld['count']:,} more, net ${withheld['net_dollars']:,.2f})"
    columns = ["offer", "made", "cost, $", "margin kept, $", "net value, $", "in answer to", "mostly not made because"]
    return Table(title, columns, rows)


def _most(reasons: Mapping[str, int]) -> str:
    shown = [f"{code} {count:,}" for code, count in list(reasons.items())[:MOST_REASONS]]
    return ", ".join([*shown, *(["..."] if len(reasons) > MOST_REASONS else [])])


def _mostly(why_not: Mapping[str, int]) -> str:
    return next((f"{WHY[why]} {count:,}" for why, count in why_not.items()), "")


def _assumptions(assumed: Mapping[str, Any]) -> Table:
    rows = [
        ["margin share of the price", f"{assumed['margin_share']:g}", assumed["margin_share_source"]],
        ["months that a kept subscriber stays", f"{assumed['months_kept']:g}", assumed["months_kept_source"]],
    ]
    for offer in assumed["offers"]:
        saves = ", ".join(f"{group} {rate:g}" for group, rate in offer["saves"].items())
        rows.append([offer["code"], f"taken up {offer['take_up']:g}; saves {saves}", offer["source"]])
    return Table("All of this rests on assumptions", ["what", "assumed", "where it is from"], rows)
