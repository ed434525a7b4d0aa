"""What became of subscribers, each by the first of their predictions that counts: what they saw, and what came of it.

One row is one subscriber in one experiment. `taken` is the action that was taken, and `propensities` the chance with
which each action would have been. Whoever learns from the log, or reports on it, reads these rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

type Numbers = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]
type Places = npt.NDArray[np.int64]
type Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Exposures:
    """Subscribers whose outcome is known and ripe, n of them, with a actions and p features.

    Args:
        actions: `nothing`, `banner alone`, then the codes of the offers that any row could have had, (a,).
        feature_names: in the contract's order, (p,).
        time: of the prediction that counts, in microseconds since 1970, (n,).
        identity: the subscriber's hashed key, (n,).
        experiment, model_version, policy_sha256: as logged, (n,); None where the record does not say.
        features: as the model sees them, NaN where unknown, (n, p).
        probability: of leaving, as shown, (n,).
        threshold: above which the banner was asked for, (n,).
        holdout_share: of the subscribers, who were shown nothing, (n,).
        held_out: whether the subscriber was one of these, (n,). Others may be shown nothing, too.
        propensities: the chance of each action, with that to be held out; 0 where it could not be taken, (n, a).
        taken: which action was taken, as an index of `actions`, (n,).
        reasons: the groups of the reasons that were shown, or for the holdout would have been, strongest first.
        left: whether they left within the horizon, (n,).
        accepted: 1 or 0 for an offer that was accepted or not; NaN if nobody knows, (n,).
        paid: what an accepted offer has cost until the horizon, in the policy's currency; NaN if nobody knows, (n,).
        days_until_left: from the prediction to the last day; NaN for those who stayed or whose day is unknown, (n,).
    """

    actions: tuple[str, ...]
    feature_names: tuple[str, ...]
    time: Places
    identity: Texts
    experiment: Texts
    model_version: Texts
    policy_sha256: Texts
    features: Numbers
    probability: Numbers
    threshold: Numbers
    holdout_share: Numbers
    held_out: Flags
    propensities: Numbers
    taken: Places
    reasons: Sequence[tuple[str, ...]]
    left: Flags
    accepted: Numbers
    paid: Numbers
    days_until_left: Numbers

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.time)

    @property
    def is_above(self) -> Flags:
        """Return for each row whether the model asked for a banner."""
        return self.probability > self.threshold

    def choose(self, rows: Flags | Places) -> Self:
        """Return some of the rows, by a mask or by their places."""
        places = np.arange(len(self))[rows]
        chosen = {
            field.name: getattr(self, field.name)[places]
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        return type(self)(
            actions=self.actions,
            feature_names=self.feature_names,
            reasons=[self.reasons[place] for place in places],
            **chosen,
        )
