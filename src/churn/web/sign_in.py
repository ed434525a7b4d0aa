"""The routes by which people sign in, with the token or by a provider, and out."""

import math
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from churn.web.entrance import Entrance
from churn.web.pages import Pages
from churn.web.sessions import read_form, see_other
from churn.web.tokens import TokenRefusedError
from churn.web.visits import OPERATOR


def sign_in_routes(entrance: Entrance, pages: Pages, template: str) -> APIRouter:
    """Return the routes. The template extends `web/sign_in.html`."""
    router, visits = APIRouter(), entrance.visits
    if entrance.oidc:
        from churn.web.oidc_sign_in import oidc_routes  # noqa: PLC0415 - an extra

        router.include_router(oidc_routes(entrance, entrance.oidc, pages))

    @router.get("/sign-in")
    def sign_in_page(request: Request) -> Response:
        return build_page(request)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await read_form(request)
        if entrance.tokens is None:
            raise HTTPException(404)
        try:
            await entrance.tokens.require(request, fields.get("token", ""))
        except TokenRefusedError as refused:
            if not refused.wait_s:
                return build_page(request, status=403, wrong="token")
            page = build_page(request, status=429, wrong="often")
            page.headers["Retry-After"] = str(math.ceil(refused.wait_s))
            return page
        answer = see_other("/")
        visits.sessions.start(request, answer, OPERATOR)
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await visits.sessions.read_form(request)
        answer = see_other("/")
        visits.sessions.start(request, answer, None)
        return answer

    def build_page(request: Request, *, status: int = 200, wrong: Literal["token", "often"] | None = None) -> Response:
        ways = {"has_token": entrance.tokens is not None, "has_provider": entrance.oidc is not None}
        return pages.build_page(template, status=status, visit=visits.read(request), wrong=wrong, **ways)

    return router
