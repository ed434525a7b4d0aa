"""Pages: a template, its values, and what every page needs beside them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

SHARED = Path(__file__).parent
PROBLEMS = {
    400: ("That could not be read", "Open the page again and try once more."),
    403: ("This form is no longer valid", "You may have signed in or out in another tab. Open the page and try again."),
    404: ("There is no such page", "The address may be mistyped, or what it showed is over."),
    405: ("That is not how this page is opened", "Follow a link or a button on the page itself."),
    408: ("That took too long", "What was sent did not arrive in time. Please try again."),
    409: ("It is over already", "Nothing can be changed any more in a rollout that has ended."),
    410: ("This offer is over", "It could be accepted for some time only, and that time has passed."),
    413: ("That is too much", "What was sent is longer than any form of this page."),
    429: ("That was tried too often", "Please wait a moment, then try again."),
    431: ("That is too much", "The address or the cookies of this page are too long. Open it from its beginning."),
    500: ("Something went wrong", "That is our fault, and it is noted. Please try again in a moment."),
    503: ("Too many are here", "Please try again in a moment."),
}


class Pages:
    """Fill in an app's templates. They stand in its folder's `templates`, and may extend `web/frame.html`.

    Templates of other folders are found below the names given for these.
    """

    def __init__(
        self,
        folder: Path,
        *,
        filters: Mapping[str, Callable[..., Any]],
        values: Mapping[str, Any] | None = None,
        others: Mapping[str, Path] | None = None,
    ) -> None:
        self.folder = folder
        self._environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader(
                [
                    jinja2.FileSystemLoader(folder / "templates"),
                    jinja2.PrefixLoader(
                        {
                            name: jinja2.FileSystemLoader(where)
                            for name, where in {"web": SHARED / "templates", **(others or {})}.items()
                        }
                    ),
                ]
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,  # a misspelt value is an error, not an empty place
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= filters
        self._environment.globals |= values or {}

    def render(self, template: str, **values: Any) -> str:
        """Return the template filled in. Text in the values is escaped."""
        return self._environment.get_template(template).render(values)

    def read_style(self, name: str) -> str:
        """Return the shared styles and those of the app's file `name`, for a page that must hold its own."""
        files = (SHARED / "static" / "base.css", self.folder / "static" / name)
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    def build_page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return the template filled in, as an answer."""
        return HTMLResponse(self.render(template, **values), status)

    def build_problem_page(self, status: int, *, text: str | None = None) -> HTMLResponse:
        """Return what is shown in place of a page."""
        title, usual = PROBLEMS.get(status, ("This did not work", "Please go back and try again."))
        return self.build_page("problem.html", status=status, title=title, text=text or usual)
