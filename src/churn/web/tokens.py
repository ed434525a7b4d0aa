"""The token that people or machines give: compared in constant time, and only so often."""

import asyncio
import hmac

from starlette.requests import Request
from structlog.typing import FilteringBoundLogger

from churn.web.attempts import Attempts, find_source

WRONG_TOKEN_S = 0.5  # by which a wrong token is answered later


class TokenRefusedError(Exception):
    """What was given is not the token, or tokens were tried too often.

    Args:
        wait_s: after how many seconds one may be tried again; 0 if this one was wrong.
    """

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__()
        self.wait_s = wait_s


class TokenGuard:
    """Compare what is given with the token. People and machines share the attempts of their source."""

    def __init__(self, token: str, log: FilteringBoundLogger, *, is_behind_proxy: bool) -> None:
        self._token, self._log, self._is_behind_proxy = token, log, is_behind_proxy
        self._attempts = Attempts()

    async def require(self, request: Request, given: str) -> None:
        """Raise TokenRefusedError if that is not the token, or if this source has no attempt left."""
        source = find_source(request, is_behind_proxy=self._is_behind_proxy)
        if wait_s := self._attempts.take(source):
            self._log.warning("too_many_attempts", source=source)
            raise TokenRefusedError(wait_s)
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            self._log.warning("wrong_token", source=source)
            await asyncio.sleep(WRONG_TOKEN_S)
            raise TokenRefusedError
        self._attempts.forget(source)
