"""What changed between two policies, told in words, and over subscribers in numbers."""

from datetime import date
from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.policies import LANGUAGES, policy_file, policy_of
from support.populations import draw, row

from churn.retention.campaign.changes import list_changes
from churn.retention.campaign.population import Census
from churn.retention.campaign.report import build_comparison_summary, build_comparison_tables
from churn.retention.campaign.simulation import compare_policies
from churn.retention.offers.policy import load_policy

TODAY = date(2026, 11, 23)


def told(folder: Path, *edits: tuple[str, str]) -> list[str]:
    old, new = policy_of(folder), policy_of(folder, *edits)
    return [f"{change.place}: {change.what}" for change in list_changes(old.document, new.document)]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ('"streamflow-2026-11"', '"streamflow-2026-12"', "version: streamflow-2026-11 -> streamflow-2026-12"),
        ("percent = 20,", "percent = 25,", 'offer "yearly-20": discount: percent: 20 -> 25'),
        ("commitment = 0.22", "history = 0.22", 'offer "yearly-20": saves: commitment: 0.22 -> nothing'),
        ('["month-to-month"]', '["one-year"]', "eligible: contract_type: is: [month-to-month] -> [one-year]"),
        ("eligible.tenure.at_most = 12\n", "", "eligible: tenure: at_most 12 -> nothing"),
        ("{dollars} off your next", "{dollars} off the next", "title: en: {dollars} off your next {months} bills when"),
        ("days = 180 ", "days = 90 ", "cooldown: days: 180 -> 90"),
        ("take_up = 0.70", "take_up = 0.75", 'offer "welcome-5": take_up: 0.7 -> 0.75'),
    ],
)  # fmt: skip
def test_every_change_is_told_with_its_place_from_what_to_what(tmp_path: Path, old: str, new: str, change: str) -> None:
    assert any(change in one for one in told(tmp_path, (old, new)))


def test_what_is_tried_and_measured_is_told_by_its_name(tmp_path: Path) -> None:
    segment = '[[segment]]\nname = "costly"\nwhen.monthly_charges.at_least = {}\n[cooldown]'
    offer = (
        'code = "yearly-20"\nmeasured.experiment = "one"\nmeasured.from = 2026-01-01\nmeasured.until = 2026-06-30\n'
        'measured.subscribers = 9\nmeasured.segment = [{{ name = "costly", subscribers = 8, strength = {} }}]'
    )
    strengths = ("{ value = 0.5, low = 0.1, high = 0.9 }", "{ value = 0.6, low = 0.1, high = 0.9 }")
    old, new = (
        policy_of(
            tmp_path,
            ("[cooldown]", segment.format(80 + at)),
            ("[headlines]", f"explore.share = 0.0{at}\n[headlines]"),
            ('code = "yearly-20"', offer.format(strengths[at])),
        )
        for at in (0, 1)
    )
    changes = list_changes(old.document, new.document)
    assert [f"{change.place}: {change.what}" for change in changes] == [
        "explore: share: 0 -> 0.01",
        'segment "costly": when: monthly_charges: at_least: 80 -> 81',
        'offer "yearly-20": measured: segment "costly": strength: value: 0.5 -> 0.6',
    ]
    assert not any(change.ends_the_experiment for change in changes)


def test_the_same_policy_has_no_changes(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_offers_that_come_go_or_move_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, ('code = "welcome-5"', 'code = "welcome-6"')) == [
        'offer "welcome-5": removed',
        'offer "welcome-6": added',
    ]
    old = policy_of(tmp_path)
    head, first, second, *rest = policy_file(tmp_path).read_text(encoding="utf-8").split("[[offer]]")
    swapped = tmp_path / "swapped.toml"
    swapped.write_text("[[offer]]".join([head, second, first, *rest]), encoding="utf-8")
    new = load_policy(swapped, STREAMFLOW, languages=LANGUAGES)
    (change,) = list_changes(old.document, new.document)
    assert change.place == "order of the offers"
    assert change.what.startswith("yearly-20, loyalty-15, ")


@pytest.mark.parametrize("edit", [("share = 0.10", "share = 0.20"), ('"retention-banner-1"', '"retention-banner-2"')])
def test_another_holdout_ends_the_experiment_and_nothing_else_does(tmp_path: Path, edit: tuple[str, str]) -> None:
    old, new = policy_of(tmp_path), policy_of(tmp_path, edit, ("take_up = 0.70", "take_up = 0.75"))
    ending = {
        change.place.split(":")[0]: change.ends_the_experiment for change in list_changes(old.document, new.document)
    }
    assert ending == {"holdout": True, 'offer "welcome-5"': False}


def test_over_subscribers_it_is_told_who_gets_what_instead(tmp_path: Path) -> None:
    found, census = draw(tmp_path, [row(at, 4) for at in range(200)])
    old = policy_of(tmp_path)
    new = policy_of(tmp_path, ("cost_dollars = 18                  # people", "cost_dollars = 300 # people"))
    compared = compare_policies(old, new, found, TODAY)
    assert dict(compared.changed) == {("priority-support", "yearly-20"): compared.old.count}
    assert (compared.arms_changed, compared.old.count) == (0, compared.new.count)
    content = build_comparison_summary(census, compared)
    assert content["changed"] == [{"from": "priority-support", "to": "yearly-20", "count": compared.old.count}]
    assert content["old"]["cost_dollars"] == pytest.approx(9.0 * compared.old.count)  # half of $18
    assert content["new"]["cost_dollars"] == pytest.approx(64.44 * compared.new.count)  # 30 % of a discount of $214.80
    changed, expected = build_comparison_tables(content)
    assert changed.title == f"{compared.old.count} of 200 subscribers with a banner get something else"
    assert [cells[0] for cells in expected.rows] == ["offers made", "cost, $", "margin kept, $", "net value, $"]
    assert expected.rows[0][1:] == [str(compared.old.count)] * 2 + ["+0"]


def test_another_experiment_moves_subscribers_between_the_arms(tmp_path: Path) -> None:
    found, _ = draw(tmp_path, [row(at, 4) for at in range(200)])
    new = policy_of(tmp_path, ('"retention-banner-1"', '"retention-banner-2"'))
    compared = compare_policies(policy_of(tmp_path), new, found, TODAY)
    assert compared.arms_changed == sum(compared.changed.values()) > 0
    assert {state for pair in compared.changed for state in pair} == {"held out", "priority-support"}
    assert "change arms" in next(build_comparison_tables(build_comparison_summary(Census(), compared))).title
