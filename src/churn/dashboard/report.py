"""A rollout as one HTML file that holds all it needs, to be kept or mailed."""

from __future__ import annotations

from markupsafe import Markup

from churn.dashboard.pages import FOLDER, render
from churn.dashboard.rollouts import Moment
from churn.dashboard.view import rollout_view

STYLE = FOLDER / "static" / "dashboard.css"


def report(moment: Moment, now: float) -> str:
    """The report as HTML; it asks nobody for anything and runs nothing.

    Args:
        moment: the rollout.
        now: in seconds since 1970.
    """
    style = Markup(STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return render("report.html", style=style, **rollout_view(moment, now))
