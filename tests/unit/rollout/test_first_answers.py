"""Each subscriber counts once, by the earliest record, in whatever order a log is read."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn.businesses import find_contract
from churn.judging.checks import BANNERS, DEFAULT_CHECKS, REASONS, SCORES, TIERS
from churn.model.pairs import Flags, ModelAnswers
from churn.rollout.first_answers import FirstAnswers, flag_parts, keys_from_subscribers, list_parts

CONTRACT = find_contract("streamflow")
PARTS = list_parts(CONTRACT)
WIDTH = len(CONTRACT.features)

type Row = tuple[str, int, int]  # the subscriber, the time, and which answers
rows_of_a_log = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5), st.integers(0, 9)), max_size=30)


def flags_of(numbers: Sequence[int], salt: int) -> Flags:
    drawn = [np.random.default_rng([number, salt]).random(len(PARTS)) < 0.5 for number in numbers]
    return np.array(drawn, dtype=bool).reshape(-1, len(PARTS))


def add(first: FirstAnswers, rows: Sequence[Row]) -> None:
    keys, times = keys_from_subscribers([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=np.int64)
    chosen = first.choose(keys, times)
    numbers = [rows[at][2] for at in chosen]
    first.put(keys[chosen], times[chosen], flags_of(numbers, 1), flags_of(numbers, 2))


@given(st.lists(rows_of_a_log, max_size=5))
def test_the_counts_are_those_of_the_earliest_record_of_each_subscriber(looks: list[list[Row]]) -> None:
    first, earliest = FirstAnswers(CONTRACT), dict[str, Row]()
    for rows in looks:
        add(first, rows)
        for row in rows:
            if row[0] not in earliest or row[1] < earliest[row[0]][1]:
                earliest[row[0]] = row
    numbers = [row[2] for row in earliest.values()]
    canary, stable = flags_of(numbers, 1), flags_of(numbers, 2)
    counted = first.count()
    assert counted.subscribers == len(earliest)
    for at, (measure, part) in enumerate(PARTS):
        only_canary, only_stable = canary[:, at] & ~stable[:, at], stable[:, at] & ~canary[:, at]
        assert counted.parts[measure][part] == (int(only_canary.sum()), int(only_stable.sum()))


def test_no_more_are_counted_than_there_is_room_for() -> None:
    first = FirstAnswers(CONTRACT, most=3)
    add(first, [("a", 5, 1), ("b", 5, 1)])
    assert not first.is_full
    add(first, [("c", 5, 1), ("d", 5, 1), ("a", 1, 2)])
    assert (len(first), first.is_full) == (3, True)
    add(first, [("e", 0, 1)])
    assert first.count().subscribers == 3


def test_the_parts_are_those_that_the_checks_compare() -> None:
    contributions = np.zeros((1, WIDTH))
    contributions[0, [4, 1, 2]] = 3.0, -2.0, 1.0
    low, medium = CONTRACT.tiers
    flags = flag_parts(ModelAnswers(np.array([medium]), contributions), medium, CONTRACT)[0]
    flagged = [part for flag, part in zip(flags, PARTS, strict=True) if flag]
    found = {
        measure.name: {part for name, part in flagged if name == measure.name}
        for measure in (SCORES, BANNERS, TIERS, REASONS)
    }
    assert found[SCORES.name] == {f"up to {bound / 20:g}" for bound in range(1, 20) if bound / 20 >= medium}
    assert found[BANNERS.name] == set()  # the threshold itself is not above it
    assert found[TIERS.name] == {"high"}
    assert found[REASONS.name] == {CONTRACT.feature_names()[at] for at in (1, 2, 4)}
    assert low < medium
    assert {name for name, _ in PARTS} <= {check.measure.name for check in DEFAULT_CHECKS}
