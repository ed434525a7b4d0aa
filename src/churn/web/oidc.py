"""What is set of signing in by OpenID Connect, and who is let in. Nothing here needs the library."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from churn.errors import SettingsError
from churn.web.addresses import format_url, is_loopback

CALLBACK = "/sign-in/callback"
MOST_NAME_LETTERS = 200
ADDRESS, DOMAIN, CLAIM = re.compile(r"[^@\s=]+@[^@\s=]+"), re.compile(r"@[^@\s=]+"), re.compile(r"[^=\s]+=\S+")

Issuer = Annotated[
    str | None,
    Field(
        pattern=r"^https?://[^\s?#]+$",
        description="The OpenID Connect provider by which people may sign in to the dashboard and the team's pages, "
        "such as `https://accounts.example.com`. It needs the extra `oidc`.",
    ),
]
ClientId = Annotated[str | None, Field(description="The name by which the provider knows these pages.")]
ClientSecret = Annotated[SecretStr | None, Field(description="The secret that the provider gave for OIDC_CLIENT_ID.")]
Allowed = Annotated[
    str | None,
    Field(
        description="Who may sign in by the provider: addresses, domains or claims, such as "
        "`ann@example.com,@team.example.com,groups=churn-team`. Of addresses only those that the provider has verified "
        "count.",
    ),
]


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """A provider, how it knows these pages, and who is let in.

    Args:
        allowed: addresses, domains such as `@example.com`, and claims such as `groups=churn-team`.
        redirect_url: where the provider sends people back.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    allowed: tuple[str, ...]
    redirect_url: str

    def is_allowed(self, claims: Mapping[str, Any]) -> bool:
        """Whether somebody of whom the provider says this is let in."""
        return any(_fits(rule, claims) for rule in self.allowed)


class OidcSettings(Protocol):
    """The settings of a program that has pages: of the provider, and of where each app of its is found."""

    @property
    def oidc_issuer(self) -> str | None: ...
    @property
    def oidc_client_id(self) -> str | None: ...
    @property
    def oidc_client_secret(self) -> SecretStr | None: ...
    @property
    def oidc_allowed(self) -> str | None: ...


def read_oidc_config(settings: OidcSettings, app: str) -> OidcConfig | None:
    """Read the provider of an app whose settings are APP_HOST, APP_PORT and APP_PUBLIC_URL; None if there is none.

    Raises:
        SettingsError: one is missing, or cannot be used with the others.
    """
    return build_oidc_config(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        allowed=settings.oidc_allowed,
        host=getattr(settings, f"{app}_host"),
        port=getattr(settings, f"{app}_port"),
        public_url=getattr(settings, f"{app}_public_url"),
        prefix=f"{app.upper()}_",
    )


def build_oidc_config(
    *,
    issuer: str | None,
    client_id: str | None,
    client_secret: SecretStr | None,
    allowed: str | None,
    host: str,
    port: int,
    public_url: str | None,
    prefix: str,
) -> OidcConfig | None:
    """Check the settings together; return None if there is no provider.

    Args:
        host: on which the app listens.
        public_url: where people reach it, if a proxy stands in front of it.
        prefix: what the app's settings begin with, for messages.

    Raises:
        SettingsError: one is missing, or cannot be used with the others.
    """
    if issuer is None:
        return None
    others = {"OIDC_CLIENT_ID": client_id, "OIDC_CLIENT_SECRET": client_secret, "OIDC_ALLOWED": allowed}
    if not (client_id and client_secret and allowed):
        missing = " and ".join(name for name, value in others.items() if not value)
        raise SettingsError(f"OIDC_ISSUER is set without {missing}", instead="set all four, or unset OIDC_ISSUER")
    if not issuer.startswith("https:") and not is_loopback(urlsplit(issuer).hostname or ""):
        raise SettingsError(
            "OIDC_ISSUER begins with http: on the way anybody could pretend to be it", instead="give its https address"
        )
    if public_url is None and not is_loopback(host):
        raise SettingsError(
            f"the provider must send people back, and {prefix}HOST {host} is no address that a browser can open",
            instead=f"set {prefix}PUBLIC_URL to where people reach it",
        )
    if find_spec("authlib") is None:
        raise SettingsError(
            "signing in by OIDC_ISSUER needs the extra `oidc`",
            instead="install it with `pip install 'streamflow-churn[oidc]'`, or unset OIDC_ISSUER",
        )
    back = (public_url or format_url(host, port)).rstrip("/") + CALLBACK
    return OidcConfig(issuer, client_id, client_secret.get_secret_value(), _read_rules(allowed), back)


def _read_rules(allowed: str) -> tuple[str, ...]:
    rules = tuple(rule.strip() for rule in allowed.split(",") if rule.strip())
    for rule in rules:
        if not any(kind.fullmatch(rule) for kind in (ADDRESS, DOMAIN, CLAIM)):
            raise SettingsError(
                f"OIDC_ALLOWED: {rule!r} is neither an address nor a domain nor a claim",
                instead="write them like ann@example.com,@example.com,groups=churn-team",
            )
    if not rules:
        raise SettingsError("OIDC_ALLOWED lets nobody in", instead="name addresses, domains or claims")
    return rules


def _fits(rule: str, claims: Mapping[str, Any]) -> bool:
    if CLAIM.fullmatch(rule):
        name, _, value = rule.partition("=")
        has = claims.get(name)
        return value in has if isinstance(has, list) else has == value
    given, rule = _find_verified_address(claims), rule.lower()
    return given == rule or (rule.startswith("@") and given.count("@") == 1 and given.endswith(rule))


def name_person(claims: Mapping[str, Any]) -> str:
    """Return the name by which log and records know somebody: an address that is theirs, or the rule for them alone."""
    return (_find_verified_address(claims) or f"sub={claims['sub']}")[:MOST_NAME_LETTERS]


def _find_verified_address(claims: Mapping[str, Any]) -> str:
    """Return the address in small letters; "" if it is not verified, or if other letters could pass for ours in it."""
    email = claims.get("email")
    is_verified = claims.get("email_verified") is True and isinstance(email, str) and email.isascii()
    return str(email).lower() if is_verified else ""
