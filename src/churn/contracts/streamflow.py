"""StreamFlow's subscribers: the ten features of the Manage Subscription page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn.contract import Contract, Count, Dollars, Feature
from churn.contracts._streamflow_demo import DEMO
from churn.phrases import Band, Bands, Counted, Says, dollars


class Subscriber(Contract):
    """One StreamFlow subscriber at the moment the page is opened."""

    contract_name = "streamflow"
    id_column = "subscriber_id"
    label_column = "churned"
    label_values = ("0", "1")
    demo = DEMO

    tenure: Annotated[
        int,
        Field(ge=0, le=120, description="Months since the subscription began.", examples=[14]),
        Feature(
            says=Bands(
                [
                    Band(
                        "A short history of {value}",
                        name="new",
                        below=1,
                        raises="You have only just joined us, and we would like to help you settle in.",
                        lowers="You have only just joined us: welcome.",
                    ),
                    Band(
                        "A short history of {value}",
                        name="short",
                        below=24,
                        raises="You have been with us for {value}, and we would like to make more of the time to come.",
                        lowers="You have been with us for {value}: thank you.",
                    ),
                    Band(
                        "A history of {value}",
                        name="middle",
                        below=48,
                        raises="You have been with us for {value}, and a newer plan may suit you better by now.",
                        lowers="You have been with us for {value}: thank you.",
                    ),
                    Band(
                        "A long history of {value}",
                        name="long",
                        raises="You have been with us for {value}, and such loyalty deserves a plan that keeps up.",
                        lowers="You have been with us for {value}: thank you for your loyalty.",
                    ),
                ],
                words=Counted("month", "months"),
            ),
            monotone=-1,
            group="history",
        ),
    ]
    monthly_charges: Annotated[
        Dollars,
        Field(description="What the subscriber pays a month, in dollars.", examples=[89.5]),
        Feature(
            says=Bands(
                [
                    Band(
                        "A low monthly price of {value}",
                        name="low",
                        below=40,
                        raises="You pay {value} a month, and we can check that you get the most for it.",
                        lowers="You pay {value} a month, one of our lower prices.",
                    ),
                    Band(
                        "A monthly price of {value}",
                        name="middle",
                        below=95,
                        raises="You pay {value} a month, and another plan may give you the same for less.",
                        lowers="You pay {value} a month, a fair price for what is in your plan.",
                    ),
                    Band(
                        "A high monthly price of {value}",
                        name="high",
                        raises="You pay {value} a month, one of our higher prices, and we can look for a better one.",
                        lowers="You pay {value} a month, and have one of our fullest plans for it.",
                    ),
                ],
                words=dollars,
            ),
            monotone=1,
            group="price",
            actionable=True,
        ),
    ]
    total_charges: Annotated[
        Dollars,
        Field(description="What the subscriber has paid so far, in dollars.", examples=[1253.0]),
        Feature(
            says=Bands(
                [
                    Band(
                        "Having paid only {value} so far",
                        name="little",
                        below=500,
                        raises="You have paid {value} in all so far, and we would like each dollar to count for more.",
                        lowers="You have paid {value} in all so far: thank you.",
                    ),
                    Band(
                        "Having paid {value} so far",
                        name="middle",
                        below=2500,
                        raises="You have paid {value} in all so far, and we would like each dollar to count for more.",
                        lowers="You have paid {value} in all so far: thank you.",
                    ),
                    Band(
                        "Having paid as much as {value} so far",
                        name="much",
                        raises="You have paid {value} in all so far, and that deserves something in return.",
                        lowers="You have paid {value} in all so far: thank you for your loyalty.",
                    ),
                ],
                words=dollars,
            ),
            group="history",
        ),
    ]
    contract_type: Annotated[
        Literal["month-to-month", "one-year", "two-year"],
        Field(description="How long the subscriber is bound.", examples=["month-to-month"]),
        Feature(
            says={
                "month-to-month": Says(
                    "A month-to-month contract",
                    raises="You pay month by month, and a yearly plan can bring you a lower price.",
                    lowers="You pay month by month and stay flexible.",
                ),
                "one-year": Says(
                    "A one-year contract",
                    raises="Your plan runs for one year, and we can check that its terms still suit you.",
                    lowers="Your plan runs for one year, so you know what to expect.",
                ),
                "two-year": Says(
                    "A two-year contract",
                    raises="Your plan runs for two years, and we can check that its terms still suit you.",
                    lowers="Your plan runs for two years, so you know what to expect.",
                ),
            },
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
                "electronic_check": Says(
                    "Paying by electronic check",
                    raises="You pay by electronic check, and an automatic payment would save you the trouble.",
                    lowers="You pay by electronic check and keep each payment in your own hands.",
                ),
                "mailed_check": Says(
                    "Paying by mailed check",
                    raises="You pay by mailed check, and an automatic payment would save you the trouble.",
                    lowers="You pay by mailed check and keep each payment in your own hands.",
                ),
                "bank_transfer": Says(
                    "Paying by bank transfer",
                    raises="You pay by bank transfer, and we can check that it is the easiest way for you.",
                    lowers="You pay by bank transfer, which takes care of itself.",
                ),
                "credit_card": Says(
                    "Paying by credit card",
                    raises="You pay by credit card, and we can check that it is the easiest way for you.",
                    lowers="You pay by credit card, which takes care of itself.",
                ),
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
                    ),
                    Band(
                        "Having opened {value} in six months",
                        name="some",
                        below=3,
                        raises="You opened {value} in the last six months, and we would like to put things right.",
                        lowers="You opened {value} in the last six months: thank you for telling us.",
                    ),
                    Band(
                        "Having opened as many as {value} in six months",
                        name="many",
                        raises="You had to open {value} in the last six months, more than anybody should, and we "
                        "would like to put things right.",
                        lowers="You opened {value} in the last six months: thank you for your patience.",
                    ),
                ],
                words=Counted("support ticket", "support tickets"),
            ),
            monotone=1,
            group="support",
        ),
    ]
    internet_service: Annotated[
        Literal["none", "dsl", "fiber_optic"],
        Field(description="The internet connection that comes with the subscription.", examples=["fiber_optic"]),
        Feature(
            says={
                "none": Says(
                    "Having no internet service with the plan",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "dsl": Says(
                    "Having DSL internet",
                    raises="You have DSL internet, and we can see whether a faster line would suit you.",
                    lowers="You have DSL internet in your plan.",
                ),
                "fiber_optic": Says(
                    "Having fiber optic internet",
                    raises="You have fiber optic internet, and we can check that speed and price are right.",
                    lowers="You have fiber optic internet, our fastest line.",
                ),
            },
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
                    ),
                    Band(
                        "Having {value} in the plan",
                        name="some",
                        raises="Your plan has {value}, and another choice may suit you better.",
                        lowers="Your plan has {value} for you to enjoy.",
                    ),
                ],
                words=Counted("streaming service", "streaming services"),
            ),
            group="streaming",
            actionable=True,
        ),
    ]
    paperless_billing: Annotated[
        bool,
        Field(description="Whether bills come by e-mail only.", examples=[True]),
        Feature(
            says={
                True: Says(
                    "Paperless billing",
                    raises="Your bills come by e-mail, and we can make them easier to follow.",
                    lowers="Your bills come by e-mail, without paper.",
                ),
                False: Says(
                    "Billing on paper",
                    raises="Your bills come on paper, and by e-mail you would have them at once.",
                    lowers="Your bills come on paper, as you like them.",
                ),
            },
            group="billing",
            actionable=True,
        ),
    ]
    senior_citizen: Annotated[
        bool,
        Field(description="Whether the subscriber is a senior citizen.", examples=[False]),
        Feature(says={True: Says("Being a senior citizen"), False: Says("Not being a senior citizen")}, protected=True),
    ]


CONTRACT = Subscriber
