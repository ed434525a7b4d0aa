"""A business that does not know everything of everybody: each kind of field, with blanks and other categories.

It can be copied as a file of its own, since it imports nothing from the tests.
"""

from typing import Annotated, Literal

from pydantic import Field

from churn.contract.declaration import Contract, Count, Dollars, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, Says, write_dollars


class Member(Contract):
    """A member of a club that asks little."""

    contract_name = "patchy"
    id_column = "member_id"
    label_column = "left"
    label_values = ("no", "yes")

    visits: Annotated[
        Count,
        Field(description="Visits in the last month.", examples=[3]),
        Feature(
            says=Bands(
                [
                    Band(
                        "Having come {value}",
                        name="seldom",
                        below=5,
                        raises="You came {value} last month, and another hour may suit you better.",
                        lowers="You came {value} last month.",
                    ),
                    Band(
                        "Having come as often as {value}",
                        name="often",
                        raises="You came {value} last month, and we can make room for you.",
                        lowers="You came {value} last month, and we like to see you.",
                    ),
                ],
                words=CountedNoun("time", "times"),
            ),
            monotone=-1,
            actionable=True,
        ),
    ]
    tenure: Annotated[
        int | None,
        Field(ge=0, le=120, description="Months since joining, where it is known.", examples=[14]),
        Feature(
            says=Bands(
                [Band("A membership of {value}", name="any", raises="You joined {value} ago.", lowers="Thank you.")],
                words=CountedNoun("month", "months"),
            ),
            monotone=-1,
            missing=True,
        ),
    ] = None
    fee: Annotated[
        Dollars | None,
        Field(description="What the member pays a month, in dollars.", examples=[29.5]),
        Feature(
            says=Bands(
                [
                    Band(
                        "A fee of {value}",
                        name="any",
                        raises="You pay {value} a month, and there may be a better fee.",
                        lowers="You pay {value} a month.",
                    )
                ],
                words=write_dollars,
            ),
            monotone=1,
            actionable=True,
            missing=Says(
                "A fee that is not known",
                raises="You may pay more than you need to, and we can look it up with you.",
                lowers="Your fee suits you.",
            ),
        ),
    ] = None
    goal: Annotated[
        Literal["health", "strength", "other"],
        Field(description="What the member wants.", examples=["health"]),
        Feature(
            says={
                "health": Says("Wanting health", raises="You want to be healthy.", lowers="You want to be healthy."),
                "strength": Says("Wanting strength", raises="You want to be strong.", lowers="You want to be strong."),
            },
            other=True,
        ),
    ]
    town: Annotated[
        Literal["north", "south", "other"] | None,
        Field(description="Where the member lives.", examples=["north"]),
        Feature(
            says={"north": Says("Living in the north"), "south": Says("Living in the south")},
            missing=True,
            other=True,
        ),
    ] = None
    newsletter: Annotated[
        bool | None,
        Field(description="Whether the member reads the newsletter.", examples=[True]),
        Feature(says={True: Says("Reading the newsletter"), False: Says("Not reading the newsletter")}, missing=True),
    ] = None
    age: Annotated[
        int | None,
        Field(ge=16, le=120, description="Age in years.", examples=[40]),
        Feature(
            says=Bands([Band("An age of {value}", name="any")], words=CountedNoun("year", "years")),
            protected=True,
            missing=Says("An age that was not told"),
        ),
    ] = None


CONTRACT = Member
