"""Asks the service what to show. Without its answer the page is still shown, and in time."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from structlog.typing import FilteringBoundLogger

from churn.answers import RetentionAnswer
from churn.client import AsyncChurnClient
from churn.errors import ClientError, Nonsense
from portal.bills import require_sensible_offer

PREDICTION_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class Adviser:
    """Ask the service about subscribers; log each failure with its kind."""

    def __init__(self, client: AsyncChurnClient, log: FilteringBoundLogger) -> None:
        self.client = client
        self.log = log

    async def advise(
        self, facts: Mapping[str, Any], *, subscriber_key: str, last_offer: date | None, language: str
    ) -> RetentionAnswer | None:
        """Return the answer about a subscriber; None if the service is slow, down, overloaded, or makes no sense."""
        try:
            answer = await self.client.predict(
                facts, subscriber_key=subscriber_key, last_offer=last_offer, language=language
            )
            require_sense(answer)
        except ClientError as error:
            self.log.warning("service_failed", kind=type(error).__name__.lower(), detail=error.message)
            return None
        return answer


def require_sense(answer: RetentionAnswer) -> None:
    """Raise `Nonsense` for what has the right types and still cannot be shown."""
    if not PREDICTION_ID.fullmatch(answer["prediction_id"]):
        raise Nonsense("an answer whose prediction_id is none")
    if answer["retention"] and answer["retention"]["offer"]:
        require_sensible_offer(answer["retention"]["offer"])
