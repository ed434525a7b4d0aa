"""Pages: a template, its values, and what every page needs beside them."""

from pathlib import Path
from typing import Any

from churn.web.pages import Pages
from portal.bills import describe_saving, has_bills
from portal.words import find_phrases, format_day, format_dollars

FILTERS: dict[str, Any] = {
    "dollars": format_dollars,
    "day": format_day,
    "saving": describe_saving,
    "has_bills": has_bills,
}
PAGES = Pages(Path(__file__).parent, filters=FILTERS, values={"phrases": find_phrases})
build_page = PAGES.build_page
