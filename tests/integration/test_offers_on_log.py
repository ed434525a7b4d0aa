"""`churn offers simulate --log`: a real log, outcomes come in, and a policy is valued."""

import json
from pathlib import Path

import httpx2
import numpy as np
import pytest
from support.processes import churn, serving, succeed

from benchmarks.learning.menu import read_menu
from benchmarks.learning.population import Population, draw_population, train_champion
from benchmarks.learning.world import draw_world
from churn.retention.offers.policy import find_default_policy, read_policy

SALT = "a salt of the tests"
VISITORS = 1_200


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a log of the real service, and with what became of those who came."""
    home = tmp_path_factory.mktemp("home")
    bundle = train_champion(home / "bundles")
    population = draw_population(bundle.model, VISITORS, 3)
    menu = read_menu(population, read_policy(find_default_policy(population.contract)).document)
    truth = draw_world(menu, 3).meet(population, menu, 3)
    chances = np.random.default_rng(3).random((2, len(population)))
    lines = ["subscriber,left,accepted"]
    with (
        serving(home, "serve", MODEL_PATH=bundle.path, PREDICTION_LOG_SALT=SALT) as (address, _),
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):
        for row in range(len(population)):
            shown = ask(client, population, row)
            at = menu.actions.index(shown)
            left, accepted = (chances[:, row] < (truth.leaving[row, at], truth.accepting[row, at])).tolist()
            lines.append(f"key-{row},{yes(left)},{yes(accepted)}")
    outcomes = home / "outcomes.csv"
    outcomes.write_text("\n".join(lines) + "\n", encoding="utf-8")
    succeed(home, "outcomes", "import", outcomes, PREDICTION_LOG_SALT=SALT)
    return home


def ask(client: httpx2.Client, population: Population, row: int) -> str:
    """Ask the service about a subscriber; return the action that it took."""
    subscriber = {name: column[row].item() for name, column in population.columns.items()}
    answer = client.post("/predict", json=subscriber, headers={"X-Subscriber-Key": f"key-{row}"})
    assert answer.status_code == 200, answer.text
    retention = answer.json()["retention"]
    if retention["offer"]:
        return str(retention["offer"]["code"])
    return "banner alone" if retention["headline"] else "nothing"


def yes(is_so: object) -> str:
    return "yes" if is_so else "no"


def test_the_policy_that_was_live_has_a_value_and_is_no_better_than_itself(logged: Path) -> None:
    page, figures = logged / "value.html", logged / "value.json"
    arguments = ("offers", "simulate", "--log", "--json", "--out", page, "--out", figures)
    value = json.loads(succeed(logged, *arguments))
    assert value["new"]["subscribers"] == value["logged"]["subscribers"] > 300
    assert value["new"]["without_overlap"] == 0
    money = value["difference"]["money"]
    assert (money["value"], money["low"], money["high"]) == (0, 0, 0)
    assert value["verdict"] == "not sure"
    money = value["new"]["money"]
    assert money["low"] < money["value"] < money["high"]
    assert "stays for 12 months" in value["rests_on"]
    assert json.loads(figures.read_text())["new"] == value["new"]
    assert "Assumed, and in every amount" in page.read_text(encoding="utf-8")


def test_a_file_and_the_log_exclude_each_other(tmp_path: Path) -> None:
    done = churn(tmp_path, "offers", "simulate", "--log", "subscribers.csv")
    assert done.code == 2
    assert "give either FILE or --log" in done.err
