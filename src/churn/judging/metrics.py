"""What is measured of each answer, by name: the service counts it, Prometheus keeps it, the rollout reads it.

Labels are bounded: routes, kinds, tiers, features, offers and versions; never anything of a subscriber.
"""

from __future__ import annotations

from typing import Final

# What an answer should take at most. It is one of the bounds below.
OBJECTIVE_S: Final = 0.2
# Upper bounds of the buckets, in seconds.
LATENCY_BOUNDS_S: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0),
)
# Of the probability, all of the same width.
PROBABILITY_BINS: Final = 20
PROBABILITY_BOUNDS: Final = tuple(number / PROBABILITY_BINS for number in range(1, PROBABILITY_BINS + 1))
# The features of a set are named in the contract's order, with this between them.
SET_SIGN: Final = "|"
TOP: Final = 3

# Histogram, labels: route. From the first byte of a request's head to the last byte of its answer's.
REQUEST_DURATION: Final = "churn_request_duration_seconds"
# Counter, labels: route, status (2xx, 4xx, 5xx, 499).
REQUESTS: Final = "churn_requests_total"
# Counter, labels: kind (of the problem, such as invalid, busy, too_large, bug).
ERRORS: Final = "churn_errors_total"
# Histogram, labels: stage.
STAGE_DURATION: Final = "churn_stage_duration_seconds"
# Counters of POST /predict, one subscriber each. Labels: model_version, tier.
PREDICTIONS: Final = "churn_predictions_total"
# Histogram, labels: model_version.
PROBABILITY: Final = "churn_probability"
# Counter, labels: model_version, feature: among the three largest contributions, whatever number was asked for.
TOP_FEATURE: Final = "churn_top_feature_total"
# Counter, labels: model_version, features: the same three as a set.
TOP_SET: Final = "churn_top_set_total"
# Counter, labels: model_version; answers whose probability was above the threshold.
BANNERS: Final = "churn_banners_total"
# Counter, labels: arm, offer ("none" where there is none); what the banners hold.
RETENTION: Final = "churn_retention_total"
# Counter, labels: outcome (answered, refused); rows of POST /predict/batch, which are no predictions of POST /predict.
BATCH_ROWS: Final = "churn_batch_rows_total"
# Counter, labels: outcome (written, dropped); what became of records of the prediction log.
LOG_RECORDS: Final = "churn_prediction_log_records_total"
# Gauge: requests taken and not yet answered.
QUEUE: Final = "churn_queue_requests"
# Gauge, always 1. Labels: model_version, bundle_sha256, contract, contract_fingerprint.
BUNDLE_INFO: Final = "churn_bundle_info"
# Counter, labels: outcome (paired, failed, dropped); answers of POST /predict that the challenger was to answer too.
SHADOW: Final = "churn_shadow_predictions_total"
# Counters of the pairs. Labels: champion, challenger: the tier each gives; whether each shows a banner, yes or no.
SHADOW_TIERS: Final = "churn_shadow_tiers_total"
SHADOW_BANNERS: Final = "churn_shadow_banners_total"
# Counter, labels: agreement (set, order, signs); pairs whose three largest contributions agree so far.
SHADOW_TOP: Final = "churn_shadow_top_agreement_total"
# Histogram: how far the two probabilities lie apart.
SHADOW_DIFFERENCE: Final = "churn_shadow_probability_difference"
SHADOW_DIFFERENCE_BOUNDS: Final = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
# Gauge, always 1. Labels: model_version, bundle_sha256.
CHALLENGER_INFO: Final = "churn_challenger_info"
# The route that is judged.
PREDICT_ROUTE: Final = "/predict"
