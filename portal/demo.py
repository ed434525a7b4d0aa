"""The demo's subscribers."""

from __future__ import annotations

import tomllib
from pathlib import Path

from portal.records import DemoSubscriber

FILE = Path(__file__).with_name("demo.toml")


def load_demo_subscribers() -> list[DemoSubscriber]:
    """Return the subscribers that `demo.toml` declares, counted from 1."""
    declared = tomllib.loads(FILE.read_text(encoding="utf-8"))["subscriber"]
    return [DemoSubscriber(number=number, **fields) for number, fields in enumerate(declared, start=1)]
