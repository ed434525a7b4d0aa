"""The plan of retraining: when it is due, what the log must hold, and what follows."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from churn.errors import SettingsError

DEFAULT_PLAN = Path(__file__).with_name("default_plan.toml")
VERSION = "{version}"
MOST_DAYS = 3650

type Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class RetrainingPlan(BaseModel):
    """The file's keys. Unknown ones, and values of another type, are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    every_days: Annotated[Days | None, Field(description="by date; left out, no date makes it due")] = None
    drift: Annotated[bool, Field(description="whether it is due when something has drifted far")] = False
    new_outcomes: Annotated[
        int | None, Field(ge=1, description="by outcomes: so many more untreated subscribers are known")
    ] = None
    days_apart: Annotated[
        int, Field(ge=0, le=MOST_DAYS, description="the least days after the last retraining, refused ones included")
    ] = 28
    least_held_out: Annotated[
        int, Field(ge=30, description="the least number of held-out subscribers, counted as rows of equal weight")
    ] = 200
    data: Annotated[str | None, Field(description="the champion's training file, beside the plan or absolute")] = None
    then: Annotated[Literal["shadow", "rollout"], Field(description="what follows the export")] = "shadow"
    rollout: Annotated[
        tuple[str, ...], Field(strict=False, description="the command that starts a rollout, with {version} in it")
    ] = ()

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.every_days is None and not self.drift and self.new_outcomes is None:
            raise ValueError("nothing ever makes it due: give every_days, drift = true or new_outcomes")
        return self

    @model_validator(mode="after")
    def _says_how_to_roll_out(self) -> Self:
        if self.then == "rollout" and not any(VERSION in word for word in self.rollout):
            raise ValueError(f"rollout is missing: give the words of a command, with {VERSION} among them")
        return self

    def build_rollout(self, version: str) -> list[str]:
        """Return the words of the command that starts a rollout of a version."""
        return [word.replace(VERSION, version) for word in self.rollout]


def read_retraining_plan(path: Path = DEFAULT_PLAN) -> RetrainingPlan:
    """Read a plan from a TOML file; by default the one that comes with the package.

    Raises:
        SettingsError: it cannot be read or used; names each key that is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", instead="give the path of a plan, or `defaults`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}", instead="compare it with docs/retraining.md") from error
    try:
        return RetrainingPlan.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(
            ": ".join([*map(str, item["loc"]), item["msg"].removeprefix("Value error, ")]) for item in error.errors()
        )
        raise SettingsError(f"{path}: {wrong}", instead="docs/retraining.md says what a plan holds") from error
