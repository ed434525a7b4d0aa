"""Pages: a template, its values, and what every page needs beside them."""

from pathlib import Path

from churn.web.pages import Pages
from portal.bills import describe_saving, has_bills
from portal.words import find_phrases, format_day, format_dollars

PAGES = Pages(
    Path(__file__).parent,
    filters={"dollars": format_dollars, "day": format_day, "saving": describe_saving, "has_bills": has_bills},
    values={"phrases": find_phrases},
)
build_page = PAGES.build_page
