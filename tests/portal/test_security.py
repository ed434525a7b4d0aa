"""Forms that are ours only, text that stays text, headers on every answer, cookies that scripts cannot read."""

import re
from pathlib import Path

import pytest
from support.fake_service import OFFER, FakeService, with_retention
from support.visiting import Portal, key_of

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' onload=alert(1) {{ 7 * 7 }}"
PATHS = ["/", "/sign-in", "/nowhere", "/offers/none"]
PATHS += ["/static/portal.css", "/static/base.css"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(portal: Portal, path: str) -> None:
    headers = portal.visitor(1).get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_no_page_has_script_or_style_of_its_own(portal: Portal) -> None:
    visitor = portal.visitor(1)
    for path in ("/", "/sign-in", f"/offers/{visitor.banner()}", "/nowhere"):
        page = visitor.get(path).text
        assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son\w+=|javascript:|https?://", page), path


def test_hostile_text_of_the_service_stays_text(portal: Portal, service: FakeService) -> None:
    reason = {"code": "a", "group": "a", "actionable": True, "text": HOSTILE}
    offer = {**OFFER, "title": HOSTILE, "disclosures": [HOSTILE]}
    service.answer = with_retention(headline=HOSTILE, reasons=[reason], offer=offer, language='en" onload="alert(1)')
    visitor = portal.visitor(1)
    banner = visitor.banner()
    pages = [visitor.get().text, visitor.get(f"/offers/{banner}").text]
    visitor.submit(f"/offers/{banner}")
    for page in [*pages, visitor.get().text]:
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'lang="en" onload' not in page
        assert "{{ 7 * 7 }}" in page


def posts(portal: Portal) -> list[str]:
    """Every path that takes a form."""
    return [path for path, methods in portal.app.openapi()["paths"].items() if "post" in methods]


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_the_sessions_token_is_refused_everywhere(portal: Portal, token: str | None) -> None:
    visitor = portal.visitor(1)
    banner = visitor.banner()
    assert len(posts(portal)) >= 7
    for path in posts(portal):
        fields = {"subscriber": key_of(2)} | ({} if token is None else {"form_token": token})
        response = visitor.request("POST", path.replace("{prediction_id}", banner), data=fields)
        assert response.status_code == 403, path
    assert "data-banner" in visitor.get().text


def test_another_visitors_token_is_refused(portal: Portal) -> None:
    visitor, other = portal.visitor(1), portal.visitor(1)
    banner = visitor.banner()
    other.get()
    response = visitor.request("POST", f"/offers/{banner}", data={"form_token": other.token})
    assert response.status_code == 403


def test_signing_in_begins_a_new_session_so_that_an_older_cookie_or_token_is_worth_nothing(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.get("/sign-in")
    cookie, token = visitor.client.cookies["portal_session"], visitor.token
    visitor.submit("/sign-in", subscriber=key_of(1))
    assert visitor.client.cookies["portal_session"] != cookie
    banner = visitor.banner()
    assert visitor.request("POST", f"/offers/{banner}", data={"form_token": token}).status_code == 403


def test_signing_out_signs_out(portal: Portal) -> None:
    visitor = portal.visitor(1)
    visitor.get()
    visitor.submit("/sign-out")
    assert visitor.get().status_code == 303


def test_a_copied_cookie_is_worth_nothing_after_signing_out(portal: Portal) -> None:
    visitor = portal.visitor(1)
    visitor.get()
    copied = {"Cookie": f"portal_session={visitor.client.cookies['portal_session']}"}
    assert portal.visitor().get(headers=copied).status_code == 200
    visitor.submit("/sign-out")
    assert portal.visitor().get(headers=copied).status_code == 303


@pytest.mark.parametrize(("public_url", "is_https"), [("http://x.example", False), ("https://x.example", True)])
def test_where_the_public_address_is_https_nothing_else_is_used(
    service: FakeService, tmp_path: Path, public_url: str, *, is_https: bool
) -> None:
    with Portal(tmp_path, service.address, portal_public_url=public_url) as portal:
        answer = portal.visitor().get("/sign-in")
    assert ("secure" in answer.headers["set-cookie"].lower()) is is_https
    assert ("strict-transport-security" in answer.headers) is is_https


def test_the_cookie_is_for_the_server_only(portal: Portal) -> None:
    visitor = portal.visitor()
    cookie = visitor.get("/sign-in").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


@pytest.mark.parametrize("cookie", ["", "nonsense", "WyJhIiwiYiJd.aaaa.bbbb"])
def test_a_forged_cookie_is_nobodys(portal: Portal, cookie: str) -> None:
    response = portal.visitor().get(headers={"Cookie": f"portal_session={cookie}"})
    assert response.status_code == 303


def test_a_changed_cookie_is_nobodys(portal: Portal) -> None:
    visitor = portal.visitor(1)
    payload, signature = visitor.client.cookies["portal_session"].split(".", 1)
    visitor.client.cookies.clear()
    response = visitor.get(headers={"Cookie": f"portal_session={payload[:-2]}xx.{signature}"})
    assert response.status_code == 303


def test_a_long_body_is_refused_however_it_is_sent(portal: Portal) -> None:
    visitor = portal.visitor(1)
    visitor.get()
    for path in ("/sign-in", "/sign-out", "/offers/one"):
        assert visitor.submit(path, more="x" * 20_000).status_code == 413
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    async def pieces() -> object:
        for _ in range(30):
            yield b"x" * 1000

    assert visitor.request("POST", "/sign-out", content=pieces(), headers=headers).status_code == 413


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "multipart/form-data"]
)
def test_what_is_no_form_of_ours_is_refused(portal: Portal, kind: str) -> None:
    visitor = portal.visitor(1)
    visitor.get()
    response = visitor.request(
        "POST", "/sign-out", content=b"form_token=" + visitor.token.encode(), headers={"Content-Type": kind}
    )
    assert response.status_code in {400, 403}


def test_a_page_that_does_not_exist_and_a_wrong_method_are_pages_too(portal: Portal) -> None:
    visitor = portal.visitor(1)
    assert "There is no such page" in visitor.get("/nowhere").text
    assert visitor.request("PUT", "/").status_code == 405
    assert visitor.get("/static/../settings.py").status_code == 404
    assert visitor.get("/static/nowhere.css").status_code == 404
