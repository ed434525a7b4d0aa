"""The demo's subscribers."""

from __future__ import annotations

import tomllib
from pathlib import Path

from portal.records import Subscriber

FILE = Path(__file__).with_name("demo.toml")


def demo_subscribers() -> list[Subscriber]:
    """Those that `demo.toml` declares, counted from 1."""
    declared = tomllib.loads(FILE.read_text(encoding="utf-8"))["subscriber"]
    return [Subscriber(number=number, **each) for number, each in enumerate(declared, start=1)]
