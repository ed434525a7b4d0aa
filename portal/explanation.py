"""What the page *Explain this prediction* says of an answer: pure, so that the page only has to lay it out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from churn.answers import Arm, RetentionAnswer, WhyNotOffered, WhyNotShown
from portal.banner import Banner, decide
from portal.chart import Waterfall, base_value, waterfall
from portal.fields import Field, Limits, Value, in_words
from portal.records import History

WHY_NOT_SHOWN: dict[WhyNotShown, str] = {
    "protected": "a personal trait, which is never shown",
    "not_for_customers": "not meant for subscribers",
    "same_group": "tells the same story as another that is shown",
    "not_verified": "without it the probability would not fall",
    "beyond_three": "three others come first",
}
WHY_NOT_OFFERED: dict[WhyNotOffered, str] = {
    "expired": "its last day has passed",
    "cooldown": "the last accepted offer is too recent",
    "not_eligible": "its conditions are not met",
    "answers_no_reason": "answers none of the reasons shown",
    "not_worth_its_cost": "would cost more than it is expected to bring",
    "worth_less_than_the_chosen": "expected to bring less than the one chosen",
}
ARMS: dict[Arm, str] = {
    "treatment": "treatment",
    "holdout": "holdout: shown nothing, so that the banner's effect can be measured",
    "unassigned": "none, for there is no key",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs from the start. A contribution is None where it is not known."""

    label: str
    was: str
    now: str
    contribution_was: float | None
    contribution: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One answer, beside that for the values the form started with.

    Args:
        labels: of each feature, in words.
        values: of each feature, in words.
        chart: None if there are no log-odds to draw.
        banner: what the subscriber would see, if anything.
        changes: what differs from the start.
    """

    answer: RetentionAnswer
    start: RetentionAnswer
    limits: Limits
    labels: Mapping[str, str]
    values: Mapping[str, str]
    chart: Waterfall | None
    banner: Banner | None
    changes: Sequence[Change]

    @property
    def moved_by(self) -> float:
        """By how much the probability differs from that at the start."""
        return self.answer["churn_probability"] - self.start["churn_probability"]

    @property
    def as_json(self) -> str:
        """The answer for reading."""
        return json.dumps(self.answer, indent=2, ensure_ascii=False)


def explain(
    fields: Sequence[Field],
    values: Mapping[str, Value],
    answer: RetentionAnswer,
    start: RetentionAnswer,
    limits: Limits,
) -> Explanation:
    """Explains an answer.

    Args:
        fields: of the form.
        values: what the answer is about.
        answer: with the contributions of all features.
        start: the same for the fields' examples.
        limits: where the service draws its lines.
    """
    base = base_value(answer, start) if answer["model_version"] == start["model_version"] else base_value(answer)
    return Explanation(
        answer=answer,
        start=start,
        limits=limits,
        labels={field.name: field.label for field in fields},
        values={field.name: in_words(values.get(field.name)) for field in fields},
        chart=waterfall(answer["top_reasons"], base, threshold=limits.banner) if base else None,
        banner=decide(answer, subscriber="", history=History(), today=date.min).banner,
        changes=_changes(fields, values, answer, start),
    )


def _changes(
    fields: Sequence[Field], values: Mapping[str, Value], answer: RetentionAnswer, start: RetentionAnswer
) -> list[Change]:
    was, now = _contributions(start), _contributions(answer)
    return [
        Change(
            field.label,
            in_words(field.start),
            in_words(values.get(field.name)),
            was.get(field.name),
            now.get(field.name),
        )
        for field in fields
        if values.get(field.name) != field.start
    ]


def _contributions(answer: RetentionAnswer) -> dict[str, float]:
    return {reason["feature"]: reason["shap_contribution"] for reason in answer["top_reasons"]}
