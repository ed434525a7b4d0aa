"""A holdout that two versions share, that no copy of a row gets around, and that tells later who was in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from churn.training.folds import MOST_ROWS, count_needed, draw_folds, draw_sample
from churn.training.groups import Labels, group_rows
from churn.training.holdout import Boundary, Split, hash_rows, split_rows

ROWS = np.arange(2000, dtype=np.float32).reshape(1000, 2)
LABELS = (np.arange(1000) % 3 == 0).astype(np.int8)
IDS = tuple(f"id-{number}" for number in range(1000))


def split(ids: tuple[str, ...] = IDS, rows: np.ndarray = ROWS, labels: Labels = LABELS, key: str = "a key") -> Split:
    return split_rows(key, group_rows(ids, rows), ids, rows, labels)


@given(labels=st.lists(st.integers(0, 1), min_size=20, max_size=300), copies=st.integers(0, 10))
def test_a_split_is_whole_disjoint_and_stratified(labels: list[int], copies: int) -> None:
    known = np.array([0, 0, 1, 1, *labels], dtype=np.int8)
    rows = np.arange(len(known), dtype=np.float32).reshape(-1, 1)
    rows[: min(copies, 8)] = 0
    ids = tuple(map(str, range(len(known))))
    train, holdout, _ = split(ids, rows, known)
    assert sorted([*train, *holdout]) == list(range(len(known)))
    for label in (0, 1):
        of_label = int((known[holdout] == label).sum())
        assert of_label == pytest.approx(0.2 * (known == label).sum(), abs=1 + copies)
    assert np.array_equal(split(ids, rows, known).holdout, holdout)


def test_each_label_has_a_fifth_of_its_rows_in_the_holdout() -> None:
    assert np.bincount(LABELS[split().holdout]).tolist() == [133, 67]  # of 666 and 334


def test_a_subscriber_is_held_out_from_each_file_whatever_stands_beside_them() -> None:
    order = np.random.default_rng(0).permutation(1000)[:800]
    later = split(tuple(IDS[at] for at in order), ROWS[order] + 1, LABELS[order])
    first = {IDS[at] for at in split().holdout}
    again = {IDS[order[at]] for at in later.holdout}
    assert len(again - first) < 12  # at the boundary, which is another number in each file
    assert {IDS[at] for at in split(key="another").holdout} & first != first


def test_the_boundary_tells_of_any_id_that_it_was_not_trained_on() -> None:
    train, holdout, boundary = split()
    kept = Boundary.read_tags(boundary.build_tags())
    assert kept == boundary
    is_held = boundary.find_held_out(IDS, ROWS)
    assert is_held is not None
    assert not is_held[train].any()
    assert is_held[holdout].mean() > 0.9
    assert set(hash_rows(IDS, ROWS, "a key")).isdisjoint({boundary.stayed_below, boundary.left_below})


@pytest.mark.parametrize("name", ["holdout_stayed_below", "holdout_hash_of"])
@pytest.mark.parametrize("value", ["", "nan", "1.5", "x"])
def test_a_boundary_that_cannot_be_believed_is_none(name: str, value: str) -> None:
    assert Boundary.read_tags(split().boundary.build_tags() | {name: value}) is None


def test_of_a_file_without_ids_nobody_says_who_was_trained_on() -> None:
    boundary = split().boundary
    assert boundary.find_held_out((), ROWS) is None
    of_rows = split(ids=()).boundary
    assert of_rows.identity == "row"
    assert of_rows.find_held_out(IDS, ROWS) is not None


def test_all_rows_of_an_id_and_all_copies_are_on_one_side() -> None:
    ids = tuple(f"id-{number // 4}" for number in range(1000))
    rows = ROWS.copy()
    rows[2::40] = rows[0::40][: len(rows[2::40])]
    rows[7::40] = rows[2::40]  # so three ids hang together by copies
    groups = group_rows(ids, rows)
    train, holdout, _ = split_rows("a key", groups, ids, rows, LABELS)
    assert {ids[at] for at in train}.isdisjoint(ids[at] for at in holdout)
    assert {row.tobytes() for row in rows[train]}.isdisjoint(row.tobytes() for row in rows[holdout])
    assert len(holdout) == pytest.approx(200, abs=12)
    said = " ".join(groups.describe())
    assert "250 ids stand in several rows (1,000 rows)" in said
    assert "50 rows have the same features as an earlier one: identical rows are on one side" in said


def test_rows_that_are_alike_by_chance_are_not_taken_for_copies() -> None:
    rows = np.ascontiguousarray(ROWS % 4)
    groups = group_rows(IDS, rows)
    assert len(np.unique(groups.numbers)) == 1000
    assert "chance makes identical rows" in " ".join(groups.describe())


def test_without_ids_it_is_said_that_rows_are_hashed() -> None:
    assert "no column of ids" in next(iter(group_rows((), ROWS).describe()))
    assert list(group_rows(IDS, ROWS).describe()) == []


def test_no_copy_is_in_two_folds_and_single_rows_have_the_folds_of_scikit_learn() -> None:
    rows = ROWS.copy()
    rows[500:] = rows[:500]
    groups = group_rows(IDS, rows).numbers
    for fitted, measured in draw_folds(LABELS, 0, groups):
        assert set(groups[fitted]).isdisjoint(groups[measured])
        assert len(measured) == pytest.approx(200, abs=4)
    theirs = StratifiedKFold(5, shuffle=True, random_state=0).split(LABELS, LABELS)
    for ours, their in zip(draw_folds(LABELS, 0), theirs, strict=True):
        assert [part.tolist() for part in ours] == [part.tolist() for part in their]


def test_a_sample_takes_all_rows_of_a_group_or_none() -> None:
    labels = np.tile(np.array([0, 0, 1, 1], dtype=np.int8), MOST_ROWS // 2)
    groups = np.arange(len(labels)) // 2
    sample = draw_sample(labels, 0, groups)
    assert len(sample) == MOST_ROWS
    assert (np.bincount(groups[sample], minlength=len(labels) // 2) % 2 == 0).all()


def test_copies_count_once_in_what_is_needed() -> None:
    labels = np.array([0] * 50 + [1] * 50, dtype=np.int8)
    assert count_needed(labels, np.arange(100), 0) == 0
    assert count_needed(labels, np.array([*range(50), *[50] * 50]), 0) == 6
