"""The shapes of what is answered, shared by the service, which makes them, and by clients, which read them.

Typed dictionaries: they describe themselves in the OpenAPI document as models do, and cost less to make.
"""

from typing import Annotated, Final, Literal, NotRequired, TypedDict, get_args

from pydantic import Field

type RiskTier = Literal["low", "medium", "high"]
type Direction = Literal["increases_risk", "decreases_risk"]
type Arm = Literal["treatment", "holdout", "unassigned"]
type WhyNotShown = Literal["protected", "not_for_customers", "same_group", "not_verified", "beyond_three"]
type WhyNotOffered = Literal[
    "expired",
    "cooldown",
    "not_eligible",
    "answers_no_reason",
    "not_worth_its_cost",
    "worth_less_than_the_chosen",
    "not_drawn",
]
type DecidedBy = Literal["risk", "uplift", "explore"]
type BannerEventName = Literal["seen", "dismissed", "accepted", "helpful", "cancelled", "objected"]
type TierLimits = tuple[float, float]
"""A probability is low below the first, medium below the second, else high."""
TIERS: Final[tuple[RiskTier, ...]] = get_args(RiskTier.__value__)
ARMS: Final[tuple[Arm, ...]] = get_args(Arm.__value__)
BANNER_EVENT_NAMES: Final[tuple[BannerEventName, ...]] = get_args(BannerEventName.__value__)
DECIMALS: Final = 4  # of a probability, and of all that adds up to one
MOST_MONTHS: Final = 120  # that an offer may last

# Not `format: date`: some generators of clients leave out an operation with such a header.
DAY_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

type Dollars = Annotated[float, Field(description="In the offer's currency, rounded to cents.")]


class Reason(TypedDict):
    """What one feature did to one subscriber's risk."""

    feature: str
    value: Annotated[float | None, Field(description="The encoded number the model saw.")]
    shap_contribution: Annotated[float, Field(description="What the feature adds to the log-odds, 4 decimals.")]
    direction: Direction
    plain_language: Annotated[str, Field(description="The reason as a sentence, for the team.")]


class CustomerReason(TypedDict):
    """A reason that raises the risk, in words for the subscriber, who may read them as they stand."""

    code: Annotated[str, Field(description="Field and band, such as `tenure.short`; stays when wording changes.")]
    group: Annotated[str, Field(description="The concept the reason speaks of; no two reasons share one.")]
    actionable: Annotated[bool, Field(description="Whether the subscriber can change it; such reasons come first.")]
    text: Annotated[str, Field(description="The reason, in the answer's language.")]


class Suppressed(TypedDict):
    """A reason that raises the risk and is not shown."""

    code: str
    why: WhyNotShown


class OfferReason(TypedDict):
    """Why an offer is for this subscriber, in words for them."""

    code: Annotated[str, Field(description="Field and band, such as `tenure.short`; stays when wording changes.")]
    text: Annotated[str, Field(description="A whole sentence, in the answer's language.")]


class OfferValue(TypedDict):
    """Why an offer is worth making: `net = effect * margin - cost`, before rounding.

    The effect is `churn_probability * save_rate`, and with an uplift model that plus `adjustment`, at most the
    probability.
    """

    churn_probability: float
    save_rate: Annotated[float, Field(description="The share of leaving that it prevents, as assumed or measured.")]
    adjustment: NotRequired[
        Annotated[
            float,
            Field(description="What the uplift model adds to the effect, 4 decimals; absent where none decides."),
        ]
    ]
    margin_dollars: Annotated[Dollars, Field(description="What keeping this subscriber is worth.")]
    cost_dollars: Annotated[Dollars, Field(description="What the offer is expected to cost.")]
    net_dollars: Annotated[Dollars, Field(description="The expected net value.")]


class Offer(TypedDict):
    """The one offer for a subscriber, with the figures it was chosen by."""

    code: str
    title: Annotated[str, Field(description="The offer for the subscriber, in the answer's language.")]
    answers: Annotated[str, Field(description="The code of the reason it answers.")]
    discount_dollars: Annotated[Dollars, Field(description="Off each monthly bill of this subscriber; 0 if none.")]
    currency: NotRequired[
        Annotated[str, Field(description="Of all amounts, also of those named dollars, as ISO 4217 has it: `USD`.")]
    ]
    months: Annotated[int, Field(ge=0, description="For how many bills.")]
    expires: Annotated[str, Field(pattern=DAY_PATTERN, description="The last day it can be accepted, as YYYY-MM-DD.")]
    disclosures: Annotated[list[str], Field(description="What must be shown with it, in the answer's language.")]
    because: NotRequired[
        Annotated[
            list[OfferReason],
            Field(
                max_length=2,
                description="Why it is for this subscriber, each verified, in the order in which they are to be read. "
                "Absent where no uplift model decided.",
            ),
        ]
    ]
    expected: OfferValue


class OfferConsidered(TypedDict):
    """An offer of the policy that was not chosen."""

    code: str
    why: WhyNotOffered
    net_dollars: Annotated[Dollars | None, Field(description="Its expected net value, where it has one.")]


class Retention(TypedDict):
    """What the banner shows. Show a banner where there is a headline, and none where there is not."""

    headline: Annotated[
        str | None, Field(description="In the answer's language; null if there is nothing to show: then no banner.")
    ]
    reasons: Annotated[
        list[CustomerReason],
        Field(max_length=3, description="The strongest three at most, each verified, those to act on first."),
    ]
    offer: Offer | None
    suppressed: Annotated[list[Suppressed], Field(description="What raises the risk too and is not shown.")]
    offers_considered: Annotated[list[OfferConsidered], Field(description="The other offers, and why not these.")]
    language: Annotated[str, Field(description="Of headline, reasons and offer, such as `en`.")]
    policy_version: str
    arm: Annotated[
        Arm,
        Field(
            description="`holdout` is shown nothing, so that the banner's effect can be measured; `unassigned` came "
            "without a key."
        ),
    ]
    decided_by: NotRequired[
        Annotated[
            DecidedBy | None,
            Field(
                description="The rule: `risk` or `uplift` took what is expected to bring most, `explore` drew "
                "something else by lot; null in the holdout."
            ),
        ]
    ]


class PredictionAnswer(TypedDict):
    """How likely a subscriber is to leave, and why."""

    churn_probability: Annotated[float, Field(ge=0, le=1, description="Of leaving, rounded to 4 decimals.")]
    risk_tier: Annotated[
        RiskTier, Field(description="By the contract's limits, which `x-tiers-below` of the operation has.")
    ]
    top_reasons: Annotated[
        list[Reason], Field(description="As many as were asked for, largest absolute contribution first.")
    ]
    model_version: str
    show_retention_banner: Annotated[
        bool, Field(description="Whether the probability, as shown, is above the service's threshold.")
    ]
    horizon_days: NotRequired[
        Annotated[int, Field(ge=1, description="Of leaving within so many days; absent if the contract states none.")]
    ]


class RetentionAnswer(PredictionAnswer):
    """The same with what the banner shows."""

    prediction_id: Annotated[str, Field(description="Of this answer; events about it carry the id.")]
    retention: Annotated[
        Retention | None,
        Field(description="Null where there is no banner. Some policies try a banner below the threshold."),
    ]


class EventsTaken(TypedDict):
    """What was taken of a report of events."""

    taken: Annotated[int, Field(ge=1, description="The events of the request, repetitions included.")]
