"""StreamFlow's subscribers: the ten features of the Manage Subscription page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn.contract import Bands, Contract, Count, Dollars, Feature, counted, dollars

months = counted("month", "months")
tickets = counted("support ticket", "support tickets")
services = counted("streaming service", "streaming services")


class Subscriber(Contract):
    """One StreamFlow subscriber at the moment the page is opened."""

    contract_name = "streamflow"
    id_column = "subscriber_id"
    label_column = "churned"
    label_values = ("0", "1")

    tenure: Annotated[
        int,
        Field(ge=0, le=120, description="Months since the subscription began.", examples=[14]),
        Feature(
            says=Bands(
                below=[(24, "A short history of {value}"), (48, "A history of {value}")],
                otherwise="A long history of {value}",
                words=months,
            ),
            monotone=-1,
        ),
    ]
    monthly_charges: Annotated[
        Dollars,
        Field(description="What the subscriber pays a month, in dollars.", examples=[89.5]),
        Feature(
            says=Bands(
                below=[(40, "A low monthly price of {value}"), (75, "A monthly price of {value}")],
                otherwise="A high monthly price of {value}",
                words=dollars,
            ),
            monotone=1,
        ),
    ]
    total_charges: Annotated[
        Dollars,
        Field(description="What the subscriber has paid so far, in dollars.", examples=[1253.0]),
        Feature(
            says=Bands(
                below=[(500, "Having paid only {value} so far"), (2500, "Having paid {value} so far")],
                otherwise="Having paid as much as {value} so far",
                words=dollars,
            ),
        ),
    ]
    contract_type: Annotated[
        Literal["month-to-month", "one-year", "two-year"],
        Field(description="How long the subscriber is bound.", examples=["month-to-month"]),
        Feature(
            says={
                "month-to-month": "A month-to-month contract",
                "one-year": "A one-year contract",
                "two-year": "A two-year contract",
            },
            monotone=-1,
        ),
    ]
    payment_method: Annotated[
        Literal["electronic_check", "mailed_check", "bank_transfer", "credit_card"],
        Field(description="How the bill is paid.", examples=["electronic_check"]),
        Feature(
            says={
                "electronic_check": "Paying by electronic check",
                "mailed_check": "Paying by mailed check",
                "bank_transfer": "Paying by bank transfer",
                "credit_card": "Paying by credit card",
            },
        ),
    ]
    num_support_tickets: Annotated[
        Count,
        Field(description="Support tickets opened in the last six months.", examples=[3]),
        Feature(
            says=Bands(
                below=[
                    (1, "Having opened no support tickets in six months"),
                    (3, "Having opened {value} in six months"),
                ],
                otherwise="Having opened as many as {value} in six months",
                words=tickets,
            ),
            monotone=1,
        ),
    ]
    internet_service: Annotated[
        Literal["none", "dsl", "fiber_optic"],
        Field(description="The internet connection that comes with the subscription.", examples=["fiber_optic"]),
        Feature(
            says={
                "none": "Having no internet service with the plan",
                "dsl": "Having DSL internet",
                "fiber_optic": "Having fiber optic internet",
            },
        ),
    ]
    streaming_services: Annotated[
        int,
        Field(ge=0, le=4, description="Streaming services in the plan.", examples=[2]),
        Feature(
            says=Bands(
                below=[(1, "Having no streaming services in the plan")],
                otherwise="Having {value} in the plan",
                words=services,
            ),
        ),
    ]
    paperless_billing: Annotated[
        bool,
        Field(description="Whether bills come by e-mail only.", examples=[True]),
        Feature(says={True: "Paperless billing", False: "Billing on paper"}),
    ]
    senior_citizen: Annotated[
        bool,
        Field(description="Whether the subscriber is a senior citizen.", examples=[False]),
        Feature(says={True: "Being a senior citizen", False: "Not being a senior citizen"}, protected=True),
    ]


CONTRACT = Subscriber
