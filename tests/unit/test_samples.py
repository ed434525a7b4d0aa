"""Measurements are stored with one line for each sample."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.files import encode_samples

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
MEASUREMENTS = st.recursive(SCALARS, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of, max_size=3))


def test_each_element_of_a_list_has_one_line_whatever_it_holds() -> None:
    content: dict[str, Any] = {
        "seconds": 3,
        "load": [{"at": 1, "probes": [[1, 2.5], [3, None]]}, {"at": 2}],
        "kernel": [],
    }
    assert encode_samples(content).decode().splitlines() == [
        "{",
        '  "seconds": 3,',
        '  "load": [',
        '    {"at": 1, "probes": [[1, 2.5], [3, null]]},',
        '    {"at": 2}',
        "  ],",
        '  "kernel": []',
        "}",
    ]


@given(content=MEASUREMENTS)
def test_what_is_read_is_what_was_written(content: Any) -> None:
    assert json.loads(encode_samples(content)) == content


def test_a_figure_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_samples([float("nan")])
