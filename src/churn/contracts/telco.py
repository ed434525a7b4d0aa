"""The public IBM Telco Customer Churn sample, in its own columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn.contract import Contract, Dollars, Feature
from churn.phrases import Band, Bands, Counted, Says, dollars

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
    PhoneService: Annotated[
        YesNo,
        Field(description="Whether the customer has a telephone line.", examples=["Yes"]),
        Feature(
            says={
                "No": Says(
                    "Having no telephone line",
                    raises="Your plan comes without a telephone line, and we can see what adding one would cost.",
                    lowers="Your plan comes without a telephone line, so you do not pay for it.",
                ),
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
                "No phone service": Says(
                    "Having no telephone line at all",
                    raises="Your plan comes without a telephone line, and we can see what adding one would cost.",
                    lowers="Your plan comes without a telephone line, so you do not pay for it.",
                ),
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
                "No": Says(
                    "Having no internet service",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "DSL": Says(
                    "Having DSL internet",
                    raises="You have DSL internet, and we can see whether a faster line would suit you.",
                    lowers="You have DSL internet in your plan.",
                ),
                "Fiber optic": Says(
                    "Having fiber optic internet",
                    raises="You have fiber optic internet, and we can check that speed and price are right.",
                    lowers="You have fiber optic internet, our fastest line.",
                ),
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
                "No internet service": Says(
                    "Having no internet service to secure",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "No": Says(
                    "Having no online security",
                    raises="Your plan comes without online security, and adding it would protect you better.",
                    lowers="Your plan comes without online security, so you do not pay for it.",
                ),
                "Yes": Says(
                    "Having online security",
                    raises="You have online security, and we can check that it does what you need.",
                    lowers="You have online security in your plan.",
                ),
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
                "No internet service": Says(
                    "Having no internet service to back up to",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "No": Says(
                    "Having no online backup",
                    raises="Your plan comes without online backup, and adding it would keep your files safe.",
                    lowers="Your plan comes without online backup, so you do not pay for it.",
                ),
                "Yes": Says(
                    "Having online backup",
                    raises="You have online backup, and we can check that it does what you need.",
                    lowers="You have online backup in your plan.",
                ),
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
                "No internet service": Says(
                    "Having no internet devices to protect",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "No": Says(
                    "Having no device protection",
                    raises="Your plan comes without device protection, and adding it would cover repairs.",
                    lowers="Your plan comes without device protection, so you do not pay for it.",
                ),
                "Yes": Says(
                    "Having device protection",
                    raises="You have device protection, and we can check that it does what you need.",
                    lowers="You have device protection in your plan.",
                ),
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
                "No internet service": Says(
                    "Having no internet service to support",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "No": Says(
                    "Having no technical support",
                    raises="Your plan comes without technical support, and adding it would give you help at once.",
                    lowers="Your plan comes without technical support, so you do not pay for it.",
                ),
                "Yes": Says(
                    "Having technical support",
                    raises="You have technical support, and we can check that it helps as it should.",
                    lowers="You have technical support in your plan.",
                ),
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
                "No internet service": Says(
                    "Having no internet service to stream television",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "No": Says(
                    "Not streaming television",
                    raises="Your plan comes without streaming television, and adding it can make more of it.",
                    lowers="Your plan comes without streaming television, so you do not pay for it.",
                ),
                "Yes": Says(
                    "Streaming television",
                    raises="You stream television, and another choice may suit you better.",
                    lowers="You have streaming television in your plan.",
                ),
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
                "No internet service": Says(
                    "Having no internet service to stream movies",
                    raises="Your plan comes without internet, and we can see what adding it would cost.",
                    lowers="Your plan comes without internet, so you do not pay for it.",
                ),
                "No": Says(
                    "Not streaming movies",
                    raises="Your plan comes without streaming movies, and adding them can make more of it.",
                    lowers="Your plan comes without streaming movies, so you do not pay for them.",
                ),
                "Yes": Says(
                    "Streaming movies",
                    raises="You stream movies, and another choice may suit you better.",
                    lowers="You have streaming movies in your plan.",
                ),
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
                "Month-to-month": Says(
                    "A month-to-month contract",
                    raises="You pay month by month, and a yearly plan can bring you a lower price.",
                    lowers="You pay month by month and stay flexible.",
                ),
                "One year": Says(
                    "A one-year contract",
                    raises="Your plan runs for one year, and we can check that its terms still suit you.",
                    lowers="Your plan runs for one year, so you know what to expect.",
                ),
                "Two year": Says(
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
    PaperlessBilling: Annotated[
        YesNo,
        Field(description="Whether bills come by e-mail only.", examples=["Yes"]),
        Feature(
            says={
                "No": Says(
                    "Billing on paper",
                    raises="Your bills come on paper, and by e-mail you would have them at once.",
                    lowers="Your bills come on paper, as you like them.",
                ),
                "Yes": Says(
                    "Paperless billing",
                    raises="Your bills come by e-mail, and we can make them easier to follow.",
                    lowers="Your bills come by e-mail, without paper.",
                ),
            },
            group="billing",
            actionable=True,
        ),
    ]
    PaymentMethod: Annotated[
        Literal["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"],
        Field(description="How the bill is paid.", examples=["Electronic check"]),
        Feature(
            says={
                "Electronic check": Says(
                    "Paying by electronic check",
                    raises="You pay by electronic check, and an automatic payment would save you the trouble.",
                    lowers="You pay by electronic check and keep each payment in your own hands.",
                ),
                "Mailed check": Says(
                    "Paying by mailed check",
                    raises="You pay by mailed check, and an automatic payment would save you the trouble.",
                    lowers="You pay by mailed check and keep each payment in your own hands.",
                ),
                "Bank transfer (automatic)": Says(
                    "Paying by automatic bank transfer",
                    raises="You pay by bank transfer, and we can check that it is the easiest way for you.",
                    lowers="You pay by bank transfer, which takes care of itself.",
                ),
                "Credit card (automatic)": Says(
                    "Paying by automatic credit card charge",
                    raises="You pay by credit card, and we can check that it is the easiest way for you.",
                    lowers="You pay by credit card, which takes care of itself.",
                ),
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
                        below=75,
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
            group="price",
            actionable=True,
        ),
    ]
    TotalCharges: Annotated[
        Dollars,
        Field(description="What the customer has paid so far, in dollars.", examples=[287.1]),
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
            blank=0.0,  # decision 0003: blank is written for customers who were never billed yet
        ),
    ]


CONTRACT = Customer
