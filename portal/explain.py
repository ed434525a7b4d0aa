"""*Explain this prediction*, a page for the team: a what-if form, and the service's answer to what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus

from babel import Locale
from fastapi import APIRouter, Request
from fastapi.responses import Response

from churn.client import Asked, AsyncChurnClient
from churn.errors import ClientError, Refused
from portal.advice import require_sense
from portal.explanation import ARMS, WHY_NOT_OFFERED, WHY_NOT_SHOWN, Explanation, explain
from portal.fields import Field, in_words, published_limits, read_form, request_fields, start_values
from portal.pages import page
from portal.words import PHRASES

LANGUAGES = {code: Locale.parse(code).display_name for code in PHRASES}
# What is asked beside the features is named as the headers that say it, and as their errors are.
KEY, LAST_OFFER, LANGUAGE = "X-Subscriber-Key", "X-Last-Offer", "Accept-Language"
HALF_A_HUNDREDTH = 0.005


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What was asked, and what became of it: an explanation, or errors by field, or other trouble."""

    form: Mapping[str, str]
    fields: list[Field] = field(default_factory=list)
    explanation: Explanation | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: ClientError | None = None

    @property
    def status(self) -> int:
        """The HTTP status that says so."""
        if self.explanation:
            return HTTPStatus.OK
        refused = self.fields and isinstance(self.trouble, Refused)
        return HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def other_errors(self) -> list[str]:
        """What is wrong and stands at no field of the form."""
        shown = {KEY, LAST_OFFER, LANGUAGE, *(field.name for field in self.fields)}
        return [message for name, message in self.errors.items() if name not in shown]


def explain_routes(client: AsyncChurnClient) -> APIRouter:
    """Return the page, and the part of it that changes with the form.

    Args:
        client: asks the service; the team can wait longer than a subscriber.
    """
    router = APIRouter()

    @router.get("/explain")
    async def show(request: Request) -> Response:
        what_if = await _what_if(client, request.query_params)
        return _page("explain.html", what_if, what_if.status)

    @router.get("/explain/answer")
    async def show_answer(request: Request) -> Response:
        # Always 200: what is wrong is in the part itself, and a console is no place for every slip of a slider.
        return _page("explain_answer.html", await _what_if(client, request.query_params), HTTPStatus.OK)

    return router


async def _what_if(client: AsyncChurnClient, form: Mapping[str, str]) -> WhatIf:
    fields: list[Field] = []
    try:
        document = await client.schema()
        fields = request_fields(document)
        values = read_form(fields, form)
        asked = _asked(form) | Asked(reasons=len(fields))
        start = await client.predict(start_values(fields), **asked)
        answer = await client.predict(values, **asked)
        require_sense(answer)
    except Refused as error:
        return WhatIf(form, fields, errors=error.fields, trouble=error)
    except ClientError as error:
        return WhatIf(form, fields, trouble=error)
    return WhatIf(form, fields, explain(fields, values, answer, start, published_limits(document)))


def _asked(form: Mapping[str, str]) -> Asked:
    """What is said beside the subscriber.

    Raises:
        Refused: it cannot be said.
    """
    key, day, language = (form.get(name, "").strip() for name in (KEY, LAST_OFFER, LANGUAGE))
    try:
        last_offer = date.fromisoformat(day) if day else None
    except ValueError:
        message = f"{LAST_OFFER} must be a day such as 2026-03-01"
        raise Refused(message, fields={LAST_OFFER: message}) from None
    return Asked(subscriber_key=key or None, last_offer=last_offer, language=language or None)


def _page(template: str, what_if: WhatIf, status: int) -> Response:
    return page(
        template,
        status=status,
        what_if=what_if,
        languages=LANGUAGES,
        arms=ARMS,
        why_not_shown=WHY_NOT_SHOWN,
        why_not_offered=WHY_NOT_OFFERED,
        in_words=in_words,
        percent=_percent,
        signed=_signed,
    )


def _percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def _signed(number: float) -> str:
    """Two decimals, or four where two would be zeros; nothing has no sign."""
    if not number:
        return "0.00"
    decimals = 2 if abs(number) >= HALF_A_HUNDREDTH else 4
    return f"{number:+.{decimals}f}".replace("-", "−")  # noqa: RUF001 - a minus, as wide as the plus
