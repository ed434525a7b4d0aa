"""What a person is told of a decision about them is in words."""

from typing import Any

from support.predicted import make_entry, make_header, read_lines

from churn.cli.about_you import list_actions, list_decisions
from churn.model.bundle import Bundle
from churn.prediction_log.record import ADDED, LineMaker

NEW: dict[str, Any] = {"tenure": 1, "monthly_charges": 110.0}


def test_each_action_and_what_the_decision_rested_on_are_told_in_words(bundles: dict[str, Bundle]) -> None:
    bundle = bundles["streamflow"]
    header = make_header(bundle, threshold=0.0)
    maker = LineMaker(header)
    entry = make_entry(bundle, threshold=0.0, **NEW)
    [record] = read_lines(maker.header, maker.make_line(entry._replace(attempt=2)))
    _, actions = list_actions([record])
    assert [row[1] for row in actions] == ["nothing", "a banner without an offer", "offer welcome-5"]
    assert sorted(row[3] for row in actions) == ["0.7%", "0.7%", "98.7%"]  # 2 % by lot, evenly
    _, [row] = list_decisions([record])
    assert row[1:] == [
        header.policy_version,
        f"{header.experiment}, 10% shown no banner",
        "may be shown banners",
        "not told",
        2,
    ]


def test_nothing_is_told_of_a_record_that_does_not_say_it(bundles: dict[str, Bundle]) -> None:
    maker = LineMaker(make_header(bundles["streamflow"]))
    [record] = read_lines(maker.header, maker.make_line(make_entry(bundles["streamflow"], threshold=0.0)))
    earlier = record | dict.fromkeys(ADDED) | {"actions": [], "action_values": [], "action_propensities": []}
    assert (list_actions([earlier])[1], list_decisions([earlier])[1]) == ([], [])
