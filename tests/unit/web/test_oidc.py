"""Who is let in by a provider, and what is refused of its settings."""

from typing import Any

import pytest
from pydantic import SecretStr

from churn.errors import SettingsError
from churn.web.oidc import OidcConfig, build_oidc_config, name_person

SECRET = "a secret of the client"  # noqa: S105 - a test's own
ALLOWED = "ann@example.com,@team.example.com,groups=churn-team"


def configure(issuer: str = "https://x.example", **changed: Any) -> OidcConfig | None:
    own: dict[str, Any] = {"client_id": "churn", "client_secret": SecretStr(SECRET), "allowed": ALLOWED}
    own |= {"host": "127.0.0.1", "port": 8002, "public_url": None, "prefix": "DASHBOARD_"} | changed
    return build_oidc_config(issuer=issuer, **own)


@pytest.mark.parametrize(
    ("claims", "is_let_in"),
    [
        ({"email": "ANN@Example.com"}, True),
        ({"email": "bob@team.example.com"}, True),
        ({"email": None, "email_verified": None, "groups": ["x", "churn-team"]}, True),
        ({"email": "bob@example.com", "groups": "churn-team"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": None}, False),
        ({"email_verified": "true"}, False),
        ({"email": "bob@example.com"}, False),
        ({"email": "joann@example.com"}, False),
        ({"email": "bob@evil-team.example.com"}, False),
        ({"email": "bob@team.example.com@evil.example"}, False),
        ({"email": "evil@evil.example@team.example.com"}, False),
        ({"email": ["ann@example.com"]}, False),
        ({"email": ""}, False),
        ({"email": "bob@example.com", "groups": "churn-team-not"}, False),
        ({"email": "bob@example.com", "groups": ["not churn-team"]}, False),
        ({"email": "bob@example.com", "groups": {"churn-team": 1}}, False),
    ],
)
def test_only_those_are_let_in_whom_the_rules_name(claims: dict[str, Any], *, is_let_in: bool) -> None:
    config = configure()
    assert config is not None
    assert config.is_allowed({"sub": "1", "email": "ann@example.com", "email_verified": True} | claims) is is_let_in


def test_a_letter_that_only_looks_like_one_of_ours_is_another() -> None:
    config = configure(allowed="@kiosk.example")
    assert config is not None
    assert config.is_allowed({"email": "bob@KIOSK.example", "email_verified": True})
    assert not config.is_allowed({"email": "bob@\N{KELVIN SIGN}iosk.example", "email_verified": True})


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "Ann@example.com", "email_verified": True}, "ann@example.com"),
        ({"email": "ann@example.com"}, "sub=7"),
        ({"email": "ann@example.com", "email_verified": "true"}, "sub=7"),
        ({"email": None}, "sub=7"),
    ],
)
def test_nobody_bears_a_name_that_was_not_verified(claims: dict[str, Any], name: str) -> None:
    assert name_person({"sub": "7"} | claims) == name


@pytest.mark.parametrize(
    ("issuer", "changed", "said"),
    [
        ("https://x.example", {"client_id": None}, "set without OIDC_CLIENT_ID"),
        ("https://x.example", {"client_secret": None}, "set without OIDC_CLIENT_SECRET"),
        ("https://x.example", {"allowed": None}, "set without OIDC_ALLOWED"),
        ("https://x.example", {"allowed": " , "}, "lets nobody in"),
        ("https://x.example", {"allowed": "ann"}, "neither an address nor a domain nor a claim"),
        ("https://x.example", {"allowed": "@"}, "neither an address nor a domain nor a claim"),
        ("http://x.example", {}, "begins with http:"),
        ("https://x.example", {"host": "0.0.0.0"}, "no address that a browser can open"),  # noqa: S104 - refused
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(issuer: str, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        configure(issuer, **changed)
    assert caught.value.instead
    assert SECRET not in str(caught.value)


def test_people_are_sent_back_to_where_they_reach_the_app() -> None:
    config = configure(host="0.0.0.0", public_url="https://churn.example.com/")  # noqa: S104
    assert config is not None
    assert config.redirect_url == "https://churn.example.com/sign-in/callback"
    assert SECRET not in repr(config)
