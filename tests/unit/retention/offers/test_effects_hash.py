"""The effects of a policy have one name, whatever else its file says."""

from collections.abc import Callable
from datetime import date

import pytest
from support.examples import STREAMFLOW

from churn.retention.offers.document import Estimate, Measured, PolicyDocument
from churn.retention.offers.effects_hash import hash_effects
from churn.retention.offers.policy import find_default_policy, read_policy

DOCUMENT = read_policy(find_default_policy(STREAMFLOW)).document
FIRST = DOCUMENT.offers[0]


def change_first(**fields: object) -> PolicyDocument:
    return DOCUMENT.model_copy(update={"offers": (FIRST.model_copy(update=fields), *DOCUMENT.offers[1:])})


def measure(value: float, low: float) -> Measured:
    day = date(2026, 1, 1)
    strength = Estimate(value=value, low=low, high=2.0)
    return Measured.model_validate(
        {"experiment": "a", "from": day, "until": day, "subscribers": 9, "strength": strength}
    )


@pytest.mark.parametrize("change", [lambda: change_first(take_up=0.99), lambda: change_first(title={"en": "Other"})])
def test_costs_and_texts_do_not_count(change: Callable[[], PolicyDocument]) -> None:
    assert hash_effects(change()) == hash_effects(DOCUMENT)


def test_another_effect_is_another_name() -> None:
    group, rate = next(iter(FIRST.saves.items()))
    assert hash_effects(change_first(saves={**FIRST.saves, group: rate / 2})) != hash_effects(DOCUMENT)


def test_a_measured_strength_counts_and_its_interval_does_not() -> None:
    measured = hash_effects(change_first(measured=measure(0.5, 0.1)))
    assert measured != hash_effects(DOCUMENT)
    assert measured == hash_effects(change_first(measured=measure(0.5, 0.3)))
    assert measured != hash_effects(change_first(measured=measure(0.6, 0.1)))
    assert hash_effects(change_first(measured=measure(1.0, 0.1))) == hash_effects(DOCUMENT)  # as it is assumed
