"""An OpenID Connect provider on a real socket that keeps the rules, or breaks those that a test chooses."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from support.listening import QuietHandler, listening

CLIENT, SECRET = "churn-pages", "a secret of the client"
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}, private=True)


def sign(claims: dict[str, Any], key: RSAKey = KEY, **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, claims, key)


@dataclass
class FakeProvider:
    """What it says, and what it was asked.

    Args:
        claims: what it says of everybody, on top of what it must say.
        sign: makes the token of the claims.
        metadata: what it says of itself, on top of what it must say.
        delay_s: how long it takes for each answer.
    """

    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] = sign
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: list[RSAKey] = field(default_factory=lambda: [KEY])
    delay_s: float = 0.0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def let_in(self, location: str, **more: str) -> str:
        """Sign somebody in whom an app has sent here; return the path by which they go back."""
        query = dict(parse_qsl(urlsplit(location).query))
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code {len(self.codes)}"
        self.codes[code] = query
        back = urlsplit(query["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': query['state'], **more})}"

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, object]:
        """Return status and document."""
        self.paths.append(path)
        time.sleep(self.delay_s)
        if path == "/.well-known/openid-configuration":
            endpoints = {
                name: f"{self.address}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
            }
            return 200, {"issuer": self.address, **endpoints, **self.metadata}
        if path == "/jwks_uri":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/token_endpoint":
            return self.exchange(form, authorization)
        return 404, {}

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, object]:
        """Give a token for a code, once."""
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or base64.b64decode(authorization.removeprefix("Basic ")).decode() != f"{CLIENT}:{SECRET}"
            or base64.urlsafe_b64encode(verifier).decode().rstrip("=") != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now_s = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": "1", "iat": now_s, "exp": now_s + 300}
        claims |= {"nonce": asked["nonce"], "email": "ann@example.com", "email_verified": True} | self.claims
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}


@contextmanager
def fake_provider() -> Iterator[FakeProvider]:
    """Run one."""
    provider = FakeProvider()

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            self.send({})

        def do_POST(self) -> None:  # noqa: N802 - likewise
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send({name: values[0] for name, values in parse_qs(body).items()})

        def send(self, form: dict[str, str]) -> None:
            status, document = provider.answer(self.path, form, self.headers.get("Authorization", ""))
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as address:
        provider.address = address
        yield provider
