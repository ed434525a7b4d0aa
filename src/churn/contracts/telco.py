"""The public IBM Telco Customer Churn sample, in its own columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn.contract import Bands, Contract, Dollars, Feature, counted, dollars

YesNo = Literal["No", "Yes"]
InternetExtra = Literal["No internet service", "No", "Yes"]


class Customer(Contract):
    """One customer of the telephone company, nineteen features."""

    contract_name = "telco"
    id_column = "customerID"
    label_column = "Churn"
    label_values = ("No", "Yes")

    gender: Annotated[
        Literal["Female", "Male"],
        Field(description="The customer's gender.", examples=["Female"]),
        Feature(says={"Female": "Being a woman", "Male": "Being a man"}, protected=True),
    ]
    SeniorCitizen: Annotated[
        bool,
        Field(description="Whether the customer is 65 or older.", examples=[False]),
        Feature(says={True: "Being 65 or older", False: "Being younger than 65"}, protected=True),
    ]
    Partner: Annotated[
        YesNo,
        Field(description="Whether the customer lives with a partner.", examples=["No"]),
        Feature(says={"No": "Living without a partner", "Yes": "Living with a partner"}, protected=True),
    ]
    Dependents: Annotated[
        YesNo,
        Field(description="Whether the customer lives with dependents.", examples=["No"]),
        Feature(says={"No": "Living without dependents", "Yes": "Living with dependents"}, protected=True),
    ]
    tenure: Annotated[
        int,
        Field(ge=0, le=120, description="Months since the customer came.", examples=[3]),
        Feature(
            says=Bands(
                below=[(24, "A short history of {value}"), (48, "A history of {value}")],
                otherwise="A long history of {value}",
                words=counted("month", "months"),
            ),
            monotone=-1,
            group="history",
        ),
    ]
    PhoneService: Annotated[
        YesNo,
        Field(description="Whether the customer has a telephone line.", examples=["Yes"]),
        Feature(
            says={"No": "Having no telephone line", "Yes": "Having a telephone line"}, group="phone", actionable=True
        ),
    ]
    MultipleLines: Annotated[
        Literal["No phone service", "No", "Yes"],
        Field(description="Whether there is more than one telephone line.", examples=["No"]),
        Feature(
            says={
                "No phone service": "Having no telephone line at all",
                "No": "Having a single telephone line",
                "Yes": "Having several telephone lines",
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
                "No": "Having no internet service",
                "DSL": "Having DSL internet",
                "Fiber optic": "Having fiber optic internet",
            },
            group="internet",
            actionable=True,
        ),
    ]
    OnlineSecurity: Annotated[
        InternetExtra,
        Field(description="Whether online security is booked.", examples=["No"]),
        Feature(
            says={
                "No internet service": "Having no internet service to secure",
                "No": "Having no online security",
                "Yes": "Having online security",
            },
            group="protection",
            actionable=True,
        ),
    ]
    OnlineBackup: Annotated[
        InternetExtra,
        Field(description="Whether online backup is booked.", examples=["No"]),
        Feature(
            says={
                "No internet service": "Having no internet service to back up to",
                "No": "Having no online backup",
                "Yes": "Having online backup",
            },
            group="protection",
            actionable=True,
        ),
    ]
    DeviceProtection: Annotated[
        InternetExtra,
        Field(description="Whether device protection is booked.", examples=["No"]),
        Feature(
            says={
                "No internet service": "Having no internet devices to protect",
                "No": "Having no device protection",
                "Yes": "Having device protection",
            },
            group="protection",
            actionable=True,
        ),
    ]
    TechSupport: Annotated[
        InternetExtra,
        Field(description="Whether technical support is booked.", examples=["No"]),
        Feature(
            says={
                "No internet service": "Having no internet service to support",
                "No": "Having no technical support",
                "Yes": "Having technical support",
            },
            group="support",
            actionable=True,
        ),
    ]
    StreamingTV: Annotated[
        InternetExtra,
        Field(description="Whether television is streamed.", examples=["Yes"]),
        Feature(
            says={
                "No internet service": "Having no internet service to stream television",
                "No": "Not streaming television",
                "Yes": "Streaming television",
            },
            group="streaming",
            actionable=True,
        ),
    ]
    StreamingMovies: Annotated[
        InternetExtra,
        Field(description="Whether movies are streamed.", examples=["Yes"]),
        Feature(
            says={
                "No internet service": "Having no internet service to stream movies",
                "No": "Not streaming movies",
                "Yes": "Streaming movies",
            },
            group="streaming",
            actionable=True,
        ),
    ]
    Contract: Annotated[
        Literal["Month-to-month", "One year", "Two year"],
        Field(description="How long the customer is bound.", examples=["Month-to-month"]),
        Feature(
            says={
                "Month-to-month": "A month-to-month contract",
                "One year": "A one-year contract",
                "Two year": "A two-year contract",
            },
            monotone=-1,
            group="commitment",
            actionable=True,
        ),
    ]
    PaperlessBilling: Annotated[
        YesNo,
        Field(description="Whether bills come by e-mail only.", examples=["Yes"]),
        Feature(says={"No": "Billing on paper", "Yes": "Paperless billing"}, group="billing", actionable=True),
    ]
    PaymentMethod: Annotated[
        Literal["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"],
        Field(description="How the bill is paid.", examples=["Electronic check"]),
        Feature(
            says={
                "Electronic check": "Paying by electronic check",
                "Mailed check": "Paying by mailed check",
                "Bank transfer (automatic)": "Paying by automatic bank transfer",
                "Credit card (automatic)": "Paying by automatic credit card charge",
            },
            group="payment",
            actionable=True,
        ),
    ]
    MonthlyCharges: Annotated[
        Dollars,
        Field(description="What the customer pays a month, in dollars.", examples=[95.7]),
        Feature(
            says=Bands(
                below=[(40, "A low monthly price of {value}"), (75, "A monthly price of {value}")],
                otherwise="A high monthly price of {value}",
                words=dollars,
            ),
            group="price",
            actionable=True,
        ),
    ]
    TotalCharges: Annotated[
        Dollars,
        Field(description="What the customer has paid so far, in dollars.", examples=[287.1]),
        Feature(
            says=Bands(
                below=[(500, "Having paid only {value} so far"), (2500, "Having paid {value} so far")],
                otherwise="Having paid as much as {value} so far",
                words=dollars,
            ),
            group="history",
            blank=0.0,  # decision 0003: blank is written for customers who were never billed yet
        ),
    ]


CONTRACT = Customer
