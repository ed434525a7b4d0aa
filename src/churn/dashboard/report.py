"""A rollout, drift or outcomes as one HTML file that holds all it needs, to be kept or mailed."""

from __future__ import annotations

from markupsafe import Markup

from churn.dashboard.charts.drift import TONES, drift_charts
from churn.dashboard.charts.outcomes import outcome_charts
from churn.dashboard.outcomes import Outcomes
from churn.dashboard.pages import PAGES, render
from churn.dashboard.rollouts import Snapshot
from churn.dashboard.view import rollout_view
from churn.monitoring.comparison import BAND_WORDS, Comparison

STYLE = "dashboard.css"


def report(snapshot: Snapshot, now: float) -> str:
    """The report as HTML; it asks nobody for anything and runs nothing.

    Args:
        snapshot: the rollout.
        now: in seconds since 1970.
    """
    return render("report.html", style=_style(), **rollout_view(snapshot, now))


def drift_report(comparison: Comparison, now: float) -> str:
    """What was compared as HTML, likewise.

    Args:
        comparison: of which something could be compared.
        now: in seconds since 1970.
    """
    return render(
        "drift_report.html",
        style=_style(),
        comparison=comparison,
        charts=drift_charts(comparison),
        words=BAND_WORDS,
        tones=TONES,
        now=now,
    )


def outcomes_report(found: Outcomes, now: float) -> str:
    """What became of those who were predicted as HTML, likewise.

    Args:
        found: what is known, of which something is of a logged prediction.
        now: in seconds since 1970.
    """
    return render("outcomes_report.html", style=_style(), found=found, charts=outcome_charts(found), now=now)


def _style() -> Markup:
    return Markup(PAGES.style(STYLE))  # noqa: S704 - our own file
