"""Ids that say when they were made."""

import uuid
from datetime import UTC, datetime, timedelta

from churn.prediction_log.ids import PREDICTION_ID, make_prediction_id, time_from_id


def test_an_id_is_a_uuid_that_says_when_it_was_made() -> None:
    made = make_prediction_id()
    assert PREDICTION_ID.fullmatch(made)
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (7, uuid.RFC_4122)
    time = time_from_id(made)
    assert time is not None
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)


def test_an_id_of_another_kind_does_not_say_when_it_was_made() -> None:
    assert time_from_id(uuid.uuid4().hex) is None


def test_no_two_ids_are_the_same() -> None:
    assert len({make_prediction_id() for _ in range(10_000)}) == 10_000
