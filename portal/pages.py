"""Pages: a template, its values, and what every page needs beside them."""

from __future__ import annotations

from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("portal"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,  # a misspelt value is an error, not an empty place
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template filled in; whatever text stands in the values is escaped."""
    return HTMLResponse(ENVIRONMENT.get_template(template).render(values), status)
