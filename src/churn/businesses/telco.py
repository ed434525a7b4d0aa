"""The public IBM Telco Customer Churn sample, in its own columns."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from churn.businesses import _alike
from churn.contract.declaration import Contract, Dollars, Feature
from churn.contract.phrases import Says

YesNo = Literal["No", "Yes"]
InternetExtra = Literal["No internet service", "No", "Yes"]

NO_TELEPHONE = Says(
    "Having no telephone line",
    raises="Your plan comes without a telephone line, and we can see what adding one would cost.",
    lowers="Your plan comes without a telephone line, so you do not pay for it.",
)


def _extra(
    group: str, name: str, *, without_internet: str, adding: str, checking: str = "does what you need"
) -> Feature:
    """Return the feature of something that can be booked with the internet connection."""
    says = {
        "No internet service": replace(_alike.NO_INTERNET, team=f"Having no internet {without_internet}"),
        "No": Says(
            f"Having no {name}",
            raises=f"Your plan comes without {name}, and adding it would {adding}.",
            lowers=f"Your plan comes without {name}, so you do not pay for it.",
        ),
        "Yes": Says(
            f"Having {name}",
            raises=f"You have {name}, and we can check that it {checking}.",
            lowers=f"You have {name} in your plan.",
        ),
    }
    return Feature(says=says, group=group, actionable=True)


def _streaming(name: str, pronoun: str) -> Feature:
    """Return the feature of something that can be streamed."""
    says = {
        "No internet service": replace(_alike.NO_INTERNET, team=f"Having no internet service to stream {name}"),
        "No": Says(
            f"Not streaming {name}",
            raises=f"Your plan comes without streaming {name}, and adding {pronoun} can make more of it.",
            lowers=f"Your plan comes without streaming {name}, so you do not pay for {pronoun}.",
        ),
        "Yes": Says(
            f"Streaming {name}",
            raises=f"You stream {name}, and another choice may suit you better.",
            lowers=f"You have streaming {name} in your plan.",
        ),
    }
    return Feature(says=says, group="streaming", actionable=True)


class Customer(Contract):
    """One customer of the telephone company, nineteen features."""

    contract_name = "telco"
    id_column = "customerID"
    label_column = "Churn"
    label_values = ("No", "Yes")

    gender: Annotated[
        Literal["Female", "Male"],
        Field(description="The customer's gender.", examples=["Female"]),
        Feature(says={"Female": Says("Being a woman"), "Male": Says("Being a man")}, protected=True),
    ]
    SeniorCitizen: Annotated[
        bool,
        Field(description="Whether the customer is 65 or older.", examples=[False]),
        Feature(says={True: Says("Being 65 or older"), False: Says("Being younger than 65")}, protected=True),
    ]
    Partner: Annotated[
        YesNo,
        Field(description="Whether the customer lives with a partner.", examples=["No"]),
        Feature(says={"No": Says("Living without a partner"), "Yes": Says("Living with a partner")}, protected=True),
    ]
    Dependents: Annotated[
        YesNo,
        Field(description="Whether the customer lives with dependents.", examples=["No"]),
        Feature(says={"No": Says("Living without dependents"), "Yes": Says("Living with dependents")}, protected=True),
    ]
    tenure: Annotated[
        int,
        Field(ge=0, le=120, description="Months since the customer came.", examples=[3]),
        Feature(says=_alike.HISTORY, monotone=-1, group="history"),
    ]
    PhoneService: Annotated[
        YesNo,
        Field(description="Whether the customer has a telephone line.", examples=["Yes"]),
        Feature(
            says={
                "No": NO_TELEPHONE,
                "Yes": Says(
                    "Having a telephone line",
                    raises="Your plan comes with a telephone line, and we can check that you need it.",
                    lowers="You have a telephone line in your plan.",
                ),
            },
            group="phone",
            actionable=True,
        ),
    ]
    MultipleLines: Annotated[
        Literal["No phone service", "No", "Yes"],
        Field(description="Whether there is more than one telephone line.", examples=["No"]),
        Feature(
            says={
                "No phone service": replace(NO_TELEPHONE, team="Having no telephone line at all"),
                "No": Says(
                    "Having a single telephone line",
                    raises="You have a single telephone line, and a second one may be of use.",
                    lowers="You have a single telephone line and pay for no more.",
                ),
                "Yes": Says(
                    "Having several telephone lines",
                    raises="You have several telephone lines, and we can check that you need them all.",
                    lowers="You have several telephone lines in your plan.",
                ),
            },
            group="phone",
            actionable=True,
        ),
    ]
    InternetService: Annotated[
        Literal["No", "DSL", "Fiber optic"],
        Field(description="The internet connection.", examples=["Fiber optic"]),
        Feature(
            says={
                "No": replace(_alike.NO_INTERNET, team="Having no internet service"),
                "DSL": _alike.DSL,
                "Fiber optic": _alike.FIBER_OPTIC,
            },
            group="internet",
            actionable=True,
        ),
    ]
    OnlineSecurity: Annotated[
        InternetExtra,
        Field(description="Whether online security is booked.", examples=["No"]),
        _extra("protection", "online security", without_internet="service to secure", adding="protect you better"),
    ]
    OnlineBackup: Annotated[
        InternetExtra,
        Field(description="Whether online backup is booked.", examples=["No"]),
        _extra("protection", "online backup", without_internet="service to back up to", adding="keep your files safe"),
    ]
    DeviceProtection: Annotated[
        InternetExtra,
        Field(description="Whether device protection is booked.", examples=["No"]),
        _extra("protection", "device protection", without_internet="devices to protect", adding="cover repairs"),
    ]
    TechSupport: Annotated[
        InternetExtra,
        Field(description="Whether technical support is booked.", examples=["No"]),
        _extra(
            "support",
            "technical support",
            without_internet="service to support",
            adding="give you help at once",
            checking="helps as it should",
        ),
    ]
    StreamingTV: Annotated[
        InternetExtra,
        Field(description="Whether television is streamed.", examples=["Yes"]),
        _streaming("television", "it"),
    ]
    StreamingMovies: Annotated[
        InternetExtra, Field(description="Whether movies are streamed.", examples=["Yes"]), _streaming("movies", "them")
    ]
    Contract: Annotated[
        Literal["Month-to-month", "One year", "Two year"],
        Field(description="How long the customer is bound.", examples=["Month-to-month"]),
        Feature(
            says={"Month-to-month": _alike.MONTH_TO_MONTH, "One year": _alike.ONE_YEAR, "Two year": _alike.TWO_YEARS},
            monotone=-1,
            group="commitment",
            actionable=True,
        ),
    ]
    PaperlessBilling: Annotated[
        YesNo,
        Field(description="Whether bills come by e-mail only.", examples=["Yes"]),
        Feature(says={"No": _alike.ON_PAPER, "Yes": _alike.PAPERLESS}, group="billing", actionable=True),
    ]
    PaymentMethod: Annotated[
        Literal["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"],
        Field(description="How the bill is paid.", examples=["Electronic check"]),
        Feature(
            says={
                "Electronic check": _alike.ELECTRONIC_CHECK,
                "Mailed check": _alike.MAILED_CHECK,
                "Bank transfer (automatic)": replace(_alike.BANK_TRANSFER, team="Paying by automatic bank transfer"),
                "Credit card (automatic)": replace(_alike.CREDIT_CARD, team="Paying by automatic credit card charge"),
            },
            group="payment",
            actionable=True,
        ),
    ]
    MonthlyCharges: Annotated[
        Dollars,
        Field(description="What the customer pays a month, in dollars.", examples=[95.7]),
        Feature(says=_alike.monthly_price(low=40, high=75), group="price", actionable=True),
    ]
    TotalCharges: Annotated[
        Dollars,
        Field(description="What the customer has paid so far, in dollars.", examples=[287.1]),
        Feature(
            says=_alike.PAID_SO_FAR,
            group="history",
            blank=0.0,  # decision 0003: blank is written for customers who were never billed yet
        ),
    ]


CONTRACT = Customer
