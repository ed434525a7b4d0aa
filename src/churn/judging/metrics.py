"""What the service counts. Each metric is declared here, once.

The service counts it, Prometheus keeps it, the rollout reads it and `docs/metrics.md` lists it. Labels are bounded:
routes, kinds, tiers, features, offers and versions; never anything of a subscriber.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

# An answer has this many reasons, unless the request asks for another number. The largest three are counted.
TOP_REASONS: Final = 3
# The features of a set are named in the contract's order, with this between them.
SET_SIGN: Final = "|"

# A request is to be answered within this. It is one of the bounds below.
OBJECTIVE_S: Final = 0.2
LATENCY_BOUNDS_S: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.15, OBJECTIVE_S, 0.3, 0.5, 1.0, 2.5, 5.0),
)
PROBABILITY_BINS: Final = 20  # all of the same width
PROBABILITY_BOUNDS: Final = tuple(number / PROBABILITY_BINS for number in range(1, PROBABILITY_BINS + 1))
# A stage's duration in nanoseconds falls into the bucket of its number of binary digits. 63 digits are 292 years.
STAGE_CELL_BOUNDS_S: Final = tuple(2**digits / 1e9 for digits in range(64))
# Finer ones than a microsecond would be of no use to an operator, nor would larger ones than 67 ms.
STAGE_BOUNDS_S: Final = STAGE_CELL_BOUNDS_S[10:27]

OTHER: Final = "other"
NOBODY: Final = "unknown"  # a caller whose key is none of ours, or who sent none
PREDICT_ROUTE: Final = "/predict"  # the route that is judged
ROUTES: Final = (
    PREDICT_ROUTE,
    "/predict/batch",
    "/events",
    "/",
    "/health",
    "/readyz",
    "/livez",
    "/metrics",
    "/openapi.json",
)
# The caller left before the answer. It is nginx's number for this, and never sent as a status.
NOT_ANSWERED: Final = 499
BUSY: Final = "busy"
BUG: Final = "bug"
# Bytes that are no HTTP/1.1, or a head that is too large or too slow.
NOT_HTTP: Final = "not_http"
# The kind of an error by its status; a 503 for too many requests is `busy`.
KINDS: Final = {
    400: NOT_HTTP,
    401: "no_key",
    403: "no_scope",
    404: "not_found",
    405: "wrong_method",
    408: "slow_body",
    413: "too_large",
    415: "not_json",
    422: "invalid",
    NOT_ANSWERED: "caller_left",
    500: BUG,
    503: "unavailable",
}
type Stage = Literal["parse", "validate", "encode", "explain", "reasons", "retention", "serialise", "log"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage.__value__)

type KeyResult = Literal["allowed", "no_scope", "no_key", "unknown_key"]
type Kind = Literal["counter", "gauge", "histogram"]
type Labels = Mapping[str, tuple[str, ...] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One name in Prometheus under which something is counted.

    Args:
        labels: each label with its values; None where they depend on the model that is served.
        bounds: the upper bounds of a histogram's buckets, which belong to them.
        cell_bounds: the bounds by which a histogram is counted, where these are finer.
        is_shadow: whether it is counted only where there is a challenger.
        is_counted: whether it has numbers of its own; else it follows from what is served, or from other metrics.
    """

    name: str
    kind: Kind
    meaning: str
    labels: Labels = field(default_factory=dict)
    bounds: tuple[float, ...] = ()
    cell_bounds: tuple[float, ...] = ()
    is_shadow: bool = False
    is_counted: bool = True


REQUEST_DURATION: Final = Metric(
    "churn_request_duration_seconds",
    "histogram",
    "From the first byte of a request's head to the last byte of its answer, the time it waited included.",
    {"route": (*ROUTES, OTHER)},
    LATENCY_BOUNDS_S,
)
REQUESTS: Final = Metric(
    "churn_requests_total",
    "counter",
    "Requests by how they ended; 499 if the caller left before the answer.",
    {"route": (*ROUTES, OTHER), "status": ("2xx", "4xx", "5xx", str(NOT_ANSWERED))},
)
ERRORS: Final = Metric(
    "churn_errors_total",
    "counter",
    "Requests that got an error, by its kind.",
    {"kind": (*KINDS.values(), BUSY, OTHER)},
)
RETRIES: Final = Metric(
    "churn_retries_total",
    "counter",
    "Those of /predict that somebody sent again, by how they ended: with an X-Request-ID, and an X-Attempt above 1.",
    {"status": ("2xx", "4xx", "5xx", str(NOT_ANSWERED))},
)
RETRY_DURATION: Final = Metric(
    "churn_retry_duration_seconds", "histogram", "How long these took.", bounds=LATENCY_BOUNDS_S
)
REPEATS: Final = Metric(
    "churn_repeats_total",
    "counter",
    "Others of /predict within a minute of one by the same subscriber, by how they ended; without a key, of one that "
    "counted on the same connection.",
    {"status": ("2xx", "4xx", "5xx", str(NOT_ANSWERED))},
)
REPEAT_DURATION: Final = Metric(
    "churn_repeat_duration_seconds", "histogram", "How long these took.", bounds=LATENCY_BOUNDS_S
)
STAGE_DURATION: Final = Metric(
    "churn_stage_duration_seconds",
    "histogram",
    "What each stage of an answer of /predict takes.",
    {"stage": STAGES},
    STAGE_BOUNDS_S,
    STAGE_CELL_BOUNDS_S,
)
PREDICTIONS: Final = Metric(
    "churn_predictions_total", "counter", "Answers of /predict by risk tier.", {"model_version": None, "tier": None}
)
PROBABILITY: Final = Metric(
    "churn_probability", "histogram", "Their probability.", {"model_version": None}, PROBABILITY_BOUNDS
)
TOP_FEATURE: Final = Metric(
    "churn_top_feature_total",
    "counter",
    "In how many of them a feature was among the three largest contributions, whatever number was asked for.",
    {"model_version": None, "feature": None},
    is_counted=False,
)
TOP_SET: Final = Metric(
    "churn_top_set_total",
    "counter",
    "How many of them had which three, in the contract's order; a set that never came is left out.",
    {"model_version": None, "features": None},
)
BANNERS: Final = Metric(
    "churn_banners_total", "counter", "Those whose probability was above the threshold.", {"model_version": None}
)
RETENTION: Final = Metric(
    "churn_retention_total",
    "counter",
    "What their banners held; offer `none` where there is none.",
    {"arm": None, "offer": None},
)
BATCH_ROWS: Final = Metric(
    "churn_batch_rows_total",
    "counter",
    "Rows of /predict/batch, which are no predictions of /predict.",
    {"outcome": ("answered", "refused")},
)
BANNER_EVENTS: Final = Metric(
    "churn_banner_events_total",
    "counter",
    "What portals reported of banners, by the version that predicted as they say: the one that is served, or `other`. "
    "A repetition counts once more in each worker and after each start; the log has each event once.",
    {"event": None, "version": None},
)
LOG_RECORDS: Final = Metric(
    "churn_prediction_log_records_total",
    "counter",
    "Records of the prediction log; `dropped` if there was no room or they could not be written.",
    {"outcome": ("written", "dropped")},
)
LOG_TROUBLE: Final = Metric(
    "churn_prediction_log_trouble_total",
    "counter",
    "Passes that close journals: `failed`, or `damaged` if lines were set aside, or `waiting` if old segments stay, "
    "since the clock is in doubt.",
    {"kind": ("failed", "damaged", "waiting")},
)
REFUSED_CONNECTIONS: Final = Metric(
    "churn_refused_connections_total",
    "counter",
    "Connections that were refused because a worker had as many as it may, or had no more descriptors.",
)
QUEUE: Final = Metric(
    "churn_queue_requests",
    "gauge",
    "Requests that the living workers have taken and not yet answered, the one that asks for this included.",
)
CALLERS: Final = Metric(
    "churn_caller_requests_total",
    "counter",
    "Requests that need a key, by whose key came and whether it was enough; `unknown` has none of ours, `other` came "
    "after too many names. Nothing is counted where no keys are set.",
    {"caller": None, "result": get_args(KeyResult.__value__)},
)
KEYS_READ: Final = Metric(
    "churn_api_keys_read_total",
    "counter",
    "How often a process of the service has seen API_KEYS_FILE changed: each worker, and the one that raises them. "
    "`refused` if it could not be used, so that older keys stay.",
    {"outcome": ("taken", "refused")},
)
SPANS_LOST: Final = Metric(
    "churn_spans_lost_total",
    "counter",
    "Spans that the collector of traces did not take; at start one is tried.",
)
LOG_LINES_LOST: Final = Metric(
    "churn_log_lines_lost_total",
    "counter",
    "Lines of the log that could not be written to standard output.",
)
WORKERS_MISSING: Final = Metric(
    "churn_workers_missing",
    "gauge",
    "Workers that should answer and do not; each is tried again. If none answers, every request gets 503.",
)
WORKERS_LOST: Final = Metric(
    "churn_workers_lost_total",
    "counter",
    "Workers that ended without being told to, by whether they had answered before.",
    {"when": ("starting", "serving")},
)
BUNDLE_INFO: Final = Metric(
    "churn_bundle_info",
    "gauge",
    "Always 1; what is served.",
    {"model_version": None, "bundle_sha256": None, "contract": None, "contract_fingerprint": None},
    is_counted=False,
)
SHADOW: Final = Metric(
    "churn_shadow_predictions_total",
    "counter",
    "Answers of /predict that the challenger was to answer too; `dropped` if it had no time.",
    {"outcome": ("paired", "failed", "dropped")},
    is_shadow=True,
)
SHADOW_TIERS: Final = Metric(
    "churn_shadow_tiers_total",
    "counter",
    "Those that both answered, by the tier of each.",
    {"champion": None, "challenger": None},
    is_shadow=True,
)
SHADOW_BANNERS: Final = Metric(
    "churn_shadow_banners_total",
    "counter",
    "The same by whether each would show a banner.",
    {"champion": ("no", "yes"), "challenger": ("no", "yes")},
    is_shadow=True,
)
SHADOW_TOP: Final = Metric(
    "churn_shadow_top_agreement_total",
    "counter",
    "Those whose three largest contributions are of the same features, in the same order, of the same signs.",
    {"agreement": ("set", "order", "signs")},
    is_shadow=True,
)
SHADOW_DIFFERENCE: Final = Metric(
    "churn_shadow_probability_difference",
    "histogram",
    "How far their two probabilities lie apart.",
    bounds=(0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
    is_shadow=True,
)
CHALLENGER_INFO: Final = Metric(
    "churn_challenger_info",
    "gauge",
    "Always 1; what answers in the background.",
    {"model_version": None, "bundle_sha256": None},
    is_counted=False,
)
# All metrics, in the order in which they stand above and are told.
METRICS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
