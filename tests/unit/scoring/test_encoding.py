"""Encoding whole columns: what is taken is what the contract takes, and comes out as the same number."""

import decimal
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dated import CONTRACT as DATED
from support.patchy import CONTRACT as PATCHY
from support.strategies import subscribers, values

from churn.businesses import find_contract, list_contracts
from churn.contract.cells import read_cells, text_from_cell
from churn.contract.declaration import Contract
from churn.reading.blocks import texts_from_column
from churn.scoring.encoding import encode, text_from_column

CONTRACTS: list[type[Contract]] = [*map(find_contract, list_contracts()), PATCHY, DATED]
FEATURES = [(contract, at) for contract in CONTRACTS for at in range(len(contract.features))]
# Features of every kind equally often, however many a contract has of each.
EACH_KIND = st.sampled_from(["integer", "number", "category", "boolean"]).flatmap(
    lambda kind: st.sampled_from([(contract, at) for contract, at in FEATURES if contract.features[at].kind == kind])
)
ODD = ["", " ", " 14", "14 ", "+14", "-0", "-0.0", "014", "14.0", "14.", ".5", "1e1", "1E1", "1_4", "nan", "inf", "-1"]
ODD += [
    "NaN",
    "Infinity",
    "1e400",
    "1e-400",
    "0x10",
    "true",
    "Yes",
    "NO",
    "off",
    "T",
    "\N{FULLWIDTH DIGIT ONE}",
    "é",
    "\x00",
    "121",
    "5e-324",
]
ODD += ["9" * 16, "9" * 30, f"0.{'1' * 40}", "16777217", "3.4028234663852886e+38", "3.4028234663852888e+38"]

DRAWN = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(-3, 130)
    | st.floats()
    | st.floats(-1, 200)
    | st.booleans()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6)
    | st.text(max_size=5)
    | st.sampled_from(ODD)
)
TYPES = [pa.int8(), pa.uint64(), pa.int64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string()]
TYPES += [
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.decimal128(20, 3),
    pa.null(),
    pa.date32(),
    pa.timestamp("ns"),
    pa.duration("ns"),
]
TYPES += [pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.int64()), pa.list_(pa.int64())]


def read_alone(contract: type[Contract], at: int, cell: Any) -> float:
    """What the contract makes of a cell in a row that is right but for it; infinite if it is refused."""
    row = {name: text_from_cell(value) for name, value in contract.example().items()}
    read = read_cells(contract, row | {contract.features[at].name: text_from_cell(cell)})
    return math.inf if isinstance(read, list) else read.encode()[at]


def encode_one(contract: type[Contract], at: int, column: pa.Array) -> list[float]:
    others = {spec.name: pa.array([text_from_cell(spec.example)] * len(column)) for spec in contract.features}
    encoded: list[float] = encode(contract, others | {contract.features[at].name: column})[:, at].tolist()
    return encoded


def same(left: list[float], right: list[float]) -> bool:
    """Equal to the bit, so that -0.0 is not 0.0; NaN is NaN."""
    return np.array(left).tobytes() == np.array(right).tobytes()


@given(EACH_KIND, st.data())
def test_a_text_is_taken_just_as_the_contract_takes_it(
    feature: tuple[type[Contract], int], data: st.DataObject
) -> None:
    contract, at = feature
    cells = data.draw(
        st.lists(DRAWN.map(text_from_cell) | values(contract.features[at]).map(text_from_cell), min_size=1, max_size=6)
    )
    expected = [read_alone(contract, at, cell) for cell in cells]
    assert same(encode_one(contract, at, pa.array([cell.encode() for cell in cells], pa.binary())), expected)
    assert same(encode_one(contract, at, pa.array(cells, pa.string())), expected)


@pytest.mark.parametrize("kind", TYPES, ids=str)
@given(feature=EACH_KIND, data=st.data())
def test_a_typed_column_is_taken_as_the_texts_that_a_csv_file_would_hold(
    kind: pa.DataType, feature: tuple[type[Contract], int], data: st.DataObject
) -> None:
    contract, at = feature
    cells = []
    for cell in data.draw(st.lists(DRAWN | values(contract.features[at]) | st.none(), min_size=1, max_size=9)):
        try:
            pa.array([cell], kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue
        cells.append(cell)
    column = pa.array(cells, kind)
    assert same(
        encode_one(contract, at, column), [read_alone(contract, at, cell) for cell in texts_from_column(column)]
    )


@pytest.mark.parametrize("cell", ODD)
@pytest.mark.parametrize(("contract", "at"), FEATURES, ids=lambda value: getattr(value, "contract_name", str(value)))
def test_odd_texts_are_no_exception(contract: type[Contract], at: int, cell: str) -> None:
    assert same(encode_one(contract, at, pa.array([cell.encode()], pa.binary())), [read_alone(contract, at, cell)])


@given(st.sampled_from(CONTRACTS), st.data())
def test_valid_subscribers_are_encoded_as_the_contract_encodes_them(
    contract: type[Contract], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(subscribers(contract), min_size=1, max_size=5))
    expected = np.array([contract.model_validate(row).encode() for row in rows])
    typed = {name: pa.array([row[name] for row in rows]) for name in contract.feature_names()}
    texts = {name: pa.array([text_from_cell(row[name]).encode() for row in rows]) for name in contract.feature_names()}
    assert same(encode(contract, typed).ravel().tolist(), expected.ravel().tolist())
    assert same(encode(contract, texts).ravel().tolist(), expected.ravel().tolist())


def test_a_cell_that_is_no_utf8_is_refused_and_shown_with_a_mark() -> None:
    contract = find_contract("streamflow")
    at = contract.feature_names().index("internet_service")
    column = pa.array([b"dsl", b"d\xffl"])
    assert encode_one(contract, at, column)[0] == 1
    assert math.isinf(encode_one(contract, at, column)[1])
    assert text_from_column(column).to_pylist() == ["dsl", "d\N{REPLACEMENT CHARACTER}l"]


def test_decimals_of_a_database_are_numbers() -> None:
    contract = find_contract("streamflow")
    column = pa.array([decimal.Decimal("89.50"), None])
    assert same(encode_one(contract, 1, column), [89.5, math.inf])
