"""How long a worker may take to start."""

from churn.service.start_limit import IDLE_S, LONGEST_S, StartLimit


def test_a_worker_that_is_short_of_cpu_is_waited_for_up_to_the_longest_time() -> None:
    limit = StartLimit(began_s=1000)
    for step in range(1, int(LONGEST_S // IDLE_S)):
        now_s = 1000 + step * (IDLE_S - 1)
        assert limit.find_fault(now_s) is None
        limit.note(0.01 * step, now_s)
    assert limit.find_fault(1000 + LONGEST_S) == "did nothing for 60 s while it started"
    limit.note(1.0, 1000 + LONGEST_S)
    assert limit.find_fault(1000 + LONGEST_S) is None
    assert limit.find_fault(1001 + LONGEST_S) == "was not ready within 600 s"


def test_a_worker_that_does_nothing_is_given_up_soon() -> None:
    for cpu_s in (0.5, None):  # None: the system does not tell
        limit = StartLimit(began_s=1000)
        for seconds in range(int(IDLE_S)):
            limit.note(cpu_s, 1000 + seconds)
        assert limit.find_fault(1000 + IDLE_S - 1) is None
        assert limit.find_fault(1001 + IDLE_S)
