"""A business with a field of each kind, written where a test wants it, outside the package."""

from pathlib import Path

from support.changed import POLICY

SOURCE = '''"""A gym."""

from typing import Annotated, Literal

from pydantic import Field

from churn.contract.declaration import Contract
from churn.contract.features import Count, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, Says, write_dollars


class Member(Contract):
    """One member."""

    contract_name = "NAME"
    id_column = "member"
    label_column = "cancelled"
    label_values = ("no", "yes")

    visits: Annotated[
        Count,
        Field(description="Visits in a month.", examples=[4]),
        Feature(says=Bands([Band("{value}", name="any")], words=CountedNoun("visit", "visits"))),
    ]
    fee: Annotated[
        float,
        Field(ge=0, le=500, description="A month.", examples=[29.5]),
        Feature(
            says=Bands(
                [Band("A fee of {value}", "You pay {value}.", "You pay only {value}.", name="any")], words=write_dollars
            ),
            group="price",
        ),
    ]
    plan: Annotated[
        Literal["monthly", "yearly"],
        Field(description="How long it binds.", examples=["monthly"]),
        Feature(
            says={
                "monthly": Says("A monthly plan", "You pay each month.", "You pay each month and stay flexible."),
                "yearly": Says("A yearly plan", "You pay for a year.", "You pay for a year at once."),
            },
            group="commitment",
            actionable=True,
        ),
    ]
    trainer: Annotated[
        bool,
        Field(description="Whether a trainer is booked.", examples=[False]),
        Feature(
            says={
                True: Says("Having a trainer", "You train with a trainer.", "You have a trainer."),
                False: Says("Having no trainer", "You train alone.", "You train by yourself."),
            }
        ),
    ]
    retired: Annotated[
        bool,
        Field(description="Whether the member is retired.", examples=[False]),
        Feature(says={True: Says("Being retired"), False: Says("Not being retired")}, protected=True),
    ]


CONTRACT = Member
'''


def write_gym(folder: Path, name: str = "gym") -> Path:
    """Write the business and its policy under this name, and return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(SOURCE.replace("NAME", name), encoding="utf-8")
    in_english = "\n".join(line for line in POLICY.splitlines() if ".de =" not in line).replace(', "de"', "")
    policy = in_english.replace('contract = "streamflow"', f'contract = "{name}"').format(price="fee")
    (folder / f"{name}.toml").write_text(policy, encoding="utf-8")
    return folder
