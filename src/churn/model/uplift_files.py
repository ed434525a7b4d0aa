"""The files of a bundle that hold an uplift: what offers change, beside how likely somebody leaves.

    uplift_N.ubj             the booster of the offer at place N, over the contract's features; nobody reads it to serve
    uplift_N_tables_*.npy    the same trees compiled
    uplift_golden.json       rows with what XGBoost said of them at export, offer by offer

An adjustment is added to the effect that the policy says, in points of leaving prevented: 0.02 keeps two more of a
hundred, and below 0 the offer keeps fewer than the policy says.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

UPLIFT_GOLDEN: Final = "uplift_golden.json"
BANNER_ALONE: Final = "banner alone"

type Sha = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
type Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class UpliftCard(BaseModel):
    """What a manifest says of an uplift."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offers: Annotated[
        tuple[str, ...], Field(min_length=1, strict=False, description="With tables, by their place; maybe the banner.")
    ]
    policy_sha256: Annotated[Sha, Field(description="Of the policy that it was fitted under.")]
    effects_sha256: Annotated[Sha, Field(description="Of the effects that the policy says, which it adjusts.")]
    experiment: Annotated[str | None, Field(description="Whose log it was fitted on; null: several.")] = None
    trained_from: Annotated[Day, Field(description="The day of the first prediction that it was fitted on.")]
    trained_until: Annotated[Day, Field(description="The day of the last one.")]
    subscribers: Annotated[int, Field(gt=0, description="On whom it was fitted.")]


class UpliftGolden(BaseModel):
    """Encoded rows, and what each offer's booster said of them: contributions with the base value last, in points.

    A value that is not known is null.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: Annotated[list[list[float | None]], Field(min_length=1)]
    contributions: Annotated[list[list[list[float]]], Field(description="By offer, then by row.")]


def name_prefix(place: int) -> str:
    """Return how the names of an offer's files begin, by its place among the offers."""
    return f"uplift_{place}_"


def name_booster(place: int) -> str:
    """Return the name of the file of an offer's booster."""
    return f"uplift_{place}.ubj"
