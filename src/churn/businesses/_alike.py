"""What is said of subscribers in the same words, whichever business they are subscribers of."""

from churn.contract.phrases import Band, Bands, CountedNoun, Says, write_dollars

HISTORY = Bands(
    [
        Band(
            "A short history of {value}",
            name="new",
            below=1,
            raises="You have only just joined us, and we would like to help you settle in.",
            lowers="You have only just joined us: welcome.",
            suits="you have only just joined us",
        ),
        Band(
            "A short history of {value}",
            name="short",
            below=24,
            raises="You have been with us for {value}, and we would like to make more of the time to come.",
            lowers="You have been with us for {value}: thank you.",
            suits="you have been with us for {value}",
        ),
        Band(
            "A history of {value}",
            name="middle",
            below=48,
            raises="You have been with us for {value}, and a newer plan may suit you better by now.",
            lowers="You have been with us for {value}: thank you.",
            suits="you have been with us for {value}",
        ),
        Band(
            "A long history of {value}",
            name="long",
            raises="You have been with us for {value}, and such loyalty deserves a plan that keeps up.",
            lowers="You have been with us for {value}: thank you for your loyalty.",
            suits="you have been with us for {value}",
        ),
    ],
    words=CountedNoun("month", "months"),
)
PAID_SO_FAR = Bands(
    [
        Band(
            "Having paid only {value} so far",
            name="little",
            below=500,
            raises="You have paid {value} in all so far, and we would like each dollar to count for more.",
            lowers="You have paid {value} in all so far: thank you.",
            suits="you have paid {value} in all so far",
        ),
        Band(
            "Having paid {value} so far",
            name="middle",
            below=2500,
            raises="You have paid {value} in all so far, and we would like each dollar to count for more.",
            lowers="You have paid {value} in all so far: thank you.",
            suits="you have paid {value} in all so far",
        ),
        Band(
            "Having paid as much as {value} so far",
            name="much",
            raises="You have paid {value} in all so far, and that deserves something in return.",
            lowers="You have paid {value} in all so far: thank you for your loyalty.",
            suits="you have paid {value} in all so far",
        ),
    ],
    words=write_dollars,
)
MONTH_TO_MONTH = Says(
    "A month-to-month contract",
    raises="You pay month by month, and a yearly plan can bring you a lower price.",
    lowers="You pay month by month and stay flexible.",
    suits="you pay month by month",
)
ONE_YEAR = Says(
    "A one-year contract",
    raises="Your plan runs for one year, and we can check that its terms still suit you.",
    lowers="Your plan runs for one year, so you know what to expect.",
    suits="your plan runs for one year",
)
TWO_YEARS = Says(
    "A two-year contract",
    raises="Your plan runs for two years, and we can check that its terms still suit you.",
    lowers="Your plan runs for two years, so you know what to expect.",
    suits="your plan runs for two years",
)
ELECTRONIC_CHECK = Says(
    "Paying by electronic check",
    raises="You pay by electronic check, and an automatic payment would save you the trouble.",
    lowers="You pay by electronic check and keep each payment in your own hands.",
    suits="you pay by electronic check",
)
MAILED_CHECK = Says(
    "Paying by mailed check",
    raises="You pay by mailed check, and an automatic payment would save you the trouble.",
    lowers="You pay by mailed check and keep each payment in your own hands.",
    suits="you pay by mailed check",
)
BANK_TRANSFER = Says(
    "Paying by bank transfer",
    raises="You pay by bank transfer, and we can check that it is the easiest way for you.",
    lowers="You pay by bank transfer, which takes care of itself.",
    suits="you pay by bank transfer",
)
CREDIT_CARD = Says(
    "Paying by credit card",
    raises="You pay by credit card, and we can check that it is the easiest way for you.",
    lowers="You pay by credit card, which takes care of itself.",
    suits="you pay by credit card",
)
NO_INTERNET = Says(
    "Having no internet service with the plan",
    raises="Your plan comes without internet, and we can see what adding it would cost.",
    lowers="Your plan comes without internet, so you do not pay for it.",
    suits="your plan comes without internet",
)
DSL = Says(
    "Having DSL internet",
    raises="You have DSL internet, and we can see whether a faster line would suit you.",
    lowers="You have DSL internet in your plan.",
    suits="you have DSL internet",
    label="DSL",
)
FIBER_OPTIC = Says(
    "Having fiber optic internet",
    raises="You have fiber optic internet, and we can check that speed and price are right.",
    lowers="You have fiber optic internet, our fastest line.",
    suits="you have fiber optic internet",
)
PAPERLESS = Says(
    "Paperless billing",
    raises="Your bills come by e-mail, and we can make them easier to follow.",
    lowers="Your bills come by e-mail, without paper.",
    suits="your bills come by e-mail",
)
ON_PAPER = Says(
    "Billing on paper",
    raises="Your bills come on paper, and by e-mail you would have them at once.",
    lowers="Your bills come on paper, as you like them.",
    suits="your bills come on paper",
)


def monthly_price(*, low: float, high: float) -> Bands:
    """What is said of a price in dollars a month: low below `low`, high from `high` on."""
    return Bands(
        [
            Band(
                "A low monthly price of {value}",
                name="low",
                below=low,
                raises="You pay {value} a month, and we can check that you get the most for it.",
                lowers="You pay {value} a month, one of our lower prices.",
                suits="you pay {value} a month, one of our lower prices",
            ),
            Band(
                "A monthly price of {value}",
                name="middle",
                below=high,
                raises="You pay {value} a month, and another plan may give you the same for less.",
                lowers="You pay {value} a month, a fair price for what is in your plan.",
                suits="you pay {value} a month",
            ),
            Band(
                "A high monthly price of {value}",
                name="high",
                raises="You pay {value} a month, one of our higher prices, and we can look for a better one.",
                lowers="You pay {value} a month, and have one of our fullest plans for it.",
                suits="you pay {value} a month, one of our higher prices",
            ),
        ],
        words=write_dollars,
    )
