"""What is read of subscribers: the first ripe prediction of each experiment, with what was known then."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from churn.businesses import find_contract
from churn.model.model import Prediction
from churn.outcomes.exposures import Exposures
from churn.outcomes.file import Outcome
from churn.outcomes.join import join_outcomes
from churn.outcomes.reading_exposures import collect_exposures, read_exposures
from churn.prediction_log.actions import Possible
from churn.prediction_log.places import Places
from churn.prediction_log.record import Entry, JournalHeader, LineMaker, hash_key
from churn.retention.banner import Decision
from churn.retention.offers.actions import BANNER_ALONE
from churn.retention.offers.selection import Choice

SALT, DAY_S, HORIZON = "a salt", 24 * 3600, 30
CONTRACT = find_contract("streamflow")
NAMES = CONTRACT.feature_names()
OFFERS = ("yearly", "pause")
SHARED: dict[str, Any] = {"policy_version": "1", "policy_sha256": "c" * 64, "possible": Possible(OFFERS)}


def banner(arm: str, offer: str | None, *, nets: tuple[float | None, ...] = (2.0, None)) -> Any:
    """What the service answers, by the offer that is made; the nets are those of all offers."""
    considered = [
        {"code": code, "why": "not_worth_its_cost", "net_dollars": net}
        for code, net in zip(OFFERS, nets, strict=True)
        if code != offer
    ]
    made = {"code": offer, "expected": {"net_dollars": 7.0}} if offer else None
    reasons = [{"code": f"{NAMES[0]}.low"}, {"code": f"{NAMES[1]}.high"}]
    return {"arm": arm, "reasons": reasons, "offer": made, "offers_considered": considered, "language": "en"}


type Visit = tuple[float, str | None, str, float, Any]


def decide(arm: str, shown: Any) -> Decision:
    """What was decided: the holdout is shown nothing of it."""
    code = shown["offer"]["code"] if shown["offer"] else BANNER_ALONE
    choice = Choice(code, code, shown["offer"], shown["offers_considered"], [])
    if arm == "holdout":
        empty: Any = {**shown, "reasons": [], "offer": None, "offers_considered": []}
        return Decision(empty, choice, "risk", [reason["code"] for reason in shown["reasons"]])
    return Decision(shown, choice, "risk", [])


def write(places: Places, experiment: str, *visits: Visit, share: Any = 0.2) -> None:
    """A journal: the day of each visit, who, the arm, the probability and the banner, withheld or not."""
    places.prepare()
    bundle = ("streamflow", tuple(NAMES), "v1", "0" * 64, 0.6, SALT)
    lines = LineMaker(JournalHeader(*bundle, experiment=experiment, holdout_share=share, **SHARED))
    written = [lines.header]
    for day, key, arm, score, shown in visits:
        decision = decide(arm, shown) if shown else None
        answer: Any = {"top_reasons": [], "show_retention_banner": score > 0.6}
        prediction = Prediction(score, tuple(day + at for at in range(len(NAMES))), (0.0,) * len(NAMES), 0.0)
        made = f"{int(day * 1000):016x}{experiment.encode().hex():0>16}"
        drawn: Any = {"arm": arm}
        entry = Entry(round(day * DAY_S * 1e9), made, "", key, prediction, answer, decision, **drawn)
        written.append(lines.make_line(entry))
    (places.journals / f"{experiment}.jsonl").write_bytes(b"".join(written))


def outcome(key: str, *, left: bool = False, **said: Any) -> Outcome:
    return Outcome("subscriber", str(hash_key(key, SALT)), left, said.pop("accepted", None), **said)


def read(places: Places, outcomes: list[Outcome], day: float = 200, **options: Any) -> Exposures:
    now = datetime.fromtimestamp(0, UTC) + timedelta(days=day)
    return read_exposures(places, outcomes, CONTRACT, now=now, horizon_days=HORIZON, **options)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(str(tmp_path / "log"), tmp_path / "log" / "journals")


def test_each_subscriber_is_one_row_with_what_was_known_at_the_first_banner(places: Places) -> None:
    write(
        places,
        "one",
        (1, "a", "treatment", 0.3, None),
        (2, "a", "treatment", 0.9, banner("treatment", "yearly")),
        (3, "a", "treatment", 0.8, banner("treatment", None)),
        (4, "b", "holdout", 0.7, banner("holdout", "pause", nets=(1.0, 3.0))),
        (5, "c", "treatment", 0.1, None),
        (6, "d", "treatment", 0.7, banner("treatment", None, nets=(-1.0, None))),
    )
    said = [
        outcome("a", left=True, left_on=date(1970, 1, 13), accepted=True, paid=4.5),
        outcome("b", left=True),
        outcome("c"),
        outcome("d", left=True, left_on=date(1970, 3, 30)),
    ]
    rows = read(places, said)
    assert rows.actions == ("nothing", "banner alone", "yearly", "pause")
    assert (rows.time / (DAY_S * 1e6)).tolist() == [2, 4, 5, 6]
    assert rows.is_above.tolist() == [True, True, False, True]
    assert [rows.actions[at] for at in rows.taken] == ["yearly", "nothing", "nothing", "banner alone"]
    assert rows.held_out.tolist() == [False, True, False, False]
    assert rows.propensities == pytest.approx(
        np.array([[0.2, 0, 0.8, 0], [0.2, 0, 0, 0.8], [1, 0, 0, 0], [0.2, 0.8, 0, 0]])
    )
    assert rows.left.tolist() == [True, True, False, False]  # d left after the horizon
    assert np.nan_to_num(rows.paid, nan=-1).tolist() == [4.5, -1, -1, -1]
    assert np.nan_to_num(rows.days_until_left, nan=-1).tolist() == [10, -1, -1, -1]
    assert rows.features[:, 0].tolist() == [2, 4, 5, 6]
    groups = {spec.name: spec.group for spec in CONTRACT.features}
    assert rows.reasons[0] == (groups[NAMES[0]], groups[NAMES[1]])
    assert set(rows.experiment) == {"one"}
    assert set(rows.policy_sha256) == {"c" * 64}


def test_a_renamed_experiment_has_rows_of_its_own(places: Places) -> None:
    write(places, "one", (1, "a", "treatment", 0.9, banner("treatment", "yearly")))
    write(places, "two", (9, "a", "holdout", 0.9, banner("holdout", "yearly")), (9.5, "b", "holdout", 0.1, None))
    both = read(places, [outcome("a"), outcome("b")])
    assert list(zip(both.experiment, both.held_out, strict=True)) == [("one", False), ("two", True), ("two", True)]
    assert len(read(places, [outcome("a"), outcome("b")], experiment="one")) == 1


def test_who_is_too_young_was_not_watched_long_enough_or_had_left_before_does_not_count(places: Places) -> None:
    shown = banner("treatment", "yearly")
    write(places, "one", *((day, f"{day}", "treatment", 0.9, shown) for day in (1, 10, 20, 50)))
    early = [outcome(f"{day}", left=day == 20, watched_until=date(1970, 2, 15)) for day in (1, 10, 20, 50)]  # day 45
    assert (read(places, early).time / (DAY_S * 1e6)).tolist() == [1, 10]
    assert (read(places, early, day=31.5).time / (DAY_S * 1e6)).tolist() == [1]
    joined = join_outcomes(places, early, horizon_days=HORIZON)
    assert (joined.matched, joined.unwatched, len(joined.missing)) == (2, 2, 0)
    gone = [outcome("1", left=True, left_on=date(1970, 1, 1)), outcome("10")]
    assert (read(places, gone).time / (DAY_S * 1e6)).tolist() == [10]


def test_who_is_missing_has_no_key_or_no_known_chance_is_counted_and_left_out(places: Places) -> None:
    shown = banner("treatment", "yearly")
    visits = [(day, f"{day}", "treatment", 0.9, shown) for day in (1, 2, 3)]
    write(places, "one", *visits, (4, None, "unassigned", 0.9, banner("unassigned", "yearly")))
    write(places, "none", (5, "5", "treatment", 0.9, shown), share=None)
    nobody = Outcome("prediction_id", f"{4000:016x}{b'one'.hex():0>16}", left=False, accepted=None)
    said = [outcome("1"), outcome("3"), outcome("5"), nobody]
    read_all = collect_exposures(places, join_outcomes(places, said), CONTRACT)
    assert (len(read_all.known), len(read_all.everybody)) == (2, 3)
    assert (read_all.without_key, read_all.unclear, read_all.unread) == (1, 1, 0)


def test_without_any_outcome_there_are_no_rows_and_the_shapes_hold(places: Places) -> None:
    write(places, "one", (1, "a", "treatment", 0.9, banner("treatment", "yearly")))
    rows = read(places, [])
    assert (len(rows), rows.features.shape, rows.propensities.shape) == (0, (0, len(NAMES)), (0, 2))
