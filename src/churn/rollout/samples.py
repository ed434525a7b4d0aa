"""Read the metrics of rollouts from the store alone. So they are told without a controller and without a canary.

The cost does not grow with the number of rollouts.
"""

from collections.abc import Mapping

from churn.judging.metrics import Metric
from churn.rollout.metrics import (
    CLOCK_JUMPED,
    CONTROLLED,
    ENDED,
    INFO,
    LAST_LOOK,
    LATE_AFTER,
    METRICS,
    SHARE,
    STATE,
    TROUBLE,
)
from churn.rollout.state import Rollout, State
from churn.rollout.status import find_trouble, late_after_s
from churn.rollout.store import RolloutStore

type Samples = Mapping[tuple[str, ...], float]


def read_samples(store: RolloutStore) -> dict[Metric, dict[tuple[str, ...], float]]:
    """Read the samples of all metrics, by the values of their labels."""
    samples: dict[Metric, dict[tuple[str, ...], float]] = {metric: {} for metric in METRICS}
    for rollout in store.list_latest():
        for metric, of_rollout in _sample(rollout, store).items():
            samples[metric] |= of_rollout
    return samples


def _sample(rollout: Rollout, store: RolloutStore) -> dict[Metric, Samples]:
    service = (rollout.service,)
    always: dict[Metric, Samples] = {
        STATE: {(rollout.service, str(state)): float(state == rollout.state) for state in State},
        INFO: {(rollout.service, str(rollout.number), rollout.stable, rollout.canary): 1.0},
    }
    if rollout.clock_jumped_at is not None:
        always[CLOCK_JUMPED] = {service: rollout.clock_jumped_at}
    if rollout.is_over:
        return always | {ENDED: {(rollout.service, str(rollout.state)): rollout.ended or rollout.since}}
    trouble = find_trouble(rollout, store.list_events_in_short(rollout.number))
    return always | {
        CONTROLLED: {service: float(store.is_locked(rollout.service))},
        LAST_LOOK: {service: rollout.since if rollout.looked_at is None else rollout.looked_at},
        LATE_AFTER: {service: late_after_s(rollout)},
        SHARE: {service: float(rollout.weight_percent)},
        TROUBLE: {service: float(trouble is not None)},
    }
