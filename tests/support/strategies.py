"""Generators of what may be sent, derived from a contract as everything else is."""

from typing import Any

from hypothesis import strategies as st

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.phrases import Value


def values(spec: FeatureSpec) -> st.SearchStrategy[Value | None]:
    """Every value that a feature takes, its limits included; None where it may be unknown."""
    return st.none() | _known_values(spec) if spec.is_nullable else _known_values(spec)


def _known_values(spec: FeatureSpec) -> st.SearchStrategy[Value]:
    if spec.kind == "category":
        return st.sampled_from(spec.categories)
    if spec.kind == "boolean":
        return st.booleans()
    assert spec.lower is not None
    assert spec.upper is not None
    if spec.kind == "integer":
        return st.integers(int(spec.lower), int(spec.upper))
    return st.floats(spec.lower, spec.upper)


def subscribers(contract: type[Contract]) -> st.SearchStrategy[dict[str, Value | None]]:
    """Valid subscribers, as a request would hold them."""
    return st.fixed_dictionaries({spec.name: values(spec) for spec in contract.features})


def json_values() -> st.SearchStrategy[Any]:
    """Anything that JSON can say, and what Python's writer adds to it: NaN and Infinity."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
    )
