"""A feature is written out once: in its contract."""

import ast
from pathlib import Path

import pytest

import churn
from churn.businesses import find_contract, list_contracts

SOURCES = Path(churn.__file__).parent
FEATURES = {name for contract in list_contracts() for name in find_contract(contract).feature_names()}


@pytest.mark.parametrize(
    "source", [path.relative_to(SOURCES) for path in SOURCES.rglob("*.py") if path.parent.name != "businesses"], ids=str
)
def test_no_code_outside_the_contracts_knows_a_features_name(source: Path) -> None:
    tree = ast.parse((SOURCES / source).read_text())
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not FEATURES & (strings | attributes)
