"""The report as one HTML file that needs nothing else: the figures as a table, the picture inside."""

from __future__ import annotations

import base64
from html import escape

from churn.loadtest.plan import LoadPlan
from churn.loadtest.report import LoadReport
from churn.loadtest.words import describe_load, describe_verdict, rows_from_report

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; color: #1b2a41; background: #fff; max-width: 75rem; margin: 2rem auto;
  padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
caption {{ text-align: left; font-weight: bold; padding: .3rem 0; }}
th, td {{ text-align: left; padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid #c9d3df; vertical-align: top; }}
th {{ font-weight: normal; color: #44546a; }}
img {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p><strong>Objective {verdict}.</strong></p>
<table>
<caption>What was measured</caption>
<thead><tr><th scope="col">measure</th><th scope="col">value</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<img src="data:image/png;base64,{image}" alt="{alternative}">
</main>
</body>
</html>
"""


def report_page(plan: LoadPlan, report: LoadReport, picture: bytes) -> bytes:
    """The page as UTF-8.

    Args:
        plan: what was run.
        report: what came of it.
        picture: the plot as PNG.
    """
    rows = [
        f'<tr><th scope="row">{escape(measure)}</th><td>{escape(value)}</td></tr>'
        for measure, value in rows_from_report(plan, report)
    ]
    return PAGE.format(
        title=escape(f"Load test: {describe_load(plan)}"),
        verdict=escape(describe_verdict(plan, report)),
        rows="\n".join(rows),
        image=base64.b64encode(picture).decode(),
        alternative=escape(_in_words(plan, report)),
    ).encode()


def _in_words(plan: LoadPlan, report: LoadReport) -> str:
    """What a reader who sees the picture would take from it."""
    slowest = f", the slowest {report.latency.max_ms:,.1f} ms" if report.latency else ""
    return (
        f"Two charts of latency in milliseconds on a logarithmic scale, with a line at {plan.slo_p99_ms:,g} ms. "
        f"Left: each of {report.answered:,} answers over {report.duration_s:,.0f} seconds. "
        f"Right: latency by percentile{slowest}. The objective is {describe_verdict(plan, report)}."
    )
