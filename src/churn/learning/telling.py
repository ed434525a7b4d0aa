"""What the log teaches, in words, tables and figures for scripts. Nothing is computed here."""

from collections.abc import Iterator
from typing import Any

from churn.learning.lessons import Lesson, Lessons
from churn.retention.offers.document import Estimate, Measured

HUNDRED = 100
NOT_KNOWN = "not known yet"
RESTS_ON = "margin and months_kept are assumed, so every amount of money, and what pays, rests on them"
MEASURED_COLUMNS = ["offer", "segment", "what", "counted until now", "measured", "95 % interval", "subscribers"]
CHOICE_COLUMNS = ["offer", "was best for", "is best for", "prevents, of 100", "best from", "can be seen from"]


def list_measured(lessons: Lessons) -> list[list[Any]]:
    """List what was measured as rows of `MEASURED_COLUMNS`."""
    return [row for lesson in lessons.offers for row in _list_offer(lessons, lesson)]


def _list_offer(lessons: Lessons, lesson: Lesson) -> Iterator[list[Any]]:
    at = lessons.stakes.actions.index(lesson.offer)
    measured, before = lesson.measured, lessons.before
    counts = {"take_up": lessons.rates.take_up.count, "leavers_use": lessons.rates.leavers_use.count}
    for key, rates in (("take_up", before.take_up), ("leavers_use", before.leavers_use)):
        estimate: Estimate | None = getattr(measured, key) if measured else None
        yield [lesson.offer, "", key, f"{rates.value[at]:.3g}", *_write(estimate), int(counts[key][at]) or ""]
    strength = measured.strength if measured else None
    count = int(lessons.rates.strength.count[at]) or ""
    yield [lesson.offer, "", "strength", f"{before.strength.value[at]:.3g}", *_write(strength), count]
    for segment in measured.segments if measured else ():
        number = lessons.stakes.segments.index(segment.name)
        counted = f"{before.by_segment.value[number, at]:.3g}"
        yield [lesson.offer, segment.name, "strength", counted, *_write(segment.strength), segment.subscribers]


def _write(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return NOT_KNOWN, ""
    return f"{estimate.value:.3g}", f"{estimate.low:.3g} to {estimate.high:.3g}"


def list_choices(lessons: Lessons) -> list[list[Any]]:
    """List what the policy chose and would choose as rows of `CHOICE_COLUMNS`; the last row is for no offer."""
    rows: list[list[Any]] = []
    for lesson in lessons.offers:
        outlook, strength = lesson.outlook, lesson.measured.strength if lesson.measured else None
        rows.append(
            [
                lesson.offer,
                lesson.chosen_before,
                outlook.chosen,
                "" if strength is None else _write_points(outlook.assumed_effect, strength),
                _write_number(outlook.break_even * outlook.assumed_effect),
                _write_number(outlook.detectable * outlook.assumed_effect),
            ]
        )
    return [*rows, ["no offer", lessons.nothing_before, lessons.nothing_after, "", "", ""]]


def _write_points(effect: float, strength: Estimate) -> str:
    value, low, high = (HUNDRED * effect * end for end in (strength.value, strength.low, strength.high))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def _write_number(effect: float) -> str:
    return f"{HUNDRED * effect:.1f}" if abs(effect) < 1 else NOT_KNOWN


def list_missing(lessons: Lessons) -> list[str]:
    """Say of each offer whose strength is not known how many subscribers are missing, and until when."""
    return [_tell_missing(lesson) for lesson in lessons.offers if lesson.missing]


def _tell_missing(lesson: Lesson) -> str:
    if lesson.until is not None:
        when = f"at this traffic they are there on {lesson.until.isoformat()}"
    elif not lesson.outlook.possible:
        when = "nobody in the log could have had it"
    else:
        when = "nobody ever got it by lot, so they never come: give the policy [explore] with a share"
    return (
        f"{lesson.offer}: {lesson.offered:,} got it and {lesson.with_nothing:,} comparable ones got nothing; "
        f"{lesson.missing:,} are missing; {when}"
    )


def list_stopped(lessons: Lessons) -> list[str]:
    """Say which offers are no longer tried, why, and what can then never be known."""
    return [_tell_stopped(lesson) for lesson in lessons.offers if lesson.outlook.why_stopped]


def _tell_stopped(lesson: Lesson) -> str:
    outlook = lesson.outlook
    if outlook.why_stopped == "surely worth less":
        return (
            f"{lesson.offer} is no longer tried: it is surely worth less than what is chosen. "
            "If that changes later, nobody will notice"
        )
    pays, seen = outlook.break_even * outlook.assumed_effect, outlook.detectable * outlook.assumed_effect
    pays_from = f"it pays from {HUNDRED * pays:.1f} on" if abs(pays) < 1 else "it pays at no effect"
    seen_from = f"a year shows {HUNDRED * seen:.1f} or more" if abs(seen) < 1 else "a year shows nothing"
    return (
        f"{lesson.offer} is no longer tried: of leavers prevented of 100, {seen_from}, and {pays_from}. "
        "Whether it pays for anybody is then never known"
    )


def summarize_lessons(lessons: Lessons) -> dict[str, Any]:
    """Return all of it for scripts."""
    return {
        "experiment": lessons.experiment,
        "from": _iso(lessons.first_day),
        "until": _iso(lessons.last_day),
        "subscribers": lessons.subscribers,
        "no_offer_before": lessons.nothing_before,
        "no_offer_after": lessons.nothing_after,
        "rests_on": RESTS_ON,
        "offers": [_summarize(lesson) for lesson in lessons.offers],
    }


def _summarize(lesson: Lesson) -> dict[str, Any]:
    outlook = lesson.outlook
    numbers = {
        "effect_assumed": outlook.assumed_effect,
        "strength_detectable_in_a_year": outlook.detectable,
        "strength_that_pays": outlook.break_even,
    }
    return {
        "code": lesson.offer,
        "offered": lesson.offered,
        "with_nothing": lesson.with_nothing,
        "missing": lesson.missing,
        "missing_until": _iso(lesson.until),
        "best_before": lesson.chosen_before,
        "best_after": outlook.chosen,
        **{name: number if abs(number) < float("inf") else None for name, number in numbers.items()},
        "no_longer_tried": outlook.why_stopped,
        "measured": _summarize_measured(lesson.measured) if lesson.measured else None,
    }


def _summarize_measured(measured: Measured) -> dict[str, Any]:
    return measured.model_dump(mode="json", by_alias=True, exclude_none=True)


def _iso(day: Any) -> str | None:
    return day.isoformat() if day else None
