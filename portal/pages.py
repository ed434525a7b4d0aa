"""Pages: a template, its values, and what every page needs beside them. Subscribers' pages and the team's differ.

A page of the team extends `team.html`, and needs the visit of who looks.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from churn.web.pages import Pages
from portal.bills import describe_saving, has_bills
from portal.words import find_phrases, format_day, format_dollars

FOLDER = Path(__file__).parent
FILTERS: dict[str, Callable[..., Any]] = {
    "dollars": format_dollars,
    "day": format_day,
    "saving": describe_saving,
    "has_bills": has_bills,
}
PAGES = Pages(
    FOLDER,
    filters=FILTERS,
    values={"phrases": find_phrases, "layout": "base.html", "way_back": "Back to Manage Subscription"},
)
TEAM_PAGES = Pages(
    FOLDER,
    filters=FILTERS,
    values={"phrases": find_phrases, "layout": "team.html", "way_back": "Back to the team's pages", "visit": None},
)
build_page = PAGES.build_page
