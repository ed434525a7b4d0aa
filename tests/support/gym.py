"""A business of three fields, written where a test wants it, outside the package."""

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
        Feature(says=Bands([Band("A fee of {value}", name="any")], words=write_dollars)),
    ]
    plan: Annotated[
        Literal["monthly", "yearly"],
        Field(description="How long it binds.", examples=["monthly"]),
        Feature(says={"monthly": Says("A monthly plan"), "yearly": Says("A yearly plan")}),
    ]


CONTRACT = Member
'''


def write_gym(folder: Path, name: str = "gym") -> Path:
    """Write the business and its policy under this name, and return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(SOURCE.replace("NAME", name), encoding="utf-8")
    policy = POLICY.replace('contract = "streamflow"', f'contract = "{name}"').format(price="fee")
    (folder / f"{name}.toml").write_text(policy, encoding="utf-8")
    return folder
