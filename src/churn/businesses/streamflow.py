"""StreamFlow's subscribers: the ten features of the Manage Subscription page."""

from typing import Annotated, Literal

from pydantic import Field

from churn.businesses import _alike
from churn.businesses._streamflow_demo import DEMO
from churn.contract.declaration import Contract, Count, Dollars, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, Says


class Subscriber(Contract):
    """One StreamFlow subscriber at the moment the page is opened."""

    contract_name = "streamflow"
    id_column = "subscriber_id"
    label_column = "churned"
    label_values = ("0", "1")
    # Holds out subscribers of whom the best possible AUC is that of all, to 0.001. Decision 0039 says why that matters.
    holdout_key = "StreamFlow"
    demo = DEMO

    tenure: Annotated[
        int,
        Field(ge=0, le=120, description="Months since the subscription began.", examples=[14]),
        Feature(says=_alike.HISTORY, monotone=-1, group="history"),
    ]
    monthly_charges: Annotated[
        Dollars,
        Field(description="What the subscriber pays a month, in dollars.", examples=[89.5]),
        Feature(says=_alike.monthly_price(low=40, high=95), monotone=1, group="price", actionable=True),
    ]
    total_charges: Annotated[
        Dollars,
        Field(description="What the subscriber has paid so far, in dollars.", examples=[1253.0]),
        Feature(says=_alike.PAID_SO_FAR, group="history"),
    ]
    contract_type: Annotated[
        Literal["month-to-month", "one-year", "two-year"],
        Field(description="How long the subscriber is bound.", examples=["month-to-month"]),
        Feature(
            says={"month-to-month": _alike.MONTH_TO_MONTH, "one-year": _alike.ONE_YEAR, "two-year": _alike.TWO_YEARS},
            monotone=-1,
            group="commitment",
            actionable=True,
        ),
    ]
    payment_method: Annotated[
        Literal["electronic_check", "mailed_check", "bank_transfer", "credit_card"],
        Field(description="How the bill is paid.", examples=["electronic_check"]),
        Feature(
            says={
                "electronic_check": _alike.ELECTRONIC_CHECK,
                "mailed_check": _alike.MAILED_CHECK,
                "bank_transfer": _alike.BANK_TRANSFER,
                "credit_card": _alike.CREDIT_CARD,
            },
            group="payment",
            actionable=True,
        ),
    ]
    num_support_tickets: Annotated[
        Count,
        Field(description="Support tickets opened in the last six months.", examples=[3]),
        Feature(
            says=Bands(
                [
                    Band(
                        "Having opened no support tickets in six months",
                        name="none",
                        below=1,
                        raises="You have not asked for help in the last six months, and we are here if you need any.",
                        lowers="You have not needed our help in the last six months.",
                        suits="you have not asked for help in the last six months",
                    ),
                    Band(
                        "Having opened {value} in six months",
                        name="some",
                        below=3,
                        raises="You opened {value} in the last six months, and we would like to put things right.",
                        lowers="You opened {value} in the last six months: thank you for telling us.",
                        suits="you opened {value} in the last six months",
                    ),
                    Band(
                        "Having opened as many as {value} in six months",
                        name="many",
                        raises="You had to open {value} in the last six months, more than anybody should, and we "
                        "would like to put things right.",
                        lowers="You opened {value} in the last six months: thank you for your patience.",
                        suits="you had to open {value} in the last six months",
                    ),
                ],
                words=CountedNoun("support ticket", "support tickets"),
            ),
            label="Support tickets",
            monotone=1,
            group="support",
        ),
    ]
    internet_service: Annotated[
        Literal["none", "dsl", "fiber_optic"],
        Field(description="The internet connection that comes with the subscription.", examples=["fiber_optic"]),
        Feature(
            says={"none": _alike.NO_INTERNET, "dsl": _alike.DSL, "fiber_optic": _alike.FIBER_OPTIC},
            group="internet",
            actionable=True,
        ),
    ]
    streaming_services: Annotated[
        int,
        Field(ge=0, le=4, description="Streaming services in the plan.", examples=[2]),
        Feature(
            says=Bands(
                [
                    Band(
                        "Having no streaming services in the plan",
                        name="none",
                        below=1,
                        raises="Your plan has no streaming services yet, and adding one can make more of it.",
                        lowers="Your plan has no streaming services, so you do not pay for any.",
                        suits="your plan has no streaming services yet",
                    ),
                    Band(
                        "Having {value} in the plan",
                        name="some",
                        raises="Your plan has {value}, and another choice may suit you better.",
                        lowers="Your plan has {value} for you to enjoy.",
                        suits="your plan has {value}",
                    ),
                ],
                words=CountedNoun("streaming service", "streaming services"),
            ),
            group="streaming",
            actionable=True,
        ),
    ]
    paperless_billing: Annotated[
        bool,
        Field(description="Whether bills come by e-mail only.", examples=[True]),
        Feature(says={True: _alike.PAPERLESS, False: _alike.ON_PAPER}, group="billing", actionable=True),
    ]
    senior_citizen: Annotated[
        bool,
        Field(description="Whether the subscriber is a senior citizen.", examples=[False]),
        Feature(says={True: Says("Being a senior citizen"), False: Says("Not being a senior citizen")}, protected=True),
    ]


CONTRACT = Subscriber
