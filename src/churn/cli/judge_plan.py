"""Find what is known before a rollout, foretell how long its plan takes, and print that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from churn.businesses import find_contract
from churn.cli.rollout_control import count_stable
from churn.cli.show import format_time, out, print_table, say, show_progress
from churn.errors import ChurnError, RolloutError, SettingsError
from churn.judging.counts import Counts
from churn.judging.metrics import OBJECTIVE_S
from churn.rollout.evidence import describe_error
from churn.rollout.first_answers import list_parts
from churn.rollout.forecast.forecast import RUNS, VersionForecast, forecast_version
from churn.rollout.forecast.log_traffic import read_traffic
from churn.rollout.forecast.playing import FindOpening
from churn.rollout.forecast.traffic import Traffic
from churn.rollout.forecast.versions import (
    BAD_TIMES,
    RETRAINED,
    USUAL_LATENCY_S,
    Version,
    build_bad_versions,
    build_equal_version,
    figures_from_counts,
    text_from_share,
)
from churn.rollout.forecast.wording import describe_bound, describe_forecast, suggest_change, text_from_span
from churn.rollout.paired import SWITCH_ON_KEYS, WITHOUT
from churn.rollout.plan import Plan
from churn.rollout.state import Setup
from churn.service.startup import find_log_places
from churn.settings import Settings

# ruff: noqa: PLC0415 - the release window belongs to an extra

REQUESTS_EACH = 5.0
PATIENCE_S = 2.0
A_DAY = timedelta(days=1)
START_RUNS = 10  # of a rollout that is about to start


type Fact = tuple[str, str, str]


class Given(NamedTuple):
    """Figures that somebody gives in place of what can be read."""

    requests_per_hour: float | None = None
    requests_each: float | None = None
    error_share: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that a forecast rests on.

    Args:
        facts: each figure, in words, and where it comes from.
    """

    traffic: Traffic
    equal: Version
    begin: datetime
    find_opening: FindOpening | None
    facts: Sequence[Fact]


class Forecast(NamedTuple):
    """What becomes of an equal version, and of bad ones."""

    equal: VersionForecast
    bad: Sequence[VersionForecast] = ()


def find_known(
    plan: Plan,
    settings: Settings,
    contract: str,
    *,
    since: datetime,
    now: datetime,
    stable: Counts | None,
    given: Given,
) -> Known:
    """Find what is known: given figures come before what is read, and what nobody knows is assumed and says so.

    Args:
        stable: what stable has answered since its instances started; None if nobody asked it.

    Raises:
        RolloutError: there is no log, it tells too little, or names nobody though the plan needs it.
        SettingsError: nobody knows stable's error share.
    """
    traffic, facts = _find_given(given) or _read_logged(plan, settings, contract, since, now)
    counted = figures_from_counts(stable) if stable else None
    errors, latency = counted or (None, None)
    source = f"counted by its instances, {stable.requests:,} requests" if stable and counted else ""
    if given.error_share is not None:
        errors = given.error_share
    if errors is None:
        raise SettingsError(
            "nobody knows which share of stable's requests fails: the prediction log has answers only",
            instead="give an instance of it that has answered, --stable http://HOST:PORT, or --error-share 0.0002",
        )
    equal = build_equal_version(list_parts(find_contract(contract)), errors, latency)
    begin, find_opening = _find_begin(plan, settings, now)
    facts += [
        ("errors of stable", text_from_share(errors), source if given.error_share is None else "--error-share"),
        (
            f"stable over {1000 * OBJECTIVE_S:g} ms",
            f"{text_from_share(equal.slow)}",
            source or f"assumed: half are answered within {1000 * USUAL_LATENCY_S:g} ms; --stable URL tells",
        ),
        (
            "an equal version",
            f"each part of the answers gains and loses {100 * RETRAINED:g} % of the people",
            "assumed, as after another draw of the training data",
        ),
        ("a bad version", f"off by {BAD_TIMES:g} times what is tolerated; errors at least twice", "chosen"),
        *(
            [("what the business gets", "not played: a step may wait longer for it", "guardrails of the plan")]
            if plan.model_checks and plan.guardrails
            else []
        ),
        ("it begins", format_time(begin.timestamp()), "now" if begin == now else "the release window opens"),
    ]
    return Known(traffic, equal, begin, find_opening, facts)


def foretell(plan: Plan, known: Known, *, with_bad: bool, runs: int = RUNS) -> Forecast:
    """Play an equal version, and bad ones."""
    versions = [known.equal, *(build_bad_versions(known.equal, plan.checks) if with_bad else ())]
    done = 0
    with show_progress("played rollouts", calm=True, after_s=PATIENCE_S) as move:

        def count() -> None:
            nonlocal done
            done += 1
            move(done, runs * len(versions))

        equal, *bad = (
            forecast_version(
                plan,
                known.traffic,
                known.equal,
                version,
                begin=known.begin,
                find_opening=known.find_opening,
                runs=runs,
                after_run=count,
            )
            for version in versions
        )
    return Forecast(equal, bad)


def require_end(plan: Plan, setup: Setup, settings: Settings, *, unpaired: bool, despite: bool) -> bool:
    """Say how long a rollout will take, and refuse one that is not expected to end. Return whether it is not.

    Args:
        unpaired: whether the model's checks hold anyway, until a person promotes; then all others are foretold.
        despite: whether it is only said.

    Raises:
        RolloutError: it is not expected to end.
    """
    if plan.time_scale > 1:
        return False  # the traffic of a demonstration comes with it, so no log tells of it
    if unpaired:
        plan = plan.model_copy(update={"model_checks": False})
    now, contract = datetime.now(UTC), setup.contract or settings.churn_contract
    try:
        stable = count_stable(setup, settings)
        known = find_known(plan, settings, contract, since=now - A_DAY, now=now, stable=stable, given=Given())
        equal = foretell(plan, known, with_bad=False, runs=START_RUNS).equal
    except (ChurnError, OSError) as error:
        say(f"nobody knows how long this plan will take: {describe_error(error)}")
        return False
    text = describe_forecast(plan, equal)
    if equal.can_end or despite:
        say(text)
        return not equal.can_end
    raise RolloutError(
        text,
        instead=f"{suggest_change(plan, equal)}; `churn judge plan` tells what changes. Or give --despite-forecast "
        "--reason TEXT, which is recorded",
    )


def show_forecast(plan: Plan, known: Known, forecast: Forecast) -> None:
    """Print what the forecast rests on, each step, each bad version, and whether the plan can end."""
    print_table("What is known", ["what", "figure", "from"], known.facts)
    rows = [
        (
            f"{number}: {step.weight_percent} %",
            *map(text_from_span, (step.hours, step.canary_requests, step.requests, step.people)),
            describe_bound(step),
            f"{step.left} of {step.entered}",
        )
        for number, step in enumerate(forecast.equal.steps, 1)
        if step.entered
    ]
    columns = ["step", "hours", "canary's requests", "all requests", "people compared", "waits for", "left in time"]
    print_table(f"An equal version, {forecast.equal.runs} played rollouts: median, 90 %", columns, rows)
    rows = [
        (
            version.name,
            f"{version.ended.get('rolled back', 0)} of {version.runs}",
            *map(text_from_span, (version.hours, version.canary_requests, version.requests)),
            next(iter(version.bound_by), "") if version.sent_back_at else "-",
        )
        for version in forecast.bad
    ]
    columns = ["bad version", "sent back", "after hours", "canary's requests", "all requests", "by"]
    print_table("Bad versions: median, 90 %", columns, rows)
    out.print(describe_forecast(plan, forecast.equal), markup=False)
    if not forecast.equal.can_end:
        out.print(f"instead: {suggest_change(plan, forecast.equal)}", markup=False)


def summarize(plan: Plan, known: Known, forecast: Forecast) -> Mapping[str, Any]:
    """Return the JSON that scripts get."""
    equal = forecast.equal
    return {
        "can_end": equal.can_end,
        "summary": describe_forecast(plan, equal),
        "instead": None if equal.can_end else suggest_change(plan, equal),
        "begins": known.begin.isoformat(),
        "requests_per_day": known.traffic.per_day,
        "hourly": list(known.traffic.hourly),
        "known": [dict(zip(("what", "figure", "from"), fact, strict=True)) for fact in known.facts],
        "equal": asdict(equal),
        "bad": [asdict(version) for version in forecast.bad],
    }


def _find_given(given: Given) -> tuple[Traffic, list[Fact]] | None:
    if given.requests_per_hour is None:
        return None
    each = given.requests_each or REQUESTS_EACH
    told = "--requests-each" if given.requests_each else "assumed; --requests-each tells"
    return Traffic.from_rate(given.requests_per_hour, each), [
        ("requests", f"{given.requests_per_hour:,g} an hour", "--requests-per-hour"),
        ("people", f"each asks {each:g} times, more than a minute apart", told),
    ]


def _read_logged(
    plan: Plan, settings: Settings, contract: str, since: datetime, now: datetime
) -> tuple[Traffic, list[Fact]]:
    places = find_log_places(settings, find_contract(contract).contract_name)
    with show_progress("segments", calm=True, after_s=PATIENCE_S) as move:
        logged = read_traffic(places, since, now, progress=move)
    if plan.model_checks and not logged.people:
        raise RolloutError(
            f"none of {logged.records:,} records in the prediction log names a subscriber, so scores, banners, tiers "
            "and reasons can never be judged",
            instead=f"{SWITCH_ON_KEYS}; {WITHOUT}",
        )
    span = f"the prediction log, {format_time(logged.begin.timestamp())} to {format_time(logged.end.timestamp())}"
    least, most = min(logged.traffic.hourly), max(logged.traffic.hourly)
    return logged.traffic, [
        ("requests", f"{logged.traffic.per_day:,.0f} a day, {least:,.0f} to {most:,.0f} an hour", span),
        (
            "people",
            f"{logged.people:,} different ones in {logged.records:,} requests",
            "the prediction log; later, new ones are supposed to come as in its latter half",
        ),
        (
            "asked again within a minute",
            f"{text_from_share(logged.traffic.repeated)} of the requests, which count once",
            "the prediction log, where it names subscribers",
        ),
        *([("left out", logged.left_out, "the prediction log")] if logged.left_out else []),
    ]


def _find_begin(plan: Plan, settings: Settings, now: datetime) -> tuple[datetime, FindOpening | None]:
    """Return when a rollout may begin, and what finds the next moment at which a step may be taken."""
    if plan.window == "always":
        return now, None
    from churn.release.window import FARTHEST, read_release_window

    window = read_release_window(settings)

    def find_opening(at: datetime) -> datetime | None:
        if window.closed_because(at) is None:
            return None
        return (window.find_opening(at) or at + FARTHEST).astimezone(UTC)

    return find_opening(now) or now, find_opening
