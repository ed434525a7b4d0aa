"""What a policy says of segments, of what was measured, and of exploring: read, checked, made ready."""

import re
from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, POLICY, policy_of

from churn.errors import OfferPolicyError
from churn.retention.offers.document import Explore
from churn.retention.offers.policy import Policy, load_policy
from churn.retention.offers.segments import find_segment

SEGMENT = """
[[segment]]
name = "asks-for-help"
when.num_support_tickets.at_least = 2

[[segment]]
name = "costly"
when.monthly_charges.at_least = 80
"""
MEASURED = """
[offer.measured]
experiment = "retention-banner-1"
from = 2026-01-01
until = 2026-06-30
subscribers = 4100
take_up = { value = 0.28, low = 0.25, high = 0.31 }
leavers_use = { value = 0.25, low = 0.2, high = 0.3 }
strength = { value = 0.62, low = 0.40, high = 0.84 }
[[offer.measured.segment]]
name = "costly"
subscribers = 800
strength = { value = -0.1, low = -0.5, high = 0.3 }
"""
EXPLORE = """
[explore]
share = 0.02
below_threshold = 0.01
period_days = 30
"""
LAST_LINES = SEGMENT + EXPLORE + MEASURED  # [offer.measured] at the end is of the last offer, autopay-3


def load(folder: Path, addition: str) -> Policy:
    path = folder / "policy.toml"
    head, first, offers = POLICY.read_text(encoding="utf-8").partition("[[offer]]")
    path.write_text(head + addition.replace(MEASURED, "") + first + offers + MEASURED * (MEASURED in addition))
    return load_policy(path, STREAMFLOW, languages=LANGUAGES)


def test_an_old_policy_means_what_it_meant(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)
    assert policy.without_offer == "reasons"
    assert policy.explore == Explore(share=0.0, below_threshold=0.0, period_days=90)
    assert policy.segments == ()
    assert all(terms.strengths == (1.0,) and terms.leavers_use == 1.0 for terms in policy.terms)
    assert [terms.take_up for terms in policy.terms] == [terms.offer.take_up for terms in policy.terms]
    assert all(terms.offer.explore for terms in policy.terms)


def test_a_measured_number_replaces_the_assumed_one(tmp_path: Path) -> None:
    *others, autopay = load(tmp_path, LAST_LINES).terms
    assert (autopay.take_up, autopay.leavers_use, autopay.strengths) == (0.28, 0.25, (0.62, -0.1, 0.62))
    assert all(terms.strengths == (1.0, 1.0, 1.0) for terms in others)


def test_the_first_segment_that_fits_counts_and_the_rest_are_others(tmp_path: Path) -> None:
    segments = load(tmp_path, SEGMENT).segments
    cases = {(2, 90.0): 0, (2, 20.0): 0, (1, 90.0): 1, (1, 20.0): 2}
    for (tickets, charges), segment in cases.items():
        values = STREAMFLOW.example() | {"num_support_tickets": tickets, "monthly_charges": charges}
        assert find_segment(segments, STREAMFLOW.model_validate(values)) == segment


def test_a_table_explore_alone_means_two_in_a_hundred(tmp_path: Path) -> None:
    assert load(tmp_path, "[explore]\n").explore == Explore(share=0.02, below_threshold=0.0, period_days=90)


WRONG = [
    ("at_least = 80", "at_most = -1", 'segment "costly": when: monthly_charges: at_most: is -1', "raise it"),
    ("when.monthly_charges.at_least = 80", "", 'segment "costly": when: is missing', "all of it must hold"),
    ("when.monthly_charges.at_least = 80", "when = {}", 'segment "costly": when: table should', "all of it must hold"),
    ("monthly_charges.at_least = 80", "senior_citizen.is = [true]", "senior_citizen: is protected", "take the cond"),
    ("monthly_charges.at_least = 80", "charges.at_least = 80", "when: charges: is no field of the", "use tenure"),
    ('name = "costly"\nwhen', 'name = "asks-for-help"\nwhen', 'segment "asks-for-help": stands there 2', "each a name"),
    ('name = "costly"\nwhen', 'name = "others"\nwhen', 'segment "others": is the name of all who', "another name"),
    ('name = "costly"\nsub', 'name = "dear"\nsub', 'measured: segment "dear": is no segment', "use asks-for-help"),
    ("share = 0.02", "share = 1.02", "explore: share: should be less than or equal to 1", "who get an action by lot"),
    ("below_threshold = 0.01", "below_threshold = -0.01", "explore: below_threshold: should be greater", "take part"),
    ("period_days = 30", "period_days = 0", "explore: period_days: should be greater", "keeps the same lot"),
    ("[explore]", 'without_offer = "no"\n[explore]', "is not known", "leave it out"),  # it belongs above the tables
    ("low = 0.25,", "low = 0.29,", "measured: take_up: should have low <= value <= high", "share who accept"),
    ("high = 0.84", "high = 0.5", "measured: strength: should have low <= value <= high", "multiple of"),
    ("high = 0.31", "high = 1.31", "measured: take_up: high: should be less than or equal to 1", "upper end"),
    ("low = -0.5", "low = nan", 'measured: segment "costly": strength: low: should be a finite', "lower end"),
    ("until = 2026-06-30", "until = 2025-06-30", "measured: should have from <= until", "what was measured of it"),
    ("value = -0.1, low = -0.5", "value = -1e300, low = -1e300", "more leaving than there is", "at least -14"),
    (
        "value = 0.62, low = 0.40, high = 0.84",
        "value = 15, low = 9, high = 20",
        "more leaving than there is",
        "at most",
    ),
]


@pytest.mark.parametrize(("old", "new", "what", "instead"), WRONG, ids=[what for _, _, what, _ in WRONG])
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(
    tmp_path: Path, old: str, new: str, what: str, instead: str
) -> None:
    assert old in LAST_LINES
    path = tmp_path / "policy.toml"
    head, offers = POLICY.read_text(encoding="utf-8").split("[[offer]]", 1)
    before, after = (part.replace(old, new) for part in (SEGMENT + EXPLORE, MEASURED))
    path.write_text(f"{head}{before}\n[[offer]]{offers}{after}", encoding="utf-8")
    with pytest.raises(OfferPolicyError) as caught:
        load_policy(path, STREAMFLOW, languages=LANGUAGES)
    assert what in caught.value.message
    assert instead in caught.value.instead + caught.value.message
    assert not re.search("Input|tuple|[Dd]ictionary|string|pattern", caught.value.message)


def test_there_are_at_most_six_segments(tmp_path: Path) -> None:
    seven = "".join(f'[[segment]]\nname = "s{at}"\nwhen.tenure.at_least = {at}\n' for at in range(7))
    with pytest.raises(OfferPolicyError, match="segment: list should have at most 6 items") as caught:
        load(tmp_path, seven)
    assert "the first that fits counts" in caught.value.instead
