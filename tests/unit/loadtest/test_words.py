"""People and scripts are told the same, and all of it."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from support.load_plans import a_plan, a_run, answered, failed

from churn.loadtest.page import report_page
from churn.loadtest.plan import ClosedLoop, LoadPlan, OpenLoop
from churn.loadtest.plot import latency_plot, png
from churn.loadtest.report import summarise
from churn.loadtest.samples import Run
from churn.loadtest.words import describe_verdict, json_from_report, rows_from_report

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "load-testing.md"
PLANS = [a_plan(loop=ClosedLoop(4)), a_plan(loop=OpenLoop(50, "poisson", drain_s=1))]
MIXED = a_run(*(answered(12.5, due_s=number / 10) for number in range(98)), failed("timeout"), failed("status 500"))
NOTHING = a_run(failed("timeout"))


def words(figure: Figure) -> str:
    figure.draw_without_rendering()  # only then do axes know their labels
    return " ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def test_the_verdict_says_what_was_held_and_what_was_not() -> None:
    good = a_run(answered(12.5))
    assert (
        describe_verdict(PLANS[0], summarise(good, PLANS[0]))
        == "met: p99 of 12.5 ms is under 200 ms, 0 of 1 requests failed"
    )
    strict = a_plan(slo_p99_ms=12.5)
    assert describe_verdict(strict, summarise(MIXED, strict)) == (
        "missed: p99 of 12.5 ms is not under 12.5 ms; 2 of 100 requests failed, at most 0 % may"
    )


def test_the_table_tells_errors_by_kind_and_models_by_version() -> None:
    rows = dict(rows_from_report(PLANS[0], summarise(MIXED, PLANS[0])))
    assert rows["requests"] == "100 counted, 100 sent, 98 answered"
    assert (rows["error: timeout"], rows["error: status 500"], rows["answered by v1"]) == ("1", "1", "98")
    assert rows["p99.9"] == "12.50 ms"


def test_a_closed_loop_is_reported_as_one_that_hides_waiting() -> None:
    closed, opened = (dict(rows_from_report(plan, summarise(MIXED, plan))) for plan in PLANS)
    assert "hides the waiting" in closed["latency is measured from"]
    assert opened["latency is measured from"] == "when each request was due"


@pytest.mark.parametrize("run", [MIXED, NOTHING])
def test_the_names_for_scripts_are_always_the_same_and_documented(run: Run) -> None:
    closed, opened = (json_from_report(plan, summarise(run, plan)) for plan in PLANS)
    assert list(closed) == list(opened)
    assert json.loads(json.dumps(closed, allow_nan=False)) == closed
    documented = set(re.findall(r"^\| `(\w+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == set(closed)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("run", [MIXED, NOTHING, a_run(answered(3))])
def test_the_picture_says_what_was_run_and_where_the_objective_lies(plan: LoadPlan, run: Run) -> None:
    report = summarise(run, plan)
    figure = latency_plot(plan, report, run.samples)
    said = words(figure)
    assert plan.url in said
    assert describe_verdict(plan, report) in said
    assert "objective: p99 under 200 ms" in said
    assert png(figure).startswith(b"\x89PNG")


def test_the_picture_counts_what_failed() -> None:
    assert "2 failed" in words(latency_plot(PLANS[0], summarise(MIXED, PLANS[0]), MIXED.samples))


class Page(HTMLParser):
    """What a page holds: its text, its images, and what it would fetch."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text, self.images = "", list[dict[str, str | None]]()
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe"}
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_tells_the_picture_in_words() -> None:
    plan = a_plan(url="http://host/predict?a=<script>")
    report = summarise(MIXED, plan)
    page = Page(report_page(plan, report, b"the picture"))
    [image] = page.images
    assert image["src"] == f"data:image/png;base64,{base64.b64encode(b'the picture').decode()}"
    assert describe_verdict(plan, report) in str(image["alt"])
    for measure, value in rows_from_report(plan, report):
        assert measure in page.text
        assert value in page.text
