"""Names the effects that a policy says, so that an uplift that adjusts them is used with no others."""

import hashlib
import json

from churn.retention.offers.document import PolicyDocument
from churn.retention.offers.segments import list_strengths


def hash_effects(document: PolicyDocument) -> str:
    """Return the sha256 of what the policy says that offers change: nothing about costs, texts, dates or intervals."""
    segments = [segment.model_dump(mode="json", by_alias=True) for segment in document.segments]
    names = [segment.name for segment in document.segments]
    effects = {
        "segments": segments,
        "offers": [
            {"code": offer.code, "saves": dict(offer.saves), "strengths": list_strengths(offer.measured, names)}
            for offer in document.offers
        ],
    }
    return hashlib.sha256(json.dumps(effects, sort_keys=True).encode()).hexdigest()
