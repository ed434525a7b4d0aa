"""The service, drift and models: what is shown of what is there, and clearly of what is not."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from support.broken_servers import NONSENSE, UNAVAILABLE
from support.listening import QuietHandler, listening
from support.logged import write_demo_log
from support.watching import Open, words

from churn.judging.metrics import LATENCY_BOUNDS_S
from churn.prediction_log.places import Places
from churn.rollout.store import RolloutStore
from demo.simulated_rollouts import Behaviour, Simulation, begin

HEALTHY = json.dumps({"status": "healthy", "model_version": "v2.3.1", "model_path": "somewhere"})
METRICS = """\
# TYPE churn_requests_total counter
churn_requests_total{route="/predict",status="2xx"} 990
churn_requests_total{route="/predict",status="5xx"} 10
# TYPE churn_request_duration_seconds histogram
BUCKETS
churn_request_duration_seconds_bucket{route="/predict",le="+Inf"} 1000
# TYPE churn_queue_requests gauge
churn_queue_requests 3
""".replace(
    "BUCKETS",
    "\n".join(
        f'churn_request_duration_seconds_bucket{{route="/predict",le="{bound}"}} {900 * (bound >= 0.005)}'
        for bound in LATENCY_BOUNDS_S
    ),
)


@contextmanager
def answering(answers: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    """A server that answers each path as it is told, and anything else with 404."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            status, text = answers.get(self.path, (404, ""))
            self.answer(status, text.encode())

    with listening(Handler) as address:
        yield address


def test_an_instance_tells_its_version_and_what_it_has_answered(dashboard: Open, tmp_path: Path) -> None:
    with answering({"/health": (200, HEALTHY), "/metrics": (200, METRICS)}) as address:
        said = words(dashboard(tmp_path, instances=(address,)).page("/service"))
    for expected in ("1 of 1 instance is healthy", "v2.3.1", "1,000", "1.000 %", "5 ms", "Under way 3"):
        assert expected in said


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"/health": (200, HEALTHY)}, "no /metrics"),
        ({"/health": (503, json.dumps({"title": "no model"}))}, "answers 503: no model"),
        ({"/health": (200, "<html>hello</html>")}, "not as this service does"),
        ({"/health": (200, "[]")}, "not as this service does"),
        ({"/health": (200, HEALTHY), "/metrics": (200, "}{ no metrics")}, "no /metrics"),
    ],
)
def test_what_is_wrong_with_an_instance_is_said(
    dashboard: Open, tmp_path: Path, answers: Mapping[str, tuple[int, str]], expected: str
) -> None:
    with answering(answers) as address:
        assert expected in words(dashboard(tmp_path, instances=(address,)).page("/service"))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (UNAVAILABLE["sends its body a byte at a time"], "does not answer within"),
        (UNAVAILABLE["sends its headers a byte at a time"], "does not answer within"),
        (NONSENSE["sends without end"], "not as this service does"),
    ],
)
def test_an_answer_without_an_end_holds_up_nobody(
    dashboard: Open, tmp_path: Path, server: Callable[[], AbstractContextManager[str]], expected: str
) -> None:
    with server() as address:
        assert expected in words(dashboard(tmp_path, instances=(address,)).page("/service"))


def test_what_does_not_answer_is_said_beside_what_does(dashboard: Open, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with answering({"/health": (200, HEALTHY), "/metrics": (200, METRICS)}) as address:
        said = words(dashboard(tmp_path, instances=(address, nobody)).page("/service"))
    assert "1 of 2 instances are healthy" in said
    assert f"{nobody} does not serve It does not answer" in said


def test_the_instances_of_a_rollout_under_way_are_asked_too(dashboard: Open, tmp_path: Path) -> None:
    with (
        answering({"/health": (200, HEALTHY), "/metrics": (200, METRICS)}) as address,
        closing(RolloutStore(tmp_path)) as store,
    ):
        where = {"stable": ('track="stable"',), "canary": (address + "/",)}
        begin(store, Simulation(1_790_000_000.0, Behaviour()), "v1", "v2", **where)
        said = words(dashboard(tmp_path).page("/service"))
    assert f"canary {address} healthy" in said
    assert "1 of 1 instance" in said


def test_a_feature_that_moved_is_named_and_those_that_did_not_are_steady(
    dashboard: Open, bundle_home: Path, tmp_path: Path
) -> None:
    page = dashboard(bundle_home, places=write_demo_log(tmp_path / "log", dearer=1.5)).page("/drift")
    said = words(page)
    assert "Far from what the model was trained on: Score, Monthly charges." in said
    assert "The latest 2,000 predictions of v1" in said
    assert page.count("<svg") == 1 + 11  # the mark, the score and ten features
    assert said.count("steady") >= 8


def test_without_a_log_scores_come_from_metrics_and_it_is_said_why(dashboard: Open, bundle_home: Path) -> None:
    buckets = "".join(
        f'churn_probability_bucket{{model_version="v1",le="{at / 20}"}} {at * 100}\n' for at in range(1, 21)
    )
    metrics = f"{METRICS}# TYPE churn_probability histogram\n{buckets}"
    health = HEALTHY.replace("v2.3.1", "v1")
    with answering({"/health": (200, health), "/metrics": (200, metrics)}) as address:
        said = words(dashboard(bundle_home, instances=(address,)).page("/drift"))
    assert "PREDICTION_LOG is off" in said
    assert "Scores are from the instances' metrics" in said
    assert "PSI" in said


def test_an_empty_log_says_so(dashboard: Open, bundle_home: Path, tmp_path: Path) -> None:
    places = Places(str(tmp_path / "log"), tmp_path / "log" / "journals")
    said = words(dashboard(bundle_home, places=places).page("/drift"))
    assert "holds no record of v1 yet" in said
    assert "No predictions yet" in said


def test_without_a_champion_drift_says_what_to_do(dashboard: Open, tmp_path: Path) -> None:
    said = words(dashboard(tmp_path).page("/drift"))
    assert "there is no bundle at" in said
    assert "churn export" in said


def test_models_marks_the_champion_and_says_what_cannot_be_used(dashboard: Open, bundle_home: Path) -> None:
    said = words(dashboard(bundle_home).page("/models"))
    assert "v1 champion streamflow" in said
    assert "v0 unusable" in said
    assert "MLflow" not in said


def test_mlflow_is_linked_if_it_is_configured(dashboard: Open, bundle_home: Path) -> None:
    page = dashboard(bundle_home, mlflow_url="http://mlflow.example:5000").page("/models")
    assert 'href="http://mlflow.example:5000/#/models"' in page


def test_without_bundles_models_says_how_to_make_one(dashboard: Open, tmp_path: Path) -> None:
    assert "churn export" in words(dashboard(tmp_path).page("/models"))
