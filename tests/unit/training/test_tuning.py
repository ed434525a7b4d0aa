"""A study can be interrupted without consequence, and what it chooses is the cheapest of the good."""

import json
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.businesses import find_contract, list_contracts
from churn.businesses.streamflow import CONTRACT as STREAMFLOW
from churn.contract.sampling import draw_columns
from churn.training.tuned import UNTUNED, Tuned, load_tuned, save_tuned
from churn.training.tuning import choose_trials, estimate_cost, tune

TRIALS = 13  # the first ten are random; only then does the search learn from what it has seen


def small_study(storage: str | None = None, *, trials: int = TRIALS, sha256: str = "0" * 64, **more: Any) -> Tuned:
    generator = np.random.default_rng(0)
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, generator, 120))
    labels = (rows[:, 0] + generator.normal(0, 30, len(rows)) < np.median(rows[:, 0])).astype(np.int8)
    return tune(
        STREAMFLOW, rows, labels, data_version="small", data_sha256=sha256, trials=trials, storage=storage, **more
    )


def die_within_a_trial(url: str) -> None:
    """Leaves a trial behind as running, its first parameter drawn, as a process does that is killed."""
    storage = optuna.storages.RDBStorage(url)
    optuna.load_study(study_name=None, storage=storage).ask().suggest_int("trees", 50, 400, step=25)
    storage.remove_session()
    storage.engine.dispose()


def test_a_study_interrupted_between_and_within_trials_ends_like_one_that_was_not(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/study.db"

    def interrupt(done: int, _: int, __: float) -> None:
        if done in {4, 11}:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            small_study(storage, progress=interrupt)
        die_within_a_trial(storage)
    assert small_study(storage) == small_study()


def test_a_finished_study_is_not_run_again(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/study.db"
    numbers = count()
    small_study(storage, trials=3)
    small_study(storage, trials=3, progress=lambda *_: next(numbers))
    assert next(numbers) == 0


def test_other_data_begins_a_study_of_its_own(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/study.db"
    first_told: list[int] = []
    small_study(storage, trials=2)
    small_study(storage, trials=2, sha256="1" * 64, progress=lambda done, _, __: first_told.append(done))
    assert first_told == [1, 2]


trials = st.builds(
    lambda trees, depth, mean, error: {
        "params": {"trees": trees, "max_depth": depth},
        "mean_auc": mean,
        "standard_error": error,
    },
    st.integers(50, 400),
    st.integers(2, 6),
    st.none() | st.floats(0.5, 1.0),
    st.floats(0.0, 0.05),
)


@given(table=st.lists(trials, min_size=1).filter(lambda table: any(t["mean_auc"] is not None for t in table)))
def test_the_chosen_is_the_cheapest_within_one_standard_error_of_the_best(table: list[dict[str, Any]]) -> None:
    best, chosen = choose_trials(table)
    complete = [trial for trial in table if trial["mean_auc"] is not None]
    assert best["mean_auc"] == max(trial["mean_auc"] for trial in complete)
    limit = best["mean_auc"] - best["standard_error"]
    assert chosen["mean_auc"] >= limit
    cheaper = [trial for trial in complete if estimate_cost(trial["params"]) < estimate_cost(chosen["params"])]
    assert all(trial["mean_auc"] < limit for trial in cheaper)


def test_the_cost_is_trees_times_two_to_the_depth() -> None:
    assert estimate_cost({"trees": 100, "max_depth": 3}) == 800


@pytest.mark.parametrize("name", list_contracts())
def test_committed_parameters_follow_from_their_record(name: str) -> None:
    tuned = load_tuned(find_contract(name))
    assert tuned != UNTUNED
    best, chosen = choose_trials(tuned.record["trials"])
    assert (best, chosen) == (tuned.record["best"], tuned.record["chosen"])
    assert tuned.params == chosen["params"]


def test_what_is_saved_reads_back_the_same(tmp_path: Path) -> None:
    save_tuned(UNTUNED, tmp_path / "tuned.json")
    assert json.loads((tmp_path / "tuned.json").read_text()) == asdict(UNTUNED)
