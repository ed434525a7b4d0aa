"""What a contract is: one declaration of a subscriber, from which everything else is derived.

A contract is a frozen pydantic model. Its fields, in order, are the model's features. A field's type says how it is
encoded; `Literal` is an ordered set of categories. `Field` gives limits, meaning and example. The `Feature` marker says
what the business knows beyond the type. `features` and `fingerprint` are derived once, when the class is made, and a
declaration that is not complete is refused.

A field with a default may be absent. A field that was renamed has its earlier names in a `validation_alias`, and a
request has one of the names. Neither changes the fingerprint. A field whose value may be unknown has the type
`TYPE | None`, the default None and `Feature(missing=True)`, which does.

A feature may be derived from a date: `Feature(of=DaysSince(DATE))`. A request and a file have the date in its place.
"""

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from churn.answers import TierLimits
from churn.contract.date_specs import DateSpec, collect_dates
from churn.contract.demo import DemoProcess
from churn.contract.derivation import build_spec
from churn.contract.features import Count, Dollars, Encoder, Feature, FeatureSpec
from churn.contract.phrases import Value
from churn.errors import ContractError

__all__ = ["Contract", "Count", "Dollars", "Feature", "Rows"]

type Rows = npt.NDArray[np.float32]

LONGEST_HORIZON_DAYS = 3660
COLUMNS = ("id_column", "label_column", "as_of_column")


class Contract(BaseModel):
    """Base of every contract; see the module's docstring. An instance is one valid subscriber."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    contract_name: ClassVar[str]
    id_column: ClassVar[str]
    label_column: ClassVar[str]
    label_values: ClassVar[tuple[str, str]]
    """How a data file writes (stayed, left)."""
    horizon_days: ClassVar[int | None] = None
    """Within how many days of a prediction somebody who left is one who left; None if the business does not say."""
    as_of: ClassVar[date | None] = None
    """The day to which the dates of a data file are counted, where neither the file nor the command says another."""
    as_of_column: ClassVar[str] = ""
    """The column of a data file that says this day for each row."""
    holdout_key: ClassVar[str] = ""
    """Of the hash that holds subscribers out; the contract's name if empty. Another key is another holdout."""
    demo: ClassVar[DemoProcess | None] = None
    tiers: ClassVar[TierLimits] = (0.3, 0.6)
    """A probability is low below the first, medium below the second, else high."""
    threshold: ClassVar[float] = 0.6
    """The banner is shown above this probability, unless the bundle or CHURN_THRESHOLD says otherwise."""
    negligible_auc_loss: ClassVar[float] = 0.001
    """A loss of AUC too small to matter: of two models that differ by less, training takes the simpler one."""

    features: ClassVar[tuple[FeatureSpec, ...]] = ()
    dates: ClassVar[tuple[DateSpec, ...]] = ()
    """What features are derived from."""
    inputs: ClassVar[tuple[FeatureSpec | DateSpec, ...]] = ()
    """What a request has: the features, with dates in the place of those that are derived."""
    fingerprint: ClassVar[str] = ""
    together: ClassVar[tuple[tuple[int, ...], ...]] = ()
    """Of each feature, the numbers of those of its concept, which are moved together when a reason is verified."""
    encoders: ClassVar[tuple[tuple[str, Encoder], ...]] = ()
    """Each feature's name with what encodes its value, chosen once."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Derive what follows from the fields, and refuse a declaration that is not complete."""
        cls.features = tuple(build_spec(name, field) for name, field in cls.model_fields.items())
        cls.dates = collect_dates(cls.features, [getattr(cls, name, "") for name in COLUMNS])
        dates = {feature.name: spec for spec in cls.dates for feature in spec.features}
        inputs = (dates.get(spec.name, spec) for spec in cls.features)
        cls.inputs = tuple({spec.name: spec for spec in inputs}.values())
        cls.together = tuple(_find_concept(cls.features, at) for at in range(len(cls.features)))
        cls.encoders = tuple((spec.name, spec.choose_encoder()) for spec in cls.features)
        _require_valid_limits(cls)
        ordered = [
            [spec.name, spec.kind, list(spec.categories), *(["missing"] if spec.is_nullable else [])]
            for spec in cls.features
        ]
        for spec in cls.features:
            _require_valid_default(cls, spec)
        if cls.horizon_days is not None and not 0 < cls.horizon_days <= LONGEST_HORIZON_DAYS:
            raise ContractError(
                f"the horizon is {cls.horizon_days} days", instead=f"give 1 to {LONGEST_HORIZON_DAYS} days, or none"
            )
        cls.fingerprint = hashlib.sha256(json.dumps(ordered).encode()).hexdigest()

    @classmethod
    def feature_names(cls) -> list[str]:
        """Return the features' names in the model's order."""
        return [spec.name for spec in cls.features]

    @classmethod
    def input_names(cls) -> list[str]:
        """Return the names of what a request has, in the contract's order."""
        return [spec.name for spec in cls.inputs]

    @classmethod
    def columns(cls) -> list[str]:
        """Return all columns of a data file in which features may stand, or dates, or the day that these count to."""
        features = [name for spec in cls.features for name in (spec.name, *spec.earlier_names)]
        dates = [name for spec in cls.dates for name in (spec.name, *spec.declaration.earlier_names)]
        return [*features, *dates, *([cls.as_of_column] if cls.as_of_column else [])]

    @classmethod
    def needed_columns(cls, among: Container[str]) -> list[str]:
        """Return the columns that a file with these ones needs, in the contract's order."""
        return [
            name
            for spec in cls.inputs
            for name in (spec.choose_columns(among) if isinstance(spec, DateSpec) else [spec.name])
        ]

    @classmethod
    def find_date(cls, feature: FeatureSpec) -> DateSpec | None:
        """Return the date that a feature is derived from; None if it is derived from none."""
        return next(
            (spec for spec in cls.dates if feature.marker.of and feature.marker.of.source == spec.declaration), None
        )

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Return the features' short names for people, by name."""
        return {spec.name: spec.label for spec in cls.features}

    @classmethod
    def monotone_constraints(cls) -> tuple[int, ...]:
        """Return one of -1, 0, +1 for each feature, as XGBoost, LightGBM and scikit-learn take it."""
        return tuple(spec.marker.monotone for spec in cls.features)

    @classmethod
    def example(cls) -> dict[str, Value]:
        """Return a valid subscriber made of the fields' examples."""
        return {spec.name: spec.example for spec in cls.features}

    @classmethod
    def example_request(cls) -> dict[str, Value]:
        """Return a valid request made of the examples: that of a date in the place of those derived from it."""
        return {
            spec.name: spec.declaration.example if isinstance(spec, DateSpec) else spec.example for spec in cls.inputs
        }

    def encode(self) -> tuple[float, ...]:
        """Return the encoded numbers in feature order, not yet rounded to float32."""
        values = self.__dict__
        return tuple([encode(values[name]) for name, encode in self.encoders])

    @classmethod
    def encode_columns(cls, columns: Mapping[str, Any]) -> Rows:
        """Encode a validated table, column by column.

        Args:
            columns: one sequence of length n per feature (a pandas frame will do), holding valid values.

        Returns:
            float32 (n, features), the same numbers as `encode` gives row by row.
        """
        return np.column_stack([spec.encode_column(np.asarray(columns[spec.name])) for spec in cls.features])


def _find_concept(features: Sequence[FeatureSpec], number: int) -> tuple[int, ...]:
    """Return the numbers of the features of one's group. A protected trait is by itself, whatever its group."""
    mine = features[number]
    return tuple(
        at
        for at, spec in enumerate(features)
        if at == number or (spec.group == mine.group and not (spec.marker.protected or mine.marker.protected))
    )


def _require_valid_limits(contract: type[Contract]) -> None:
    low, medium = contract.tiers
    if not (0 <= low <= medium <= 1 and 0 <= contract.threshold <= 1):
        raise ContractError(
            f"{contract.__name__} has the tiers {contract.tiers} and the threshold {contract.threshold}",
            instead="give probabilities from 0 to 1, and tiers that rise",
        )


def _require_valid_default(contract: type[Contract], spec: FeatureSpec) -> None:
    if spec.default is None:
        return
    try:
        contract.model_validate(contract.example() | {spec.name: spec.default})
    except ValidationError as error:
        raise ContractError(
            f"field {spec.name!r} has the default {spec.default!r}, which it does not take",
            instead="give a default of its type, within its limits",
        ) from error
