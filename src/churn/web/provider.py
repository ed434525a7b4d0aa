"""An OpenID Connect provider: where it sends people, and what it says of them. The only module that knows Authlib."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from churn.web.addresses import is_loopback
from churn.web.oidc import OidcConfig

SCOPE = "openid email profile"
# Signatures that only the provider can make: neither none nor those with a secret that we know, too.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
PATIENCE_S = 5.0  # for all that the provider is asked at a time
LEEWAY_S = 60  # by which clocks may differ
METADATA_AGE_S, TROUBLE_AGE_S = 600.0, 3.0
MOST_BYTES = 1_000_000
AWAY = (TimeoutError, httpx2.TransportError, httpx2.HTTPStatusError)
NONSENSE = (
    *(OAuthError, JoseError, httpx2.HTTPError, httpx2.InvalidURL),
    *(LookupError, TypeError, ValueError, AttributeError, RecursionError),
)
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderError(Exception):
    """The provider did not do its part.

    Args:
        is_away: whether it may do it later; else what it sent cannot be believed.
    """

    def __init__(self, reason: str, *, is_away: bool) -> None:
        super().__init__(reason)
        self.is_away = is_away


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only this sign-in knows: `state` comes back with the person, `nonce` in the token, `verifier` is PKCE's."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """Ask one provider. What it says of itself is kept for ten minutes."""

    def __init__(self, config: OidcConfig) -> None:
        self._config = config
        self._lock = asyncio.Lock()
        self._metadata: dict[str, Any] = {}
        self._trouble: ProviderError | None = None
        self._good_until_s = 0.0

    async def build_sign_in_url(self, secrets: Secrets) -> str:
        """Return where people sign in.

        Raises:
            ProviderError: the provider does not say.
        """
        metadata = await self._read_metadata()
        async with self._open(metadata) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=secrets.state,
                nonce=secrets.nonce,
                code_verifier=secrets.verifier,
            )
        return str(url)

    async def identify(self, code: str, secrets: Secrets) -> dict[str, Any]:
        """Return what the provider says of the person who came back with a code.

        Raises:
            ProviderError: the provider does not say, or what it says cannot be believed.
        """
        metadata = await self._read_metadata()
        try:
            async with asyncio.timeout(PATIENCE_S), self._open(metadata) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=secrets.verifier,
                )
                keys = await _fetch_json(client, metadata["jwks_uri"])
            return self._verify(token, KeySet.import_key_set(cast("KeySetSerialization", keys)), secrets.nonce)
        except AWAY as error:
            raise ProviderError(_describe(error), is_away=True) from error
        except NONSENSE as error:
            raise ProviderError(_describe(error), is_away=False) from error

    def _verify(self, token: dict[str, Any], keys: KeySet, nonce: str) -> dict[str, Any]:
        """Return the claims of a token that is the provider's, for us, for this sign-in, and still good."""
        signed = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
        client_id = self._config.client_id
        expected = {"iss": self._config.issuer, "aud": client_id}
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {name: {"essential": True, "value": value} for name, value in expected.items()},
            {"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=LEEWAY_S)
        return dict(claims)

    async def _read_metadata(self) -> dict[str, Any]:
        """Return what the provider says of itself. Many who ask at once ask it once, also if it does not answer."""
        async with self._lock:
            if time.monotonic() >= self._good_until_s:
                try:
                    self._metadata, self._trouble = await self._fetch_metadata(), None
                except ProviderError as error:
                    self._trouble = error
                self._good_until_s = time.monotonic() + (TROUBLE_AGE_S if self._trouble else METADATA_AGE_S)
            if self._trouble:
                raise ProviderError(str(self._trouble), is_away=self._trouble.is_away)
            return self._metadata

    async def _fetch_metadata(self) -> dict[str, Any]:
        issuer = self._config.issuer
        try:
            async with asyncio.timeout(PATIENCE_S), self._open({}) as client:
                metadata = await _fetch_json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        except (*AWAY, *NONSENSE) as error:
            raise ProviderError(_describe(error), is_away=True) from error
        if metadata.get("issuer") != issuer:
            raise ProviderError("it says that it is another provider than OIDC_ISSUER", is_away=False)
        for name in ENDPOINTS:
            if not _is_safe(metadata.get(name), issuer):
                raise ProviderError(f"its {name} is no https address", is_away=False)
        return metadata

    def _open(self, metadata: dict[str, Any]) -> Any:
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        by_header = "client_secret_basic" in methods
        return AsyncOAuth2Client(
            self._config.client_id,
            self._config.client_secret,
            token_endpoint_auth_method="client_secret_basic" if by_header else "client_secret_post",
            scope=SCOPE,
            redirect_uri=self._config.redirect_url,
            code_challenge_method="S256",
            timeout=PATIENCE_S,
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [_limit]},
        )


async def _fetch_json(client: Any, url: str) -> dict[str, Any]:
    response = await client.request("GET", url, withhold_token=True)
    response.raise_for_status()
    document = response.json()
    if not isinstance(document, dict):
        raise ValueError("it answers something else than a JSON object")  # noqa: TRY004 - of what it sends, not of a type
    return document


def _is_safe(address: object, issuer: str) -> bool:
    if not isinstance(address, str):
        return False
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        return False
    return url.scheme == "https" or (issuer.startswith("http:") and url.scheme == "http" and is_loopback(url.host))


async def _limit(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.DecodingError("it compresses what it sends", request=response.request)
    response.stream = _Limited(response)


class _Limited(httpx2.AsyncByteStream):
    """The body of an answer, up to its limit."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response, self._stream = response, cast(httpx2.AsyncByteStream, response.stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MOST_BYTES:
                raise httpx2.DecodingError(f"it sends more than {MOST_BYTES} bytes", request=self._response.request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _describe(error: Exception) -> str:
    """Return what happened, without what the provider sent: that may hold a token."""
    known = error.error if isinstance(error, OAuthError | JoseError) else ""
    return f"{type(error).__name__} {known}".strip()
