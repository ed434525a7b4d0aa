"""The challenger: it is recorded beside the champion, and whatever it does, no answer is another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.examples import EXAMPLE
from support.in_process import InProcess
from support.scraping import Samples, read_metrics, total

from churn.contract.declaration import Contract, Rows
from churn.errors import BundleError, SettingsError
from churn.explain import Explainer
from churn.judging import metrics
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel, tier_from_probability
from churn.prediction_log.challenger import Challenger
from churn.prediction_log.places import locate_log
from churn.prediction_log.reader import find_record
from churn.prediction_log.record import Record
from churn.prediction_log.writer import PredictionLog
from churn.service.app import create_app
from churn.service.startup import FindChallenger, load_challenger, require_writable_log
from churn.settings import Settings

SHA256 = "c" * 64


@contextmanager
def shadowed(
    bundle: Bundle, folder: Path, *, find_challenger: FindChallenger = load_challenger, challenger: Path | None = None
) -> Iterator[tuple[InProcess, PredictionLog]]:
    """A service whose log is running, and its log."""
    settings = Settings(prediction_log=str(folder), challenger_path=challenger)
    with InProcess(create_app(settings, bundle=bundle, find_challenger=find_challenger)) as service:
        prediction_log: PredictionLog = service.app.state.prediction_log
        prediction_log.start()
        yield service, prediction_log
        prediction_log.stop()


def fake(bundle: Bundle, explain: Explainer) -> Challenger:
    return Challenger(ChurnModel(bundle.model.contract, explain, "v0-fake"), SHA256)


def outcomes(counted: Samples) -> dict[str, float]:
    return {each: total(counted, metrics.SHADOW.name, outcome=each) for each in ("paired", "failed", "dropped")}


def record(folder: Path, bundle: Bundle, prediction_id: str) -> Record:
    return find_record(locate_log(str(folder), bundle.model.contract.contract_name, home=folder), prediction_id)


def test_a_challenger_that_is_the_champion_says_the_same_to_the_last_bit(bundle: Bundle, tmp_path: Path) -> None:
    with shadowed(bundle, tmp_path, challenger=bundle.path) as (service, _):
        answer = service.predict(bundle.model.contract.example()).json()
    found = record(tmp_path, bundle, answer["prediction_id"])
    assert found["challenger_version"] == found["model_version"]
    assert found["challenger_bundle_sha256"] == found["bundle_sha256"]
    assert found["challenger_probability"] == found["probability"] == answer["churn_probability"]
    assert found["challenger_base_value"] == found["base_value"]
    for name in bundle.model.contract.feature_names():
        assert found[f"challenger_contribution_{name}"] == found[f"contribution_{name}"]


def test_without_a_challenger_its_columns_are_null(bundle: Bundle, tmp_path: Path) -> None:
    with shadowed(bundle, tmp_path) as (service, prediction_log):
        answer = service.predict(bundle.model.contract.example()).json()
    found = record(tmp_path, bundle, answer["prediction_id"])
    columns = [name for name in found if name.startswith("challenger_")]
    assert len(columns) == 4 + len(bundle.model.contract.features)
    assert {found[name] for name in columns} == {None}
    assert prediction_log.challenger is None


def test_answers_are_the_same_with_and_without_a_challenger(bundle: Bundle, tmp_path: Path) -> None:
    subscriber = bundle.model.contract.example()
    with (
        shadowed(bundle, tmp_path / "with", challenger=bundle.path) as (watched, _),
        shadowed(bundle, tmp_path / "without") as (alone, _),
    ):
        answers = [service.predict(subscriber, headers={"X-Subscriber-Key": "k"}) for service in (watched, alone)]
    bodies = [answer.content.replace(answer.json()["prediction_id"].encode(), b"") for answer in answers]
    assert bodies[0] == bodies[1]
    passing = {"x-response-time-ms", "x-request-id"}
    headers = [{name: value for name, value in a.headers.items() if name not in passing} for a in answers]
    assert headers[0] == headers[1]


def test_a_challenger_that_fails_costs_no_answer_and_no_record(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def explain(_: Rows) -> np.ndarray:
        raise RuntimeError("out of order")

    challenger = fake(bundle, explain)
    with shadowed(bundle, tmp_path, challenger=bundle.path, find_challenger=lambda *_: challenger) as (service, log):
        answers = [service.predict(bundle.model.contract.example()) for _ in range(3)]
        log.stop()
        counted = read_metrics(service)
    assert [answer.status_code for answer in answers] == [200] * 3
    assert (log.written, log.dropped) == (3, 0)
    assert outcomes(counted) == {"paired": 0, "failed": 3, "dropped": 0}
    found = record(tmp_path, bundle, answers[0].json()["prediction_id"])
    assert (found["challenger_version"], found["challenger_probability"]) == ("v0-fake", None)
    assert caplog.text.count("out of order") == 1


def test_one_prediction_that_is_none_costs_only_itself(bundle: Bundle, tmp_path: Path) -> None:
    """Of two who are answered at once, the first gets a NaN."""

    def explain(rows: Rows) -> np.ndarray:
        explained = bundle.model.explain(rows).astype(np.float64)
        explained[0] = np.nan
        return explained

    challenger = fake(bundle, explain)
    settings = Settings(prediction_log=str(tmp_path), challenger_path=bundle.path)
    with InProcess(create_app(settings, bundle=bundle, find_challenger=lambda *_: challenger)) as service:
        ids = [service.predict(bundle.model.contract.example()).json()["prediction_id"] for _ in range(2)]
        service.app.state.prediction_log.start()
        service.app.state.prediction_log.stop()
        counted = read_metrics(service)
    found = [record(tmp_path, bundle, prediction_id) for prediction_id in ids]
    assert found[0]["challenger_probability"] is None
    assert found[1]["challenger_probability"] == found[1]["probability"]
    assert outcomes(counted) == {"paired": 1, "failed": 1, "dropped": 0}


def test_the_challenger_is_counted_and_named_in_the_metrics(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    """A challenger whose log-odds are 8 less than the champion's, for one who is at high risk."""
    bundle = bundles["streamflow"]

    def explain(rows: Rows) -> np.ndarray:
        explained = bundle.model.explain(rows).astype(np.float64)
        explained[:, -1] -= 8
        return explained

    challenger = fake(bundle, explain)
    [prediction] = bundle.model.predict_encoded([bundle.model.contract.model_validate(EXAMPLE).encode()])
    settings = Settings(prediction_log=str(tmp_path), challenger_path=bundle.path)
    with InProcess(create_app(settings, bundle=bundle, find_challenger=lambda *_: challenger)) as service:
        service.predict(EXAMPLE)
        service.app.state.prediction_log.start()
        service.app.state.prediction_log.stop()
        counted = read_metrics(service)
    [theirs] = challenger.model.predict_encoded([prediction.values])
    assert outcomes(counted) == {"paired": 1, "failed": 0, "dropped": 0}
    assert tier_from_probability(prediction.probability, Contract.tiers) != tier_from_probability(
        theirs.probability, Contract.tiers
    )
    tiers = {
        "champion": tier_from_probability(prediction.probability, Contract.tiers),
        "challenger": tier_from_probability(theirs.probability, Contract.tiers),
    }
    assert total(counted, metrics.SHADOW_TIERS.name) == total(counted, metrics.SHADOW_TIERS.name, **tiers) == 1
    assert total(counted, metrics.SHADOW_BANNERS.name) == 1
    assert total(counted, metrics.SHADOW_BANNERS.name, champion="yes", challenger="no") == 1
    for agreement in ("set", "order", "signs"):
        assert total(counted, metrics.SHADOW_TOP.name, agreement=agreement) == 1
    apart = prediction.probability - theirs.probability
    assert total(counted, f"{metrics.SHADOW_DIFFERENCE.name}_sum") == pytest.approx(apart)
    assert total(counted, f"{metrics.SHADOW_DIFFERENCE.name}_bucket", le="+Inf") == 1
    for bound in (0.001, 0.1, 0.5):
        assert total(counted, f"{metrics.SHADOW_DIFFERENCE.name}_bucket", le=str(bound)) == (apart <= bound)
    assert total(counted, metrics.CHALLENGER_INFO.name, model_version="v0-fake", bundle_sha256=SHA256) == 1


def test_without_a_challenger_nothing_of_it_is_counted(service: InProcess, bundle: Bundle) -> None:
    service.predict(bundle.model.contract.example())
    assert not [name for name, _ in read_metrics(service) if "shadow" in name or "challenger" in name]


def test_what_a_full_queue_drops_the_challenger_does_not_answer(bundle: Bundle, tmp_path: Path) -> None:
    settings = Settings(prediction_log=str(tmp_path), challenger_path=bundle.path)
    with InProcess(create_app(settings, bundle=bundle)) as service:
        prediction_log: PredictionLog = service.app.state.prediction_log
        prediction_log._capacity = 2  # noqa: SLF001 - nobody can choose it
        statuses = [service.predict(bundle.model.contract.example()).status_code for _ in range(5)]
        prediction_log.start()
        prediction_log.stop()
        counted = read_metrics(service)
    assert statuses == [200] * 5
    assert outcomes(counted) == {"paired": 2, "failed": 0, "dropped": 3}


def test_a_load_challenger_another_contract_is_refused_and_both_are_named(bundles: dict[str, Bundle]) -> None:
    champion, other = bundles["streamflow"], bundles["telco"]
    with pytest.raises(SettingsError) as refused:
        create_app(Settings(challenger_path=other.path), bundle=champion)
    for each in (champion, other):
        assert str(each.path) in refused.value.message
        assert each.manifest.contract in refused.value.message
        assert each.manifest.contract_fingerprint[:12] in refused.value.message


def test_a_challenger_that_is_not_there_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere"):
        create_app(Settings(challenger_path=tmp_path / "nowhere"), bundle=bundle)


def test_a_challenger_needs_the_log(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PREDICTION_LOG is `off`"):
        create_app(Settings(challenger_path=bundle.path, prediction_log="off"), bundle=bundle)
    (tmp_path / "predictions").write_text("in the way")
    require_writable_log(Settings(churn_home=tmp_path), "streamflow")
    with pytest.raises(SettingsError, match="cannot be written"):
        require_writable_log(Settings(churn_home=tmp_path, challenger_path=bundle.path), "streamflow")
