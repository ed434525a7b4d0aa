"""Rows that several processes count in."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection

import pytest

from churn.errors import ChurnError
from churn.service.counting.ledger import Ledger

SPAWN = multiprocessing.get_context("spawn")
GAUGE, COUNTER = 0, 1
PATIENCE_S = 60


def count_and_stay(ledger: Ledger, times: int, said: Connection) -> None:
    """What another process does: it counts, says so, and lives until it is killed."""
    cells = ledger.claim(gauges=[GAUGE])
    cells[GAUGE] += 7.0
    for _ in range(times):
        cells[COUNTER] += 1
    said.send("counted")
    signal.pause()


class Another:
    """Another process that has counted."""

    def __init__(self, ledger: Ledger, times: int) -> None:
        said, saying = SPAWN.Pipe(duplex=False)
        self.process = SPAWN.Process(target=count_and_stay, args=(ledger, times, saying), daemon=True)
        self.process.start()
        assert said.poll(PATIENCE_S)
        said.close()
        saying.close()

    def kill(self) -> None:
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(PATIENCE_S)


def test_what_a_killed_process_counted_stays_and_its_gauge_goes() -> None:
    ledger = Ledger(2, rows=2)
    own = ledger.claim(gauges=[GAUGE])
    own[GAUGE], own[COUNTER] = 1.0, 5.0
    other = Another(ledger, times=3)
    assert ledger.sum_rows().tolist() == [8.0, 8.0]
    assert ledger.sum_living_rows().tolist() == [8.0, 8.0]
    other.kill()
    assert ledger.sum_rows()[COUNTER] == 8.0
    assert ledger.sum_living_rows()[GAUGE] == 1.0
    # There are two rows: the third process has the dead one's, and goes on in it.
    third = Another(ledger, times=4)
    assert ledger.sum_rows().tolist() == [8.0, 12.0]
    third.kill()


def test_a_ledger_in_which_every_row_is_taken_says_so() -> None:
    ledger = Ledger(2, rows=1)
    other = Another(ledger, times=1)
    with pytest.raises(ChurnError, match="1 processes count already"):
        ledger.claim()
    other.kill()


def test_no_row_reaches_into_another() -> None:
    ledger = Ledger(1000, rows=3)  # more than a page
    own = ledger.claim()
    own[999] = 1.0
    other = Another(ledger, times=1)
    assert (own[COUNTER], own[999], ledger.sum_rows()[COUNTER], ledger.sum_rows()[999]) == (0.0, 1.0, 1.0, 1.0)
    other.kill()
