"""Pages: a template, its values, and what every page needs beside them."""

import hashlib
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from churn.dashboard import words
from churn.web.pages import Pages

FOLDER = Path(__file__).parent
PAGES = Pages(
    FOLDER,
    filters={
        "moment": words.format_time,
        "short_moment": words.format_short_time,
        "iso": words.format_iso,
        "lasting": words.format_duration,
        "percent": words.format_percent,
        "points": words.format_points,
        "named": words.title_from_name,
        "sentence": words.make_sentence,
    },
    values={
        "KINDS": words.KINDS,
        "DECISIONS": words.DECISIONS,
        "STANDINGS": words.STANDINGS,
        "path": "",
        "visit": None,
        "layout": "base.html",
    },
)
render = PAGES.render


def build_page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page, or only that it has not changed since the browser asked last."""
    answer = PAGES.build_page(template, status=status, path=request.url.path, **values)
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    if status == 200 and request.headers.get("if-none-match") == tag:  # noqa: PLR2004 - a status
        return Response(status_code=304, headers={"ETag": tag})
    answer.headers["ETag"] = tag
    return answer
