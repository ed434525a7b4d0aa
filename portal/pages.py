"""Pages: a template, its values, and what every page needs beside them. Subscribers' pages and the team's differ.

A page of the team extends `team.html`, and needs the visit of who looks.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jinja2

from churn.errors import ContractError
from churn.web.pages import Pages
from portal.bills import bill_discount, describe_saving, find_first_of_month, has_bills
from portal.business import Business
from portal.words import ENGLISH, format_count, format_day, format_dollars, format_month

FOLDER = Path(__file__).parent
SOME_DAY = date(2026, 1, 1)
FILTERS: dict[str, Callable[..., Any]] = {
    "count": format_count,
    "day": format_day,
    "discount": bill_discount,
    "dollars": format_dollars,
    "first_of_month": find_first_of_month,
    "has_bills": has_bills,
    "month": format_month,
    "saving": describe_saving,
}


def build_pages(business: Business) -> Pages:
    """Return the subscribers' pages.

    Raises:
        ContractError: the business's own template cannot be filled in for a subscriber of the demo.
    """
    pages = _build(business, layout="base.html", way_back="Back to your page")
    if business.page:
        _try_account(pages, business)
    return pages


def build_team_pages(business: Business) -> Pages:
    """Return the team's pages."""
    return _build(business, layout="team.html", way_back="Back to the team's pages", visit=None)


def find_account_template(business: Business) -> str:
    """Return the template of the account: the business's own, or the facts of its contract."""
    return f"business/{business.page.name}" if business.page else "facts.html"


def _try_account(pages: Pages, business: Business) -> None:
    """Fill in the account of each of the demo's subscribers: better refused at the start than missing on a page."""
    template = find_account_template(business)
    for subscriber in business.subscribers:
        try:
            pages.render(template, facts=subscriber.facts, active=None, today=SOME_DAY)
        except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
            raise ContractError(
                f"{business.page}{line}: subscriber {subscriber.number} has no page: {error}",
                instead="correct it; docs/portal.md says what a template is given",
            ) from error


def _build(business: Business, **values: Any) -> Pages:
    return Pages(
        FOLDER,
        filters=FILTERS,
        values={
            "phrases": business.phrases.find,
            "business": business,
            "language": ENGLISH,
            "say": business.phrases.find(ENGLISH),
            **values,
        },
        others={"business": business.page.parent} if business.page else {},
    )
