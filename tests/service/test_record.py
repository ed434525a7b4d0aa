"""What the log keeps of an answer beyond what the answer says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.in_process import InProcess
from support.policies import policy_of
from support.processes import wait_until

from churn.model.bundle import Bundle
from churn.prediction_log.places import locate_log
from churn.prediction_log.reader import find_record, read_kept_policy
from churn.prediction_log.record import Record
from churn.prediction_log.writer import PredictionLog
from churn.retention.offers.arms import draw_arm
from churn.service.app import create_app
from churn.settings import Settings

# An offer to new subscribers that costs next to nothing.
CHEAP = (("take_up = 0.70", "take_up = 0.12"), ("cap_dollars = 30", "cap_dollars = 1"), ("kept = 12\n", "kept = 120\n"))
NEW = {"tenure": 1, "monthly_charges": 110.0}


class Logged:
    """A service whose log is running, and what it keeps of each answer."""

    def __init__(self, folder: Path, bundle: Bundle, *, threshold: float) -> None:
        salt = SecretStr("0123456789abcdef")
        settings = Settings(prediction_log=str(folder), churn_threshold=threshold, prediction_log_salt=salt)
        self.folder, self.places = folder, locate_log(str(folder), "streamflow", home=folder)
        self.contract, self.policy = bundle.model.contract, policy_of(folder, *CHEAP)
        self.service = InProcess(create_app(settings, bundle=bundle, policy=self.policy))
        self.asked = 0
        self.log: PredictionLog = self.service.app.state.prediction_log

    def ask(self, *headers: tuple[str, str]) -> tuple[dict[str, Any], Record]:
        """The answer about a subscriber who gets an offer, and its record."""
        subscriber = self.contract.example() | NEW
        every = [("Content-Type", "application/json"), *headers]
        response = self.service.request("POST", "/predict", json=subscriber, headers=every)
        answer: dict[str, Any] = response.json()
        assert response.status_code == 200, answer
        self.asked += 1
        wait_until(lambda: self.log.written == self.asked)
        return answer, find_record(self.places, answer["prediction_id"])

    def find_key(self, arm: str) -> tuple[str, str]:
        keys = (f"key-{number}" for number in range(100))
        return "X-Subscriber-Key", next(key for key in keys if draw_arm(key, self.policy.holdout) == arm)


@contextmanager
def open_logged(folder: Path, bundle: Bundle, threshold: float) -> Iterator[Logged]:
    logged = Logged(folder, bundle, threshold=threshold)
    with logged.service:
        logged.log.start()
        yield logged
        logged.log.stop()


@pytest.fixture(scope="module")
def everybody(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """It shows the banner to everybody whose probability is not 0."""
    with open_logged(tmp_path_factory.mktemp("everybody"), bundles["streamflow"], 0.0) as logged:
        yield logged


@pytest.fixture(scope="module")
def nobody(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """It shows the banner to nobody."""
    with open_logged(tmp_path_factory.mktemp("nobody"), bundles["streamflow"], 1.0) as logged:
        yield logged


def test_a_record_says_by_which_policy_and_experiment_it_was_decided(nobody: Logged) -> None:
    _, record = nobody.ask()
    policy = nobody.policy
    assert (record["policy_version"], record["policy_sha256"]) == (policy.version, policy.sha256)
    holdout = policy.holdout
    assert (record["experiment"], record["draw_seed"], record["holdout_share"]) == (
        holdout.experiment,
        holdout.experiment,
        holdout.share,
    )
    assert record["horizon_days"] == nobody.contract.horizon_days
    assert read_kept_policy(nobody.places, policy.sha256) == policy.content


def test_a_record_has_all_offers_that_were_weighed(everybody: Logged) -> None:
    answer, record = everybody.ask()
    banner = answer["retention"]
    weighed = {other["code"]: other["net_dollars"] for other in banner["offers_considered"]}
    weighed[banner["offer"]["code"]] = banner["offer"]["expected"]["net_dollars"]
    logged = dict(zip(record["actions"], record["action_values"], strict=True))
    assert logged == {"nothing": 0.0, "banner alone": 0.0} | {
        code: net for code, net in weighed.items() if net is not None
    }
    assert record["actions"][record["action_propensities"].index(1.0)] == record["offer"] == banner["offer"]["code"]


def test_what_the_holdout_would_have_been_offered_is_in_the_record_and_never_in_the_answer(everybody: Logged) -> None:
    shown, _ = everybody.ask(everybody.find_key("treatment"))
    offered = shown["retention"]["offer"]["code"]
    answer, record = everybody.ask(everybody.find_key("holdout"))
    assert offered not in json.dumps(answer)
    assert (record["arm"], record["offer"], record["withheld_offer"]) == ("holdout", None, offered)
    assert record["actions"][record["action_propensities"].index(1.0)] == offered


@pytest.mark.parametrize("arm", ["treatment", "holdout"])
def test_a_subscriber_without_a_banner_has_an_arm_too(nobody: Logged, arm: str) -> None:
    _, record = nobody.ask(nobody.find_key(arm))
    assert (record["banner"], record["arm"], record["offer"], record["withheld_offer"]) == (False, arm, None, None)
    assert (record["actions"], record["action_values"], record["action_propensities"]) == (["nothing"], [0.0], [1.0])


def test_the_day_of_the_last_offer_is_kept_as_it_decided(everybody: Logged) -> None:
    day = str(datetime.now(UTC).date() - timedelta(days=1))
    _, record = everybody.ask(("X-Last-Offer", day))
    assert (record["last_offer"], record["offer"], record["actions"]) == (day, None, ["nothing", "banner alone"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (["1"], 1),
        (["2"], 2),
        (["100"], 100),
        *(([wrong], None) for wrong in ("0", "101", "-1", "02", "two", "")),
        (["1", "2"], None),
        ([], None),
    ],
)
def test_the_attempt_is_kept_and_what_is_none_is_ignored(nobody: Logged, sent: list[str], kept: int | None) -> None:
    _, record = nobody.ask(*(("X-Attempt", attempt) for attempt in sent))
    assert record["attempt"] == kept
