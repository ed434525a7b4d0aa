"""*Explain this prediction*, a page for the team: a what-if form, and the service's answer to what stands in it."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus

from babel import Locale
from fastapi import APIRouter, Request
from fastapi.responses import Response

from churn.answers import Arm, DecidedBy, RetentionAnswer, WhyNotOffered, WhyNotShown
from churn.client import Asked, AsyncChurnClient
from churn.errors import ClientError, Refused
from churn.web.pages import Pages
from churn.web.visits import Visit, Visits
from portal.advice import require_sense
from portal.banner import ShownBanner, decide_display
from portal.chart import Waterfall, build_waterfall, estimate_base
from portal.fields import (
    Field,
    ServiceLimits,
    Value,
    fields_from_document,
    limits_from_document,
    values_from_form,
)
from portal.records import BannerHistory

# What is asked beside the features is named as the headers that say it, and as their errors are.
KEY, LAST_OFFER, LANGUAGE = "X-Subscriber-Key", "X-Last-Offer", "Accept-Language"
HALF_A_HUNDREDTH = 0.005
WHY_NOT_SHOWN: dict[WhyNotShown, str] = {
    "protected": "a personal trait, which is never shown",
    "not_for_customers": "not meant for subscribers",
    "same_group": "tells the same story as another that is shown",
    "not_verified": "without what it speaks of the probability would fall by less than a point",
    "beyond_three": "three others come first",
}
WHY_NOT_OFFERED: dict[WhyNotOffered, str] = {
    "expired": "its last day has passed",
    "cooldown": "the last accepted offer is too recent",
    "not_eligible": "its conditions are not met",
    "answers_no_reason": "answers none of the reasons shown",
    "not_worth_its_cost": "would cost more than it is expected to bring",
    "worth_less_than_the_chosen": "expected to bring less than the one chosen",
    "not_drawn": "a lot chose something else",
}
DECIDED_BY: dict[DecidedBy, str] = {
    "risk": "risk: how likely they are to leave, and what the policy says of each offer",
    "uplift": "uplift: what the bundle's model says each offer changes for them",
    "explore": "a lot, so that each offer's effect can be measured",
}
ARMS: dict[Arm, str] = {
    "treatment": "treatment",
    "holdout": "holdout: shown nothing, so that the banner's effect can be measured",
    "unassigned": "none, for there is no key",
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs from the start. A contribution is None where it is not known."""

    label: str
    was: str
    now: str
    contribution_was: float | None
    contribution: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One answer, beside the answer for the values that the form started with.

    Args:
        labels: of each feature, in words, as `values`.
        chart: None if there are no log-odds to draw.
        banner: what the subscriber would see, if anything.
    """

    answer: RetentionAnswer
    start: RetentionAnswer
    limits: ServiceLimits
    labels: Mapping[str, str]
    values: Mapping[str, str]
    chart: Waterfall | None
    banner: ShownBanner | None
    changes: Sequence[FieldChange]

    @property
    def moved_by(self) -> float:
        """By how much the probability differs from that at the start."""
        return self.answer["churn_probability"] - self.start["churn_probability"]

    @property
    def as_json(self) -> str:
        """The answer for reading."""
        return json.dumps(self.answer, indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What was asked, with its explanation, or the errors of its fields, or other trouble."""

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
        """The errors that belong to no field of the form."""
        shown = {KEY, LAST_OFFER, LANGUAGE, *(field.name for field in self.fields)}
        return [message for name, message in self.errors.items() if name not in shown]


def explain_routes(client: AsyncChurnClient, visits: Visits, pages: Pages, languages: Iterable[str]) -> APIRouter:
    """Return the page, and the part of it that changes with the form."""
    router = APIRouter()
    named = {code: Locale.parse(code).display_name for code in languages}

    @router.get("/explain")
    async def show(request: Request) -> Response:
        what_if = await _ask(client, request.query_params)
        return page("explain.html", what_if, what_if.status, visits.read(request))

    @router.get("/explain/answer")
    async def show_answer(request: Request) -> Response:
        # Always 200: what is wrong is in the part itself, and a console is no place for every slip of a slider.
        what_if = await _ask(client, request.query_params)
        return page("explain_answer.html", what_if, HTTPStatus.OK, visits.read(request))

    def page(template: str, what_if: WhatIf, status: int, visit: Visit) -> Response:
        return pages.build_page(
            template,
            status=status,
            visit=visit,
            what_if=what_if,
            languages=named,
            arms=ARMS,
            decided_by=DECIDED_BY,
            why_not_shown=WHY_NOT_SHOWN,
            why_not_offered=WHY_NOT_OFFERED,
            percent=lambda share, decimals=0: f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%",
            signed=_signed,
        )

    return router


async def _ask(client: AsyncChurnClient, form: Mapping[str, str]) -> WhatIf:
    fields: list[Field] = []
    try:
        document = await client.schema()
        fields = fields_from_document(document)
        values = values_from_form(fields, form)
        asked = _read_headers(form) | Asked(reasons=sum(len(field.features) for field in fields))
        start = await client.predict(values_from_form(fields, {}), **asked)
        answer = await client.predict(values, **asked)
        require_sense(answer)
    except Refused as error:
        return WhatIf(form, fields, errors=error.fields, trouble=error)
    except ClientError as error:
        return WhatIf(form, fields, trouble=error)
    return WhatIf(form, fields, explain(fields, values, answer, start, limits_from_document(document)))


def _read_headers(form: Mapping[str, str]) -> Asked:
    """Return what the form says beside the subscriber; raise `Refused` for a day that is none."""
    key, day, language = (form.get(name, "").strip() for name in (KEY, LAST_OFFER, LANGUAGE))
    try:
        last_offer = date.fromisoformat(day) if day else None
    except ValueError:
        message = f"{LAST_OFFER} must be a day such as 2026-03-01"
        raise Refused(message, fields={LAST_OFFER: message}) from None
    return Asked(subscriber_key=key or None, last_offer=last_offer, language=language or None)


def explain(
    fields: Sequence[Field],
    values: Mapping[str, Value],
    answer: RetentionAnswer,
    start: RetentionAnswer,
    limits: ServiceLimits,
) -> Explanation:
    """Explain the answer for the form's values. This is pure: the page only has to lay it out.

    Both answers have the contributions of all features; `start` is that for the fields' examples.
    """
    same_model = answer["model_version"] == start["model_version"]
    base = estimate_base(answer, start) if same_model else estimate_base(answer)
    was, now = _contributions(start), _contributions(answer)
    words = {field.name: field.describe(values.get(field.name)) for field in fields}
    derived = {
        reason["feature"]: field.describe_derived(reason["feature"], reason["value"])
        for field in fields
        for reason in answer["top_reasons"]
        if reason["feature"] in field.derives
    }
    return Explanation(
        answer=answer,
        start=start,
        limits=limits,
        labels={name: label for field in fields for name, label in field.features.items()},
        values=words | derived,
        chart=build_waterfall(answer["top_reasons"], base, threshold=limits.banner) if base else None,
        banner=decide_display(answer, subscriber="", history=BannerHistory(), today=date.min).banner,
        changes=[
            FieldChange(
                field.label,
                field.describe(field.start),
                words[field.name],
                _sum_contributions(was, field),
                _sum_contributions(now, field),
            )
            for field in fields
            if values.get(field.name) != field.start
        ],
    )


def _contributions(answer: RetentionAnswer) -> dict[str, float]:
    return {reason["feature"]: reason["shap_contribution"] for reason in answer["top_reasons"]}


def _sum_contributions(contributions: Mapping[str, float], field: Field) -> float | None:
    known = [contributions[name] for name in field.features if name in contributions]
    return math.fsum(known) if len(known) == len(field.features) else None


def _signed(number: float) -> str:
    """Return two decimals, or four where two would be zeros; zero has no sign."""
    if not number:
        return "0.00"
    decimals = 2 if abs(number) >= HALF_A_HUNDREDTH else 4
    return f"{number:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")
