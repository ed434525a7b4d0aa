"""What two versions said of the same subscribers."""

from churn.judging.pairs import PairCounts


def test_counts_of_other_subscribers_are_added_part_by_part() -> None:
    first = PairCounts(10, {"tiers": {"low": (1, 0), "high": (0, 1)}})
    second = PairCounts(5, {"tiers": {"low": (2, 2)}, "banners": {"with a banner": (0, 3)}})
    parts = {"tiers": {"low": (3, 2), "high": (0, 1)}, "banners": {"with a banner": (0, 3)}}
    assert first + second == second + first == PairCounts(15, parts)


def test_nobody_added_changes_nothing() -> None:
    counts = PairCounts(10, {"tiers": {"low": (1, 0)}})
    assert PairCounts() + counts == counts + PairCounts() == counts
