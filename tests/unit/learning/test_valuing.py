"""A whole policy on the log: what it chooses is valued beside what the log chose, on those who say something of it."""

from dataclasses import replace

import numpy as np
import pytest
from support.examples import STREAMFLOW
from support.learning_world import find_exposures
from support.policies import POLICY

from churn.contract.catalogues import list_languages
from churn.dashboard.charts.policy_value import build_value_tables, describe_refusal, report_policy_value
from churn.errors import OfferPolicyError
from churn.files import encode_json
from churn.learning.valuing import PolicyValue, build_figures, value_policy
from churn.outcomes.estimates import Estimate
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy, build_policy, parse_policy

VISITORS = 8_000


def read_changed(*changes: tuple[str, str]) -> Policy:
    """The policy that tests know by heart, with some texts replaced."""
    path = POLICY
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return build_policy(parse_policy(text.encode(), path), STREAMFLOW, languages=list_languages(STREAMFLOW))


def value(exposures: Exposures, *changes: tuple[str, str]) -> PolicyValue:
    return value_policy(exposures, read_changed(*changes), STREAMFLOW)


STREAMING_FIRST = ("saves = { streaming = 0.10 }", "saves = { streaming = 0.40 }")


def test_the_log_s_own_policy_is_worth_what_was_logged() -> None:
    exposures, truth = find_exposures(VISITORS)
    said = value(exposures)
    assert said.new == said.logged
    assert said.difference.money == Estimate(0, 0, 0, every_look=True, is_asymptotic=True)
    assert said.verdict == "not sure"
    assert sum(count.chosen for count in said.actions) == len(exposures)
    assert all(count.chosen == count.logged for count in said.actions)
    assert said.new.money.low < truth.value.max(axis=1).mean()


def test_another_policy_is_valued_where_lots_fell_and_refused_where_none_did() -> None:
    with_lots, _ = find_exposures(VISITORS, share=0.1)
    said = value(with_lots, STREAMING_FIRST)
    assert said.verdict in {"not sure", "better", "worse"}
    assert said.difference.money.low < said.difference.money.value < said.difference.money.high
    without, _ = find_exposures(VISITORS, share=0)
    refused = value(without, STREAMING_FIRST)
    assert refused.verdict == "refused"
    [streaming] = [count for count in refused.actions if count.action == "streaming-3-months"]
    assert streaming.without_overlap == streaming.chosen - streaming.logged > 0
    assert "the log says nothing of them" in refused.reason
    assert "explore.share" in describe_refusal(refused)


def test_what_is_refused_is_shown_as_not_known() -> None:
    exposures, _ = find_exposures(VISITORS, share=0)
    refused = value(exposures, STREAMING_FIRST)
    worth, *_ = build_value_tables(refused)
    assert [row[1] for row in worth[2]] == ["not known", worth[2][1][1], "not known"]
    assert worth[2][1][1].lstrip("-").startswith("$")
    report = report_policy_value(refused, "assumed")
    assert report.badge == "refused"
    assert not report.charts
    assert report_policy_value(value(exposures), "assumed").charts


def test_figures_for_scripts_have_null_for_what_is_not_known() -> None:
    exposures, _ = find_exposures(VISITORS, share=0)
    refused = build_figures(value(exposures, STREAMING_FIRST))
    assert refused["new"]["money"] is refused["difference"]["money"] is None
    assert refused["logged"]["money"]["low"] < refused["logged"]["money"]["high"]
    nobody = build_figures(value(exposures.choose(np.zeros(0, dtype=np.int64))))
    assert nobody["new"]["without_overlap"] is nobody["logged"]["kept"] is None
    assert encode_json(nobody)


def test_only_the_newest_experiment_and_those_above_the_threshold_count() -> None:
    exposures, _ = find_exposures(VISITORS)
    earlier = np.arange(len(exposures)) % 2 == 0
    below = np.arange(len(exposures)) % 10 == 1
    mixed = replace(
        exposures,
        experiment=np.where(earlier, "before", "now").astype(object),
        time=np.where(earlier, 0, exposures.time),
        threshold=np.where(below, 1.0, exposures.threshold),
    )
    said = value(mixed)
    assert said.experiment == "now"
    assert said.new.subscribers == (~earlier & ~below).sum()


def test_rows_whose_holdout_has_no_reasons_and_all_before_them_are_left_out() -> None:
    exposures, _ = find_exposures(VISITORS)
    middle = int(np.median(exposures.time))
    reasons = [
        () if held_out and time <= middle else groups
        for held_out, time, groups in zip(exposures.held_out, exposures.time, exposures.reasons, strict=True)
    ]
    said = value(replace(exposures, reasons=reasons))
    assert said.first is not None
    assert said.first > exposures.time[exposures.held_out & (exposures.time <= middle)].max()
    assert 0 < said.new.subscribers < 0.6 * len(exposures)


def test_nobody_is_refused_in_words() -> None:
    exposures, _ = find_exposures(VISITORS)
    said = value(exposures.choose(np.zeros(0, dtype=np.int64)))
    assert said.verdict == "refused"
    assert "nobody above the threshold" in said.reason
    assert describe_refusal(said) == ""


def test_offers_of_different_worths_have_no_common_money() -> None:
    exposures, _ = find_exposures(VISITORS)
    policy = read_changed()
    terms = tuple(
        replace(own, offer=own.offer.model_copy(update={"worth_dollars": 100.0 + at}))
        for at, own in enumerate(policy.terms)
    )
    document = policy.document.model_copy(update={"price_field": None, "assumptions": None})
    with pytest.raises(OfferPolicyError, match="different worth_dollars"):
        value_policy(exposures, replace(policy, document=document, terms=terms), STREAMFLOW)
