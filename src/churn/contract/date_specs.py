"""A contract's dates in the form that all else is derived from: what a request and a file hold of each."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from churn.contract.dates import A_DAY, Date, DaysSince, day_from_text
from churn.contract.features import FeatureSpec
from churn.contract.phrases import Value, label_from_name
from churn.errors import ContractError

type DateFault = Literal["no date", "after the day of reference", "out of range"]


@dataclass(frozen=True, slots=True)
class DateSpec:
    """A date of a contract, and the features that are derived from it, in the contract's order."""

    declaration: Date
    label: str
    features: tuple[FeatureSpec, ...]

    @property
    def name(self) -> str:
        """What a request and a file call it."""
        return self.declaration.name

    @property
    def is_nullable(self) -> bool:
        """Whether the date may not be known."""
        return self.features[0].is_nullable

    @property
    def is_required(self) -> bool:
        """Whether a request must have it, or its features."""
        return not self.is_nullable

    def find_names(self, among: Container[str]) -> list[str]:
        """Return those of the date's names that are there, today's first."""
        return [name for name in (self.name, *self.declaration.earlier_names) if name in among]

    def find_features(self, among: Container[str]) -> list[str]:
        """Return those of the features that are there themselves, in place of the date."""
        return [spec.name for spec in self.features if spec.name in among]

    def choose_columns(self, among: Container[str]) -> list[str]:
        """Return the columns that a file needs: the date, or all features if some of them stand in its place."""
        has_features = not self.find_names(among) and self.find_features(among)
        return [spec.name for spec in self.features] if has_features else [self.name]

    def find_earliest(self, as_of: date) -> date:
        """Return the earliest day that the features' limits allow."""
        most_days = [spec.upper for spec in self.features if isinstance(spec.marker.of, DaysSince) and spec.upper]
        return as_of - timedelta(days=min([*most_days, (as_of - date.min).days]))

    def derive(self, text: str, as_of: date) -> dict[str, Value] | DateFault:
        """Return the features' values at the day of reference, by name; or what is wrong with the text."""
        day = day_from_text(text)
        if day is None:
            return "no date"
        if day - as_of > A_DAY:
            return "after the day of reference"
        if day < self.find_earliest(as_of):
            return "out of range"
        return {spec.name: spec.marker.of.derive(day, as_of) for spec in self.features if spec.marker.of}


def collect_dates(features: Sequence[FeatureSpec], taken: Sequence[str]) -> tuple[DateSpec, ...]:
    """Collect the dates that the features are derived from, in the order of their first features.

    Args:
        features: of the contract.
        taken: names that a file has for something else.

    Raises:
        ContractError: a date is not declared whole, or two declarations contradict each other.
    """
    dates: dict[str, Date] = {}
    for of in (spec.marker.of for spec in features if spec.marker.of):
        if dates.setdefault(of.source.name, of.source) != of.source:
            raise ContractError(f"the date {of.source.name!r} is declared in two ways", instead="declare it once")
    specs = tuple(
        DateSpec(
            day,
            day.label or label_from_name(day.name),
            tuple(spec for spec in features if spec.marker.of and spec.marker.of.source == day),
        )
        for day in dates.values()
    )
    names = [*taken, *(name for spec in features for name in (spec.name, *spec.earlier_names))]
    for spec in specs:
        _check_date(spec, names)
        names += [spec.name, *spec.declaration.earlier_names]
    return specs


def _check_date(spec: DateSpec, taken: Sequence[str]) -> None:
    if day_from_text(spec.declaration.example) is None or not spec.declaration.meaning:
        raise ContractError(
            f"the date {spec.name!r} has no meaning, or the example {spec.declaration.example!r}, which is no date",
            instead="give it a sentence, and a date such as 2024-03-01",
        )
    if len({feature.is_nullable for feature in spec.features}) > 1:
        raise ContractError(
            f"of the date {spec.name!r} some features may be missing, and some not",
            instead="write missing=True for all of them, or for none",
        )
    if double := [name for name in (spec.name, *spec.declaration.earlier_names) if name in taken]:
        raise ContractError(
            f"the name {double[0]!r} of a date is that of something else", instead="give each a name of its own"
        )
