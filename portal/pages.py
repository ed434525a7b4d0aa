"""Pages: a template, its values, and what every page needs beside them."""

from __future__ import annotations

from pathlib import Path

from churn.web.pages import Pages
from portal.words import day, dollars, phrases

PAGES = Pages(Path(__file__).parent, filters={"dollars": dollars, "day": day}, values={"phrases": phrases})
page = PAGES.page
