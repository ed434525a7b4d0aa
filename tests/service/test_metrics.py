"""What /metrics says is what was answered."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import EXAMPLE, STREAMFLOW
from support.in_process import InProcess, answering, failing
from support.scraping import Samples, read_metrics, total
from support.strategies import subscribers

from churn.contract.declaration import Contract
from churn.judging import metrics
from churn.judging.metrics import METRICS, OTHER, ROUTES, Metric
from churn.model.bundle import Bundle
from churn.service.app import create_app
from churn.service.counting.counters import kind_from_status
from churn.service.counting.layout import count_cells, lay_out_cells
from churn.settings import Settings


def values_of(samples: Samples, metric: Metric, label: str) -> set[str]:
    return {dict(labels)[label] for name, labels in samples if name == metric.name}


def test_every_metric_that_is_declared_is_answered_and_no_other() -> None:
    with answering(STREAMFLOW, 0.7) as client:
        client.predict(EXAMPLE)
        text = client.get("/metrics").text
    assert [line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE")] == [
        [metric.name, metric.kind] for metric in METRICS
    ]


def test_an_answer_is_counted_by_route_tier_probability_banner_arm_and_offer() -> None:
    with answering(STREAMFLOW, 0.7) as client:
        client.predict(EXAMPLE)
        answer = client.predict(EXAMPLE, headers={"X-Subscriber-Key": "one"}).json()
        found = read_metrics(client)
    arm = answer["retention"]["arm"]
    assert total(found, metrics.REQUESTS.name, route="/predict", status="2xx") == 2
    assert total(found, f"{metrics.REQUEST_DURATION.name}_count", route="/predict") == 2
    assert total(found, metrics.PREDICTIONS.name, model_version="v0-fake", tier="high") == 2
    assert total(found, metrics.PREDICTIONS.name) == 2
    assert total(found, f"{metrics.PROBABILITY.name}_bucket", le="0.65") == 0
    assert total(found, f"{metrics.PROBABILITY.name}_bucket", le="0.7") == 2  # a bucket holds its bound
    assert total(found, f"{metrics.PROBABILITY.name}_sum") == pytest.approx(1.4)
    assert total(found, metrics.BANNERS.name, model_version="v0-fake") == 2
    assert total(found, metrics.RETENTION.name, arm="unassigned", offer="none") == 1
    assert total(found, metrics.RETENTION.name, arm=arm, offer="none") == 1


def test_below_the_threshold_there_is_no_banner_to_count(even: InProcess) -> None:
    even.predict(EXAMPLE)
    found = read_metrics(even)
    assert (total(found, metrics.BANNERS.name), total(found, metrics.RETENTION.name)) == (0, 0)
    assert total(found, metrics.PREDICTIONS.name, tier="medium") == 1


@pytest.mark.parametrize("reasons", [0, 1, 3, 10])
def test_three_features_are_counted_however_many_reasons_were_asked_for(even: InProcess, reasons: int) -> None:
    even.predict(EXAMPLE, params={"reasons": reasons})
    found = read_metrics(even)
    first = STREAMFLOW.feature_names()[:3]  # all contributions are alike, so the contract's order decides
    assert values_of(found, metrics.TOP_SET, "features") == {"|".join(first)}
    assert {name: total(found, metrics.TOP_FEATURE.name, feature=name) for name in STREAMFLOW.feature_names()} == {
        name: float(name in first) for name in STREAMFLOW.feature_names()
    }


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "route"),
    [
        ("/predict", {}, "4xx", "invalid", "/predict"),
        ("/predict", {"x": "y" * 70_000}, "4xx", "too_large", "/predict"),
        ("/predict/batch", {}, "4xx", "invalid", "/predict/batch"),
        ("/events", {}, "4xx", "invalid", "/events"),
        ("/subscribers/anna-meier", {}, "4xx", "not_found", OTHER),
        ("/health", {}, "4xx", "wrong_method", "/health"),
    ],
)
def test_a_refusal_is_counted_by_its_kind_and_under_a_known_route(
    even: InProcess, *, path: str, body: dict[str, Any], status: str, kind: str, route: str
) -> None:
    even.request("POST", path, json=body)
    found = read_metrics(even)
    text = even.get("/metrics").text
    assert total(found, metrics.ERRORS.name, kind=kind) == total(found, metrics.ERRORS.name) == 1
    assert total(found, metrics.REQUESTS.name, route=route, status=status) == 1
    assert total(found, metrics.PREDICTIONS.name) == 0
    assert "anna-meier" not in text


def test_a_bug_is_counted_as_one() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as client:
        client.predict(EXAMPLE)
        found = read_metrics(client)
    assert total(found, metrics.ERRORS.name, kind="bug") == total(found, metrics.ERRORS.name) == 1
    assert total(found, metrics.REQUESTS.name, route="/predict", status="5xx") == 1


def test_every_status_that_could_ever_be_answered_can_be_counted(even: InProcess) -> None:
    counters = even.app.state.counters
    for status in range(100, 600):
        counters.count_request("/predict", status, 1000)
        counters.count_error(kind_from_status(status))
    found = read_metrics(even)
    assert total(found, metrics.REQUESTS.name, route="/predict", status="5xx") == 100
    assert total(found, metrics.REQUESTS.name, route="/predict", status="499") == 1
    assert total(found, metrics.REQUESTS.name, route="/predict") == 500


def test_the_rows_of_a_batch_are_no_predictions_of_one(even: InProcess) -> None:
    even.batch([EXAMPLE, EXAMPLE, {}])
    found = read_metrics(even)
    assert total(found, metrics.BATCH_ROWS.name, outcome="answered") == 2
    assert total(found, metrics.BATCH_ROWS.name, outcome="refused") == 1
    assert total(found, metrics.PREDICTIONS.name) == 0


def test_every_route_of_the_service_has_a_label(even: InProcess) -> None:
    assert {route.path for route in even.app.routes} == set(ROUTES)  # type: ignore[attr-defined]


def test_openmetrics_is_given_to_those_who_ask_for_it(even: InProcess) -> None:
    plain = even.get("/metrics")
    open_metrics = even.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert open_metrics.text.endswith("\n# EOF\n")
    assert open_metrics.text.count("# EOF") == 1


def test_it_says_what_is_served(service: InProcess, bundle: Bundle) -> None:
    ((_, labels),) = (sample for sample in read_metrics(service) if sample[0] == metrics.BUNDLE_INFO.name)
    seal = (bundle.path / "manifest.sha256").read_text().split()[0]
    assert dict(labels) == {
        "model_version": bundle.model.version,
        "bundle_sha256": seal,
        "contract": bundle.model.contract.contract_name,
        "contract_fingerprint": bundle.model.contract.fingerprint,
    }


def test_the_cells_of_no_two_metrics_overlap(service: InProcess) -> None:
    layout = lay_out_cells(service.app.state.counters.served)
    numbers = [
        first + offset
        for cells in layout.values()
        for first in cells.first_cells().values()
        for offset in range(cells.width)
    ]
    assert sorted(numbers) == list(range(count_cells(layout)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_counts_are_those_of_the_answers(data: st.DataObject, contract: type[Contract], bundle: Bundle) -> None:
    asked = data.draw(st.lists(subscribers(contract), min_size=1, max_size=8))
    with InProcess(create_app(Settings(churn_threshold=0.2), bundle=bundle)) as client:
        answers = [client.predict(subscriber).json() for subscriber in asked]
        found = read_metrics(client)
    tiers = Counter(answer["risk_tier"] for answer in answers)
    features = Counter(reason["feature"] for answer in answers for reason in answer["top_reasons"])
    order = contract.feature_names()
    sets = Counter(
        "|".join(sorted((reason["feature"] for reason in answer["top_reasons"]), key=order.index)) for answer in answers
    )
    offers = Counter(
        (banner["arm"], banner["offer"]["code"] if banner["offer"] else "none")
        for answer in answers
        if (banner := answer["retention"])
    )
    assert {tier: total(found, metrics.PREDICTIONS.name, tier=tier) for tier in tiers} == tiers
    assert {name: total(found, metrics.TOP_FEATURE.name, feature=name) for name in order} == {
        **dict.fromkeys(order, 0),
        **features,
    }
    assert {
        each: total(found, metrics.TOP_SET.name, features=each)
        for each in values_of(found, metrics.TOP_SET, "features")
    } == sets
    assert {(arm, offer): total(found, metrics.RETENTION.name, arm=arm, offer=offer) for arm, offer in offers} == offers
    assert (
        total(found, metrics.BANNERS.name) == sum(offers.values()) == sum(a["show_retention_banner"] for a in answers)
    )
    assert total(found, f"{metrics.PROBABILITY.name}_sum") == pytest.approx(
        sum(a["churn_probability"] for a in answers)
    )
    for at, bound in enumerate(metrics.PROBABILITY_BOUNDS):
        le = str(bound)
        expected = sum(answer["churn_probability"] <= bound for answer in answers)
        assert total(found, f"{metrics.PROBABILITY.name}_bucket", le=le) == expected, at
