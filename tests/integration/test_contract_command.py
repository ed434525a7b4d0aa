"""`churn contract` as its user meets it: a draft from a file, what it does not overwrite, and how it is tested."""

import csv
import json
from pathlib import Path

import pytest
from support.gym import write_gym
from support.processes import churn, succeed

ROWS = 120


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """A file of customers with odd columns, in a folder that CHURN_BUSINESSES will name."""
    path = tmp_path / "Our customers-2026.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["Customer ID", "tenure", "Age", "monthly fee", "plan", "joined", "left us"])
        for at in range(ROWS):
            fee, plan = f"{at * 7 % 50}.5", ("basic", "plus")[at % 2]
            writer.writerow([at, at % 30 or "", 20 + at % 9, fee, plan, f"2026-01-{at % 27 + 1:02}", int(at % 7 == 0)])
    return path


def test_a_draft_is_written_once_and_says_what_comes_next(customers: Path, tmp_path: Path) -> None:
    folder = customers.parent
    arguments: list[str | Path] = ["contract", "init", customers, "--id", "Customer ID", "--label", "left us"]
    said = succeed(tmp_path, *arguments, CHURN_BUSINESSES=folder)
    for told in (
        "our_customers_2026: 5 fields of 120 rows",
        "from a date",
        "personal trait",
        "left us = 1 means that somebody left, since it is the rarer one; --left VALUE says otherwise: 18 rows, 15.0%",
        "next: churn data check",
    ):
        assert told in said
    assert "export CHURN_BUSINESSES" not in said
    checked = succeed(tmp_path, "data", "check", customers, "--contract", "our_customers_2026", CHURN_BUSINESSES=folder)
    assert "is valid: 120 rows, 18 of them left" in checked
    again = churn(tmp_path, *arguments, CHURN_BUSINESSES=folder)
    assert again.code == 2
    assert "our_customers_2026.py is there already" in again.err
    figures = json.loads(succeed(tmp_path, *arguments, "--force", "--left", "0", "--json", CHURN_BUSINESSES=folder))
    assert figures["left"] == ROWS - 18
    assert [field["name"] for field in figures["fields"]] == [
        *("tenure", "Age", "monthly_fee", "plan", "days_since_joined"),
    ]
    assert (figures["as_of"], figures["fields"][-1]["days_since"]) == ("2026-01-27", "joined")


def test_a_draft_in_german_passes_and_lists_what_is_still_to_be_said(customers: Path, tmp_path: Path) -> None:
    folder = customers.parent
    arguments: list[str | Path] = ["contract", "init", customers, "--id", "Customer ID", "--label", "left us"]
    said = succeed(tmp_path, *arguments, "--name", "ours", "--language", "de", CHURN_BUSINESSES=folder)
    assert "customers may read of 4 of 5 fields, as label and value" in said
    assert "in de, too, columns are named as in the file: translate what says TODO" in said
    assert "ours.toml and ours.de.po are written" in said
    tested = json.loads(succeed(tmp_path, "contract", "test", "ours", "--json", CHURN_BUSINESSES=folder))
    assert tested["passed"]
    assert [len(notice["places"]) for notice in tested["notices"]] == [6, 4, 1]
    catalogue = folder / "ours.de.po"
    assert 'msgid "Tenure: unknown"\nmsgstr "Tenure: unbekannt"' in catalogue.read_text()
    catalogue.write_text(catalogue.read_text().replace('msgid "Plan"', 'msgid "Plane"'))
    refused = churn(tmp_path, "contract", "test", "ours", CHURN_BUSINESSES=folder)
    assert refused.code == 3
    assert "de lacks 1 of" in refused.out
    listed = churn(tmp_path, "contract", "messages", "ours", "--language", "de", "--json", CHURN_BUSINESSES=folder)
    assert (listed.code, json.loads(listed.out)["missing"]) == (3, ["Plan"])
    refused = churn(tmp_path, *arguments, "--name", "theirs", "--language", "fr", CHURN_BUSINESSES=folder)
    assert (refused.code, "no words in 'fr', only in en and de" in refused.err) == (2, True)


def test_a_contract_is_shown_with_and_without_the_word_and_tested(tmp_path: Path) -> None:
    ours = write_gym(tmp_path / "ours")
    assert succeed(tmp_path, "contract", CHURN_BUSINESSES=ours) == "gym\nstreamflow\ntelco\n"
    assert json.loads(succeed(tmp_path, "contract", "gym", "--json", CHURN_BUSINESSES=ours))["title"] == "Member"
    tested = succeed(tmp_path, "contract", "test", "gym", CHURN_BUSINESSES=ours)
    assert "gym: 10 of 10 checks hold" in tested
