"""Ask at every look what the project says of people whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.outcomes.world import (
    HORIZON_DAYS,
    LOOK_DAYS,
    OFFERS,
    PEOPLE,
    Numbers,
    People,
    Scenario,
    draw_people,
    find_effects,
    find_truth,
    list_visits,
)
from churn.outcomes.estimates import Estimate
from churn.outcomes.experiment import Experiment
from churn.outcomes.file import Outcome
from churn.outcomes.join import join_rows
from churn.outcomes.quality import ModelQuality
from churn.outcomes.ripeness import find_last_counted
from churn.outcomes.summary import OutcomeSummary, summarize_joined

AUC, AUC_UNTREATED, LIFT = "AUC as seen", "AUC had nobody been treated", "lift"
EFFECT, CALIBRATION, ACCEPTANCE = "effect", "calibration", "acceptance"
ADVICE: Final = ("stop", "hold", "keep")
FIELDS: Final = ("value", "low", "high", "truth")
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Claim(NamedTuple):
    """An interval that the project states, and the truth.

    Args:
        figure: its kind and which one: the experiment, the bin or the offer.
    """

    figure: tuple[str, str]
    estimate: Estimate
    truth: float


@dataclass(frozen=True, slots=True)
class Runs:
    """What was said in all runs of a scenario.

    Args:
        claims: for each figure value, ends and truth, (runs, looks, 4); NaN where nothing was claimed.
        every_look: the figures whose intervals hold at all looks, as the project says.
        advice: the places in ADVICE, (runs, looks).
    """

    scenario: Scenario
    claims: dict[tuple[str, str], Numbers]
    every_look: frozenset[str]
    advice: Numbers


def simulate(scenario: Scenario, runs: Sequence[int], *, seed: int, people: int = PEOPLE) -> Runs:
    """Play a scenario once for each of these numbers; the same number and seed give the same people."""
    claims: dict[tuple[str, str], Numbers] = {}
    every_look: set[str] = set()
    advice = np.zeros((len(runs), len(LOOK_DAYS)))
    for at, run in enumerate(runs):
        drawn = draw_people(scenario, people, np.random.default_rng([seed, run]))
        for look, (summary, stated) in enumerate(look_often(scenario, drawn)):
            advice[at, look] = ADVICE.index(summary.experiment.advice)
            for claim in stated:
                of_figure = claims.setdefault(claim.figure, np.full((*advice.shape, len(FIELDS)), np.nan))
                estimate = claim.estimate
                of_figure[at, look] = (estimate.value, estimate.low, estimate.high, claim.truth)
                every_look |= {claim.figure[0]} if estimate.every_look else set()
    return Runs(scenario, claims, frozenset(every_look), advice)


def look_often(scenario: Scenario, people: People) -> Iterator[tuple[OutcomeSummary, list[Claim]]]:
    """Return at each look the summary, and what it claims. Who left is imported at once, who stays later."""
    horizon_days = HORIZON_DAYS if scenario.has_horizon else None
    records = [
        (day, {"time": _time(_BEGIN + timedelta(days=day)), **fields})
        for day, _, fields in list_visits(scenario, people)
    ]
    for day in LOOK_DAYS:
        now = _BEGIN + timedelta(days=day)
        outcomes = list_outcomes(people, day)
        joined = join_rows(
            (record for came, record in records if came <= day),
            outcomes,
            until=find_last_counted(now, horizon_days),
            horizon_days=horizon_days,
        )
        summary = summarize_joined(joined, len(outcomes), {}, horizon_days=horizon_days)
        until = day - (horizon_days or 0)
        yield summary, list(_list_claims(scenario, people, summary, until))


def list_outcomes(people: People, day: float) -> list[Outcome]:
    """Return what is known on a day."""
    return [
        Outcome("subscriber", f"{person}", bool(people.left[person]), bool(people.accepts[person]), left_on)
        for person in np.flatnonzero(people.known_on <= day)
        for left_on in [_date(people.decided[person]) if people.left[person] else None]
    ]


def _list_claims(scenario: Scenario, people: People, summary: OutcomeSummary, until: float) -> Iterator[Claim]:
    """Return the claims of a summary. While outcomes are missing, it claims the effect alone."""
    effects = find_effects(scenario, people, until)
    for experiment in (summary.experiment, *summary.earlier):
        if experiment.is_comparable:
            yield Claim((EFFECT, str(experiment.name)), experiment.effect, _average(experiment, effects))
    if summary.missing:
        return
    for quality in summary.versions:
        yield from _list_claims_of_model(scenario, quality, until)
    for offer in summary.offers:
        yield Claim((ACCEPTANCE, offer.offer), offer.share, OFFERS[offer.offer])


def _list_claims_of_model(scenario: Scenario, quality: ModelQuality, until: float) -> Iterator[Claim]:
    truth = find_truth(scenario, until)
    figures: dict[str, tuple[Estimate | None, float]] = {
        AUC: (quality.auc, truth.auc),
        AUC_UNTREATED: (quality.auc_untreated, truth.auc_untreated),
        LIFT: (quality.lift, truth.lift),
    }
    for name, (estimate, true) in figures.items():
        if estimate:
            yield Claim((name, ""), estimate, true)
    for bin_ in quality.calibration:
        number = min(int(bin_.mean_predicted * len(truth.left)), len(truth.left) - 1)
        yield Claim((CALIBRATION, f"{number}"), bin_.left, truth.left[number])


def _average(experiment: Experiment, effects: dict[tuple[str, float], float]) -> float:
    """Return the true mean effect, weighted by the people of those shares where arms can be compared."""
    strata = [stratum for stratum in experiment.strata if stratum.is_comparable]
    own: list[Any] = [effects[str(experiment.name), stratum.share or 0.0] for stratum in strata]
    return float(np.average(own, weights=[stratum.people for stratum in strata]))


def _time(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def _date(day: float) -> date:
    return (_BEGIN + timedelta(days=float(day))).date()
