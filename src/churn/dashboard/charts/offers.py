"""Draw a simulation of offers: how often each is made, and what it is worth."""

from collections.abc import Mapping
from typing import Any

from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Series, draw_stacked_bars
from churn.dashboard.report import Report, Table, report_figures
from churn.retention.campaign.report import build_tables


def report_offers(summary: Mapping[str, Any]) -> Report:
    """Report what a policy would do for a file of subscribers."""
    total = summary["total"]
    return report_figures(
        f"Offers of {summary['policy_version']}, simulated",
        f"{total['count']:,} offers to {summary['banners']:,} subscribers with a banner",
        [_draw_counts(summary), _draw_value(summary)] if summary["offers"] else [],
        [Table(*table) for table in build_tables(summary)],
        lead=f"Expected cost ${total['cost_dollars']:,.0f}, net value ${total['net_dollars']:,.0f}.",
        basis=f"{summary['rows']:,} rows, scored by {summary['model_version']}, decided on {summary['today']}.",
    )


def _draw_counts(summary: Mapping[str, Any]) -> Chart:
    return draw_stacked_bars(
        name="made",
        title="Offers made",
        summary="How many subscribers get each offer.",
        names=[offer["code"] for offer in summary["offers"]],
        parts=[Series("offers", "stable", [offer["count"] for offer in summary["offers"]])],
    )


def _draw_value(summary: Mapping[str, Any]) -> Chart:
    offers = summary["offers"]
    return draw_stacked_bars(
        name="value",
        title="Expected value, dollars",
        summary="Net value and cost of each offer. Both together are the margin that is kept.",
        names=[offer["code"] for offer in offers],
        parts=[
            Series("net value", "live", [offer["net_dollars"] for offer in offers]),
            Series("cost", "canary", [offer["cost_dollars"] for offer in offers]),
        ],
    )
