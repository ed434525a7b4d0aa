"""The intervals of learned rates hold the truth at every look. `benchmarks.learning.coverage` has the long form."""

from benchmarks.learning.coverage import measure_coverage

RUNS, LEAST = 60, 0.92


def test_intervals_hold_the_truth_at_every_look() -> None:
    coverage = measure_coverage(range(RUNS), looks=(500, 2_000))
    assert {name: share.held for name, share in coverage.items() if share.held < LEAST} == {}
    assert all(share.width > 0 for share in coverage.values())
