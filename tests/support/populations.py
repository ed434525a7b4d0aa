"""Files of subscribers, a model that knows them by their support tickets, and the reasons that they are shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from churn.answers import CustomerReason
from churn.contract.declaration import Contract, Rows
from churn.model.model import ChurnModel, Prediction
from churn.retention.campaign.population import BannerSubscriber, Census, find_banner_subscribers
from support.examples import STREAMFLOW
from support.policies import reason
from support.tables import Row, write_rows


def by_tickets(rows: Rows) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Log-odds of as many as there are tickets, less two: three tickets see a banner, two do not."""
    explained = np.zeros((len(rows), rows.shape[1] + 1))
    at = STREAMFLOW.feature_names().index("num_support_tickets")
    explained[:, at] = rows[:, at]
    explained[:, -1] = -2.0
    return explained


MODEL = ChurnModel(STREAMFLOW, by_tickets, "v0.0.1")


def tickets_and_commitment(subscriber: Contract, prediction: Prediction) -> Sequence[CustomerReason]:
    """Two reasons for everybody who is bound to nothing, none for others."""
    assert prediction.probability > 0.6
    free = subscriber.model_dump()["contract_type"] == "month-to-month"
    return [reason("commitment"), reason("support")] if free else []


def row(at: int, tickets: Any = 4, **changes: Any) -> Row:
    """The contract's example with an id of its own."""
    return {"subscriber_id": f"s-{at}", **STREAMFLOW.example(), "num_support_tickets": tickets, **changes}


def draw(folder: Path, rows: Sequence[Row], suffix: str = ".csv") -> tuple[list[BannerSubscriber], Census]:
    """Writes rows to a file of some format and reads those with a banner back."""
    census = Census()
    path = write_rows(folder / f"rows{suffix}", rows)
    return list(find_banner_subscribers(path, MODEL, tickets_and_commitment, census, threshold=0.6)), census
