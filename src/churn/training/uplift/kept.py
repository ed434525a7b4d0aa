"""An uplift as a run keeps it: what it is, what it showed, and a booster for each action."""

from collections.abc import Mapping
from pathlib import Path

import xgboost
from pydantic import BaseModel, ConfigDict

from churn.errors import BundleError
from churn.explain.xgb import XgboostModel, load_booster
from churn.files import encode_json
from churn.model.uplift_files import UpliftCard, name_booster
from churn.model.uplift_sealing import UpliftParts
from churn.training.gates import Gate
from churn.training.kept import explain_errors
from churn.training.registry import EXPORT_FOLDER
from churn.training.versions import FetchedModel

UPLIFT_FILE = "uplift.json"
UPLIFT_OF = "uplift_of"
"""The tag that names the number of the version whose churn model it is."""


class KeptUplift(BaseModel):
    """What is kept of an uplift beside its boosters.

    Args:
        gates: as they were at training.
        forced: why somebody went past them, if they did not hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    card: UpliftCard
    contract_fingerprint: str
    gates: tuple[Gate, ...]
    forced: str | None = None


def encode_uplift(kept: KeptUplift, boosters: Mapping[str, xgboost.Booster]) -> dict[str, bytes]:
    """Return the files of an uplift, by their path in a run."""
    files = {
        name_booster(place): bytes(boosters[offer].save_raw("ubj")) for place, offer in enumerate(kept.card.offers)
    }
    files[UPLIFT_FILE] = encode_json(kept.model_dump(mode="json"))
    return {f"{EXPORT_FOLDER}/{name}": content for name, content in files.items()}


@explain_errors("the uplift")
def read_kept_uplift(fetched: FetchedModel) -> KeptUplift | None:
    """Read what was kept of a version's uplift; None if it has none."""
    content = fetched.export_files.get(UPLIFT_FILE)
    if content is None:
        if UPLIFT_OF in fetched.info.tags:
            raise ValueError(f"its run has no {EXPORT_FOLDER}/{UPLIFT_FILE}")
        return None
    return KeptUplift.model_validate_json(content)


@explain_errors("the uplift")
def read_uplift(fetched: FetchedModel) -> UpliftParts | None:
    """Read what a bundle's uplift is made of; None if the version has none."""
    kept = read_kept_uplift(fetched)
    if kept is None:
        return None
    models = {}
    for place, offer in enumerate(kept.card.offers):
        name = name_booster(place)
        if name not in fetched.export_files:
            raise BundleError(f"its run has no {EXPORT_FOLDER}/{name}", instead="train the uplift again")
        booster = load_booster(Path(name), memoryview(fetched.export_files[name]))
        models[offer] = XgboostModel(booster)
    return UpliftParts(kept.card, models)
