"""The plan of a rollout: the share of each step, its length, and what must be known before the next."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from churn.errors import SettingsError
from churn.judging.checks import ALL_CHECKS, Check

DEFAULT_PLAN = Path(__file__).with_name("default_plan.toml")
HOUR_S = 3600.0
ALL_PERCENT = 100


class PlanTable(BaseModel):
    """A table of the file. Unknown keys and values of another type are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Step(PlanTable):
    """One share of the requests, and what it takes to leave it."""

    weight_percent: Annotated[int, Field(ge=1, le=ALL_PERCENT, description="the canary's share, a whole number 1..100")]
    hold_hours: Annotated[float, Field(ge=0, description="the least time at this share, in hours")]
    minimum_requests: Annotated[
        int, Field(ge=1, description="how many requests the canary must have answered at this share, at least")
    ]
    maximum_hold_hours: Annotated[
        float, Field(gt=0, description="after how many hours evidence that is still missing is missing for good")
    ]
    tolerances: Annotated[
        Mapping[str, float],
        Field(
            # Not written where it is empty, so that an earlier program reads the plan of a rollout, too.
            exclude_if=lambda tolerances: not tolerances,
            description="by how much less than this the canary must surely be worse to leave the step, by check",
        ),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_held(self) -> Self:
        if self.maximum_hold_hours <= self.hold_hours:
            raise ValueError("maximum_hold_hours should be more than hold_hours")
        return self


class Plan(PlanTable):
    """All steps, in order, and what holds for each of them."""

    steps: Annotated[
        tuple[Step, ...],
        Field(strict=False, alias="step", min_length=1, description="the steps, each as [[step]], by rising share"),
    ]
    tick_seconds: Annotated[float, Field(gt=0, le=60, description="seconds between two ticks, at most 60")] = 15
    stale_after_seconds: Annotated[
        float, Field(gt=0, description="how old figures may be, in seconds, before they say nothing")
    ] = 60
    false_rollback: Annotated[
        float,
        Field(gt=0, lt=0.5, description="the largest chance that a good version is sent back, all steps together"),
    ] = 0.01
    without_evidence: Annotated[
        Literal["roll back", "hold"],
        Field(description="what to do once maximum_hold_hours are over and the evidence is not there"),
    ] = "roll back"
    window: Annotated[
        Literal["release", "always"],
        Field(description='when steps forward may be made: "release", in the release window, or "always"'),
    ] = "release"
    tolerances: Annotated[
        Mapping[str, float],
        Field(description="other tolerances than the checks' own, by check, as shares: 0.01 is one in a hundred"),
    ] = Field(default_factory=dict)
    model_checks: Annotated[
        bool,
        Field(
            exclude_if=lambda are_judged: are_judged,  # as above
            description="whether scores, banners, tiers and reasons are judged, which takes the prediction log",
        ),
    ] = True
    guardrails: Annotated[
        bool,
        Field(
            exclude_if=lambda are_judged: are_judged,  # as above
            description="whether what the business gets is judged, where the model's checks are",
        ),
    ] = True
    guardrails_must_pass: Annotated[
        bool,
        Field(
            exclude_if=lambda must_pass: not must_pass,  # as above
            description="whether a step waits until what became of banners is surely within the tolerance, which takes "
            "thousands of them",
        ),
    ] = False
    relative_tolerances: Annotated[
        Mapping[str, float],
        Field(
            exclude_if=lambda parts: not parts,  # as above
            description="a part of stable's own share that is tolerated where that is more, by check: 0.5 is half",
        ),
    ] = Field(default_factory=dict)
    baseline: Annotated[
        bool | None,
        Field(
            exclude_if=lambda is_there: not is_there,  # as above
            description="whether the old version also runs beside the canary, started with it on the same kind of "
            "machine and with the same weight, so that latency is compared with it",
        ),
    ] = None
    time_scale: Annotated[
        float, Field(ge=1, description="for demonstrations: how many hours of the plan pass in one")
    ] = 1

    @model_validator(mode="after")
    def _rises_to_all(self) -> Self:
        weights = [step.weight_percent for step in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError(f"weight_percent should rise from step to step, not be {', '.join(map(str, weights))}")
        if weights[-1] != ALL_PERCENT:
            raise ValueError(f"weight_percent of the last step should be 100, not {weights[-1]}")
        return self

    @model_validator(mode="after")
    def _tolerances_are_of_checks(self) -> Self:
        known = [check.name for check in ALL_CHECKS]
        if unknown := [name for name in self.tolerances if name not in known]:
            raise ValueError(f"tolerances: there is no check {unknown[0]}, only {', '.join(known)}")
        if wrong := [name for name, tolerance in self.tolerances.items() if not 0 <= tolerance < 1]:
            raise ValueError(f"tolerances: {wrong[0]} should be from 0 to less than 1")
        guardrails = [check.name for check in ALL_CHECKS if check.measure.is_guardrail]
        if zero := [name for name in guardrails if self.tolerances.get(name) == 0]:
            raise ValueError(f"tolerances: {zero[0]} is a guardrail, and should be above 0")
        rates = [check.name for check in ALL_CHECKS if check.measure.is_rate]
        if unfit := [name for name in self.relative_tolerances if name not in rates]:
            raise ValueError(f"relative_tolerances: {unfit[0]} has none, only {', '.join(rates)}")
        if wrong := [name for name, part in self.relative_tolerances.items() if not 0 <= part <= 1]:
            raise ValueError(f"relative_tolerances: {wrong[0]} should be from 0 to 1")
        if zero := [name for name in self.relative_tolerances if self.tolerances.get(name) == 0]:
            raise ValueError(f"relative_tolerances: {zero[0]} has a tolerance of 0, which should be above 0")
        return self

    @model_validator(mode="after")
    def _steps_tolerate_as_much_as_the_plan(self) -> Self:
        tolerances = {check.name: check.tolerance for check in self.checks}
        fit = [check.name for check in self.checks if check.measure.is_in_samples]
        for number, step in enumerate(self.steps):
            if step.tolerances and self.count_left(number) == 1:
                raise ValueError(f"step {number + 1}: tolerances: the last step with both versions has the plan's own")
            for name, tolerance in step.tolerances.items():
                if name not in fit:
                    raise ValueError(f"step {number + 1}: tolerances: {name} has none, only {', '.join(fit)}")
                if not tolerances[name] <= tolerance < 1:
                    raise ValueError(
                        f"step {number + 1}: tolerances: {name} should be from {tolerances[name]:g}, the plan's, to "
                        "less than 1"
                    )
        return self

    @property
    def has_baseline(self) -> bool:
        """Whether there is one. A plan that does not say has none, until the start of a rollout decides."""
        return bool(self.baseline)

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks, with the plan's tolerances. Of a step they may have more: `find_checks`."""
        return tuple(
            replace(
                check,
                tolerance=self.tolerances.get(check.name, check.tolerance),
                relative_tolerance=self.relative_tolerances.get(check.name, check.relative_tolerance),
                must_pass=check.must_pass or self.guardrails_must_pass,
            )
            for check in ALL_CHECKS
            if (self.model_checks or not check.measure.is_paired)
            and ((self.model_checks and self.guardrails) or not check.measure.is_guardrail)
        )

    def find_checks(self, step: int) -> tuple[Check, ...]:
        """Return the checks of a step, with what is enough to leave it."""
        tolerances = self.steps[step].tolerances
        return tuple(
            replace(check, early_tolerance=tolerances[check.name]) if check.name in tolerances else check
            for check in self.checks
        )

    def count_left(self, step: int) -> int:
        """Count the steps after this one."""
        return self.last - step

    def hold_s(self, step: int) -> float:
        """Return the least time at a step."""
        return self.steps[step].hold_hours * HOUR_S / self.time_scale

    def maximum_hold_s(self, step: int) -> float:
        """Return the time after which missing evidence is missing for good."""
        return self.steps[step].maximum_hold_hours * HOUR_S / self.time_scale

    @property
    def start_limit_s(self) -> float:
        """The time that the canary's instances may take to start, or to be replaced."""
        return self.maximum_hold_s(0)

    @property
    def last(self) -> int:
        """The number of the last step, the bake."""
        return len(self.steps) - 1


def read_plan(path: Path = DEFAULT_PLAN) -> Plan:
    """Read a plan from a TOML file; by default the one that comes with the package.

    Raises:
        SettingsError: it cannot be read or used; names each key that is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", instead="give the path of a plan") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}", instead="compare it with docs/rollout.md") from error
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        text = "; ".join(_describe_error(wrong["loc"], wrong["type"], wrong["msg"]) for wrong in errors)
        raise SettingsError(f"{path}: {text}", instead="docs/rollout.md says what a plan holds") from error


def _describe_error(location: tuple[int | str, ...], kind: str, message: str) -> str:
    """Return a text such as `step 2: hold_hours: is missing, add the least time at this share, in hours`."""
    table = Step if len(location) > 1 and isinstance(location[1], int) else Plan
    place = [f"step {part + 1}" if isinstance(part, int) else str(part) for part in location]
    if table is Step:
        del place[0]
    key = next((field for name, field in table.model_fields.items() if {name, field.alias} & {*location[-1:]}), None)
    meaning = key.description if key else None
    if kind == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in table.model_fields.items())
        text = f"is not known, here may stand {known}"
    elif kind == "missing":
        text = f"is missing, add {meaning}"
    else:
        text = message.removeprefix("Value error, ").removeprefix("Input ") + (f": {meaning}" if meaning else "")
    return ": ".join([*place, text])
