"""Pages: a template, its values, and what every page needs beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from churn.dashboard import figures, words

FOLDER = Path(__file__).parent
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,  # a misspelt value is an error, not an empty place
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {
    "moment": figures.moment,
    "short_moment": figures.short_moment,
    "iso": figures.iso,
    "lasting": figures.lasting,
    "percent": figures.percent,
    "milliseconds": figures.milliseconds,
    "named": figures.named,
}
ENVIRONMENT.globals |= {"KINDS": words.KINDS, "DECISIONS": words.DECISIONS, "STANDINGS": words.STANDINGS}
PROBLEMS = {
    400: ("That was no form of this page", "Open the page again and try once more."),
    403: ("That is not allowed", "The form is no longer valid, or you are not signed in. Open the page and try again."),
    404: ("There is no such page", "The address may be mistyped."),
    405: ("That is not how this page is opened", "Follow a link on the page itself."),
    409: ("It is over already", "Nothing can be changed any more in a rollout that has ended."),
    413: ("That is too much", "What was sent is longer than any form of this page."),
    500: ("Something went wrong", "That is our fault, and it is noted in the log."),
}


def render(template: str, **values: Any) -> str:
    """The template filled in; whatever text stands in the values is escaped."""
    return ENVIRONMENT.get_template(template).render(values)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page, or only that it has not changed since the browser asked last."""
    text = render(template, path=request.url.path, **values)
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    if status == 200 and request.headers.get("if-none-match") == tag:  # noqa: PLR2004 - a status
        return Response(status_code=304, headers={"ETag": tag})
    return HTMLResponse(text, status, headers={"ETag": tag})


def problem_page(status: int, *, text: str | None = None) -> Response:
    """What is shown instead of a page."""
    title, usual = PROBLEMS.get(status, ("This did not work", "Please go back and try again."))
    return HTMLResponse(render("problem.html", title=title, text=text or usual, path="", visit=None), status)
