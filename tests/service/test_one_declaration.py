"""A feature is written out once: in its contract."""

import ast
import re
from pathlib import Path

import pytest

from churn.businesses import find_contract, list_contracts

ROOT = Path(__file__).resolve().parents[2]
GENERAL = [path for part in ("src/churn", "portal", "demo", "scripts") for path in (ROOT / part).rglob("*.py")]
TEXTS = [
    *ROOT.glob("portal/templates/*.html"),
    *ROOT.glob("src/churn/*/templates/*.html"),
    *ROOT.glob("portal/*.toml"),
    *ROOT.glob("demo/*.toml"),
]
FEATURES = {name for contract in list_contracts() for name in find_contract(contract).feature_names()}


@pytest.mark.parametrize(
    "source", [str(path.relative_to(ROOT)) for path in GENERAL if path.parent.name != "businesses"]
)
def test_no_code_outside_the_contracts_knows_a_features_name(source: str) -> None:
    nodes = [
        node for part in ast.parse((ROOT / source).read_text()).body if not exports(part) for node in ast.walk(part)
    ]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not FEATURES & (strings | attributes)


@pytest.mark.parametrize("source", [path for path in GENERAL if "src" not in path.relative_to(ROOT).parts], ids=str)
def test_portal_demo_and_scripts_name_no_business_but_as_the_default(source: Path) -> None:
    tree = ast.parse(source.read_text())
    names = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} & set(list_contracts())
    assert names <= ({"streamflow"} if source == ROOT / "portal" / "settings.py" else set())


def test_no_template_and_no_phrase_knows_a_business_or_a_features_name() -> None:
    for path in TEXTS:
        known = {*FEATURES, *list_contracts()} - {"Contract"}  # which is a heading, too
        assert not known & set(re.findall(r"\w+", path.read_text(encoding="utf-8"))), path


def exports(part: ast.stmt) -> bool:
    """Tell whether it is `__all__`: classes stand in it, such as Contract, which is a feature, too."""
    return isinstance(part, ast.Assign) and [ast.unparse(target) for target in part.targets] == ["__all__"]
