"""Pages: a template, its values, and what every page needs beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

from portal.words import day, dollars

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,  # a misspelt value is an error, not an empty place
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {"dollars": dollars, "day": day}


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template filled in; whatever text stands in the values is escaped."""
    return HTMLResponse(ENVIRONMENT.get_template(template).render(values), status)


PROBLEMS = {
    403: ("This form is no longer valid", "You may have signed in or out in another tab. Open the page and try again."),
    404: ("There is no such page", "The address may be mistyped, or what it showed is over."),
    405: ("That is not how this page is opened", "Follow a link or a button on the page itself."),
    410: ("This offer is over", "It could be accepted for some time only, and that time has passed."),
    413: ("That is too much", "What was sent is longer than any form of this page."),
    500: ("Something went wrong", "That is our fault, and it is noted. Please try again in a moment."),
}


def problem_page(status: int) -> HTMLResponse:
    """What is shown instead of a page."""
    title, text = PROBLEMS.get(status, ("This did not work", "Please go back and try again."))
    return page("problem.html", status=status, title=title, text=text)
