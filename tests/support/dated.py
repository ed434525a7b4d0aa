"""A business with dates: one that is known of everybody and gives two features, and one that may be blank.

It can be copied as a file of its own, since it imports nothing from the tests.
"""

from typing import Annotated

from pydantic import Field

from churn.contract.dates import MONTHS, Date, DaysSince, Month, MonthOf
from churn.contract.declaration import Contract, Count, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, Says

DAYS = CountedNoun("day", "days")
JOINED = Date("joined_on", "When somebody became a reader.", "2024-03-01", label="Joined", earlier_names=("Join Date",))
VISITED = Date("last_visit", "When they were last in the house.", "2024-06-15")


class Reader(Contract):
    """A reader of a library."""

    contract_name = "dated"
    id_column = "reader"
    label_column = "left"
    label_values = ("no", "yes")
    as_of_column = "counted_on"

    books: Annotated[
        Count,
        Field(description="Books at home.", examples=[3]),
        Feature(says=Bands([Band("{value} at home", name="any")], words=CountedNoun("book", "books"))),
    ]
    days_since_joining: Annotated[
        int,
        Field(ge=0, le=5000, description="How long they have been readers.", examples=[200]),
        Feature(
            says=Bands(
                [Band("Having joined {value} ago", "You joined {value} ago.", "You joined {value} ago.", name="any")],
                words=DAYS,
            ),
            of=DaysSince(JOINED),
        ),
    ]
    month_of_joining: Annotated[
        Month,
        Field(description="When in the year they joined.", examples=["March"]),
        Feature(says={month: Says(f"Having joined in {month}") for month in MONTHS}, of=MonthOf(JOINED)),
    ]
    days_since_visit: Annotated[
        int | None,
        Field(ge=0, le=1000, description="How long they have not been here.", examples=[5]),
        Feature(
            says=Bands(
                [
                    Band("A visit {value} ago", name="recent", below=60),
                    Band("No visit for {value}", name="long"),
                ],
                words=DAYS,
            ),
            of=DaysSince(VISITED),
            missing=True,
        ),
    ] = None


CONTRACT = Reader
