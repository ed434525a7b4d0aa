"""A simulation loses nobody, adds up to the cent, and says why somebody gets nothing."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.policies import policy_of
from support.populations import draw, row

from churn.dashboard.charts.offers import report_offers
from churn.dashboard.report import draw_report, render_report
from churn.retention.campaign.population import BannerSubscriber
from churn.retention.campaign.report import WHY, build_summary, build_tables
from churn.retention.campaign.simulation import Simulation, csv_from_lines, simulate
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import Policy

TODAY = date(2026, 11, 23)
MANY = [row(at, at % 6, contract_type="one-year" if at % 7 == 0 else "month-to-month") for at in range(300)]


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return policy_of(tmp_path)


NOTHING_AND_A_LOT = ("[headlines]", 'without_offer = "nothing"\nexplore.share = 0.5\n[headlines]')
SEGMENT = '[[segment]]\nname = "costly"\nwhen.monthly_charges.at_least = 80\n[cooldown]'
MEASURED = """code = "yearly-20"
measured.experiment = "retention-banner-1"
measured.from = 2026-01-01
measured.until = 2026-06-30
measured.subscribers = 4100
measured.take_up = { value = 0.28, low = 0.25, high = 0.31 }
measured.segment = [{ name = "costly", subscribers = 800, strength = { value = 0.9, low = 0.5, high = 1.3 } }]"""


class Simulated(NamedTuple):
    """The subscribers with a banner, what became of them, and the figures of that."""

    found: list[BannerSubscriber]
    simulation: Simulation
    figures: dict[str, Any]


def simulate_rows(folder: Path, policy: Policy, rows: list[dict[str, Any]]) -> Simulated:
    found, census = draw(folder, rows)
    simulation = simulate(policy, found, TODAY)
    figures = build_summary(policy, census, simulation, model_version="v0.0.1", threshold=0.6, today=TODAY)
    return Simulated(found, simulation, figures)


@pytest.fixture
def simulated(tmp_path: Path, policy: Policy) -> Simulated:
    return simulate_rows(tmp_path, policy, MANY)


def test_everybody_with_a_banner_is_counted_once(simulated: Simulated) -> None:
    found, simulation, counts = simulated
    assert counts["banners"] == len(found) == sum(counts["arms"].values()) == len(simulation.lines)
    shown = counts["arms"]["treatment"] + counts["arms"]["unassigned"]
    assert shown == counts["total"]["count"] + sum(counts["no_offer"].values())
    assert all(sum(one["reasons"].values()) == one["count"] for one in counts["offers"])
    assert all(one["count"] + sum(one["why_not"].values()) == shown for one in counts["offers"])


def test_the_sums_add_up_to_the_cent(simulated: Simulated) -> None:
    counts = simulated.figures
    for name in ("count", "cost_dollars", "saved_dollars", "net_dollars"):
        assert sum(one[name] for one in counts["offers"]) == pytest.approx(counts["total"][name])
    for one in [*counts["offers"], counts["total"], counts["withheld_by_the_holdout"]]:
        assert one["net_dollars"] == pytest.approx(one["saved_dollars"] - one["cost_dollars"], abs=1e-6)


def test_the_holdout_sees_nothing_and_what_it_would_have_seen_is_summed(policy: Policy, simulated: Simulated) -> None:
    found, simulation, counts = simulated
    for banner, line in zip(found, simulation.lines, strict=True):
        assert line.arm == draw_arm(banner.key, policy.holdout)
        if line.arm == "holdout":
            assert (line.reasons, line.offer, line.net_dollars) == ("", "", None)
    withheld = [line for line in simulation.lines if line.withheld]
    assert {line.arm for line in withheld} == {"holdout"}
    assert len(withheld) == simulation.withheld.count
    assert 0 < counts["withheld_by_the_holdout"]["count"] <= simulation.arms["holdout"]


def test_without_ids_everybody_is_shown_the_banner(tmp_path: Path, policy: Policy) -> None:
    nameless = simulate_rows(tmp_path, policy, [one | {"subscriber_id": ""} for one in MANY])
    assert set(nameless.simulation.arms) == {"unassigned"}


@pytest.mark.parametrize(
    ("change", "day", "subscriber", "why"),
    [
        (("version", "version"), TODAY, {"contract_type": "one-year"}, "no_reason_shown"),
        (("version", "version"), date(2028, 12, 31) + timedelta(days=1), {}, "expired"),
        (("tickets.at_least = 2", "tickets.at_least = 9"), TODAY, {"monthly_charges": 20.0}, "answers_no_reason"),
        (("version", "version"), TODAY, {"monthly_charges": 1.0}, "not_worth_its_cost"),
    ],
)
def test_who_gets_nothing_is_told_how_far_the_nearest_offer_came(
    tmp_path: Path, change: tuple[str, str], day: date, subscriber: dict[str, Any], why: str
) -> None:
    found, _ = draw(tmp_path, [row(0, 4, **subscriber)])
    assert dict(simulate(policy_of(tmp_path, change), found, day).no_offer) == {why: 1}
    assert why in WHY


def test_the_tables_show_banners_offers_reasons_and_assumptions(policy: Policy, simulated: Simulated) -> None:
    shown = list(build_tables(simulated.figures))
    assert [table.title.split(" ")[0] for table in shown] == ["Subscribers;", "Offers", "Which", "No", "All"]
    assert all(len(cells) == len(table.columns) for table in shown for cells in table.rows)
    assumed = {cells[0]: cells for cells in shown[-1].rows}
    assert policy.document.assumptions is not None
    assert assumed["margin share of the price"][1:] == ["0.45", policy.document.assumptions.margin_share_source]
    assert assumed["priority-support"][1] == "taken up 0.5; saves support 0.18; leavers use 1"
    assert "rest on an assumed margin" in shown[1].title


def test_who_would_be_shown_nothing_is_counted(tmp_path: Path) -> None:
    """A dear policy: no offer is worth it. Reasons are shown alone, or nothing is."""
    dear = ("months_kept = 12", "months_kept = 0.1")
    for changes, seen in (((dear,), "reasons alone"), ((dear, NOTHING_AND_A_LOT), "nothing")):
        found, simulation, counts = simulate_rows(tmp_path, policy_of(tmp_path, *changes), MANY)
        treated = counts["arms"]["treatment"] + counts["arms"]["unassigned"]
        with_reasons = sum(bool(banner.reasons) for banner in found) - sum(
            line.arm == "holdout" and bool(banner.reasons) for banner, line in zip(found, simulation.lines, strict=True)
        )
        assert sum(counts["seen"].values()) == treated
        assert counts["seen"]["an offer"] == counts["total"]["count"] == 0
        assert counts["seen"][seen] in {with_reasons, treated}
        assert any(f"see {seen}" in row[0] for table in build_tables(counts) for row in table.rows)
    assert counts["by_lot"] == pytest.approx(0.5 * with_reasons)


def test_what_is_measured_stands_beside_what_is_assumed(tmp_path: Path) -> None:
    measured = policy_of(tmp_path, ('code = "yearly-20"', MEASURED), ("[cooldown]", SEGMENT))
    *_, table = build_tables(simulate_rows(tmp_path, measured, MANY[:5]).figures)
    assert table.title == "Measured, in place of what was assumed"
    period = "retention-banner-1, 2026-01-01 to 2026-06-30"
    assert [*table.rows] == [
        ["yearly-20", "take up", "0.28 (0.25 to 0.31)", period],
        ["yearly-20", "strength in costly", "0.9 (0.5 to 1.3)", period],
    ]


def test_rows_that_are_not_valid_have_a_table_of_their_own(tmp_path: Path, policy: Policy) -> None:
    shown = list(build_tables(simulate_rows(tmp_path, policy, [row(0), row(1, -1)]).figures))
    assert shown[1].rows == [["num_support_tickets", "out of range", 1, "rows.csv row 2"]]


def test_a_file_without_a_banner_has_tables_and_a_picture_too(tmp_path: Path, policy: Policy) -> None:
    counts = simulate_rows(tmp_path, policy, [row(0, 0)]).figures
    assert len(list(build_tables(counts))) == 3
    assert draw_report(report_offers(counts)).startswith(b"\x89PNG")


def test_lines_and_page_hold_subscribers_and_figures(simulated: Simulated) -> None:
    found, simulation, counts = simulated
    lines = list(csv.DictReader(csv_from_lines(simulation.lines).decode().splitlines()))
    assert len(lines) == len(found)
    assert sum(float(line["net_dollars"] or 0) for line in lines) == pytest.approx(counts["total"]["net_dollars"])
    page = render_report(report_offers(counts), 0.0)
    assert "priority-support" in page
    assert f"Expected cost ${counts['total']['cost_dollars']:,.0f}, net value" in page
