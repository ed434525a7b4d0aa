"""Notices, told to a real receiver by HTTP: each state once, again after a failure, and never at anybody's cost."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.receiving import receive

from churn.errors import SettingsError
from churn.notices.announcer import MOST_WAITING, Announcer, Receiver
from churn.notices.notice import MOST_LETTERS, Notice
from churn.notices.receivers import read_receivers

DRIFT = Notice("drift gym", "v1: Score", "v1 sees drift", "The score has moved far.", "See the dashboard.", "warning")
STEADY = Notice("drift gym", "")
SOON = (0.01, 0.01, 0.01)


@contextmanager
def announcing(
    addresses: str, folder: Path, *, waits_s: Sequence[float] = SOON, within_s: float = 20
) -> Iterator[tuple[Announcer, list[str]]]:
    lines: list[str] = []
    announcer = Announcer(read_receivers(addresses), folder / "notices.json", lines.append, waits_s=waits_s)
    yield announcer, lines
    announcer.close(within_s)


def test_a_receiver_is_told_what_happened_and_where_to_look(tmp_path: Path) -> None:
    with receive() as server, announcing(server.address, tmp_path) as (announcer, _):
        announcer.announce(DRIFT)
    [message] = server.received
    assert (message["title"], message["type"]) == ("v1 sees drift", "warning")
    assert message["message"] == "The score has moved far.\nSee the dashboard."


def test_a_state_is_told_once_also_by_the_next_process_and_again_after_it_was_over(tmp_path: Path) -> None:
    with receive() as server:
        for notices in ([DRIFT, DRIFT], [DRIFT], [STEADY], [DRIFT]):
            with announcing(server.address, tmp_path) as (announcer, _):
                for notice in notices:
                    announcer.announce(notice)
    assert len(server.received) == 2


def test_a_receiver_that_fails_is_tried_again(tmp_path: Path) -> None:
    with receive(500, 503) as server, announcing(server.address, tmp_path) as (announcer, lines):
        announcer.announce(DRIFT)
    assert len(server.received) == 1
    assert not lines


def test_what_no_receiver_took_is_said_without_the_address_and_told_by_the_next_process(tmp_path: Path) -> None:
    with receive(*[500] * 4) as server:
        with announcing(server.address, tmp_path) as (announcer, lines):
            announcer.announce(DRIFT)
        assert lines == ["receiver 1 (json) did not take the notice: v1 sees drift"]
        with announcing(server.address, tmp_path) as (announcer, _):
            announcer.announce(DRIFT)
    assert len(server.received) == 1


def test_one_receiver_that_fails_keeps_nobody_else_from_being_told(tmp_path: Path) -> None:
    with (
        receive(*[500] * 4) as broken,
        receive() as sound,
        announcing(f"{broken.address} {sound.address}", tmp_path) as (announcer, lines),
    ):
        announcer.announce(DRIFT)
    assert (len(broken.received), len(sound.received), len(lines)) == (0, 1, 1)


def test_a_receiver_that_hangs_makes_nobody_wait(tmp_path: Path) -> None:
    with receive() as server:
        server.hangs = True
        with announcing(server.address, tmp_path, within_s=0.1) as (announcer, lines):
            for number in range(MOST_WAITING + 5):
                announcer.announce(Notice("rollout gym", f"state {number}", "A step", "It lasts."))
        assert not server.received  # it hangs still, and all was announced
    assert sum("too many notices wait" in line for line in lines) >= 4
    assert lines[-1] == "some notices could not be sent in time"


def test_a_damaged_file_of_what_was_told_costs_a_repetition_at_most(tmp_path: Path) -> None:
    (tmp_path / "notices.json").write_bytes(b'["nonsense')
    with receive() as server, announcing(server.address, tmp_path) as (announcer, _):
        announcer.announce(DRIFT)
    assert len(server.received) == 1
    assert b"v1: Score" in (tmp_path / "notices.json").read_bytes()


def test_without_an_address_nothing_is_done(tmp_path: Path) -> None:
    receivers: Sequence[Receiver] = ()
    Announcer(receivers, tmp_path / "notices.json", print).announce(DRIFT)
    assert not list(tmp_path.iterdir())


def test_a_wrong_address_is_named_by_its_place_since_it_may_hold_a_secret() -> None:
    with pytest.raises(SettingsError, match="address 2 is none") as caught:
        read_receivers("json://127.0.0.1:1, nonsense://s3cret")
    assert "s3cret" not in f"{caught.value} {caught.value.instead}"


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "https://prod-1.westeurope.logic.azure.com/workflows/643e69f83c8944/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu",
        "pagerduty://A1B2C3D4E5F6@0123456789abcdef0123456789abcdef",
        "jsons://hooks.example.com/churn",
    ],
)
def test_the_addresses_of_slack_teams_pagerduty_and_webhooks_are_known(address: str) -> None:
    assert len(read_receivers(address)) == 1


def test_a_long_sentence_is_cut() -> None:
    assert len(Notice("topic", "state", text="x" * 10_000).body) == MOST_LETTERS + 1
