"""Pages: a template, its values, and what every page needs beside them. Subscribers' pages and the team's differ.

A page of the team extends `team.html`, and needs the visit of who looks.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from churn.errors import ContractError
from churn.web.pages import Pages
from portal.bills import bill_discount, describe_saving, find_first_of_month, has_bills
from portal.business import Business
from portal.words import format_count, format_day, format_dollars, format_month

FOLDER = Path(__file__).parent
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
        ContractError: the business's own template is none.
    """
    pages = _build(business, layout="base.html", way_back="Back to your page")
    if business.page:
        try:
            pages.check(find_account_template(business))
        except jinja2.TemplateSyntaxError as error:
            raise ContractError(
                f"{business.page}, line {error.lineno}: {error.message}", instead="correct it; docs/portal.md says how"
            ) from error
    return pages


def build_team_pages(business: Business) -> Pages:
    """Return the team's pages."""
    return _build(business, layout="team.html", way_back="Back to the team's pages", visit=None)


def find_account_template(business: Business) -> str:
    """Return the template of the account: the business's own, or the facts of its contract."""
    return f"business/{business.page.name}" if business.page else "facts.html"


def _build(business: Business, **values: Any) -> Pages:
    return Pages(
        FOLDER,
        filters=FILTERS,
        values={"phrases": business.phrases.find, "business": business, **values},
        others={"business": business.page.parent} if business.page else {},
    )
