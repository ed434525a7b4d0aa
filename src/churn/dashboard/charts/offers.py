"""Draw a simulation of offers: how often each is made, and what it is worth."""

from collections.abc import Mapping, Sequence
from typing import Any

from churn.contract.language import SYMBOLS
from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Series, draw_stacked_bars
from churn.dashboard.report import Report, Table, report_figures
from churn.retention.campaign.report import build_tables


def report_offers(summary: Mapping[str, Any]) -> Report:
    """Report what a policy would do for a file of subscribers."""
    total = summary["total"]
    sign = SYMBOLS.get(summary["currency"], f"{summary['currency']} ")
    return report_figures(
        f"Offers of {summary['policy_version']}, simulated",
        f"{total['count']:,} offers to {summary['banners']:,} subscribers with a banner",
        _draw_offers(summary["offers"], summary["currency"]) if summary["offers"] else [],
        [Table(*table) for table in build_tables(summary)],
        lead=f"Expected cost {sign}{total['cost_dollars']:,.0f}, net value {sign}{total['net_dollars']:,.0f}. "
        "Both rest on an assumed margin.",
        basis=f"{summary['rows']:,} rows, scored by {summary['model_version']}, decided on {summary['today']}.",
    )


def _draw_offers(offers: Sequence[Mapping[str, Any]], currency: str) -> list[Chart]:
    codes = [offer["code"] for offer in offers]
    counts, net, cost = ([offer[name] for offer in offers] for name in ("count", "net_dollars", "cost_dollars"))
    return [
        draw_stacked_bars(
            name="made",
            title="Offers made",
            summary="How many subscribers get each offer.",
            names=codes,
            parts=[Series("offers", "stable", counts)],
        ),
        draw_stacked_bars(
            name="value",
            title=f"Expected value, {currency}",
            summary="Net value and cost of each offer. Both together are the margin that is kept.",
            names=codes,
            parts=[Series("net value", "live", net), Series("cost", "canary", cost)],
        ),
    ]
