"""Prove over many subscribers that what a bundle's banner shows is true. The model's own library is the witness.

The witness knows nothing of the tables, of how reasons are chosen and verified, or of rounding. It gives the
contributions of each subscriber, and the probability with the concept of a shown reason moved to the reference.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.answers import DECIMALS, CustomerReason, Retention, RiskTier, TierLimits
from churn.contract.catalogues import find_contract_language
from churn.contract.declaration import Contract, Rows
from churn.contract.features import FeatureSpec
from churn.contract.sampling import draw_subscribers
from churn.explain.libraries import find_model_file
from churn.explain.loading import load_model
from churn.explain.trained import TrainedModel
from churn.model.bundle import Bundle
from churn.model.manifest import MODEL
from churn.model.model import Prediction, tier_from_probability
from churn.retention.banner import Visitor, build_banner
from churn.retention.offers.policy import Policy
from churn.retention.proving_offers import OfferWitness
from churn.retention.reasons import MOST_SHOWN

ROWS_AT_ONCE = 5000
CONTRIBUTION_ERROR = 1e-5  # of the witness's own float32
LEAST_FALL = 0.01
PROBABILITY_ERROR = 1.01e-4  # two probabilities, each shown with four decimals, and float32

type BuildBanner = Callable[..., Retention]


@dataclass(slots=True)
class Proof:
    """What the witness says of all banners.

    Args:
        shown: by number of reasons, how many banners had so many.
        codes: how often each reason was shown.
        suppressed: how often each ground kept a reason from being shown.
        offers: how often each offer was made; `None` where there was none.
        offer_reasons: how often each reason of an offer was shown.
        with_reasons: how many banners showed a reason.
        undone: of these, how many would not be shown with the concepts of all shown reasons moved together: the
            probability is then not above the threshold. No law, for nothing promises it.
        broken: for each law that was broken, how often, with its first case in `first`, in words.
    """

    rows: int = 0
    banners: int = 0
    shown: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    offers: Counter[str | None] = field(default_factory=Counter)
    offer_reasons: Counter[str] = field(default_factory=Counter)
    with_reasons: int = 0
    undone: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def breaks(self, law: str, case: Any) -> None:
        """Note that a law does not hold."""
        self.broken[law] += 1
        self.first.setdefault(law, str(case))


def prove(
    bundle: Bundle,
    policy: Policy,
    batches: Iterable[Sequence[Contract]],
    *,
    threshold: float,
    today: date,
    build: BuildBanner = build_banner,
) -> Proof:
    """Look at the banner of each subscriber, some thousand at once, in each language by turns.

    The banner is shown above the threshold, a probability, and with its reasons also where no offer is worth it: there
    a lot may show them. `build` builds a banner; a test gives one that errs.
    """
    policy = replace(policy, without_offer="reasons")
    proof = Proof()
    name = find_model_file(bundle.files) or MODEL
    witness = load_model(bundle.path / name, bytes(bundle.files[name]))
    of_offers = OfferWitness(bundle)
    languages = [find_contract_language(bundle.model.contract, code) for code in policy.document.languages]
    for people in batches:
        cases: list[tuple[Contract, Prediction, Retention]] = []
        for person, prediction in zip(people, bundle.model.predict(people) if people else [], strict=True):
            visitor = Visitor(language=languages[proof.rows % len(languages)])
            proof.rows += 1
            limits = bundle.model.contract.tiers
            tier = tier_from_probability(prediction.probability, limits)
            _check_tier(proof, prediction.probability, tier, limits)
            if prediction.probability > threshold:
                cases.append(
                    (person, prediction, build(bundle.model, policy, person, prediction, visitor, today=today))
                )
        for person, _, banner in cases:
            _check_banner(proof, person, banner)
        _ask_the_witness(proof, bundle, witness, cases, threshold)
        for law, case in of_offers.find_broken(cases):
            proof.breaks(law, case)
    return proof


def draw_batches(
    contract: type[Contract],
    rows: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[list[Contract]]:
    """Draw so many random valid subscribers, some thousand at once. `progress` gets how many were used, of how many."""
    generator = np.random.default_rng(seed)
    for done in range(0, rows, ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, rows - done)
        yield draw_subscribers(contract, generator, count)
        progress(done + count, rows)


def _check_tier(proof: Proof, probability: float, tier: RiskTier, limits: TierLimits) -> None:
    bounds = {"low": (0.0, limits[0]), "medium": limits, "high": (limits[1], 1.0)}
    low, high = bounds[tier]
    if not (low <= probability < high or probability == high == 1.0) or round(probability, 4) != probability:
        proof.breaks("the tier is that of the shown probability", (probability, tier))


def _check_banner(proof: Proof, person: Contract, banner: Retention) -> None:
    reasons = banner["reasons"]
    proof.banners += 1
    proof.shown[len(reasons)] += 1
    proof.codes.update(reason["code"] for reason in reasons)
    proof.suppressed.update(reason["why"] for reason in banner["suppressed"])
    proof.offers[banner["offer"]["code"] if banner["offer"] else None] += 1
    because = banner["offer"].get("because", []) if banner["offer"] else []
    proof.offer_reasons.update(reason["code"] for reason in because)
    specs = {spec.name: spec for spec in person.features}
    groups = [reason["group"] for reason in reasons]
    actionable_first = sorted(reasons, key=lambda reason: not reason["actionable"])
    for law, holds in {
        "no more than three reasons are shown": len(reasons) <= MOST_SHOWN,
        "no group is repeated": len(set(groups)) == len(groups),
        "what can be acted on comes first": groups == [reason["group"] for reason in actionable_first],
        "there is a headline exactly where there are reasons": bool(banner["headline"]) == bool(reasons),
        "an offer answers a reason that is shown": banner["offer"] is None
        or banner["offer"]["answers"] in {reason["code"] for reason in reasons},
    }.items():
        if not holds:
            proof.breaks(law, banner)
    for reason in reasons:
        spec = specs[reason["code"].partition(".")[0]]
        if spec.marker.protected:
            proof.breaks("no protected field is shown", reason)
        if not _is_true_of(reason, spec, person, banner["language"]):
            proof.breaks("code and text are those of the value", (reason, person))


def _is_true_of(reason: CustomerReason, spec: FeatureSpec, person: Contract, language: str) -> bool:
    """Tell whether the band holds the value, and the text is the band's text for a value that raises the risk."""
    value = getattr(person, spec.name)
    name = reason["code"].partition(".")[2]
    at = [*(band.name for band in spec.bands), spec.unknown.name].index(name)
    written = find_contract_language(type(person), language)
    band = [*spec.bands, spec.unknown][at]
    if band is spec.unknown or value is None:
        return band is spec.unknown and value is None and reason["text"] == written.translate(band.raises) != ""
    if spec.words is None:
        holds = spec.decode(at) == value
    else:
        above = spec.bands[at - 1].below if at else -np.inf
        holds = above <= value < spec.bands[at].below
    text = written.translate(band.raises)
    if spec.words is not None:
        text = text.replace("{value}", spec.words(value, written))
    return holds and bool(text) and reason["text"] == text


def _ask_the_witness(
    proof: Proof,
    bundle: Bundle,
    witness: TrainedModel,
    cases: list[tuple[Contract, Prediction, Retention]],
    threshold: float,
) -> None:
    """Ask the model itself whether each shown reason raises the risk, and what its probability is without them.

    Without a reason, the values of its concept are those of the reference. Without all reasons,
    those of all shown concepts are.
    """
    specs = bundle.model.contract.features
    names = bundle.model.contract.feature_names()
    cases = [case for case in cases if case[2]["reasons"]]
    if not cases:
        return
    reference = np.array(bundle.model.reference or (), dtype=np.float32)
    here = np.array([prediction.values for _, prediction, _ in cases], dtype=np.float32)
    without_all = here.copy()
    shown: list[tuple[int, int]] = []
    without: list[Rows] = []
    for case, (_, _, banner) in enumerate(cases):
        for reason in banner["reasons"]:
            at = names.index(reason["code"].partition(".")[0])
            concept = [
                other
                for other, spec in enumerate(specs)
                if other == at or (spec.group == specs[at].group and not spec.marker.protected)
            ]
            moved = here[case].copy()
            moved[concept] = without_all[case, concept] = reference[concept]
            shown.append((case, at))
            without.append(moved)
    contributions = witness.explain(here)
    before, after = _predict(witness, here), _predict(witness, np.array(without))
    for (case, at), probability in zip(shown, after, strict=True):
        if contributions[case, at] < -CONTRIBUTION_ERROR:
            proof.breaks("a shown reason raises the risk", (cases[case][0], at))
        if not before[case] - probability >= LEAST_FALL - PROBABILITY_ERROR:
            proof.breaks("without a shown reason the probability falls by a point", (cases[case][0], at))
    proof.with_reasons += len(cases)
    proof.undone += int((np.round(_predict(witness, without_all), DECIMALS) <= threshold).sum())


def _predict(witness: TrainedModel, rows: Rows) -> npt.NDArray[np.float64]:
    margins = witness.compute_margins(rows).astype(np.float64)
    return np.asarray(1 / (1 + np.exp(-margins)))
