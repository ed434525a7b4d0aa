"""Signing in by OpenID Connect, on the dashboard and on the team's pages, and what attackers try."""

import asyncio
import base64
import hmac
import html
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import oidc_provider_mock
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from support.fake_provider import CLIENT, KEY, SECRET, FakeProvider, fake_provider, sign
from support.processes import free_port
from support.visiting import Portal
from support.watching import TOKEN, Dashboard

from churn.rollout.store import RolloutStore
from churn.web.oidc import OidcConfig, build_oidc_config
from demo.simulated_rollouts import write_demo

ALLOWED = "ann@example.com,@team.example.com,groups=churn-team"
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"}, private=True)
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass
class Opened:
    """An app, asked as a browser would; it follows no redirects."""

    request: Callable[..., httpx2.Response]
    client: httpx2.AsyncClient
    lines: Callable[[], list[Any]]
    page: str

    def begin(self) -> str:
        """Start to sign in; return where the app sends people."""
        answer = self.request("GET", "/sign-in/provider")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def come_back(self, path: str, **what: Any) -> httpx2.Response:
        return self.request("GET", path, **what)

    def said(self) -> str:
        return str(self.lines())

    def is_signed_in(self) -> bool:
        return self.request("GET", self.page).status_code == 200

    def refuses(self, path: str, status: int, *texts: str, **what: Any) -> None:
        """Come back, which must end in one plain page and no session."""
        answer = self.come_back(path, **what)
        assert answer.status_code == status, answer.text
        text = html.unescape(answer.text)
        assert "You are not signed in" in text
        assert all(part in text for part in texts), text
        assert "Traceback" not in text
        assert not self.is_signed_in()
        assert "request_failed" not in self.said()


type Open = Callable[..., Opened]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as running:
        yield running


@pytest.fixture(params=["dashboard", "team"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens one of the apps with a provider."""
    with ExitStack() as stack:

        def open_app(issuer: str, allowed: str = ALLOWED, token: str | None = None) -> Opened:
            if request.param == "dashboard":
                oidc = configure(issuer, allowed)
                dashboard = stack.enter_context(closing(Dashboard(tmp_path, token=token, oidc=oidc)))
                return Opened(dashboard.request, dashboard.client, lambda: list(dashboard.capture.entries), "/")
            settings = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
            portal = stack.enter_context(
                Portal(tmp_path, "http://127.0.0.1:1", **settings, oidc_allowed=allowed, portal_team_token=token)
            )
            visitor = portal.team_visitor()
            return Opened(visitor.request, visitor.client, lambda: list(portal.capture.entries), "/team/events")

        yield open_app


def configure(issuer: str, allowed: str | None = ALLOWED, **changed: Any) -> OidcConfig | None:
    own: dict[str, Any] = {"client_id": CLIENT, "client_secret": SecretStr(SECRET), "host": "127.0.0.1", "port": 8002}
    own |= {"public_url": None, "prefix": "DASHBOARD_"} | changed
    return build_oidc_config(issuer=issuer, allowed=allowed, **own)


def test_who_is_allowed_comes_back_signed_in_and_signing_out_ends_it_on_the_server(
    opened: Open, provider: FakeProvider
) -> None:
    app = opened(provider.address)
    assert app.request("GET", app.page).headers["location"] == "/sign-in"
    page = app.request("GET", "/sign-in").text
    assert 'href="/sign-in/provider"' in page
    assert 'name="token"' not in page
    answer = app.come_back(provider.let_in(app.begin()))
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text
    cookie = next(line for line in answer.headers.get_list("set-cookie") if "provider" not in line).lower()
    assert "samesite=strict" in cookie
    assert "httponly" in cookie
    assert app.is_signed_in()
    assert "'who': 'ann@example.com'" in app.said()
    copied = dict(app.client.cookies)
    form_token = re.search(r'name="form_token" value="(\w+)"', app.request("GET", app.page).text)
    assert form_token is not None
    app.request("POST", "/sign-out", data={"form_token": form_token[1]})
    app.client.cookies.clear()
    app.client.cookies.update(copied)
    assert not app.is_signed_in()


def test_a_real_provider_signs_people_in(opened: Open) -> None:
    claims = {"email": "ann@example.com", "email_verified": True}
    users = [oidc_provider_mock.User(sub="ann", claims=claims), oidc_provider_mock.User(sub="eve", claims={})]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as server:
        app = opened(f"http://localhost:{server.server_port}")

        def go_through(person: str) -> str:
            location = app.begin()
            answer = httpx2.post(location, data={"sub": person}, trust_env=False)
            assert answer.status_code == 302, answer.text
            back = urlsplit(answer.headers["location"])
            return f"{back.path}?{back.query}"

        app.refuses(go_through("eve"), 403, "The provider knows you as sub=eve")
        assert app.come_back(go_through("ann")).status_code == 200
        assert app.is_signed_in()


def test_both_ways_are_offered_where_both_are_set(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address, token=TOKEN)
    page = app.request("GET", "/sign-in").text
    assert 'href="/sign-in/provider"' in page
    assert 'name="token"' in page
    assert app.request("POST", "/sign-in", data={"token": TOKEN}).status_code == 303
    assert app.is_signed_in()


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_without_a_token_none_is_taken(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    assert app.request("POST", "/sign-in", data={"token": ""}).status_code == 404


def forge(claims: dict[str, Any], alg: str, secret: bytes) -> str:
    """Return a token that a careless reader believes."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": alg}, claims)]
    signature = base64.urlsafe_b64encode(hmac.digest(secret, b".".join(parts), "sha256")).rstrip(b"=")
    return b".".join([*parts, signature if secret else b""]).decode()


FORGED: dict[str, tuple[str, dict[str, Any]]] = {
    "another issuer": ("InvalidClaimError", {"claims": {"iss": "https://elsewhere.example"}}),
    "another audience": ("InvalidClaimError", {"claims": {"aud": "somebody else"}}),
    "another audience, presented by us": ("InvalidClaimError", {"claims": {"aud": "somebody else", "azp": CLIENT}}),
    "two audiences, presented by another": (
        "InvalidClaimError",
        {"claims": {"aud": [CLIENT, "other"], "azp": "other"}},
    ),
    "no audience": ("MissingClaimError", {"claims": {"aud": None}}),
    "another sign-in's nonce": ("InvalidClaimError", {"claims": {"nonce": "x" * 64}}),
    "no nonce": ("MissingClaimError", {"claims": {"nonce": None}}),
    "expired": ("ExpiredTokenError", {"claims": {"exp": 1_800_000_000 // 2}}),
    "never expires": ("MissingClaimError", {"claims": {"exp": None}}),
    "not good yet": ("InvalidClaimError", {"claims": {"nbf": 9_000_000_000}}),
    "nobody": ("MissingClaimError", {"claims": {"sub": None}}),
    "alg none": ("UnsupportedAlgorithmError", {"sign": lambda claims: forge(claims, "none", b"")}),
    "signed with what we know": (
        "UnsupportedAlgorithmError",
        {"sign": lambda claims: forge(claims, "HS256", SECRET.encode())},
    ),
    "signed with the public key": (
        "UnsupportedAlgorithmError",
        {"sign": lambda claims: forge(claims, "HS256", KEY.as_pem(private=False))},
    ),
    "signed by another": ("BadSignatureError", {"sign": lambda claims: sign(claims, OTHER_KEY, kid="first")}),
    "changed": ("BadSignatureError", {"sign": lambda claims: sign(claims)[:-8] + "AAAAAAAA"}),
    "no token": ("Error", {"sign": lambda _: ""}),
    "nonsense": ("Error", {"sign": lambda _: "a.b.c"}),
}


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_token_lets_nobody_in(opened: Open, provider: FakeProvider, forged: str) -> None:
    app = opened(provider.address)
    reason, changed = FORGED[forged]
    for name, value in changed.items():
        setattr(provider, name, value)
    app.refuses(provider.let_in(app.begin()), 403, "could not be verified")
    refused = next(line for line in app.lines() if line["event"] == "sign_in_refused")
    assert reason in refused["reason"]


@pytest.mark.parametrize("claims", [{"email": "bob@example.com"}, {"email_verified": False}])
def test_somebody_who_may_not_is_told_who_they_are_and_whom_to_ask(
    opened: Open, provider: FakeProvider, claims: dict[str, Any]
) -> None:
    app = opened(provider.address)
    provider.claims = claims
    app.refuses(
        provider.let_in(app.begin()), 403, "The provider knows you as", "may not see these pages", "OIDC_ALLOWED"
    )


def test_a_sign_in_is_used_once(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    path = provider.let_in(app.begin())
    kept = dict(app.client.cookies)
    assert app.come_back(path).status_code == 200
    app.client.cookies.clear()
    app.client.cookies.update(kept)
    app.refuses(path, 400, "is over already")
    assert provider.paths.count("/token_endpoint") == 1


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_a_code_is_used_once_and_only_by_the_sign_in_that_it_was_given_to(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    stolen = dict(parse_qsl(urlsplit(provider.let_in(app.begin())).query))["code"]
    path = provider.let_in(app.begin()).partition("?")[0]
    state = dict(parse_qsl(urlsplit(app.begin()).query))["state"]
    app.refuses(f"{path}?code={stolen}&state={state}", 403, "could not be verified")


def test_somebody_elses_sign_in_is_no_ones_here(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    path = provider.let_in(app.begin())
    kept = dict(app.client.cookies)
    app.client.cookies.clear()
    app.refuses(path, 400, "begun in another browser")
    app.begin()
    app.refuses(path, 400, "begun in another browser")
    app.client.cookies.clear()
    app.client.cookies.update({name: value[:-3] + "abc" for name, value in kept.items()})
    app.refuses(path, 400, "begun in another browser")
    assert "/token_endpoint" not in provider.paths


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
@pytest.mark.parametrize(
    "query", ["", "code=x", "state=", "code=x&state=%C3%A9", "error=access_denied", "state=x&iss=y"]
)
def test_who_comes_back_from_nowhere_is_told_so(opened: Open, provider: FakeProvider, query: str) -> None:
    opened(provider.address).refuses(f"/sign-in/callback?{query}", 400, "Go back and sign in once more")


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_a_refusal_of_the_provider_is_told_and_its_words_are_not_repeated(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    path = provider.let_in(app.begin(), error="access_denied", error_description="Call 0900-EVIL at once")
    app.refuses(path, 403, "The provider did not sign you in")
    assert "EVIL" not in app.said()


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_who_was_sent_by_another_provider_is_not_let_in(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    app.refuses(provider.let_in(app.begin(), iss="https://elsewhere.example"), 403, "could not be verified")
    assert "/token_endpoint" not in provider.paths


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_what_does_not_succeed_can_be_tried_a_few_times_only(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    answers = [app.come_back("/sign-in/callback?code=x&state=y") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10


def test_a_session_of_somebody_ends_when_the_rules_change(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    app.come_back(provider.let_in(app.begin()))
    assert app.is_signed_in()
    other = opened(provider.address, allowed="bob@example.com")
    other.client.cookies = app.client.cookies
    assert not other.is_signed_in()


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_new_keys_of_the_provider_are_believed_at_once(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    app.come_back(provider.let_in(app.begin()))
    provider.keys = [OTHER_KEY]
    provider.sign = lambda claims: sign(claims, OTHER_KEY)
    app.client.cookies.clear()
    assert app.come_back(provider.let_in(app.begin())).status_code == 200


METADATA: dict[str, object] = {
    "another issuer": {"issuer": "https://elsewhere.example"},
    "an endpoint elsewhere without TLS": {"token_endpoint": "http://elsewhere.example/token"},
    "a script for an endpoint": {"authorization_endpoint": "javascript:alert(1)"},
    "no endpoint": {"jwks_uri": None},
    "a number for an endpoint": {"token_endpoint": 7},
    "an address that is none": {"token_endpoint": "https://[::1"},
}


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
@pytest.mark.parametrize("wrong", METADATA)
def test_a_provider_that_says_nonsense_of_itself_is_not_asked(opened: Open, provider: FakeProvider, wrong: str) -> None:
    provider.metadata = METADATA[wrong]  # type: ignore[assignment]
    answer = opened(provider.address).request("GET", "/sign-in/provider")
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"x" * 2_000_000, b"[" * 500_000, b"7"])
@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks_uri", "/token_endpoint"])
def test_a_provider_that_answers_nonsense_is_one_page(
    provider: FakeProvider, tmp_path: Path, path: str, body: bytes
) -> None:
    with closing(Dashboard(tmp_path, oidc=configure(provider.address))) as dashboard:
        app = Opened(dashboard.request, dashboard.client, lambda: list(dashboard.capture.entries), "/")
        usual = provider.answer
        way = "" if path == WELL_KNOWN else provider.let_in(app.begin())
        provider.answer = lambda asked, *rest: (200, body) if asked == path else usual(asked, *rest)  # type: ignore[method-assign]
        answer = app.request("GET", way or "/sign-in/provider")
        assert answer.status_code in {403, 503}
        assert "You are not signed in" in answer.text
        assert "request_failed" not in app.said()


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_a_provider_that_is_away_is_told_with_what_to_do(opened: Open, provider: FakeProvider) -> None:
    app = opened(provider.address)
    way = provider.let_in(app.begin())
    provider.answer = lambda *_: (500, {})  # type: ignore[method-assign]
    app.refuses(way, 503, "does not answer", "Try again in a minute")
    assert "provider_failed" in app.said()


@pytest.mark.parametrize("opened", ["dashboard"], indirect=True)
def test_a_provider_that_nobody_reaches_is_told_and_not_asked_for_everybody(opened: Open) -> None:
    app = opened(f"http://127.0.0.1:{free_port()}")
    for _ in range(3):
        answer = app.request("GET", "/sign-in/provider")
        assert answer.status_code == 503
        assert "Try again in a minute" in answer.text


def test_many_who_begin_at_once_ask_a_slow_provider_once(tmp_path: Path, provider: FakeProvider) -> None:
    provider.delay_s = 0.3
    with closing(Dashboard(tmp_path, oidc=configure(provider.address))) as dashboard:

        async def begin_all() -> list[httpx2.Response]:
            return await asyncio.gather(*(dashboard.client.get("/sign-in/provider") for _ in range(20)))

        assert {answer.status_code for answer in dashboard.runner.run(begin_all())} == {303}
    assert provider.paths == [WELL_KNOWN]


def test_a_command_has_the_name_of_who_left_it(tmp_path: Path, provider: FakeProvider) -> None:
    write_demo(tmp_path, every_s=4 * 3600)
    with closing(Dashboard(tmp_path, oidc=configure(provider.address))) as dashboard:
        dashboard.get(provider.let_in(dashboard.get("/sign-in/provider").headers["location"]))
        dashboard.submit("/rollouts/3/abort", of="/rollouts/3", reason="calls are rising")
    with closing(RolloutStore(tmp_path)) as store:
        command = store.find_command(3)
    assert command is not None
    assert command.reason == "asked for on the dashboard by ann@example.com: calls are rising"
