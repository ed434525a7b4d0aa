"""Draw what a policy would have been worth on the log."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from churn.contract.language import SYMBOLS
from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Interval, draw_intervals
from churn.dashboard.report import Report, Table, report_figures
from churn.dashboard.words import make_sentence
from churn.learning.evaluation import MOST_WITHOUT_OVERLAP, Valuation
from churn.learning.valuing import PolicyValue
from churn.outcomes.estimates import Estimate

BADGES = {"refused": "refused", "better": "surely better", "worse": "surely worse", "not sure": "not yet sure"}
TONES = {"refused": "bad", "better": "good", "worse": "bad", "not sure": "calm"}
LEAST = 1.0  # of money, half of the narrowest span that is shown
UNKNOWN = "not known"


def report_policy_value(value: PolicyValue, assumed: str) -> Report:
    """Report what a policy would have been worth. `assumed` names what every amount rests on."""
    return report_figures(
        f"{value.policy_version}, valued on the log",
        make_sentence(value.reason),
        [] if value.new.is_refused else [_draw_money(value)],
        [Table(*table) for table in build_value_tables(value)],
        lead=assumed,
        basis=describe_basis(value),
        badge=BADGES[value.verdict],
        tone=TONES[value.verdict],
    )


def describe_basis(value: PolicyValue) -> str:
    """Say on whom the figures rest."""
    if value.first is None or value.last is None:
        return ""
    first, last = (datetime.fromtimestamp(at / 1e6, UTC).date().isoformat() for at in (value.first, value.last))
    return (
        f"{value.new.subscribers:,} subscribers above the threshold, of the experiment {value.experiment}, "
        f"who came from {first} to {last}. Each counts once."
    )


def build_value_tables(value: PolicyValue) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Make the tables for people: what it is worth, what that rests on, and what is chosen.

    What is refused is not shown, so that nobody takes it for a value.
    """
    money, lines = value.currency, _list_valuations(value)
    yield (
        f"Worth for each subscriber, {money}",
        ["", "worth", "surely from", "to", "without a guess", "leaving prevented, points", "surely from", "to"],
        [[name, *_write_valuation(valuation, money)] for name, valuation in lines],
    )
    yield (
        "What it rests on",
        ["", "subscribers", "had the chosen action", "count like", "without overlap"],
        [
            [
                name,
                f"{valuation.subscribers:,}",
                f"{valuation.matched:,}",
                f"{valuation.effective:,.0f}",
                f"{valuation.without_overlap:.1%}",
            ]
            for name, valuation in lines[:2]
        ],
    )
    yield (
        "Chosen for how many",
        ["action", "in the log", "by the new policy", "of these without overlap"],
        [
            [count.action, f"{count.logged:,}", f"{count.chosen:,}", f"{count.without_overlap:,}"]
            for count in value.actions
        ],
    )


def describe_refusal(value: PolicyValue) -> str:
    """Say what to do where the log says too little; nothing where it says enough."""
    if not value.new.is_refused or not value.new.subscribers:
        return ""
    return (
        f"At most {MOST_WITHOUT_OVERLAP:.0%} may lack overlap. Change less, or let the policy in force try what it "
        "does not choose (`explore.share`) and wait until that is known."
    )


def _list_valuations(value: PolicyValue) -> list[tuple[str, Valuation]]:
    return [
        (value.policy_version, value.new),
        ("what the log's policy chose", value.logged),
        ("the difference", value.difference),
    ]


def _write_valuation(valuation: Valuation, currency: str) -> list[str]:
    if valuation.is_refused:
        return [UNKNOWN, *[""] * 6]
    money, kept = valuation.money, valuation.kept
    amounts = [money.value, money.low, money.high, valuation.beside.value]
    shares = [kept.value, kept.low, kept.high]
    return [_write_money(amount, currency) for amount in amounts] + [f"{100 * share:+.1f}" for share in shares]


def _write_money(amount: float, currency: str) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, f'{currency} ')}{abs(amount):,.2f}"


def _draw_money(value: PolicyValue) -> Chart:
    lines = _list_valuations(value)
    rows = [[name, *(_write_money(amount, value.currency) for amount in _order(line.money))] for name, line in lines]
    end = max(LEAST, *(max(abs(line.money.low), abs(line.money.high)) for _, line in lines)) * 1.15
    intervals = [
        Interval(name, line.money.low, line.money.high, line.money.value, f"{name}: {observed}, from {low} to {high}")
        for (name, line), (_, low, high, observed) in zip(lines, rows, strict=True)
    ]
    return Chart(
        name="worth",
        title=f"Worth for each subscriber, {value.currency}",
        summary="Against showing nobody anything, and the difference between both. Right of the line is worth more.",
        columns=["", "From", "To", "Estimated"],
        rows=rows,
        drawing=draw_intervals(
            intervals, domain=(-end, end), axis={"format": "~s", "tickCount": 5, "title": None}, limit=0
        ),
        keys=[("band", "surely in here"), ("effect", "estimated"), ("limit", "nothing")],
    )


def _order(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.low, estimate.high, estimate.value
