"""Build the page on the explanation alone, as Markdown. Pure: the same results give the same page."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import build_table
from benchmarks.targets import Results, Row, Target, compute_paired_ratio

HEAD = """\
<!-- Made by scripts/bench --explainers from explainers.json; edit benchmarks/explainers_report.py instead. -->

# The explanation alone

All figures on this page come from one run of `scripts/bench --explainers`. [explainers.json](explainers.json) has all
its measurements. They are CPU time. Ratios are taken within a round; medians over the rounds are shown.

## Beside other libraries

All explain the same trees with one thread: path-dependent SHAP values in log-odds. Before anything is timed, each must
agree with XGBoost's `pred_contribs` to 1e-4 in every contribution of 2,000 rows. The last column is the largest
difference.
"""

CONTENDERS = {
    "ours": "ours: tables compiled at export",
    "pred_contribs": "XGBoost's `pred_contribs`, Quadrature TreeSHAP",
    "shap": "`TreeExplainer` of shap",
    "shapiq": "`TreeExplainer` of shapiq, order 1, Quadrature TreeSHAP",
    "treeshap": "`ShapExplainer` of treeshap, in Rust",
    "woodelf": "`WoodelfExplainer` of woodelf-explainer, made for many rows at once",
}

WITHOUT_TREESHAP = """\
treeshap is missing. It is published as Rust's source, with a wheel for one other system only. Where this was measured,
crates.io could not be reached, so it could not be built. `scripts/bench` measures it where it can.
"""

PROOF = """\
## The proof at export

`churn export` compares the tables with XGBoost over ordinary rows and 100,000 adversarial ones. *Row by row* is what
`pred_contribs` alone would take for all these rows, by some of them. *Proof* is everything: reading and compiling the
trees, making the rows, XGBoost's leaves, its contributions tree by tree, and ours.
"""


def _compare_proof(results: Results, model: str) -> float | None:
    ratios = [row["proof_s"] / row["row_by_row_s"] for row in results["proof"] if row["model"] == model]
    return statistics.median(ratios) if ratios else None


TARGET = Target("the proof, of row by row, 300x6", "≤", 0.4, lambda results: _compare_proof(results, "300x6"))


def build_explainers_report(results: Results) -> str:
    """Build the whole page."""
    has_treeshap = any(row["contender"] == "treeshap" for row in results["kernel"])
    sections = [
        HEAD,
        _build_kernel(results["kernel"]),
        "" if has_treeshap else WITHOUT_TREESHAP,
        PROOF,
        _build_proof(results),
        _build_target(results),
        _build_machine(results),
    ]
    return "\n".join(section for section in sections if section)


def _build_kernel(rows: Sequence[Row]) -> str:
    head = ["model", "explainer", "one row, µs", "of ours", "one of many, µs", "of ours", "rows at once", "difference"]
    sides = dict.fromkeys((row["model"], row["contender"]) for row in rows)
    return build_table(head, [_build_line(rows, *side) for side in sides])


def _build_line(rows: Sequence[Row], model: str, name: str) -> list[str]:
    own = [row for row in rows if (row["model"], row["contender"]) == (model, name)]
    line = [model, CONTENDERS[name]]
    for field in ("one_row_us", "bulk_us"):
        ratio = compute_paired_ratio(rows, field, name, "ours", "contender", model=model)
        line += [f"{statistics.median(row[field] for row in own):,.2f}", "" if ratio is None else f"{ratio:,.1f}"]
    count = statistics.median(row["bulk_rows"] for row in own)
    return [*line, f"{count:,.0f}", f"{max(row['difference'] for row in own):.1e}"]


def _build_proof(results: Results) -> str:
    lines = []
    for model in dict.fromkeys(row["model"] for row in results["proof"]):
        own = [row for row in results["proof"] if row["model"] == model]
        seconds = [statistics.median(row[field] for row in own) for field in ("row_by_row_s", "proof_s")]
        ratio = _compare_proof(results, model)
        lines.append([model, f"{own[0]['rows']:,}", *(f"{value:,.1f}" for value in seconds), f"{ratio:.2f}"])
    return build_table(["model", "rows", "row by row, CPU s", "proof, CPU s", "ratio"], lines)


def _build_target(results: Results) -> str:
    ratio = TARGET.ratio(results)
    if ratio is None:
        return ""
    verdict = "meets" if TARGET.is_reached(ratio) else "misses"
    return f"Target: {TARGET.says}, {TARGET.relation} {TARGET.bound:g}. Measured {ratio:.2f}, which {verdict} it.\n"


def _build_machine(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    return (
        "## This run\n\n"
        f"- {results['settings']['rounds']} rounds\n"
        f"- {results['date']}, {machine['cores']} cores of {machine['cpu']}, {machine['system']}\n"
        f"- load average before it began: {machine['load_before']:g}\n"
        f"- Python {machine['python']}, {libraries}\n"
    )
