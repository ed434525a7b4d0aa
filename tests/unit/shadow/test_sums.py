"""Sums over pairs, overall and by group, are what a naive count gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.pair_sums import BUNDLES, block, sum_up
from support.strategies import subscribers

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.model.pairs import ModelAnswers
from churn.shadow.report import build_report
from churn.shadow.sums import MEASURES, PairBlock, list_groupings


@pytest.fixture(params=list_contracts())
def contract(request: pytest.FixtureRequest) -> type[Contract]:
    return find_contract(request.param)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_subscriber_is_in_the_group_that_the_wording_names(contract: type[Contract], data: st.DataObject) -> None:
    subscriber = contract.model_validate(data.draw(subscribers(contract)))
    values = np.array([subscriber.encode()])
    for spec, grouping in zip(contract.features, list_groupings(contract)[1:], strict=True):
        value = getattr(subscriber, spec.name)
        named = {"category": str(value), "boolean": "yes" if value else "no"}.get(spec.kind, spec.find_band(value).name)
        assert grouping.levels[grouping.assign(values, np.zeros(1)).item()] == named


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_model_and_itself_differ_in_no_group(seed: int) -> None:
    pairs = block(STREAMFLOW, seed=seed, noise=0.0)
    sums = sum_up(STREAMFLOW, pairs)
    assert not sums.totals.any()
    assert all(not group[:, 1:].any() for group in sums.groups)
    report = build_report(BUNDLES, sums)
    assert report.shift == {"mean": 0.0, "p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0}
    assert all(top.champion == top.challenger for top in report.tops)


def test_blocks_add_up_whatever_their_sizes(contract: type[Contract]) -> None:
    whole = block(contract, seed=1, noise=0.5, count=200)
    parts = [PairBlock(*(_slice(part, start, start + 50) for part in whole)) for start in range(0, 200, 50)]
    at_once, in_parts = sum_up(contract, whole), sum_up(contract, *parts)
    for name in ("pairs", "shifts", "totals", "tiers", "banners", "plane", "tops"):
        np.testing.assert_allclose(getattr(at_once, name), getattr(in_parts, name))
    for group, same_group in zip(at_once.groups, in_parts.groups, strict=True):
        np.testing.assert_allclose(group, same_group)


def test_every_grouping_divides_all_pairs_and_their_flips(contract: type[Contract]) -> None:
    sums = sum_up(contract, block(contract, seed=2, noise=1.0, count=500))
    assert sums.totals[list(MEASURES).index("tier flips")] > 0
    for group in sums.groups:
        np.testing.assert_allclose(group[:, 0].sum(), sums.pairs)
        np.testing.assert_allclose(group[:, 1:].sum(axis=0), sums.totals)


def test_percentiles_are_those_of_the_differences() -> None:
    pairs = block(STREAMFLOW, seed=3, noise=0.7, count=999)
    report = build_report(BUNDLES, sum_up(STREAMFLOW, pairs))
    apart = pairs.challenger.probability - pairs.champion.probability
    assert report.shift["mean"] == pytest.approx(apart.mean())
    assert report.means["difference"] == pytest.approx(abs(apart).mean())
    assert report.shift["p50"] == pytest.approx(np.median(abs(apart)))
    assert report.shift["max"] == pytest.approx(abs(apart).max())
    flips = report.tiers["low"]["medium"] + report.tiers["low"]["high"]
    below = pairs.champion.probability < 0.3
    assert flips == (below & (pairs.challenger.probability >= 0.3)).sum()
    assert sum(report.banners["banner"].values()) == (pairs.champion.probability > 0.6).sum()


def _slice(part: Any, start: int, end: int) -> Any:
    return (
        ModelAnswers(*(numbers[start:end] for numbers in part)) if isinstance(part, ModelAnswers) else part[start:end]
    )


def test_bands_are_divided_where_they_are_worded() -> None:
    rows = draw_columns(STREAMFLOW, np.random.default_rng(0), 300)
    values = STREAMFLOW.encode_columns(rows).astype(float)
    [grouping] = [grouping for grouping in list_groupings(STREAMFLOW) if grouping.name == "tenure"]
    assert len(set(grouping.assign(values, np.zeros(300)).tolist())) > 1
