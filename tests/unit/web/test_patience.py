"""What is old is removed a day late, so that a clock that jumps and is mended removes nothing."""

from churn.web.patience import DAY_S, Clock, wait_a_day

HOUR_S = 3600.0


def at(hours: float, *, ahead_h: float = 0, boot: str = "a") -> Clock:
    return Clock(wall_s=(hours + ahead_h) * HOUR_S, running_s=hours * HOUR_S, boot=boot)


def test_what_is_old_is_removed_once_a_day_has_passed() -> None:
    note, before_s = wait_a_day(None, 100.0, at(0))
    assert before_s is None
    note, before_s = wait_a_day(note, 100.0 + 23 * HOUR_S, at(23))
    assert before_s is None
    note, before_s = wait_a_day(note, 100.0 + DAY_S, at(24))
    assert before_s == 100.0
    assert wait_a_day(note, 101.0 + DAY_S, at(25))[1] is None


def test_a_jump_that_is_mended_within_a_day_removes_nothing_more() -> None:
    note, _ = wait_a_day(None, 0.0, at(0))
    jumped, before_s = wait_a_day(note, 1000 * DAY_S, at(24, ahead_h=24_000))
    assert before_s == 0.0
    mended, before_s = wait_a_day(jumped, DAY_S, at(25))
    assert before_s is None
    assert wait_a_day(mended, 2 * DAY_S, at(49))[1] == DAY_S


def test_time_that_nobody_saw_does_not_count() -> None:
    note, _ = wait_a_day(None, 0.0, at(0))
    note, before_s = wait_a_day(note, 10 * DAY_S, at(240, boot="another"))
    assert before_s is None
    assert wait_a_day(note, 11 * DAY_S, at(264, boot="another"))[1] == 0.0
