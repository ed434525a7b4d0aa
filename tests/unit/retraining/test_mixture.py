"""Who is trained on and who is held out, where old rows and rows of the log meet."""

import numpy as np
import pytest
from support.exposed import make_exposures

from churn.businesses import find_contract
from churn.contract.sampling import draw_demo_columns
from churn.retraining.mixture import mix_rows
from churn.retraining.untreated import UntreatedRows, find_untreated
from churn.training.data import TrainingData

CONTRACT = find_contract("streamflow")


def hash_key(key: str) -> str:
    return f"hashed {key}"


def draw_old(count: int = 300) -> TrainingData:
    generator = np.random.default_rng(1)
    columns = draw_demo_columns(CONTRACT, generator, count)
    labels = generator.integers(0, 2, count).astype(np.int8)
    ids = tuple(f"sub-{number}" for number in range(count))
    return TrainingData("old", "0" * 64, columns, CONTRACT.encode_columns(columns), labels, ids)


def draw_logged(count: int, identities: list[str], *, seed: int = 2, rows: np.ndarray | None = None) -> UntreatedRows:
    generator = np.random.default_rng(seed)
    drawn = CONTRACT.encode_columns(draw_demo_columns(CONTRACT, generator, count)) if rows is None else rows
    chances = np.where(generator.random(count) < 0.3, 0.1, 1.0)
    return find_untreated(
        make_exposures(
            drawn, generator.random(count) < 0.5, chances=chances, treated=[False] * count, identities=identities
        )
    )


def test_the_old_rows_keep_their_sides_and_new_subscribers_are_held_out_by_a_fifth() -> None:
    data, logged = draw_old(), draw_logged(5000, [f"new {number}" for number in range(5000)])
    mixture = mix_rows(CONTRACT, data, logged, hash_key)
    held = np.flatnonzero(mixture.is_held_out & ~mixture.is_logged)
    assert held.tolist() == data.split(CONTRACT).holdout.tolist()
    assert mixture.count(logged=True, held_out=True) / 5000 == pytest.approx(0.2, abs=0.02)
    assert mixture.boundary == data.split(CONTRACT).boundary
    again = mix_rows(CONTRACT, data, draw_logged(5000, [f"new {number}" for number in range(5000)]), hash_key)
    assert np.array_equal(again.is_held_out, mixture.is_held_out)


def test_a_subscriber_of_both_is_on_the_side_of_their_old_row() -> None:
    data = draw_old()
    mixture = mix_rows(CONTRACT, data, draw_logged(300, [hash_key(id_) for id_ in data.ids]), hash_key)
    assert np.array_equal(mixture.is_held_out[:300], mixture.is_held_out[300:])
    assert np.array_equal(mixture.groups[:300], mixture.groups[300:])


def test_without_the_salt_a_copy_is_still_on_the_side_of_the_row_that_it_copies() -> None:
    data = draw_old()
    mixture = mix_rows(CONTRACT, data, draw_logged(300, [f"new {n}" for n in range(300)], rows=data.rows))
    assert mixture.left_out == 0
    assert np.array_equal(mixture.is_held_out[:300], mixture.is_held_out[300:])


def test_a_row_that_ties_a_held_out_one_to_one_trained_on_is_left_out() -> None:
    data = draw_old()
    split = data.split(CONTRACT)
    copied, owner = int(split.holdout[0]), data.ids[int(split.train[0])]
    logged = draw_logged(2, [hash_key(owner), "new"], rows=data.rows[[copied, int(split.train[5])]])
    mixture = mix_rows(CONTRACT, data, logged, hash_key)
    assert mixture.left_out == 1
    assert len(mixture.labels) == 301


def test_the_log_weighs_what_it_tells() -> None:
    logged = draw_logged(1000, [f"new {number}" for number in range(1000)])
    mixture = mix_rows(CONTRACT, draw_old(), logged, hash_key)
    weights = mixture.weights[mixture.is_logged]
    assert weights.sum() == pytest.approx(logged.weights.sum() ** 2 / (logged.weights**2).sum())
    assert np.allclose(weights / weights.min(), logged.weights / logged.weights.min())
    assert (mixture.weights[~mixture.is_logged] == 1).all()
    assert np.isfinite(mixture.weights).all()


def test_an_empty_log_leaves_the_old_rows_as_they_are() -> None:
    data = draw_old()
    mixture = mix_rows(CONTRACT, data, draw_logged(0, []), hash_key)
    assert len(mixture.labels) == 300
    assert mixture.weights.tolist() == [1.0] * 300
