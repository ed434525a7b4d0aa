"""What the log teaches about a policy: what is measured, how much is missing, and what is worth trying."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract
from churn.learning.choosing import choose_actions
from churn.learning.measures import Measure, Rates, read_rates
from churn.learning.rates import estimate_rates
from churn.learning.stakes import Stakes, weigh_exposures
from churn.learning.stopping import Outlook, look_ahead
from churn.learning.strengths import LEAST, collect_evidence
from churn.outcomes.exposures import Exposures
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.document import OTHERS, Measured, OfferDocument
from churn.retention.offers.policy import Policy

EPOCH = date(1970, 1, 1)
PLACES = 3  # decimals of what is measured


class Lesson(NamedTuple):
    """What the log says of one offer.

    Args:
        offered: subscribers who got it, of those who could have had it or nothing.
        with_nothing: those of them who got nothing.
        missing: how many more are needed before its strength is said; 0 if it is.
        until: when they are there, at the traffic so far; None if they never are, or nobody can say.
        measured: None if nothing is.
        chosen_before: in how many rows the policy chooses it as it is.
        outlook: what trying it by lot can bring.
    """

    offer: str
    offered: int
    with_nothing: int
    missing: int
    until: date | None
    measured: Measured | None
    chosen_before: int
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the log says of a policy, from n rows: one lesson for each offer, in the policy's order.

    `nothing_before` and `nothing_after` count the rows for which no offer is chosen, by the policy as it is, and by
    what was measured.
    """

    experiment: str
    first_day: date | None
    last_day: date | None
    subscribers: int
    before: Rates
    rates: Rates
    stakes: Stakes
    nothing_before: int
    nothing_after: int
    offers: tuple[Lesson, ...]

    @property
    def measured(self) -> dict[str, Measured]:
        """What was measured, by the offer's code."""
        return {lesson.offer: lesson.measured for lesson in self.offers if lesson.measured}

    @property
    def stopped(self) -> list[str]:
        """The codes of the offers that are no longer worth trying by lot."""
        return [lesson.offer for lesson in self.offers if lesson.outlook.why_stopped]


def draw_lessons(
    exposures: Exposures, policy: Policy, contract: type[Contract], *, horizon_days: int | None = None
) -> Lessons:
    """Say what the rows of the policy's own experiment teach about it, of those who could have been shown anything."""
    name = policy.holdout.experiment
    own = np.array([experiment == name for experiment in exposures.experiment], dtype=bool)
    exposures = exposures.choose(own & (exposures.propensities[:, exposures.actions.index(NOTHING)] < 1))
    stakes = weigh_exposures(exposures, policy, contract)
    before, rates = read_rates(policy, stakes.actions), estimate_rates(exposures, stakes)
    chosen_before, chosen = (
        choose_actions(stakes, exposures.probability, counted, without_offer=policy.without_offer)
        for counted in (before, rates)
    )
    days = [EPOCH + timedelta(microseconds=int(moment)) for moment in exposures.time]
    first, last = (min(days), max(days)) if days else (None, None)
    drawing = _Drawing(exposures, stakes, rates, chosen_before, chosen, first, last, horizon_days or 0)
    by_code = {terms.code: terms.offer for terms in policy.terms}
    return Lessons(
        experiment=name,
        first_day=first,
        last_day=last,
        subscribers=len(exposures),
        before=before,
        rates=rates,
        stakes=stakes,
        nothing_before=int((~np.isin(chosen_before, stakes.offers)).sum()),
        nothing_after=int((~np.isin(chosen, stakes.offers)).sum()),
        offers=tuple(drawing.draw(at, by_code[stakes.actions[at]], name) for at in stakes.offers.tolist()),
    )


class _Drawing(NamedTuple):
    exposures: Exposures
    stakes: Stakes
    rates: Rates
    chosen_before: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]
    first: date | None
    last: date | None
    horizon_days: int

    def draw(self, at: int, offer: OfferDocument, experiment: str) -> Lesson:
        evidence = collect_evidence(self.exposures, self.stakes, at)
        offered, with_nothing = int(evidence.taken.sum()), int(evidence.untaken.sum())
        missing = max(0, LEAST - min(offered, with_nothing))
        outlook = look_ahead(self.exposures, self.stakes, self.rates, chosen=self.chosen, at=at, evidence=evidence)
        return Lesson(
            offer=offer.code,
            offered=offered,
            with_nothing=with_nothing,
            missing=missing,
            until=self._find_day(at, missing),
            measured=self._write(at, offer, experiment),
            chosen_before=int((self.chosen_before == at).sum()),
            outlook=outlook,
        )

    def _find_day(self, at: int, missing: int) -> date | None:
        """Say when so many more are there whose outcome is ripe, by the chances that the rows had."""
        if self.first is None or self.last is None or not missing or at >= len(self.exposures.actions):
            return None
        possible = ~np.isnan(self.stakes.saves[:, at])
        nothing = self.exposures.actions.index(NOTHING)
        chances = self.exposures.propensities[possible][:, [at, nothing]].sum(axis=0).min(initial=np.inf)
        a_day = chances / ((self.last - self.first).days + 1)
        days = missing / a_day + self.horizon_days if 0 < a_day < np.inf else np.inf
        latest = (date.max - self.last).days
        return self.last + timedelta(days=math.ceil(days)) if days < latest else None

    def _write(self, at: int, offer: OfferDocument, experiment: str) -> Measured | None:
        """Return what was measured, as a policy file has it."""
        strength, parts = self.rates.strength, self.rates.by_segment
        if not strength.count[at] or self.first is None or self.last is None:
            return None  # half of the formula, measured, is worse than none
        most = (
            math.floor(10**PLACES / max(offer.saves.values())) / 10**PLACES if any(offer.saves.values()) else math.inf
        )
        fields = {
            "take_up": _write_estimate(self.rates.take_up, at),
            "leavers_use": _write_estimate(self.rates.leavers_use, at),
            "strength": _write_estimate(strength, at, most),
        }
        measured = {key: value for key, value in fields.items() if value}
        segments = [
            {"name": name, "subscribers": int(parts.count[number, at]), "strength": written}
            for number, name in enumerate(self.stakes.segments)
            if self.stakes.segments != (OTHERS,) and (written := _write_estimate(parts, (number, at), most))
        ]
        about = {
            "experiment": experiment,
            "from": self.first,
            "until": self.last,
            "subscribers": int(strength.count[at]),
        }
        return Measured.model_validate(about | measured | {"segment": segments})


def _write_estimate(measure: Measure, at: int | tuple[int, int], most: float = math.inf) -> dict[str, float] | None:
    """Return a number and its interval as a policy file has them; None if nothing is measured."""
    if not measure.count[at]:
        return None
    ends = {"value": measure.value[at], "low": measure.low[at], "high": measure.high[at]}
    return {name: min(round(float(number), PLACES), most) for name, number in ends.items()}
