"""What the requests hold: random valid subscribers, encoded before the run so that the client has little to do."""

from __future__ import annotations

import json

import numpy as np

from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns

DIFFERENT = 10_000
"""A longer run sends the same subscribers again, in the same order."""


def draw_bodies(contract: type[Contract], seed: int, count: int = DIFFERENT) -> list[bytes]:
    """So many JSON objects; the same seed gives the same bytes."""
    drawn = draw_columns(contract, np.random.default_rng(seed), count)
    columns = [values.tolist() for values in drawn.values()]
    return [json.dumps(dict(zip(drawn, row, strict=True))).encode() for row in zip(*columns, strict=True)]
