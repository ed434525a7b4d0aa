"""A place for machines: routes under /api that ask for the token, and answer in JSON."""

import math
from http import HTTPStatus

from fastapi import APIRouter, Depends, HTTPException, Request

from churn.web.app import MACHINES
from churn.web.tokens import TokenGuard, TokenRefusedError


def build_machine_router(tokens: TokenGuard | None, setting: str) -> APIRouter:
    """Return a router for routes under /api. Each asks for `Authorization: Bearer TOKEN`.

    Refusals, here or by HTTPException in a route, are problem details in JSON.

    Args:
        tokens: None if there is no token; then every request is refused.
        setting: the variable that holds the token, for the message.
    """

    async def require_token(request: Request) -> None:
        if tokens is None:
            raise HTTPException(HTTPStatus.FORBIDDEN, f"nobody may ask here: set {setting} where this app runs")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _refuse(f"there is no token: send the header Authorization: Bearer, with the value of {setting}")
        try:
            await tokens.require(request, given.strip())
        except TokenRefusedError as refused:
            if not refused.wait_s:
                raise _refuse(f"that is not the token: send what {setting} is set to where this app runs") from None
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many wrong tokens came from here: wait, then send the right one",
                {"Retry-After": str(math.ceil(refused.wait_s))},
            ) from None

    return APIRouter(prefix=MACHINES, dependencies=[Depends(require_token)])


def _refuse(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
