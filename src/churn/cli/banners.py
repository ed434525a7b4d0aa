"""Those of a file of subscribers who see a banner, for the commands that weigh offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from churn.cli.show import say, show_progress
from churn.model.model import ChurnModel
from churn.retention.reasons import choose_customer_reasons

if TYPE_CHECKING:
    from churn.retention.campaign.population import BannerSubscriber, Census

# ruff: noqa: PLC0415 - what reads files is an extra


@contextmanager
def open_banner_subscribers(
    path: Path, model: ChurnModel, threshold: float, *, today: date
) -> Iterator[tuple[Iterator[BannerSubscriber], Census]]:
    """Yield those of a file who see a banner, with a bar that moves as they are read; then say what was wrong.

    The command asks for the extra `offers` before. Dates are counted to `today`, where the rows say no other day.
    """
    from churn.retention.campaign.population import Census, find_banner_subscribers

    census = Census()
    with show_progress("rows") as move:
        subscribers = find_banner_subscribers(
            path,
            model,
            lambda subscriber, prediction: choose_customer_reasons(model, subscriber, prediction)[0],
            census,
            threshold=threshold,
            today=today,
            progress=move,
        )
        yield subscribers, census
    if not census.has_keys:
        say(f"there is no column {model.contract.id_column}, so nobody is in an arm")
    if census.invalid_rows:
        say(f"{census.invalid_rows:,} of {census.rows:,} rows are no valid subscribers and were left out")
