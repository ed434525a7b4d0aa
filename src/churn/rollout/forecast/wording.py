"""Say in words what a forecast says of a plan, and what to change where the plan cannot end."""

from churn.judging.checks import Check
from churn.rollout.forecast.forecast import Span, StepForecast, VersionForecast
from churn.rollout.forecast.playing import HOLD_HOURS, MINIMUM_REQUESTS, WINDOW
from churn.rollout.plan import ALL_PERCENT, Plan


def describe_forecast(plan: Plan, equal: VersionForecast) -> str:
    """Say in a sentence whether the plan can end, and when."""
    promoted = equal.ended.get("promoted", 0)
    if equal.can_end:
        steps = "; ".join(_describe_step(step) for step in equal.steps if step.left)
        return (
            f"an equal version is promoted in {promoted} of {equal.runs} played rollouts, after "
            f"{text_from_span(equal.hours)} h (median, 90 %): {steps}"
        )
    stuck, check = find_stuck(equal)
    hours = plan.steps[stuck].maximum_hold_hours
    return (
        f"this plan is not expected to end: an equal version is promoted in {promoted} of {equal.runs} played "
        f"rollouts. Step {stuck + 1}, {plan.steps[stuck].weight_percent} %, waits longer than its longest hold, "
        f"{hours:g} h, for {check}"
    )


def suggest_change(plan: Plan, equal: VersionForecast) -> str:
    """Say what to change in a plan that cannot end."""
    stuck, bound_by = find_stuck(equal)
    check = next((check for check in plan.find_checks(stuck) if check.name == bound_by), None)
    ways = []
    if check:
        is_early = plan.count_left(stuck) > 1 and check.measure.is_in_samples  # left with less certainty
        where = f"the tolerances of step {stuck + 1}" if is_early else "[tolerances]"
        ways = _suggest_tolerances(check, check.early if is_early else check.tolerance, where)
    if bound_by == MINIMUM_REQUESTS:
        ways.append(f"less than {plan.steps[stuck].minimum_requests:,} {MINIMUM_REQUESTS}")
    if check and check.measure.is_paired:
        ways.append("a shadow before, whose answers count (docs/shadow.md)")
    if plan.steps[stuck].weight_percent == ALL_PERCENT and stuck and not (check and check.measure.is_paired):
        ways.append(f"more {MINIMUM_REQUESTS} in step {stuck}, since stable answers nothing in the last step")
    else:
        ways.append(f"more weight_percent in step {stuck + 1}")
    ways.append(f"a longer maximum_hold_hours there than {plan.steps[stuck].maximum_hold_hours:g}")
    return f"give the plan one of these: {'; '.join(ways)}"


def find_stuck(equal: VersionForecast) -> tuple[int, str]:
    """Return at which step most rollouts ended too early, counted from 0, and what was missing."""
    stuck = max(range(len(equal.steps)), key=lambda number: equal.steps[number].entered - equal.steps[number].left)
    return stuck, next(iter(equal.steps[stuck].bound_by), "evidence")


def text_from_span(span: Span) -> str:
    """Return a text such as `97, 104`: the median and 90 %."""
    return ", ".join("-" if value is None else _text_from_number(value) for value in (span.median, span.most))


def describe_bound(step: StepForecast) -> str:
    """Name what a step waited for last, the most frequent first, with the share of runs if there are several."""
    runs = sum(step.bound_by.values())
    return ", ".join(
        name if count == runs else f"{name} ({100 * count / runs:.0f} %)" for name, count in step.bound_by.items()
    )


def _describe_step(step: StepForecast) -> str:
    bound_by = next(iter(step.bound_by), "")
    words = {HOLD_HOURS: "its least time", MINIMUM_REQUESTS: "its least requests", WINDOW: "the release window"}
    return f"{step.weight_percent} % for {text_from_span(step.hours)} h by {words.get(bound_by, bound_by)}"


def _suggest_tolerances(check: Check, tolerance: float, where: str) -> list[str]:
    ways = [f'more than {tolerance:g} for "{check.name}" in {where}']
    if check.measure.is_rate and check.relative_tolerance < 0.5:  # noqa: PLR2004 - half of stable's share
        ways.append(f'"{check.name}" = 0.5 in [relative_tolerances], if stable\'s own share is what makes it slow')
    return ways


def _text_from_number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004 - two digits
