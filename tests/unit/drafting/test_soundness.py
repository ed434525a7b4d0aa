"""What is asked of every contract: ours hold, and so does the documents' example."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.gym import write_gym
from support.patchy import CONTRACT as PATCHY

from churn.businesses import find_contract, list_contracts
from churn.contract.catalogues import write_messages
from churn.contract.declaration import Contract
from churn.drafting.soundness import (
    CHECKS,
    Check,
    check_languages,
    check_policy,
    list_reminders,
    name_check,
    run_checks,
)
from churn.drafting.source import write_policy

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "adding-a-business.md"


@pytest.mark.parametrize("contract", [find_contract(name) for name in list_contracts()], ids=list_contracts())
@pytest.mark.parametrize("check", CHECKS, ids=name_check)
def test_our_contracts_hold(check: Check, contract: type[Contract]) -> None:
    assert list(check(contract)) == []


def test_a_contract_with_unknown_values_holds_but_for_the_translations_that_nobody_wrote() -> None:
    assert [result.check for result in run_checks(PATCHY) if result.problems] == [name_check(check_languages)]


def test_the_documents_example_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = re.findall(r"```python\n(.*?)```", EXAMPLE.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "gym.py").write_text(source)
    (tmp_path / "gym.toml").write_text(write_policy("gym"))
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path))
    assert [result for result in run_checks(find_contract("gym")) if result.problems] == []


@pytest.mark.parametrize(
    ("as_it_was", "as_it_is", "told"),
    [
        ("examples=[4]", "examples=[-4]", ("The examples", "visits: Input should be greater than or equal to 0")),
        ('Says("A yearly plan"', 'Says(""', ("Every value", "plan of 'yearly' reads ''")),
    ],
)
def test_what_does_not_hold_is_told(
    as_it_was: str, as_it_is: str, told: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_gym(tmp_path / "ours") / "gym.py"
    assert as_it_was in path.read_text()
    path.write_text(path.read_text().replace(as_it_was, as_it_is))
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path / "ours"))
    failed = [result for result in run_checks(find_contract("gym")) if result.problems]
    assert [result.check.startswith(told[0]) for result in failed] == [True]
    assert told[1] in failed[0].problems[0]


@pytest.mark.parametrize(
    ("as_it_was", "as_it_is", "place"),
    [
        ('"""One member."""', '"""One member, TODO."""', "the class's docstring"),
        ('description="A month."', 'description="TODO"', "the description of fee"),
        ('"You pay only {value}."', '"You pay {value}."', "fee"),
    ],
)
def test_what_is_still_to_be_said_is_no_problem_and_is_listed(
    as_it_was: str, as_it_is: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_gym(tmp_path / "ours") / "gym.py"
    assert as_it_was in path.read_text()
    path.write_text(path.read_text().replace(as_it_was, as_it_is))
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path / "ours"))
    contract = find_contract("gym")
    assert [result for result in run_checks(contract) if result.problems] == []
    assert [result.problems for result in list_reminders(contract)] == [[place]]


def test_a_promised_language_without_a_translation_is_a_problem_unless_it_says_todo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = write_gym(tmp_path / "ours")
    (ours / "gym.toml").write_text(write_policy("gym", ["en", "de"]))
    monkeypatch.setenv("CHURN_BUSINESSES", str(ours))
    contract = find_contract("gym")
    [lacking] = check_languages(contract)
    assert lacking.startswith("de lacks 15 of 17 messages, such as 'Fee': churn contract messages gym --language de")
    write_messages(contract, "de", ours / "gym.de.po", lambda message: ("", ["TODO"] if message == "Fee" else []))
    assert next(check_languages(contract)).startswith("de lacks 14 of 17 messages, such as 'You pay {value}.'")
    [todo] = list_reminders(contract)
    assert todo.problems == ["de: 1 messages, such as 'Fee'"]


def test_a_business_without_a_policy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (write_gym(tmp_path / "ours") / "gym.toml").unlink()
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path / "ours"))
    [problem] = check_policy(find_contract("gym"))
    assert "gym.toml cannot be read" in problem


class Careless(find_contract("telco")):  # type: ignore[misc]
    """A contract whose instances are encoded otherwise than its columns."""

    def encode(self) -> tuple[float, ...]:
        """Encode the first number one too high."""
        first, *rest = super().encode()
        return (first + 1, *rest)

    @classmethod
    def model_validate(cls, value: Any, **_: Any) -> Any:
        """Take everything."""
        try:
            return super().model_validate(value)
        except ValueError:
            return super().model_validate(cls.example())


def test_a_contract_that_takes_everything_or_encodes_two_ways_is_told() -> None:
    failed = {result.check: result.problems for result in run_checks(Careless) if result.problems}
    assert "gender is encoded otherwise in a column than in a request" in failed["Rows and columns are encoded alike"]
    assert "gender takes []" in failed["No field takes what is of another type or out of range"]
