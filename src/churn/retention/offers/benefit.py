"""What an offer gives: its shape in a policy file, what comes off a bill, and the numbers that its texts may name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Self

from babel import Locale
from babel.numbers import format_currency, format_percent
from pydantic import BaseModel, ConfigDict, Field, model_validator

from churn.answers import MOST_MONTHS

PERCENT = 100

type NumberWriter = Callable[[str, str], str]
"""How a number is written: (language, currency) -> text."""


class PolicyTable(BaseModel):
    """A table of the policy file: nothing unknown in it, and no value of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class NoBenefit:
    """Nothing comes off the bills: the offer is a service, such as faster support."""

    months = 0

    def monthly_dollars(self, price: float | None) -> float:  # noqa: ARG002 - as for every benefit
        """Return what comes off each of the bills, for a monthly price; None where the policy knows of no price."""
        return 0.0

    def numbers(self) -> Mapping[str, NumberWriter]:
        """Return the numbers that texts may name, each with how a language writes it."""
        return {}


class Discount(PolicyTable):
    """A share of the price, or an amount, off each of some monthly bills. All amounts are in the policy's currency."""

    percent: Annotated[float | None, Field(gt=0, le=100, description="off each bill, in percent of the price")] = None
    dollars: Annotated[
        float | None, Field(gt=0, description="off each bill, in dollars; never more than the price")
    ] = None
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS, description="for how many bills")]
    cap_dollars: Annotated[float, Field(gt=0, description="the most that the discount may come to over all bills")]

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.percent is None) == (self.dollars is None):
            raise ValueError("should have either percent or dollars")
        return self

    def monthly_dollars(self, price: float | None) -> float:
        """Return what comes off each bill; where the policy knows of no price, the amount.

        A share of the price, or an amount that is at most the price; at most `cap_dollars / months`, so that all bills
        of an offer get the same discount and stay within the cap together.
        """
        share, amount = (self.percent or 0.0) / PERCENT, self.dollars or 0.0
        off = amount if price is None else price * share + min(amount, price)
        return min(off, self.cap_dollars / self.months)

    def numbers(self) -> Mapping[str, NumberWriter]:
        """Return `months`, `cap`, and `percent` or `dollars`."""
        numbers: dict[str, NumberWriter] = {
            "months": lambda _language, _currency: str(self.months),
            "cap": partial(write_amount, self.cap_dollars),
        }
        if self.dollars is not None:
            numbers["dollars"] = partial(write_amount, self.dollars)
        elif self.percent is not None:
            share = self.percent / PERCENT
            numbers["percent"] = lambda language, _: format_percent(share, locale=language, decimal_quantization=False)
        return numbers


type Benefit = Discount | NoBenefit
"""What an offer gives to a subscriber who accepts it."""


def write_amount(amount: float, language: str, currency: str) -> str:
    """Write an amount; whole dollars without cents, and so in other currencies."""
    pattern = Locale.parse(language).currency_formats["standard"].pattern
    if amount.is_integer():
        pattern = pattern.replace("0.00", "0")
    return format_currency(amount, currency, pattern, locale=language, currency_digits=False)
