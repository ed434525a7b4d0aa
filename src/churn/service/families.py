"""What the service counts: each family of metrics, what it means, and every value a label may have."""

from __future__ import annotations

from itertools import combinations, product
from typing import Final, Literal, NamedTuple, get_args

from churn.answers import Arm, RiskTier
from churn.judging import metrics as measures
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS, SET_SIGN, SHADOW_DIFFERENCE_BOUNDS, TOP
from churn.model.model import ChurnModel
from churn.retention.offers.policy import Policy
from churn.service.stages import BUCKETS, STAGES

TIERS: tuple[RiskTier, ...] = get_args(RiskTier.__value__)
ARMS: tuple[Arm, ...] = get_args(Arm.__value__)
NONE: Final = "none"
# Whatever path is asked for that is none of the service's.
OTHER: Final = "other"
ROUTES: Final = (
    "/predict", "/predict/batch", "/health", "/readyz", "/livez", "/metrics", "/openapi.json",
)  # fmt: skip
# Its caller left before the answer: nginx's number for it, which is no status that is ever sent.
NOT_ANSWERED: Final = 499
STATUSES: Final = ("2xx", "4xx", "5xx", str(NOT_ANSWERED))
BUSY: Final = "busy"
BUG: Final = "bug"
# What a status that is an error says of its kind; a 503 for too many requests is `busy`.
KINDS: Final = {
    400: "not_http",
    404: "not_found",
    405: "wrong_method",
    408: "slow_body",
    413: "too_large",
    415: "not_json",
    422: "invalid",
    NOT_ANSWERED: "caller_left",
    500: BUG,
    503: "unavailable",
}

# Of the prediction log.
LOGGED: Final = ("written", "dropped")
# Of the shadow.
OUTCOMES: Final = ("paired", "failed", "dropped")
AGREEMENTS: Final = ("set", "order", "signs")
BANNER: Final = ("no", "yes")

type Kind = Literal["counter", "gauge", "histogram"]
type LabelSets = tuple[tuple[str, ...], ...]


class Family(NamedTuple):
    """One name under which something is counted."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


FAMILIES: Final = (
    Family(
        measures.REQUEST_DURATION,
        "histogram",
        ("route",),
        "From the first byte of a request's head to the last byte of its answer, the time it waited included.",
    ),
    Family(
        measures.REQUESTS,
        "counter",
        ("route", "status"),
        "Requests by how they ended; 499 if the caller left before the answer.",
    ),
    Family(measures.ERRORS, "counter", ("kind",), "Requests that got an error, by its kind."),
    Family(measures.STAGE_DURATION, "histogram", ("stage",), "What each stage of an answer of /predict takes."),
    Family(measures.PREDICTIONS, "counter", ("model_version", "tier"), "Answers of /predict by risk tier."),
    Family(measures.PROBABILITY, "histogram", ("model_version",), "Their probability."),
    Family(
        measures.TOP_FEATURE,
        "counter",
        ("model_version", "feature"),
        "In how many of them a feature was among the three largest contributions, whatever number was asked for.",
    ),
    Family(
        measures.TOP_SET,
        "counter",
        ("model_version", "features"),
        "How many of them had which three, in the contract's order; a set that never came is left out.",
    ),
    Family(measures.BANNERS, "counter", ("model_version",), "Those whose probability was above the threshold."),
    Family(
        measures.RETENTION, "counter", ("arm", "offer"), "What their banners held; offer `none` where there is none."
    ),
    Family(
        measures.BATCH_ROWS, "counter", ("outcome",), "Rows of /predict/batch, which are no predictions of /predict."
    ),
    Family(
        measures.LOG_RECORDS,
        "counter",
        ("outcome",),
        "Records of the prediction log; `dropped` if there was no room or they could not be written.",
    ),
    Family(
        measures.QUEUE,
        "gauge",
        (),
        "Requests that the living workers have taken and not yet answered, the one that asks for this included.",
    ),
    Family(
        measures.BUNDLE_INFO,
        "gauge",
        ("model_version", "bundle_sha256", "contract", "contract_fingerprint"),
        "Always 1; what is served.",
    ),
    Family(
        measures.SHADOW,
        "counter",
        ("outcome",),
        "Answers of /predict that the challenger was to answer too; `dropped` if it had no time.",
    ),
    Family(
        measures.SHADOW_TIERS, "counter", ("champion", "challenger"), "Those that both answered, by the tier of each."
    ),
    Family(
        measures.SHADOW_BANNERS, "counter", ("champion", "challenger"), "The same by whether each would show a banner."
    ),
    Family(
        measures.SHADOW_TOP,
        "counter",
        ("agreement",),
        "Those whose three largest contributions are of the same features, in the same order, of the same signs.",
    ),
    Family(measures.SHADOW_DIFFERENCE, "histogram", (), "How far their two probabilities lie apart."),
    Family(
        measures.CHALLENGER_INFO,
        "gauge",
        ("model_version", "bundle_sha256"),
        "Always 1; what answers in the background.",
    ),
)


class Served(NamedTuple):
    """What a service serves, in words that can be labels; the same in all of its workers."""

    model_version: str
    bundle_sha256: str
    contract: str
    contract_fingerprint: str
    features: tuple[str, ...]
    offers: tuple[str, ...]
    shadowed: bool = False


def served(model: ChurnModel, policy: Policy, *, bundle_sha256: str = "", shadowed: bool = False) -> Served:
    """What a model and its offers are called.

    Args:
        model: what predicts.
        policy: of its offers.
        bundle_sha256: of the bundle's manifest, empty where there is no bundle.
        shadowed: whether there is to be a challenger.
    """
    contract = model.contract
    return Served(
        model.version,
        bundle_sha256,
        contract.contract_name,
        contract.fingerprint,
        tuple(contract.feature_names()),
        tuple(terms.code for terms in policy.terms),
        shadowed,
    )


class Block(NamedTuple):
    """The cells of one family in a row of numbers: `width` of them, one after the other, for each set of label values.

    A histogram's are its buckets, not summed up, and then the sum of what fell into them.
    """

    first: int
    sets: LabelSets
    width: int

    def cells(self) -> dict[tuple[str, ...], int]:
        """The first cell of each set of label values."""
        return {values: self.first + number * self.width for number, values in enumerate(self.sets)}


def blocks(served: Served) -> dict[str, Block]:
    """Where each family's cells are, by name; all that can ever be counted is known beforehand."""
    version = served.model_version
    sets = (SET_SIGN.join(names) for names in combinations(served.features, TOP))
    known: dict[str, tuple[LabelSets, int]] = {
        measures.REQUEST_DURATION: (_each((*ROUTES, OTHER)), len(LATENCY_BOUNDS_S) + 2),
        measures.REQUESTS: (tuple(product((*ROUTES, OTHER), STATUSES)), 1),
        measures.ERRORS: (_each((*KINDS.values(), BUSY, OTHER)), 1),
        measures.STAGE_DURATION: (_each(STAGES), BUCKETS + 1),
        measures.PREDICTIONS: (tuple((version, tier) for tier in TIERS), 1),
        measures.PROBABILITY: (((version,),), PROBABILITY_BINS + 1),
        measures.TOP_SET: (tuple((version, each) for each in sets), 1),
        measures.BANNERS: (((version,),), 1),
        measures.RETENTION: (tuple(product(ARMS, (*served.offers, NONE))), 1),
        measures.BATCH_ROWS: (_each(("answered", "refused")), 1),
        measures.LOG_RECORDS: (_each(LOGGED), 1),
        measures.QUEUE: (((),), 1),
    }
    shadow: dict[str, tuple[LabelSets, int]] = {
        measures.SHADOW: (_each(OUTCOMES), 1),
        measures.SHADOW_TIERS: (tuple(product(TIERS, TIERS)), 1),
        measures.SHADOW_BANNERS: (tuple(product(BANNER, BANNER)), 1),
        measures.SHADOW_TOP: (_each(AGREEMENTS), 1),
        measures.SHADOW_DIFFERENCE: (((),), len(SHADOW_DIFFERENCE_BOUNDS) + 1),
    }
    known |= shadow if served.shadowed else dict.fromkeys(shadow, ((), 0))
    found, first = {}, 0
    for name, (label_sets, width) in known.items():
        found[name] = Block(first, label_sets, width)
        first += len(label_sets) * width
    return found


def cells_of(found: dict[str, Block]) -> int:
    """How many cells all blocks take."""
    return sum(len(block.sets) * block.width for block in found.values())


def _each(values: tuple[str, ...]) -> LabelSets:
    return tuple((value,) for value in values)
