"""Net values out of a real log: both versions' offers for the same subscribers, and what cannot be read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.policies import policy_of, policy_without_price
from support.predicted import find_policy, make_entry, make_header

from churn.contract.catalogues import list_languages
from churn.judging.guardrails import Guardrails
from churn.judging.net_value import STEPS, NetValues
from churn.model.bundle import Bundle
from churn.prediction_log.journal import Journal
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.policies import keep_policy, name_policy
from churn.prediction_log.record import Entry, JournalHeader, LineMaker
from churn.retention.offers.policy import Policy, load_policy
from churn.retention.offers.selection import find_largest_net
from churn.rollout.first_answers import UNREAD
from churn.rollout.net_values import encode_values, find_largest_price
from churn.rollout.paired import PairReader, Versions

BEGAN = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def log(tmp_path: Path, streamflow: Bundle) -> Places:
    """A log in which stable has answered once."""
    log = locate_log(None, "streamflow", home=tmp_path)
    log.prepare()
    answer(log, streamflow, find_policy(streamflow), ["zoe"])
    return log


@pytest.fixture
def canary(streamflow: Bundle) -> Bundle:
    """The same model under another name."""
    return replace(streamflow, sha256="c" * 64, model=replace(streamflow.model, version="v9"))


@pytest.fixture
def calm(canary: Bundle) -> Bundle:
    """A version for which nobody is at risk."""

    def explain(rows: np.ndarray) -> np.ndarray:
        explained = canary.model.explain(rows).copy()
        explained[:, -1] -= 19
        return explained

    return replace(canary, model=replace(canary.model, explain=explain))


def write(log: Places, header: JournalHeader, entries: Sequence[Entry]) -> None:
    maker = LineMaker(header)
    journal = Journal(log.journals, maker.header)
    journal.append(b"".join(map(maker.make_line, entries)))
    journal.close()


def answer(log: Places, bundle: Bundle, policy: Policy, keys: Sequence[str], *, tenure: int = 1) -> list[Entry]:
    keep_policy(log.journals, policy.content)
    entries = [make_entry(bundle, key=key, tenure=tenure, policy=policy) for key in keys]
    write(log, make_header(bundle, policy=policy), entries)
    return entries


def look(log: Places, stable: Bundle, canary: Bundle) -> Guardrails:
    versions = Versions(
        stable=stable, canary_version="v9", canary_sha256=canary.sha256, canary=canary, began=BEGAN, threshold=0.6
    )
    guardrails = PairReader(log, versions).look().guardrails
    assert guardrails is not None
    return guardrails


def values_of(guardrails: Guardrails) -> NetValues:
    assert guardrails.net_value is not None, guardrails.no_net_value
    return guardrails.net_value


def test_the_same_version_expects_the_same_of_everybody_also_of_the_holdout(
    log: Places, streamflow: Bundle, canary: Bundle
) -> None:
    entries = answer(log, canary, find_policy(streamflow), [f"{number}" for number in range(40)])
    assert {entry.arm for entry in entries} == {"treatment", "holdout"}
    answer(log, canary, find_policy(streamflow), ["loyal"], tenure=72)
    counted = values_of(look(log, streamflow, canary))
    assert (counted.currency, counted.subscribers, counted.unread) == ("USD", 41, 0)
    assert {canary - stable for canary, stable, _ in counted.steps} == {0}
    assert sum(stable * count for _, stable, count in counted.steps) > 0


def test_a_version_that_shows_no_banner_expects_nothing_where_stable_expects_something(
    log: Places, streamflow: Bundle, calm: Bundle
) -> None:
    answer(log, calm, find_policy(streamflow), ["ann", "bob", "ann"])
    counted = values_of(look(log, streamflow, calm))
    assert counted.subscribers == 2
    assert all(canary == 0 < stable for canary, stable, _ in counted.steps)


def test_each_version_is_valued_by_its_own_policy(
    log: Places, streamflow: Bundle, canary: Bundle, tmp_path: Path
) -> None:
    answer(
        log, canary, policy_of(tmp_path, ("months_kept = 12", "months_kept = 8")), [f"{number}" for number in range(30)]
    )
    counted = values_of(look(log, streamflow, canary))
    canary_sum, stable_sum = (sum(row[at] * row[2] for row in counted.steps) for at in (0, 1))
    assert canary_sum < stable_sum


def test_a_policy_that_is_not_kept_is_named_and_nothing_is_counted(
    log: Places, streamflow: Bundle, canary: Bundle
) -> None:
    policy = find_policy(streamflow)
    answer(log, canary, policy, ["ann"])
    (log.journals / name_policy(policy.sha256)).unlink()
    found = look(log, streamflow, canary)
    assert found.net_value is None
    assert f"the policy that decided, with the sha256 {policy.sha256[:12]}" in found.no_net_value


def test_without_a_record_of_stable_nobody_knows_its_policy_and_it_is_said(
    streamflow: Bundle, canary: Bundle, tmp_path: Path
) -> None:
    log = locate_log(None, "streamflow", home=tmp_path / "another")
    log.prepare()
    answer(log, canary, find_policy(streamflow), ["ann"])
    found = look(log, streamflow, canary)
    assert found.net_value is None
    assert "says by which policy it decides" in found.no_net_value
    assert "guardrails = false" in found.no_net_value


def test_records_of_a_version_that_logged_no_values_are_unread_and_it_says_so(
    log: Places, streamflow: Bundle, canary: Bundle
) -> None:
    write(log, replace(make_header(canary), possible=None), [make_entry(canary, key="ann", tenure=1)])
    found = look(log, streamflow, canary)
    assert values_of(found).unread == 1
    assert "the records of v9 have no net values" in found.no_net_value


def test_rounding_by_the_key_keeps_the_mean_and_what_is_equal() -> None:
    random = np.random.default_rng(1)
    keys = random.integers(0, 2**64, 40_000, dtype=np.uint64)
    values = np.full(len(keys), 17.3)
    canary, stable = divmod(encode_values(values, values, keys, 100.0), STEPS + 1)
    assert (canary == stable).all()
    assert canary.mean() * 100 / STEPS == pytest.approx(17.3, abs=0.05)
    beyond = encode_values(np.array([900.0, np.nan]), np.array([100.0, 1.0]), keys[:2], 100.0)
    assert beyond.tolist() == [STEPS * (STEPS + 1) + STEPS, UNREAD]


def test_the_largest_value_follows_from_the_policy_and_what_subscribers_pay(streamflow: Bundle, tmp_path: Path) -> None:
    policy = find_policy(streamflow)
    price = find_largest_price(streamflow, policy)
    assert price > 0
    for entry in (make_entry(streamflow, tenure=tenure, key=None) for tenure in (1, 13, 20)):
        offer = entry.decision and entry.decision.shown["offer"]
        assert not offer or offer["expected"]["net_dollars"] < find_largest_net(policy, price)
    contract = streamflow.model.contract
    without = load_policy(policy_without_price(tmp_path, "EUR"), contract, languages=list_languages(contract))
    assert find_largest_price(streamflow, without) == 0
    assert 0 < find_largest_net(without, 0) < 300
    none = replace(policy, terms=())
    assert find_largest_net(none, price) == 0
