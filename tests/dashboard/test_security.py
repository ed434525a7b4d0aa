"""Who may do what: nobody without a token, nobody by another site's form, and headers on every answer."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from support.watching import FORM_TOKEN, TOKEN, Open

from churn.rollout.state import Command
from churn.rollout.store import RolloutStore
from demo.simulated_rollouts import SERVICE

PATHS = ["/", "/rollouts/1", "/rollouts/3", "/service", "/drift", "/models", "/nowhere", "/static/dashboard.css"]
ACTIONS = ["/rollouts/3/abort", "/rollouts/3/promote", "/sign-out"]


def command_left(home: Path) -> Command | None:
    with closing(RolloutStore(home)) as store:
        return store.find_command(3)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(dashboard: Open, demo_home: Path, path: str) -> None:
    headers = dashboard(demo_home).get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"


def test_no_page_has_script_or_style_of_its_own_or_an_address_elsewhere(dashboard: Open, demo_home: Path) -> None:
    looked = dashboard(demo_home, token=TOKEN)
    looked.sign_in()
    for path in (*PATHS[:-1], "/sign-in"):
        page = re.sub(r'xmlns(:xlink)?="[^"]*"', "", looked.get(path).text)
        assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son\w+=|javascript:|https?://", page), path


def test_without_a_token_there_is_no_form_and_nothing_that_takes_one(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home)
    for path in PATHS:
        assert "<form" not in looked.get(path).text, path
    for path in [*ACTIONS, "/sign-in"]:
        assert looked.request("POST", path, data={"token": "", "reason": "x"}).status_code in {404, 405}, path
    assert looked.get("/sign-in").status_code == 404
    assert command_left(own_home) is None


def test_who_has_not_signed_in_sees_no_page_and_can_do_nothing(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    for path in (*PATHS[:6], "/rollouts/3/report.html", "/shadow", "/outcomes"):
        answer = looked.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path
        assert answer.text == ""
    for path in ACTIONS:
        for form_token in ("", "0" * 64, "é"):
            answer = looked.request("POST", path, data={"reason": "x", "form_token": form_token})
            assert answer.status_code == 403, path
    assert command_left(own_home) is None


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + " ", "é"])
def test_a_wrong_token_is_refused_and_noted_without_being_written_down(
    dashboard: Open, own_home: Path, token: str
) -> None:
    looked = dashboard(own_home, token=TOKEN)
    answer = looked.sign_in(token)
    assert answer.status_code == 403
    assert "That is not the token" in answer.text
    assert "set-cookie" not in answer.headers
    assert any(line["event"] == "wrong_token" for line in looked.capture.entries)
    assert TOKEN[:-1] not in str(looked.capture.entries)


def test_with_the_token_a_rollout_is_aborted_with_its_reason(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    cookie = looked.sign_in().headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    answer = looked.submit("/rollouts/3/abort", of="/rollouts/3", reason="  calls are <b>rising</b> ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/rollouts/3")
    command = command_left(own_home)
    assert command is not None
    assert (command.what, command.reason) == ("abort", "asked for on the dashboard: calls are <b>rising</b>")
    with closing(RolloutStore(own_home)) as store, store.lock(SERVICE):
        page = looked.page("/rollouts/3")
    assert "Asked for and not carried out yet" in page
    assert "&lt;b&gt;rising" in page


def test_with_the_token_a_step_is_asked_for_at_any_hour_only_if_that_is_ticked(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    looked.sign_in()
    looked.submit("/rollouts/3/promote", of="/rollouts/3", reason="seen enough")
    command = command_left(own_home)
    assert command is not None
    assert (command.what, command.at_any_hour) == ("promote", False)


def test_a_wish_needs_a_reason_and_a_rollout_that_is_not_over(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    looked.sign_in()
    assert looked.submit("/rollouts/3/abort", of="/rollouts/3", reason="  ").status_code == 400
    assert looked.submit("/rollouts/1/abort", of="/rollouts/3", reason="x").status_code == 409
    assert looked.submit("/rollouts/99/abort", of="/rollouts/3", reason="x").status_code == 404
    assert "Abort" not in looked.page("/rollouts/1")


def test_a_form_that_another_site_sends_is_refused_even_with_the_right_cookie(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    looked.sign_in()
    found = FORM_TOKEN.search(looked.page("/rollouts/3"))
    assert found is not None
    fields = {"form_token": found[1], "reason": "x"}
    for site in ("cross-site", "same-site"):
        answer = looked.request("POST", "/rollouts/3/abort", data=fields, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert command_left(own_home) is None


def test_the_form_token_of_another_visit_is_refused(dashboard: Open, own_home: Path) -> None:
    one, two = dashboard(own_home, token=TOKEN), dashboard(own_home, token=TOKEN)
    one.sign_in()
    two.sign_in()
    found = FORM_TOKEN.search(two.page("/rollouts/3"))
    assert found is not None
    answer = one.request("POST", "/rollouts/3/abort", data={"form_token": found[1], "reason": "x"})
    assert answer.status_code == 403


def test_another_token_ends_all_visits(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    looked.sign_in()
    other = dashboard(own_home, token=TOKEN + " changed")
    other.client.cookies = looked.client.cookies
    assert other.get("/rollouts/3").status_code == 303
    assert "<form" in looked.page("/rollouts/3")


def test_signing_out_ends_a_visit(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    looked.sign_in()
    looked.submit("/sign-out", of="/")
    assert looked.get("/rollouts/3").status_code == 303


def test_a_copied_cookie_is_worth_nothing_after_signing_out_nor_after_a_restart(
    dashboard: Open, own_home: Path
) -> None:
    looked = dashboard(own_home, token=TOKEN)
    looked.sign_in()
    copied = {"Cookie": f"dashboard_session={looked.client.cookies['dashboard_session']}"}
    assert dashboard(own_home, token=TOKEN).get("/rollouts/3", headers=copied).status_code == 200
    looked.submit("/sign-out", of="/")
    for opened in (looked, dashboard(own_home, token=TOKEN)):
        opened.client.cookies.clear()
        assert opened.get("/rollouts/3", headers=copied).status_code == 303


def test_a_token_can_be_tried_a_few_times_and_then_not_even_the_right_one_helps(
    dashboard: Open, own_home: Path
) -> None:
    looked = dashboard(own_home, token=TOKEN)
    answers = [looked.sign_in("wrong") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    assert looked.sign_in().status_code == 429


def test_behind_a_proxy_each_source_has_its_own_attempts(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN, public_url="https://churn.example.com")
    guesses = [
        looked.request("POST", "/sign-in", data={"token": "x"}, headers={"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.1"})
        for n in range(6)  # what the guesser writes himself changes nothing
    ]
    assert [guess.status_code for guess in guesses] == [403] * 5 + [429]
    answer = looked.request("POST", "/sign-in", data={"token": TOKEN}, headers={"X-Forwarded-For": "192.0.2.2"})
    assert answer.status_code == 303


@pytest.mark.parametrize(("public_url", "is_https"), [(None, False), ("http://x", False), ("https://x", True)])
def test_where_the_public_address_is_https_nothing_else_is_used(
    dashboard: Open, own_home: Path, public_url: str | None, *, is_https: bool
) -> None:
    answer = dashboard(own_home, token=TOKEN, public_url=public_url).sign_in()
    assert ("secure" in answer.headers["set-cookie"].lower()) is is_https
    assert ("strict-transport-security" in answer.headers) is is_https


@pytest.mark.parametrize("number", ["99999999999999999999", "9" * 5000, "-1", "1e3", "0x1"])
def test_a_number_that_no_rollout_can_have_is_no_page(dashboard: Open, own_home: Path, number: str) -> None:
    opened = dashboard(own_home)
    assert opened.get(f"/rollouts/{number}").status_code == 404
    assert opened.get(f"/rollouts/{number}/report.html").status_code == 404


def test_a_long_body_and_what_is_no_form_are_refused(dashboard: Open, own_home: Path) -> None:
    looked = dashboard(own_home, token=TOKEN)
    assert looked.request("POST", "/sign-in", data={"token": "x" * 9000}).status_code == 413
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = looked.request("POST", "/sign-in", content=b"token=x", headers={"Content-Type": kind})
        assert answer.status_code == 400, kind
