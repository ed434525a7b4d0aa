"""A training file is valid, or refused whole with everything that is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import STREAMFLOW

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import DataError
from churn.training.data import DataProblem, InvalidData, read_training_data
from churn.training.folds import SEED, draw_folds, draw_sample

TELCO = find_contract("telco")


def frame_of(contract: type[Contract], rows: int = 20) -> pd.DataFrame:
    """Valid data; every second one left."""
    return pd.DataFrame(
        {contract.id_column: [f"id-{row}" for row in range(rows)]}
        | draw_columns(contract, np.random.default_rng(0), rows)
        | {contract.label_column: [contract.label_values[row % 2] for row in range(rows)]}
    )


def problems_of(contract: type[Contract], frame: pd.DataFrame, path: Path) -> list[DataProblem]:
    frame.to_csv(path, index=False)
    with pytest.raises(InvalidData) as refused:
        read_training_data(contract, path)
    return refused.value.problems


@pytest.mark.parametrize("name", list_contracts())
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_valid_data_is_read_as_it_was_written(name: str, suffix: str, tmp_path: Path) -> None:
    contract, path = find_contract(name), tmp_path / f"data{suffix}"
    frame = frame_of(contract)
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    data = read_training_data(contract, path)
    assert (
        data.rows.tobytes() == contract.encode_columns({str(name): column for name, column in frame.items()}).tobytes()
    )
    assert data.labels.tolist() == [0, 1] * 10
    assert data.version == f"data@{data.sha256[:12]}"


def change(frame: pd.DataFrame, column: str, line: int, value: Any) -> None:
    """Changes the cell in this line of the CSV file, where the header is line 1."""
    frame[column] = frame[column].astype(object)
    frame.loc[line - 2, column] = value


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("contract_type", "three-year", "unknown category"),
        ("contract_type", "Month-to-month", "unknown category"),
        ("tenure", "121", "out of range"),
        ("tenure", "-1", "out of range"),
        ("tenure", "fourteen", "wrong type"),
        ("tenure", "14.5", "wrong type"),
        ("tenure", "1_4", "wrong type"),
        ("tenure", "", "blank"),
        ("monthly_charges", "  ", "blank"),
        ("monthly_charges", "nan", "not a finite number"),
        ("monthly_charges", "1e400", "not a finite number"),
        ("paperless_billing", "perhaps", "wrong type"),
        ("subscriber_id", "", "blank"),
        ("churned", "2", "neither 0 nor 1"),
        ("churned", "", "neither 0 nor 1"),
    ],
)
def test_each_kind_of_bad_cell_is_named_with_its_line(column: str, value: str, check: str, tmp_path: Path) -> None:
    frame = frame_of(STREAMFLOW)
    change(frame, column, 9, value)
    assert problems_of(STREAMFLOW, frame, tmp_path / "bad.csv") == [DataProblem(column, check, 1, (9,))]


def test_all_problems_are_grouped_and_only_the_first_lines_are_listed(tmp_path: Path) -> None:
    frame = frame_of(STREAMFLOW)
    for line in range(2, 12):
        change(frame, "tenure", line, "999")
    change(frame, "internet_service", 4, "cable")
    assert problems_of(STREAMFLOW, frame, tmp_path / "bad.csv") == [
        DataProblem("tenure", "out of range", 10, (2, 3, 4, 5, 6)),
        DataProblem("internet_service", "unknown category", 1, (4,)),
    ]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda frame: frame.drop(columns="tenure"), DataProblem("tenure", "missing column", 1)),
        (lambda frame: frame.drop(columns="churned"), DataProblem("churned", "missing column", 1)),
        (lambda frame: frame.rename(columns={"tenure": "Tenure"}), DataProblem("tenure", "missing column", 1)),
        (lambda frame: frame.assign(churned="0"), DataProblem("churned", "only one value in the file", 20)),
    ],
)
def test_columns_must_be_there_as_the_contract_names_them(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], problem: DataProblem, tmp_path: Path
) -> None:
    assert problem in problems_of(STREAMFLOW, spoil(frame_of(STREAMFLOW)), tmp_path / "bad.csv")


def test_the_line_is_right_behind_a_cell_with_a_line_break_and_behind_a_row_of_another_length(tmp_path: Path) -> None:
    frame = frame_of(STREAMFLOW)
    change(frame, "subscriber_id", 3, "two\nlines")
    change(frame, "tenure", 8, "999")
    path = tmp_path / "bad.csv"
    frame.to_csv(path, index=False)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, "too,short"]))
    with pytest.raises(InvalidData) as refused:
        read_training_data(STREAMFLOW, path)
    assert refused.value.problems == [
        DataProblem("tenure", "out of range", 1, (9,)),
        DataProblem("(file)", "not 12 cells in the row", 1, (len(lines) + 1,)),
    ]


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    frame_of(STREAMFLOW).to_csv(path, index=False)
    path.write_text(
        "\n".join(line + ",1" if at else line + ",tenure" for at, line in enumerate(path.read_text().splitlines()))
    )
    with pytest.raises(InvalidData) as refused:
        read_training_data(STREAMFLOW, path)
    assert refused.value.problems == [DataProblem("tenure", "column stands twice", 2)]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("no.csv", b"\xff\xfe\x00", "not a CSV file in UTF-8"),
        ("no.csv", b"", "no rows below a header"),
        ("no.csv", b"tenure\n", "no rows below a header"),
        ("no.csv", b'a,b\n"open', "not a CSV file"),
        ("no.parquet", b"PAR1", "not a Parquet file"),
        ("no.xlsx", b"", "neither .csv nor .parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    name: str, content: bytes, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        read_training_data(STREAMFLOW, path)


@pytest.mark.parametrize(("stayed", "left"), [(1, 900), (2, 2), (900, 5), (5, 5)])
def test_too_few_of_a_label_are_refused_with_the_counts_and_what_is_needed(
    stayed: int, left: int, tmp_path: Path
) -> None:
    frame = frame_of(STREAMFLOW, stayed + left).assign(churned=[0] * stayed + [1] * left)
    frame.to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(DataError, match=f"{stayed} subscribers who stayed and {left} who left .* at least 6 of"):
        read_training_data(STREAMFLOW, tmp_path / "few.csv")


@pytest.mark.parametrize(("stayed", "left"), [(6, 900), (900, 6), (6, 6)])
def test_just_enough_of_each_label_can_be_compared_and_measured(stayed: int, left: int, tmp_path: Path) -> None:
    frame = frame_of(STREAMFLOW, stayed + left).assign(churned=[0] * stayed + [1] * left)
    frame.to_csv(tmp_path / "few.csv", index=False)
    data = read_training_data(STREAMFLOW, tmp_path / "few.csv")
    training_part, holdout, _ = data.split(STREAMFLOW)
    assert set(data.labels[holdout].tolist()) == {0, 1}
    labels = data.labels[training_part]
    for fitted, measured in draw_folds(labels[draw_sample(labels, SEED)], SEED):
        assert set(labels[fitted].tolist()) == set(labels[measured].tolist()) == {0, 1}


WRITTEN: dict[str, Callable[[bool], str]] = {
    "a decimal": lambda value: f"{value:.1f}",
    "a word": str,
    "a word with a space": lambda value: f" {str(value).lower()}",
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_booleans_and_labels_are_read_in_any_form(written: Callable[[bool], str], tmp_path: Path) -> None:
    frame, path = frame_of(STREAMFLOW), tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    plain = read_training_data(STREAMFLOW, path)
    for column in ("paperless_billing", "churned"):
        frame[column] = [written(bool(value)) for value in frame[column].astype(int)]
    frame.to_csv(path, index=False)
    read = read_training_data(STREAMFLOW, path)
    assert read.rows.tobytes() == plain.rows.tobytes()
    assert read.labels.tolist() == plain.labels.tolist()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(list_contracts()),
    seed=st.integers(0, 10**6),
    kinds=st.lists(st.sampled_from(["", "float64", "float32", "str"]), min_size=40, max_size=40),
    bad=st.none() | st.sampled_from(["", " ", "1.5", "2", "perhaps", "yes", "-1", "true "]),
)
def test_the_same_table_is_read_alike_from_csv_and_parquet(
    name: str, seed: int, kinds: list[str], bad: str | None, tmp_path: Path
) -> None:
    contract = find_contract(name)
    columns = draw_columns(contract, np.random.default_rng(seed), 14)
    frame = pd.DataFrame(
        {contract.id_column: [f"id-{row}" for row in range(14)]}
        | {
            column: cells.astype(kind) if kind and cells.dtype.kind in "bi" else cells
            for (column, cells), kind in zip(columns.items(), kinds, strict=False)
        }
        | {contract.label_column: [contract.label_values[row % 2] for row in range(14)]}
    )
    if bad is not None:
        column = contract.feature_names()[seed % len(columns)]
        frame[column] = [bad, *frame[column].astype(str)[1:]]
    frame.to_csv(tmp_path / "table.csv", index=False)
    frame.to_parquet(tmp_path / "table.parquet")
    assert outcome_of(contract, tmp_path / "table.csv") == outcome_of(contract, tmp_path / "table.parquet")


def outcome_of(contract: type[Contract], path: Path) -> Any:
    """What was read, or what was refused but for the lines: in a CSV file the header is one."""
    try:
        data = read_training_data(contract, path)
    except InvalidData as error:
        return [(problem.column, problem.check, problem.count) for problem in error.problems]
    return data.rows.tobytes(), data.labels.tolist()


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_training_data(STREAMFLOW, tmp_path / "nowhere.csv")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("blank", [" ", None])
def test_blank_total_charges_of_the_public_file_mean_nothing_was_billed_yet(
    blank: str | None, suffix: str, tmp_path: Path
) -> None:
    frame, path = frame_of(TELCO), tmp_path / f"telco{suffix}"
    if suffix == ".csv":
        change(frame, "TotalCharges", 2, blank)
        frame.to_csv(path, index=False)
    else:
        frame["TotalCharges"] = [None, *frame["TotalCharges"][1:]]
        frame.astype({"TotalCharges": "Float64"}).to_parquet(path)
    data = read_training_data(TELCO, path)
    assert data.rows[0, TELCO.feature_names().index("TotalCharges")] == 0.0


def test_a_parquet_file_that_pandas_made_of_the_public_file_is_read_alike(telco_csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "telco.parquet"
    pd.read_csv(telco_csv).to_parquet(path)  # SeniorCitizen becomes a number, TotalCharges stays text
    assert read_training_data(TELCO, path).rows.tobytes() == read_training_data(TELCO, telco_csv).rows.tobytes()


def test_the_public_telco_file_is_valid_as_it_is(telco_csv: Path) -> None:
    data = read_training_data(TELCO, telco_csv)
    assert data.rows.shape == (7043, 19)
    assert int(data.labels.sum()) == 1869
    newcomers = data.rows[:, TELCO.feature_names().index("tenure")] == 0
    assert int(newcomers.sum()) == 11
    assert (data.rows[newcomers, TELCO.feature_names().index("TotalCharges")] == 0).all()


def test_ids_may_repeat_or_be_missing(tmp_path: Path) -> None:
    frame, path = frame_of(STREAMFLOW, 40), tmp_path / "data.csv"
    frame[STREAMFLOW.id_column] = [f"id-{row // 4 * 2 + row % 2}" for row in range(40)]
    frame.to_csv(path, index=False)
    data = read_training_data(STREAMFLOW, path)
    assert (len(data.ids), data.group().repeated_ids) == (40, 20)
    frame.drop(columns=STREAMFLOW.id_column).to_csv(path, index=False)
    data = read_training_data(STREAMFLOW, path)
    assert data.ids == ()
    assert data.split(STREAMFLOW).boundary.identity == "row"


def test_a_column_that_the_contract_does_not_name_is_not_read_and_refused_only_if_asked(tmp_path: Path) -> None:
    frame, path = frame_of(STREAMFLOW), tmp_path / "more.csv"
    frame.assign(shoe_size=1).to_csv(path)
    assert read_training_data(STREAMFLOW, path).unread == ("", "shoe_size")
    with pytest.raises(DataError) as refused:
        read_training_data(STREAMFLOW, path, strict=True)
    assert refused.value.message.endswith("has columns that the contract does not name: shoe_size")
