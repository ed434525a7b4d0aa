"""Write what commands and pages report as one HTML file that asks nobody for anything, or as one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from churn.dashboard.charts.drawing import Chart, draw_picture
from churn.dashboard.pages import PAGES, render

STYLE = "dashboard.css"


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Args:
        topic: what it is about; it stands above the headline.
        headline: the answer in a sentence.
        body: the template of what stands below the head.
        values: for that template.
        charts: what a picture shows.
        lead: a sentence below the headline.
        basis: what the report rests on.
        badge: the answer in a word or two.
        tone: how the badge looks.
        warning: what the report lacks.
    """

    topic: str
    headline: str
    body: str
    values: Mapping[str, Any]
    charts: Sequence[Chart]
    lead: str = ""
    basis: str = ""
    badge: str = ""
    tone: str = "calm"
    warning: str = ""


@dataclass(frozen=True)
class Table:
    """A table of a report; the first column names its rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numeric: Sequence[bool] = field(init=False)

    def __post_init__(self) -> None:
        """Find the columns of numbers, which stand right."""
        cells = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.columns)
        object.__setattr__(self, "numeric", [all(map(_is_number, column)) for column in cells])


def report_figures(topic: str, headline: str, charts: Sequence[Chart], tables: Sequence[Table], **head: str) -> Report:
    """Return a report of charts, and of tables below them."""
    return Report(topic, headline, "figures_body.html", {"charts": charts, "tables": tables}, charts, **head)


def render_report(report: Report, now: float) -> str:
    """Return the report as HTML, its styles included.

    Args:
        report: what it shows.
        now: in seconds since 1970.
    """
    style = Markup(PAGES.read_style(STYLE))  # noqa: S704 - our own file
    return render("report.html", **{"style": style, "report": report, "now": now, **report.values})


def draw_report(report: Report) -> bytes:
    """Return the report's charts as one picture, a PNG."""
    text = report.warning or report.lead or report.basis
    return draw_picture(report.headline, text, report.charts, PAGES.read_style(STYLE))


def _is_number(cell: Any) -> bool:
    """Whether a cell is a number, written with any unit, or stands for one that is unknown."""
    text = str(cell).strip()
    return text[:1].isdigit() or text[:1] in {"", "-", "+", "$", "\N{MINUS SIGN}"}
