"""Whether retraining is due: by date, by drift, or by outcomes. Pure: times and counts in, sentences out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from churn.retraining.plan import RetrainingPlan

type Cause = Literal["date", "drift", "outcomes", "asked for"]


@dataclass(frozen=True, slots=True)
class Due:
    """Whether retraining is due.

    Args:
        cause: what makes it due; None if nothing does.
        reasons: a sentence for each thing that the plan looks at.
        next_by_date: when the date alone makes it due; None if no date does.
    """

    cause: Cause | None
    reasons: tuple[str, ...]
    next_by_date: datetime | None

    def describe(self) -> str:
        """Say all of it in one text."""
        return "; ".join(self.reasons)


def find_due(
    plan: RetrainingPlan,
    *,
    now: datetime,
    last: datetime | None,
    band: str | None,
    new_outcomes: int,
    asked_for: bool = False,
) -> Due:
    """Say whether retraining is due.

    Args:
        plan: says what makes it due.
        now: with its zone.
        last: when the last retraining ended, or the champion was trained; None if nobody knows.
        band: of drift, as `churn drift` says it; None if it was not measured.
        new_outcomes: how many untreated subscribers became known since the last retraining.
        asked_for: whether a person wants it in any case.
    """
    reasons: list[str] = []
    causes: list[Cause] = []
    next_by_date = find_next_date(plan, last)
    if plan.every_days is not None:
        if next_by_date is None or next_by_date <= now:
            causes.append("date")
        since = "it is not known when the champion was trained" if last is None else f"the last one was {_day(last)}"
        reasons.append(f"by date: every {plan.every_days} days, and {since}")
    if plan.drift:
        if band == "far":
            causes.append("drift")
        reasons.append(f"by drift: {_word_band(band)}")
    if plan.new_outcomes is not None:
        if new_outcomes >= plan.new_outcomes:
            causes.append("outcomes")
        reasons.append(f"by outcomes: {new_outcomes:,} new ones, of {plan.new_outcomes:,} that are needed")
    earliest = last + timedelta(days=plan.days_apart) if last else now
    if causes and earliest > now:
        reasons.append(f"not sooner than {plan.days_apart} days after the last one, so not before {_day(earliest)}")
        causes = []
    if asked_for:
        reasons.append("asked for with --now")
        causes = causes or ["asked for"]
    return Due(next(iter(causes), None), tuple(reasons), next_by_date)


def find_next_date(plan: RetrainingPlan, last: datetime | None) -> datetime | None:
    """Return when the date makes it due; None if it is not known, or if the plan has no date."""
    return last + timedelta(days=max(plan.every_days, plan.days_apart)) if last and plan.every_days else None


def _word_band(band: str | None) -> str:
    words = {
        "far": "something has moved far",
        "moved": "something has moved, but not far",
        "steady": "nothing has moved to speak of",
        "too few": "too few predictions to tell",
    }
    return words.get(band or "", "it was not measured")


def _day(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d}"
