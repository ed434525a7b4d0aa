"""How often a challenger would do something else: both bundles decide anew on the same subscribers."""

from pathlib import Path

import pytest
from support.predicted import find_policy, make_entry
from support.shadowed import write_shadowed
from support.uplifts import build_uplift, draw_rows, write_uplift_bundle

from churn.model.bundle import Bundle
from churn.model.shelf import Shelf
from churn.model.uplift_sealing import UpliftParts
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.policies import keep_policy
from churn.shadow.actions import compare_actions, json_from_actions
from churn.shadow.reading import BundlePair


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shelf, Bundle, Bundle]:
    """A champion whose uplift is planted, and a challenger of the same model whose uplift says the offers' in turn."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    parts = build_uplift(draw_rows(3000))
    alone, *offers = parts.card.offers
    turned = dict(zip([alone, *offers], [alone, *reversed(offers)], strict=True))
    other = UpliftParts(parts.card, {code: parts.models[turned[code]] for code in turned})
    return (
        shelf,
        write_uplift_bundle(shelf.bundle("v1"), "v1", uplift=parts),
        write_uplift_bundle(shelf.bundle("v2"), "v2", uplift=other),
    )


def write_log(home: Path, champion: Bundle, challenger: Bundle) -> tuple[Places, BundlePair]:
    log = locate_log(None, "streamflow", home=home)
    log.prepare()
    policy = find_policy(champion)
    keep_policy(log.journals, policy.content)
    prices = range(30, 130, 4)
    entries = [make_entry(champion, key=f"k{price}", tenure=3, monthly_charges=float(price)) for price in prices]
    write_shadowed(log, challenger, entries, version="v2", champion=champion)
    return log, BundlePair("v1", champion.sha256, "v2", challenger.sha256)


def test_another_uplift_of_the_same_model_does_something_else_and_it_is_counted(
    tmp_path: Path, shelf: tuple[Shelf, Bundle, Bundle]
) -> None:
    where, champion, challenger = shelf
    log, bundles = write_log(tmp_path, champion, challenger)
    comparison = compare_actions(log, where, bundles)
    assert comparison.why == ""
    assert comparison.by_uplift == (True, True)
    assert 0 < comparison.others < comparison.subscribers
    figures = json_from_actions(comparison)
    assert figures
    assert sum(pair["subscribers"] for pair in figures["pairs"]) == comparison.subscribers
    assert compare_actions(log, where, bundles, most=2).subscribers == 2


def test_the_same_bundle_does_the_same_for_everybody(tmp_path: Path, shelf: tuple[Shelf, Bundle, Bundle]) -> None:
    where, champion, _ = shelf
    log, bundles = write_log(tmp_path, champion, champion)
    comparison = compare_actions(log, where, bundles)
    assert comparison.subscribers > 0 == comparison.others


def test_what_keeps_it_from_being_compared_is_said(tmp_path: Path, shelf: tuple[Shelf, Bundle, Bundle]) -> None:
    where, champion, challenger = shelf
    log, bundles = write_log(tmp_path, champion, challenger)
    unknown = bundles._replace(challenger_sha256="f" * 64)
    assert "no bundle in" in compare_actions(log, where, unknown).why
    assert "answered by both" in compare_actions(log, where, bundles._replace(challenger="v9")).why
