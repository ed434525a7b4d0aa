"""What portals reported of one person's banners, in a table and as figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from churn.cli.show import format_time

if TYPE_CHECKING:
    from churn.prediction_log.banner_events import BannerEvent

EVENTS = {
    "seen": "saw the banner",
    "dismissed": "dismissed it",
    "accepted": "accepted the offer",
    "helpful": "said that it helps",
    "cancelled": "cancelled the subscription",
    "objected": "objected to the use of your data",
}
TIMES = ("time", "reported_time")


def list_events(events: Sequence[BannerEvent]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of what was reported."""
    rows = [
        [format_time(event.time / 1e6), EVENTS.get(event.event, event.event), event.prediction_id] for event in events
    ]
    return ["when it was reported", "what you did", "prediction"], rows


def figures_from_events(events: Sequence[BannerEvent]) -> list[dict[str, Any]]:
    """Return all that is kept of each event."""
    return [
        {name: format_time(value / 1e6) if value is not None and name in TIMES else value for name, value in items}
        for items in (event._asdict().items() for event in events)
    ]
