"""The team's pages: on a port of their own, for who gave the token; and what machines may ask there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import given
from support.any_request import bounded, forms, list_posts, promises
from support.fake_service import FakeService
from support.processes import free_port, team_pages
from support.visiting import Portal, Visitor, key_of
from support.watching import TOKEN

from churn.errors import SettingsError

PAGES = ["/", "/explain", "/explain/answer", "/team/events", "/team/events.json"]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def closed(service: FakeService, tmp_path: Path) -> Iterator[Portal]:
    """A portal whose team has a token."""
    with Portal(tmp_path, service.address, portal_team_token=TOKEN) as made:
        yield made


def sign_in(visitor: Visitor, token: str = TOKEN) -> httpx2.Response:
    return visitor.request("POST", "/sign-in", data={"token": token})


@pytest.mark.parametrize("path", PAGES[1:])
def test_subscribers_find_none_of_it_on_their_port(portal: Portal, path: str) -> None:
    assert portal.visitor(1).get(path).status_code == 404
    assert "/explain" not in portal.visitor(1).get().text


def test_without_a_token_everybody_on_this_machine_may_look_and_nobody_can_sign_in(portal: Portal) -> None:
    assert "everybody on this machine" in portal.team_visitor().get("/team/events").text
    assert portal.team_visitor().get("/sign-in").status_code == 404
    refused = portal.team_visitor().get("/api/events", headers=BEARER)
    assert refused.status_code == 403
    assert "set PORTAL_TEAM_TOKEN" in refused.json()["detail"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "team.example.com"])  # noqa: S104 - refused
def test_without_a_token_no_other_machine_can_reach_it(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="open to other machines") as caught:
        Portal(tmp_path, "http://127.0.0.1:1", portal_team_host=host)
    assert "set PORTAL_TEAM_TOKEN" in str(caught.value.instead)


def test_the_command_says_so_in_one_sentence(tmp_path: Path) -> None:
    own = {"CHURN_HOME": str(tmp_path), "PORTAL_TEAM_HOST": "0.0.0.0", "PORTAL_TEAM_PORT": str(free_port())}  # noqa: S104
    done = subprocess.run(
        [sys.executable, "-m", "portal", "team"],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: PORTAL_TEAM_HOST is 0.0.0.0: ")


def test_with_a_token_no_page_is_seen_before_signing_in_nor_after_signing_out(closed: Portal) -> None:
    visitor = closed.team_visitor()
    for path in PAGES:
        answer = visitor.get(path)
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/sign-in", ""), path
    cookie = sign_in(visitor).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert visitor.get("/team/events").status_code == 200
    copied = {"Cookie": f"team_session={visitor.client.cookies['team_session']}"}
    assert closed.team_visitor().get("/team/events", headers=copied).status_code == 200
    visitor.submit("/sign-out")
    for asking in (visitor, closed.team_visitor()):
        assert asking.get("/team/events", headers=copied).status_code == 303


def test_a_subscribers_session_opens_nothing_there_nor_the_other_way_round(closed: Portal) -> None:
    subscriber, member = closed.visitor(1), closed.team_visitor()
    subscriber.get()
    sign_in(member)
    for name in ("team_session", "portal_session"):
        theirs = {"Cookie": f"{name}={subscriber.client.cookies['portal_session']}"}
        assert closed.team_visitor().get("/team/events", headers=theirs).status_code == 303
        ours = {"Cookie": f"{name}={member.client.cookies['team_session']}"}
        assert closed.visitor().get(headers=ours).status_code == 303


def test_machines_give_the_token_with_each_request(closed: Portal) -> None:
    machine = closed.team_visitor()
    for _ in range(70):  # more than anybody may guess: what is right uses nobody's attempts
        assert machine.get("/api/events", headers=BEARER).json() == []
    sign_in(machine)
    headers: dict[str, str]
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": TOKEN}):
        refused = machine.get("/api/events", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.headers["content-type"] == "application/problem+json"
        assert "send the header Authorization: Bearer" in refused.json()["detail"]
    assert closed.visitor().get("/api/events", headers=BEARER).status_code == 404


def test_machines_and_people_share_the_attempts_of_their_source(closed: Portal) -> None:
    guessing = closed.team_visitor()
    guesses = [guessing.get("/api/events", headers={"Authorization": f"Bearer guess {n}"}) for n in range(5)]
    assert [guess.status_code for guess in guesses] == [401] * 5
    refused = guessing.get("/api/events", headers=BEARER)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert sign_in(guessing).status_code == 429
    assert TOKEN not in str(closed.capture.entries)


def test_machines_export_and_erase_a_subscriber_whose_key_no_log_has(closed: Portal) -> None:
    closed.visitor(1).get()
    key, machine = key_of(1), closed.team_visitor()

    def ask(action: str, **body: Any) -> httpx2.Response:
        return machine.request("POST", f"/api/subscribers/{action}", headers=BEARER, **body)

    rows = ask("export", json={"key": key}).json()
    assert [row["key"] for row in rows["subscribers"]] == [key]
    assert ask("erase", json={"key": key}).json()["exposures"] == len(rows["exposures"]) == 1
    assert set(map(len, ask("export", json={"key": key}).json().values())) == {0}
    assert key not in str(closed.capture.entries)
    for wrong in (b"", b"{", b'{"key": 1}', b'{"key": ""}', b'{"key": "\xff"}', b'{"key": "' + b"k" * 129 + b'"}'):
        assert ask("erase", content=wrong).status_code == 422
    assert ask("erase", content=b" " * 9000).status_code == 413
    assert machine.request("POST", "/api/subscribers/export", json={"key": key}).status_code == 401


def test_what_is_wrong_below_api_is_told_in_json(closed: Portal) -> None:
    answer = closed.team_visitor().get("/api/nowhere", headers=BEARER)
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    assert closed.team_visitor().request("DELETE", "/api/events", headers=BEARER).json()["status"] == 405


@pytest.mark.parametrize(("public_url", "is_https"), [("http://x.example", False), ("https://x.example", True)])
def test_where_the_public_address_is_https_nothing_else_is_used(
    service: FakeService, tmp_path: Path, public_url: str, *, is_https: bool
) -> None:
    own = {"portal_team_token": TOKEN, "portal_team_public_url": public_url}
    with Portal(tmp_path, service.address, **own) as portal:
        answer = sign_in(portal.team_visitor())
    assert ("secure" in answer.headers["set-cookie"].lower()) is is_https
    assert ("strict-transport-security" in answer.headers) is is_https


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/nowhere", "/api/events"])
def test_every_answer_carries_the_security_headers(closed: Portal, path: str) -> None:
    headers = closed.team_visitor().get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert headers["cache-control"] == "no-store"


def test_the_process_reads_what_the_portal_has_recorded(portal: Portal, service: FakeService) -> None:
    portal.visitor(1).get()
    with team_pages(portal.settings.churn_home, SERVICE_URL=service.address, PORTAL_TEAM_TOKEN=TOKEN) as address:
        counts = httpx2.get(f"{address}/api/events", headers=BEARER, trust_env=False).json()
    assert [(count["kind"], count["events"]) for count in counts] == [("exposure", 1)]


@pytest.fixture
def promised(closed: Portal) -> Any:
    return promises(closed.team_app)


@schemathesis.pytest.from_fixture("promised").parametrize()
@bounded
def test_any_path_and_query_gets_an_answer(case: Any) -> None:
    assert case.call(headers=BEARER).status_code != 500


@given(form=forms)
@bounded
def test_any_form_gets_an_answer(closed: Portal, form: tuple[str, bytes]) -> None:
    kind, body = form
    for path in list_posts(closed.team_app):
        sent = closed.team_visitor().request("POST", path, content=body, headers={"content-type": kind})
        assert sent.status_code != 500
