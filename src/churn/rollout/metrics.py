"""What Prometheus is told of the latest rollout of each service, by name. It needs no library of a rollout."""

from typing import Final

from churn.judging.metrics import Metric

STATE: Final = Metric(
    "churn_rollout_state",
    "gauge",
    "1 for the state of the service's latest rollout, 0 for every other state.",
    {"service": None, "state": None},
)
INFO: Final = Metric(
    "churn_rollout_info",
    "gauge",
    "Always 1; which rollout is the latest.",
    {"service": None, "number": None, "stable": None, "canary": None},
)
CONTROLLED: Final = Metric(
    "churn_rollout_controlled",
    "gauge",
    "Whether a living process controls it. Absent once it is over, as are the four below.",
    {"service": None},
)
LAST_LOOK: Final = Metric(
    "churn_rollout_last_look_timestamp_seconds",
    "gauge",
    "When its controller looked last, in seconds since 1970.",
    {"service": None},
)
LATE_AFTER: Final = Metric(
    "churn_rollout_late_after_seconds",
    "gauge",
    "How long after a look the next one is late: the controller hangs, or is gone.",
    {"service": None},
)
SHARE: Final = Metric(
    "churn_rollout_canary_percent",
    "gauge",
    "The share of the requests that the canary should have.",
    {"service": None},
)
TROUBLE: Final = Metric(
    "churn_rollout_trouble",
    "gauge",
    "Whether the last look met trouble, or raised an alarm: an instance serves something else.",
    {"service": None},
)
ENDED: Final = Metric(
    "churn_rollout_ended_timestamp_seconds",
    "gauge",
    "When it ended, in seconds since 1970, by how. Absent until it is over.",
    {"service": None, "state": None},
)
CLOCK_JUMPED: Final = Metric(
    "churn_rollout_clock_jump_timestamp_seconds",
    "gauge",
    "When the wall clock was last seen to have jumped, in seconds since 1970. Absent if it was not.",
    {"service": None},
)
METRICS: Final = (STATE, INFO, CONTROLLED, LAST_LOOK, LATE_AFTER, SHARE, TROUBLE, ENDED, CLOCK_JUMPED)
