"""The report as one HTML file that needs nothing else: verdict, picture and tables."""

from __future__ import annotations

import base64
from html import escape

from churn.shadow.report import ShadowReport
from churn.shadow.tables import ReportTable, tabulate_checks, tabulate_differences

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shadow report: {headline}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; color: #1b2a41; background: #fff; max-width: 75rem; margin: 2rem auto;
  padding: 0 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: bold; padding: .3rem 0; }}
th, td {{ text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #c9d3df; vertical-align: top; }}
th {{ font-weight: normal; color: #44546a; }}
td {{ text-align: right; }}
img {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<main>
<h1>{headline}</h1>
<p>{title}.<br>{span}.</p>
<p><strong>{reason}.</strong></p>
{checks}
<img src="data:image/png;base64,{image}" alt="{alternative}">
{tables}
</main>
</body>
</html>
"""


def report_page(report: ShadowReport, picture: bytes) -> bytes:
    """The page as UTF-8.

    Args:
        report: of at least one pair.
        picture: the plot as PNG.
    """
    return PAGE.format(
        headline=escape(report.headline),
        title=escape(report.title),
        span=escape(report.scope),
        reason=escape(report.verdict.reason[0].upper() + report.verdict.reason[1:]),
        checks=_table(tabulate_checks(report)),
        tables="\n".join(map(_table, tabulate_differences(report))),
        image=base64.b64encode(picture).decode(),
        alternative=escape(_in_words(report)),
    ).encode()


def _table(table: ReportTable) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "\n".join(
        "<tr>" + f'<th scope="row">{escape(str(row[0]))}</th>' + "".join(f"<td>{_cell(cell)}</td>" for cell in row[1:])
        for row in table.rows
    )
    return (
        f"<div><table>\n<caption>{escape(table.title)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _cell(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else escape(cell)


def _in_words(report: ShadowReport) -> str:
    """What a reader who sees the picture would take from it."""
    checks = "; ".join(found.reason for found in report.verdict.findings)
    return (
        "Four charts: the challenger's probability over the champion's, the distribution of both, how often each "
        f"feature is among the three largest contributions, and where each check's truth surely lies. {checks}"
    )
