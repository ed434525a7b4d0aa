"""Sums over pairs, overall and by group, are what a naive count gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.strategies import subscribers
from support.tallies import BUNDLES, block, tallied

from churn.businesses import contract_names, find_contract
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.model.pairs import Side
from churn.shadow.groups import groupings
from churn.shadow.report import make_report
from churn.shadow.tally import MEASURES, Block

STREAMFLOW = find_contract("streamflow")


@pytest.fixture(params=contract_names())
def contract(request: pytest.FixtureRequest) -> type[Contract]:
    return find_contract(request.param)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_subscriber_is_in_the_group_that_the_wording_names(contract: type[Contract], data: st.DataObject) -> None:
    subscriber = contract.model_validate(data.draw(subscribers(contract)))
    values = np.array([subscriber.encode()])
    for spec, grouping in zip(contract.features, groupings(contract)[1:], strict=True):
        value = getattr(subscriber, spec.name)
        named = {"category": str(value), "boolean": "yes" if value else "no"}.get(spec.kind, spec.band(value).name)
        assert grouping.levels[grouping.of(values, np.zeros(1)).item()] == named


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_model_and_itself_differ_in_no_group(seed: int) -> None:
    pairs = block(STREAMFLOW, seed=seed, noise=0.0)
    found = tallied(STREAMFLOW, pairs)
    assert not found.sums.any()
    assert all(not sums[:, 1:].any() for sums in found.groups)
    report = make_report(BUNDLES, found)
    assert report.shift == {"mean": 0.0, "p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0}
    assert all(top.champion == top.challenger for top in report.tops)


def test_blocks_add_up_whatever_their_sizes(contract: type[Contract]) -> None:
    whole = block(contract, seed=1, noise=0.5, count=200)
    parts = [Block(*(_slice(each, start, start + 50) for each in whole)) for start in range(0, 200, 50)]
    one, several = tallied(contract, whole), tallied(contract, *parts)
    for name in ("pairs", "shifts", "sums", "tiers", "banners", "plane", "tops"):
        np.testing.assert_allclose(getattr(one, name), getattr(several, name))
    for sums, others in zip(one.groups, several.groups, strict=True):
        np.testing.assert_allclose(sums, others)


def test_every_grouping_divides_all_pairs_and_their_flips(contract: type[Contract]) -> None:
    found = tallied(contract, block(contract, seed=2, noise=1.0, count=500))
    assert found.sums[list(MEASURES).index("tier flips")] > 0
    for sums in found.groups:
        np.testing.assert_allclose(sums[:, 0].sum(), found.pairs)
        np.testing.assert_allclose(sums[:, 1:].sum(axis=0), found.sums)


def test_percentiles_are_those_of_the_differences() -> None:
    pairs = block(STREAMFLOW, seed=3, noise=0.7, count=999)
    report = make_report(BUNDLES, tallied(STREAMFLOW, pairs))
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
    return Side(*(each[start:end] for each in part)) if isinstance(part, Side) else part[start:end]


def test_bands_are_divided_where_they_are_worded() -> None:
    rows = draw_columns(STREAMFLOW, np.random.default_rng(0), 300)
    values = STREAMFLOW.encode_columns(rows).astype(float)
    [grouping] = [each for each in groupings(STREAMFLOW) if each.name == "tenure"]
    assert len(set(grouping.of(values, np.zeros(300)).tolist())) > 1
