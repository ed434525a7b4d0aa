"""What a policy file may hold. `docs/offers.md` tells it to those who write one."""

import string
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from babel.dates import format_date
from pydantic import Field, StringConstraints, model_validator

from churn.answers import MOST_MONTHS
from churn.retention.offers.benefit import Benefit, Discount, NoBenefit, NumberWriter, PolicyTable

type Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=64)]
type Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
type Share = Annotated[float, Field(ge=0, le=1)]
type DollarAmount = Annotated[float, Field(ge=0)]
# TOML has arrays where Python has tuples, which cannot be changed later.
type Several[T] = Annotated[tuple[T, ...], Field(strict=False)]
type ByLanguage[T] = Mapping[str, T]
type WithoutOffer = Literal["reasons", "nothing"]

MOST_SEGMENTS = 6  # more of them are not measured in a year: each needs subscribers of its own
OTHERS = "others"


class Headlines(PolicyTable):
    """The banner's first line."""

    with_offer: Annotated[ByLanguage[Text], Field(description="above reasons and an offer, by language")]
    without_offer: Annotated[ByLanguage[Text], Field(description="above reasons alone, by language")]


class Holdout(PolicyTable):
    """Who is shown nothing, so that the banner's effect can be measured."""

    share: Annotated[Share, Field(description="the share of subscribers who are held out, 0 to 1")] = 0.10
    experiment: Annotated[Name, Field(description="the experiment's name; another one draws all arms anew")]


class Cooldown(PolicyTable):
    """How long a subscriber who accepted an offer gets no other."""

    days: Annotated[int, Field(ge=0, le=3660, description="days from accepting one offer to the next")]


class Assumptions(PolicyTable):
    """What is assumed of every subscriber, each with where the number is from."""

    margin_share: Annotated[Share, Field(description="the share of the monthly price that is left after its costs")]
    margin_share_source: Annotated[Text, Field(description="where margin_share is from")]
    months_kept: Annotated[
        float, Field(gt=0, le=MOST_MONTHS, description="for how many months a subscriber who is kept then stays")
    ]
    months_kept_source: Annotated[Text, Field(description="where months_kept is from")]


class Condition(PolicyTable):
    """What a field of the subscriber must be: one of some values, or a number within limits."""

    one_of: Annotated[
        Several[object] | None, Field(alias="is", min_length=1, description="the values that are eligible, as a list")
    ] = None
    at_least: Annotated[float | None, Field(description="the smallest number that is eligible")] = None
    at_most: Annotated[float | None, Field(description="the largest number that is eligible")] = None


class Explore(PolicyTable):
    """Who is shown something else than what seems best, so that its effect can be measured."""

    share: Annotated[Share, Field(description="the share who get an action by lot, over all possible ones, 0 to 1")] = (
        0.02
    )
    below_threshold: Annotated[
        Share, Field(description="the share of the subscribers below the threshold who take part, 0 to 1")
    ] = 0.0
    period_days: Annotated[
        int, Field(ge=1, le=3660, description="for how many days a subscriber keeps the same lot")
    ] = 90


class SegmentDocument(PolicyTable):
    """Some of the subscribers, among whom each offer's effect is measured by itself."""

    name: Annotated[Name, Field(description="the segment's name, such as asks-for-help")]
    when: Annotated[
        Mapping[str, Condition],
        Field(min_length=1, description="what the subscriber's fields must be; all of it must hold"),
    ]


class Estimate(PolicyTable):
    """A measured number with its interval."""

    value: Annotated[float, Field(description="the number that counts")]
    low: Annotated[float, Field(description="the lower end of its interval")]
    high: Annotated[float, Field(description="the upper end of its interval")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError("should have low <= value <= high")
        return self


class ShareEstimate(Estimate):
    """A measured share with its interval."""

    value: Annotated[Share, Field(description="the share that counts, 0 to 1")]
    low: Annotated[Share, Field(description="the lower end of its interval, 0 to 1")]
    high: Annotated[Share, Field(description="the upper end of its interval, 0 to 1")]


class MeasuredSegment(PolicyTable):
    """What was measured of an offer in one segment."""

    name: Annotated[Name, Field(description="the name of one of the policy's segments")]
    subscribers: Annotated[int, Field(ge=0, description="how many subscribers it was measured on")]
    strength: Annotated[Estimate, Field(description="the effect on leaving there, as a multiple of `saves`")]


class Measured(PolicyTable):
    """What was measured of an offer. Each number replaces the assumed one."""

    experiment: Annotated[Name, Field(description="the experiment in which it was measured")]
    first_day: Annotated[date, Field(alias="from", description="the first day of measuring, as YYYY-MM-DD")]
    last_day: Annotated[date, Field(alias="until", description="the last day of measuring, as YYYY-MM-DD")]
    subscribers: Annotated[int, Field(ge=0, description="how many subscribers it was measured on")]
    take_up: Annotated[ShareEstimate | None, Field(description="the share who accept, of those offered it")] = None
    leavers_use: Annotated[
        ShareEstimate | None, Field(description="the share of the cost that is used up by those who leave all the same")
    ] = None
    strength: Annotated[
        Estimate | None, Field(description="the effect on leaving, as a multiple of `saves`; below 0 the offer harms")
    ] = None
    segments: Annotated[
        Several[MeasuredSegment],
        Field(alias="segment", description="what was measured in segments of the policy, each by its name"),
    ] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day > self.last_day:
            raise ValueError("should have from <= until")
        return self


class OfferDocument(PolicyTable):
    """One offer."""

    code: Annotated[Name, Field(description="the offer's name for machines, such as yearly-20")]
    title: Annotated[ByLanguage[Text], Field(description="the offer in a line for the subscriber, by language")]
    discount: Annotated[
        Discount | None, Field(description="what comes off the bills; leave it out if nothing does")
    ] = None
    cost_dollars: Annotated[
        DollarAmount, Field(description="what else it costs us for each subscriber who accepts")
    ] = 0.0
    worth_dollars: Annotated[
        float | None,
        Field(gt=0, description="what it is worth to keep a subscriber by it; for a policy without a price_field"),
    ] = None
    take_up: Annotated[Share, Field(description="the assumed share who accept, of those who are offered it")]
    saves: Annotated[
        Mapping[str, Share],
        Field(
            min_length=1,
            description="the assumed share of leaving that it prevents among all who are offered it and see the "
            "reason, by reason group",
        ),
    ]
    leavers_use: Annotated[
        Share,
        Field(description="the assumed share of its cost that is used up by those who accept and leave all the same"),
    ] = 1.0
    source: Annotated[Text, Field(description="where take_up, saves and leavers_use are from")]
    explore: Annotated[bool, Field(description="whether a lot may fall on it; false: it is no longer tried")] = True
    measured: Annotated[
        Measured | None, Field(description="what was measured of it, as `churn offers learn` writes it")
    ] = None
    expires: Annotated[date, Field(description="the last day on which it can be accepted, as YYYY-MM-DD")]
    eligible: Annotated[
        Mapping[str, Condition], Field(description="what the subscriber's fields must be; all of it must hold")
    ] = Field(default_factory=dict)
    disclosures: Annotated[
        ByLanguage[Several[Text]], Field(description="what must be said with it, by language; may be empty lists")
    ]

    @property
    def benefit(self) -> Benefit:
        """What the subscriber gets. Another kind is a class in `benefit.py` and a field here."""
        return self.discount or NoBenefit()

    @property
    def numbers(self) -> Mapping[str, NumberWriter]:
        """The numbers that its texts may name, each with how it is written."""
        return {
            "expires": lambda language, _: format_date(self.expires, format="long", locale=language),
            **self.benefit.numbers(),
        }

    def fill_text(self, text: str, language: str, currency: str) -> str:
        """Put the offer's numbers in place of their names, so that no text has to write one."""
        numbers = self.numbers
        return text.format_map({name: numbers[name](language, currency) for name in find_placeholders(text)})


def find_placeholders(text: str) -> list[str]:
    """Return the names in braces, in order.

    Raises:
        ValueError: the braces are not in pairs, or hold more than a name.
    """
    named = [part for part in string.Formatter().parse(text) if part[1] is not None]
    if any(specification or conversion for _, _, specification, conversion in named):
        raise ValueError(text)
    return [str(name) for _, name, _, _ in named]


class PolicyDocument(PolicyTable):
    """A whole policy."""

    version: Annotated[Name, Field(description="the policy's version, which every answer carries")]
    contract: Annotated[str, Field(description="the contract whose subscribers it is for")]
    languages: Annotated[Several[str], Field(min_length=1, description="the languages of its texts")]
    price_field: Annotated[
        str | None,
        Field(description="the field that holds the monthly price; without one each offer has its worth_dollars"),
    ] = None
    currency: Annotated[
        str | None, Field(description="of all amounts, by its code in ISO 4217, such as EUR; the contract's by default")
    ] = None
    headlines: Annotated[Headlines, Field(description="the banner's first line")]
    holdout: Annotated[Holdout, Field(description="who is held out")]
    cooldown: Annotated[Cooldown, Field(description="the time between two offers")]
    without_offer: Annotated[
        WithoutOffer, Field(description='what is shown where no offer is worth it: "reasons" or "nothing"')
    ] = "reasons"
    explore: Annotated[Explore, Field(description="who gets an action by lot; without it nobody does")] = Explore(
        share=0.0
    )
    segments: Annotated[
        Several[SegmentDocument],
        Field(
            alias="segment",
            max_length=MOST_SEGMENTS,
            description=f"at most {MOST_SEGMENTS} segments, each as [[segment]]; the first that fits counts",
        ),
    ] = ()
    assumptions: Annotated[
        Assumptions | None, Field(description="what is assumed of every subscriber; none without a price_field")
    ] = None
    offers: Annotated[
        Several[OfferDocument], Field(alias="offer", description="the offers, each as [[offer]]; earlier ones win ties")
    ] = ()
