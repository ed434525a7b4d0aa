"""Prove that what is said of why an offer is for somebody is true. The boosters of the bundle's uplift are the witness.

They know nothing of tables, of how reasons are chosen, or of rounding.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from churn.answers import Offer, OfferReason, Retention
from churn.contract.catalogues import find_contract_language
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.messages import OFFER_IS_FOR_YOU
from churn.explain.loading import load_model
from churn.explain.trained import TrainedModel
from churn.model.bundle import Bundle
from churn.model.model import Prediction
from churn.model.uplift_files import name_booster

LEAST_FALL = 0.005
ADJUSTMENT_ERROR = 1.01e-4  # two adjustments, each rounded to four decimals, and float32

type Case = tuple[Contract, Prediction, Retention]


class OfferWitness:
    """What the boosters of a bundle's uplift say of the offers that banners show."""

    def __init__(self, bundle: Bundle) -> None:
        """Read the boosters. A bundle without an uplift has none.

        Raises:
            BundleError, SettingsError: XGBoost cannot read one, or is not installed.
        """
        card = bundle.manifest.uplift
        self._reference = np.array(bundle.model.reference or (), dtype=np.float32)
        self._boosters: dict[str, TrainedModel] = {}
        for place, code in enumerate(card.offers if card else ()):
            name = name_booster(place)
            self._boosters[code] = load_model(bundle.path / name, bytes(bundle.files[name]), library="XGBoost")

    def find_broken(self, cases: Sequence[Case]) -> Iterator[tuple[str, Any]]:
        """Yield each law that a banner's offer breaks, with the case."""
        for code, booster in self._boosters.items():
            made = [case for case in cases if case[2]["offer"] and case[2]["offer"]["code"] == code]
            if made:
                yield from self._ask(booster, made)
        for case in cases:
            offer = case[2]["offer"]
            if offer and offer.get("because") and offer["code"] not in self._boosters:
                yield "an offer says why it is for somebody only where an uplift adjusts it", offer

    def _ask(self, booster: TrainedModel, cases: Sequence[Case]) -> Iterator[tuple[str, Any]]:
        """Ask about all subscribers who are made one offer."""
        here = np.array([prediction.values for _, prediction, _ in cases], dtype=np.float32)
        points, contributions = booster.compute_margins(here), booster.explain(here)
        for at, (person, _, banner) in enumerate(cases):
            offer = banner["offer"]
            assert offer  # noqa: S101 - those without were left out
            said = offer["expected"].get("adjustment", np.nan)
            if banner.get("decided_by") == "uplift" and not abs(said - points[at]) <= ADJUSTMENT_ERROR:
                yield "an uplift adds what its booster says", (person, said, points[at])
            for reason, spec, number in _find_reasons(person, offer):
                without = here[at : at + 1].copy()
                concept = [*person.together[number]]
                without[0, concept] = self._reference[concept]
                if contributions[at, number] <= 0:
                    yield "a reason of an offer raises what the uplift adds", (person, reason)
                if not points[at] - booster.compute_margins(without)[0] >= LEAST_FALL - ADJUSTMENT_ERROR:
                    yield "without a reason of an offer the uplift adds half a point less", (person, reason)
                if spec.marker.protected:
                    yield "no protected field is a reason of an offer", reason
            if not _are_worded(person, offer, banner["language"]):
                yield "what is said of an offer is the text of the value, once of each concept", (person, offer)


def _find_reasons(person: Contract, offer: Offer) -> Iterator[tuple[OfferReason, FeatureSpec, int]]:
    places = {spec.name: at for at, spec in enumerate(person.features)}
    for reason in offer.get("because", []):
        at = places[reason["code"].partition(".")[0]]
        yield reason, person.features[at], at


def _are_worded(person: Contract, offer: Offer, language: str) -> bool:
    """Tell whether each sentence is that of the subscriber's value, at most two, and no concept speaks twice."""
    written = find_contract_language(type(person), language)
    reasons = [*_find_reasons(person, offer)]
    texts = []
    for (_, spec, _), around in zip(reasons, OFFER_IS_FOR_YOU, strict=False):
        value = getattr(person, spec.name)
        band = spec.unknown if value is None else spec.find_band(value)
        text = written.translate(band.suits)
        if spec.words is not None and value is not None:
            text = text.replace("{value}", spec.words(value, written))
        texts.append((f"{spec.name}.{band.name}", written.translate(around).replace("{reason}", text)))
    groups = [spec.group for _, spec, _ in reasons]
    return len(set(groups)) == len(groups) and texts == [(reason["code"], reason["text"]) for reason, _, _ in reasons]
