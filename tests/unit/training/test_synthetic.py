"""The demo data follow the process that the contract documents."""

import hashlib
import io
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field
from support.strategies import subscribers, values

from churn.businesses.streamflow import CONTRACT as STREAMFLOW
from churn.businesses.telco import CONTRACT as TELCO
from churn.contract.declaration import Contract, Feature
from churn.contract.phrases import Band, Bands, CountedNoun
from churn.errors import DataError
from churn.training.synthetic import compute_best_possible_auc, compute_true_probability, make_demo, make_demo_csv
from churn.training.tuned import load_tuned

assert STREAMFLOW.demo is not None
VERSIONS = list(STREAMFLOW.demo.versions)
FIRST, LATER = VERSIONS


@pytest.fixture(scope="module")
def demos() -> dict[str, pd.DataFrame]:
    return {version: make_demo(STREAMFLOW, version) for version in VERSIONS}


def probability(version: str, *several: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    columns = {name: np.array([one[name] for one in several]) for name in STREAMFLOW.feature_names()}
    return compute_true_probability(STREAMFLOW, version, columns)


def test_the_same_version_makes_the_same_data(demos: dict[str, pd.DataFrame]) -> None:
    pd.testing.assert_frame_equal(make_demo(STREAMFLOW, FIRST), demos[FIRST])


def test_the_file_holds_the_data(demos: dict[str, pd.DataFrame]) -> None:
    read = pd.read_csv(io.BytesIO(make_demo_csv(STREAMFLOW, FIRST)), dtype={STREAMFLOW.label_column: str})
    pd.testing.assert_frame_equal(read, demos[FIRST], check_dtype=False, check_exact=True)


def test_the_committed_parameters_were_tuned_on_the_very_data_that_the_first_version_makes() -> None:
    assert hashlib.sha256(make_demo_csv(STREAMFLOW, FIRST)).hexdigest() == load_tuned(STREAMFLOW).record["data_sha256"]


def test_columns_are_the_id_the_features_in_order_and_the_label(demos: dict[str, pd.DataFrame]) -> None:
    assert list(demos[FIRST]) == [STREAMFLOW.id_column, *STREAMFLOW.feature_names(), STREAMFLOW.label_column]
    assert demos[FIRST][STREAMFLOW.id_column].is_unique


@pytest.mark.parametrize("version", VERSIONS)
def test_every_row_follows_the_contract(demos: dict[str, pd.DataFrame], version: str) -> None:
    features = demos[version][STREAMFLOW.feature_names()]
    for values_of_row in zip(*(features[name].tolist() for name in features), strict=True):
        STREAMFLOW.model_validate(dict(zip(features, values_of_row, strict=True)))


def test_a_feature_that_the_process_does_not_know_of_is_drawn_by_itself(demos: dict[str, pd.DataFrame]) -> None:
    class Later(STREAMFLOW):
        """StreamFlow with one more feature."""

        devices: Annotated[
            int,
            Field(ge=1, le=9, description="Devices in use.", examples=[2]),
            Feature(says=Bands([Band("Having devices", name="any")], words=CountedNoun("device", "devices"))),
        ]

    demo = make_demo(Later, FIRST)
    assert set(demo["devices"]) == set(range(1, 10))
    pd.testing.assert_frame_equal(demo[STREAMFLOW.feature_names()], demos[FIRST][STREAMFLOW.feature_names()])


def left(frame: pd.DataFrame) -> npt.NDArray[np.int8]:
    """The labels: 1 for those who left."""
    return (frame[STREAMFLOW.label_column] == STREAMFLOW.label_values[1]).to_numpy().astype(np.int8)


@pytest.mark.parametrize("version", VERSIONS)
def test_as_many_leave_as_the_true_probability_says(demos: dict[str, pd.DataFrame], version: str) -> None:
    truth = compute_true_probability(STREAMFLOW, version, demos[version])
    who_left = left(demos[version])
    for part in np.array_split(np.argsort(truth), 10):
        standard_error = np.sqrt(np.sum(truth[part] * (1 - truth[part]))) / len(part)
        assert who_left[part].mean() == pytest.approx(truth[part].mean(), abs=4 * standard_error)


def test_the_first_version_can_be_told_apart_as_well_as_reported_and_the_later_one_better(
    demos: dict[str, pd.DataFrame],
) -> None:
    best = {
        version: compute_best_possible_auc(STREAMFLOW, version, demos[version], left(demos[version]))
        for version in VERSIONS
    }
    assert best[FIRST] == pytest.approx(0.8837, abs=0.005)
    assert best[FIRST] < best[LATER]


def test_a_truth_told_about_other_rows_is_worth_nothing(demos: dict[str, pd.DataFrame]) -> None:
    shuffled = demos[FIRST].assign(
        **{STREAMFLOW.label_column: demos[FIRST][STREAMFLOW.label_column].sample(frac=1, random_state=0).to_numpy()}
    )
    assert compute_best_possible_auc(STREAMFLOW, FIRST, shuffled, left(shuffled)) == pytest.approx(0.5, abs=0.02)


@given(data=st.data())
@pytest.mark.parametrize("version", VERSIONS)
def test_risk_only_moves_in_the_declared_direction(version: str, data: st.DataObject) -> None:
    spec = data.draw(st.sampled_from([spec for spec in STREAMFLOW.features if spec.marker.monotone]))
    one = data.draw(subscribers(STREAMFLOW))
    other = one | {spec.name: data.draw(values(spec))}
    assume(spec.encode(one[spec.name]) < spec.encode(other[spec.name]))
    before, after = probability(version, one, other)
    assert (after - before) * spec.marker.monotone >= 0


@given(one=subscribers(STREAMFLOW))
def test_a_protected_trait_has_no_effect_of_its_own(one: dict[str, Any]) -> None:
    for spec in STREAMFLOW.features:
        if spec.marker.protected:
            without, having = probability(FIRST, one | {spec.name: False}, one | {spec.name: True})
            assert without == having


@pytest.mark.parametrize(
    ("contract", "version", "message"),
    [(TELCO, "any", "no demo process"), (STREAMFLOW, "streamflow-v9", "no demo data 'streamflow-v9'")],
)
def test_data_that_no_process_makes_is_refused_in_a_sentence(
    contract: type[Contract], version: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        make_demo(contract, version)
    assert caught.value.instead
