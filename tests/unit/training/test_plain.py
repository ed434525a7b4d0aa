"""Plain parameters are as deep as the data asks for, and no deeper."""

import numpy as np
import pytest
from support.examples import STREAMFLOW

from churn.contract.sampling import draw_columns
from churn.training.folds import FOLDS
from churn.training.methods.catalogue import SERVABLE, XGBOOST
from churn.training.methods.method import MOST_TREES, ServableMethod
from churn.training.plain import find_plain_params

WIDTH = len(STREAMFLOW.features)


def draw(margin_of: str, count: int = 500) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, generator, count))
    ranks = (np.argsort(np.argsort(rows, axis=0), axis=0) / count - 0.5).astype(np.float64)
    names = STREAMFLOW.feature_names()
    free = [ranks[:, at] for at, direction in enumerate(STREAMFLOW.monotone_constraints()) if not direction]
    assert len(free) >= 2, names
    margin = 6 * free[0] if margin_of == "one" else 90 * np.prod(free[:3], axis=0)
    return rows, (generator.random(count) < 1 / (1 + np.exp(-margin))).astype(np.int8)


@pytest.mark.parametrize("method", SERVABLE.values(), ids=SERVABLE)
def test_one_feature_that_matters_gets_small_trees_and_few_of_them(method: ServableMethod) -> None:
    told: list[int] = []
    found = find_plain_params(
        STREAMFLOW, *draw("one"), seed=0, method=method, progress=lambda done, _, __: told.append(done)
    )
    assert found[method.size] == method.plain_sizes[0]
    assert 1 <= found["trees"] < MOST_TREES
    assert told == list(range(len(method.plain_sizes) * FOLDS + 1))


def test_features_that_matter_together_get_trees_that_ask_about_several() -> None:
    found = find_plain_params(STREAMFLOW, *draw("three"), seed=0)
    assert found["max_depth"] > XGBOOST.plain_sizes[0]


def test_the_same_file_gets_the_same_parameters() -> None:
    assert find_plain_params(STREAMFLOW, *draw("three"), seed=0) == find_plain_params(
        STREAMFLOW, *draw("three"), seed=0
    )
