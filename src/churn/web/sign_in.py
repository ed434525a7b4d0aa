"""The routes by which people sign in with the token, and out."""

import math
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from churn.web.pages import Pages
from churn.web.sessions import read_form, see_other
from churn.web.tokens import TokenGuard, TokenRefusedError
from churn.web.visits import OPERATOR, Visits


def sign_in_routes(visits: Visits, tokens: TokenGuard, pages: Pages, template: str) -> APIRouter:
    """Return the routes. The template extends `web/sign_in.html`."""
    router = APIRouter()

    @router.get("/sign-in")
    def sign_in_page(request: Request) -> Response:
        return build_page(request)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await read_form(request)
        try:
            await tokens.require(request, fields.get("token", ""))
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
        return pages.build_page(template, status=status, visit=visits.read(request), wrong=wrong)

    return router
