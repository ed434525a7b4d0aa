"""People and scripts are told the same, and all of it."""

import json
import re
from pathlib import Path

import pytest
from support.load_plans import a_plan, a_run, answered, failed
from support.watching import words

from churn.dashboard.charts.loadtest import report_load
from churn.dashboard.report import draw_report, render_report
from churn.loadtest.plan import ClosedLoop, LoadPlan, OpenLoop
from churn.loadtest.report import summarise
from churn.loadtest.samples import Run
from churn.loadtest.words import describe_verdict, json_from_report, rows_from_report

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "load-testing.md"
PLANS = [a_plan(loop=ClosedLoop(4)), a_plan(loop=OpenLoop(50, "poisson", drain_s=1))]
MIXED = a_run(*(answered(12.5, due_s=number / 10) for number in range(98)), failed("timeout"), failed("status 500"))
NOTHING = a_run(failed("timeout"))


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
def test_page_and_picture_say_what_was_run_and_where_the_objective_lies(plan: LoadPlan, run: Run) -> None:
    figures = summarise(run, plan)
    report = report_load(plan, figures, run.samples)
    said = words(render_report(report, 0.0))
    assert plan.url in said
    assert describe_verdict(plan, figures) in said
    if figures.latency:
        assert "objective: p99 under 200 ms" in said
        assert f"{figures.latency.max_ms:,.2f}" in report.charts[1].rows[-1][1]
    assert draw_report(report).startswith(b"\x89PNG")


def test_the_chart_over_time_counts_what_failed() -> None:
    time, _ = report_load(PLANS[0], summarise(MIXED, PLANS[0]), MIXED.samples).charts
    assert sum(int(row[-1]) for row in time.rows) == 2
    assert sum(int(row[1]) for row in time.rows) == 98


def test_the_page_needs_nothing_else_and_has_all_that_the_table_has() -> None:
    plan = a_plan(url="http://host/predict?a=<script>")
    figures = summarise(MIXED, plan)
    page = render_report(report_load(plan, figures, MIXED.samples), 0.0)
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|\ssrc=", page)
    for measure, value in rows_from_report(plan, figures):
        assert measure in words(page)
        assert value in words(page)
