"""`churn offers` as a product manager types it, over the first rows of the demo data."""

import csv
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.policies import policy_file
from support.processes import churn, succeed

from churn.businesses import find_contract
from churn.contract.cells import read_cells
from churn.contract.declaration import Contract
from churn.model.bundle import Bundle
from churn.retention.banner import Visitor, build_banner
from churn.retention.campaign.report import WHY
from churn.retention.offers.document import Explore
from churn.retention.offers.policy import Policy, find_default_policy, load_policy

ROWS = 400
TODAY = "2026-11-23"
LANGUAGES = ("en", "de")


@pytest.fixture(scope="module")
def subscribers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo data's first rows, of which one is spoiled."""
    home = tmp_path_factory.mktemp("home")
    lines = Path(succeed(home, "data", "demo").strip()).read_text().splitlines()[: ROWS + 1]
    lines[-1] = lines[-1].replace(",", ",-", 1)
    path = home / "subscribers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def bundle(bundles: dict[str, Bundle]) -> Bundle:
    return bundles["streamflow"]


def simulate(home: Path, subscribers: Path, bundle: Bundle, *more: str | Path) -> dict[str, object]:
    arguments = ("offers", "simulate", subscribers, "--bundle", bundle.path, "--today", TODAY, "--json", *more)
    figures: dict[str, object] = json.loads(succeed(home, *arguments))
    return figures


def test_what_is_simulated_is_what_the_service_would_answer(tmp_path: Path, subscribers: Path, bundle: Bundle) -> None:
    files = [tmp_path / "out" / name for name in ("offers.csv", "summary.json", "report.html", "report.png")]
    counts = simulate(tmp_path, subscribers, bundle, *(part for path in files for part in ("--out", path)))
    policy = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=LANGUAGES)
    with subscribers.open(newline="") as file:
        rows = {row["subscriber_id"]: row for row in csv.DictReader(file)}
    with files[0].open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert (counts["rows"], counts["invalid_rows"], counts["banners"]) == (ROWS, 1, len(lines))
    assert {line["arm"] for line in lines} == {"treatment", "holdout"}
    assert json.loads(files[1].read_text()) == counts
    assert f"{counts['banners']} subscribers with a banner" in files[2].read_text(encoding="utf-8")
    assert files[3].read_bytes().startswith(b"\x89PNG")
    for line in lines:
        subscriber = read_cells(STREAMFLOW, rows[line["key"]])
        assert isinstance(subscriber, Contract)
        assert (line.pop("withheld") == "") or line["arm"] == "holdout"
        assert answered(bundle, policy, subscriber, line["key"]) == line


def answered(bundle: Bundle, policy: Policy, subscriber: Contract, key: str) -> dict[str, str]:
    """What the service would answer without a lot, as a line of a `.csv` file."""
    policy = replace(policy, explore=Explore(share=0.0))
    [prediction] = bundle.model.predict([subscriber])
    content = build_banner(bundle.model, policy, subscriber, prediction, Visitor(key), today=date.fromisoformat(TODAY))
    offer = content["offer"]
    return {
        "key": key,
        "arm": content["arm"],
        "churn_probability": str(prediction.probability),
        "reasons": " ".join(reason["code"] for reason in content["reasons"]),
        "offer": "" if offer is None else offer["code"],
        "net_dollars": "" if offer is None else str(offer["expected"]["net_dollars"]),
    }


def test_the_tables_are_what_people_see(tmp_path: Path, subscribers: Path, bundle: Bundle) -> None:
    done = churn(tmp_path, "offers", "simulate", subscribers, "--bundle", bundle.path, "--today", TODAY)
    assert done.code == 0, done.err
    assert "> 1 of 400 rows are no valid subscribers and were left out" in done.err
    for expected in ("held out: shown nothing", "yearly-20", "net value, $", "subscribers.csv row 400", "Assumed: "):
        assert expected in done.out


def test_another_day_is_another_simulation(tmp_path: Path, subscribers: Path, bundle: Bundle) -> None:
    late = simulate(tmp_path, subscribers, bundle, "--today", "2099-01-01")
    total, no_offer = late["total"], late["no_offer"]
    assert isinstance(total, dict)
    assert isinstance(no_offer, dict)
    assert total["count"] == 0
    assert set(no_offer) == {"expired"} <= set(WHY)


def test_the_policy_is_the_option_the_setting_or_the_contracts_own(
    tmp_path: Path, subscribers: Path, bundle: Bundle
) -> None:
    mine = policy_file(tmp_path, ('"streamflow-2026-11"', '"mine"'))
    arguments = ("offers", "simulate", subscribers, "--bundle", bundle.path, "--json")
    assert json.loads(succeed(tmp_path, *arguments, "--policy", mine))["policy_version"] == "mine"
    assert json.loads(succeed(tmp_path, *arguments, OFFER_POLICY=mine))["policy_version"] == "mine"


def test_a_policy_is_checked_by_the_contract_that_it_names(tmp_path: Path) -> None:
    own = find_default_policy(find_contract("telco"))
    assert "telco-2026-12 is valid" in (said := succeed(tmp_path, "offers", "check", own))
    assert "where no offer is worth it, nothing is shown" in said
    assert "2 % of those with a key get an action by lot, and keep it for 90 days" in said
    assert "no offer is measured: all of it is assumed" in said
    done = churn(tmp_path, "offers", "check", own, "--contract", "streamflow")
    assert (done.code, "contract: is telco, but the contract in use is streamflow" in done.err) == (2, True)
    done = churn(tmp_path, "offers", "check", policy_file(tmp_path, ('contract = "streamflow"', 'contract = "nobody"')))
    assert (done.code, "policy.toml: contract: there is no contract 'nobody'" in done.err) == (2, True)


def test_a_policy_is_checked(tmp_path: Path) -> None:
    said = succeed(tmp_path, "offers", "check", policy_file(tmp_path))
    assert "streamflow-2026-11 is valid" in said
    assert "10 % of the subscribers are held out by the experiment retention-banner-1" in said
    wrong = policy_file(tmp_path, ("monthly_charges.at_least = 30", "senior_citizen.is = [true]"))
    done = churn(tmp_path, "offers", "check", wrong)
    assert (done.code, done.out) == (2, "")
    assert f'error: {wrong}: offer "yearly-20": eligible: senior_citizen: is protected' in done.err
    assert "instead: take the condition out" in done.err
    expired = policy_file(tmp_path, ("expires = 2028-12-31", "expires = 2020-12-31"))
    assert "expired, and no longer made: yearly-20, loyalty-15" in succeed(tmp_path, "offers", "check", expired)


def test_what_changed_is_told_in_words_and_over_subscribers_in_numbers(
    tmp_path: Path, subscribers: Path, bundle: Bundle
) -> None:
    old = policy_file(tmp_path).rename(tmp_path / "old.toml")
    new = policy_file(tmp_path, ("share = 0.10", "share = 0.25"), ("cost_dollars = 18 ", "cost_dollars = 180 "))
    done = churn(tmp_path, "offers", "diff", old, new)
    assert done.code == 0, done.err
    assert "THIS ENDS THE RUNNING EXPERIMENT" in done.out
    assert "both are called streamflow-2026-11" in done.out
    assert "holdout: share" in done.out
    assert "the two policies say the same" in succeed(tmp_path, "offers", "diff", old, old)
    arguments = ("offers", "diff", old, new, subscribers, "--bundle", bundle.path, "--today", TODAY)
    told = json.loads(succeed(tmp_path, *arguments, "--json"))
    assert told["ends_the_experiment"] is True
    assert {change["place"] for change in told["changes"]} == {
        "holdout: share",
        'offer "priority-support": cost_dollars',
        'offer "streaming-3-months": cost_dollars',
    }
    assert told["subscribers"]["arms_changed"] > 0
    shown = succeed(tmp_path, *arguments)
    assert "subscribers with a banner get something else" in shown
    assert "Expected, each by what its own policy says; amounts rest on an assumed margin" in shown


def test_a_file_of_another_kind_is_refused_before_anything_is_read(tmp_path: Path, bundle: Bundle) -> None:
    done = churn(tmp_path, "offers", "simulate", "none.csv", "--bundle", bundle.path, "--out", "offers.xlsx")
    assert done.code == 2
    assert "offers.xlsx has no known ending" in done.err
    assert "let it end in .html, .json, .png or .csv" in done.err
