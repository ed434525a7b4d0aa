"""A file of counts, right and wrong."""

from pathlib import Path

import pytest

from churn.errors import DataError
from churn.judging.banner_outcomes import BannerOutcomes, StepOutcomes
from churn.judging.counts import Counts, StepAnswers
from churn.judging.counts_file import NO_PAIRS, read_judge_input
from churn.judging.guardrails import Guardrails
from churn.judging.judge import JudgeInput
from churn.judging.net_value import NetValues
from churn.judging.pairs import PairCounts


def with_pairs(parts: str) -> str:
    """A file with nine subscribers whom both versions answered."""
    return f'{{"stable": {{}}, "canary": {{}}, "weight": 10, "pairs": {{"subscribers": 9, "parts": {{{parts}}}}}}}'


def with_net_value(values: str) -> str:
    return f'{{"stable": {{}}, "canary": {{}}, "weight": 10, "guardrails": {{"net_value": {{{values}}}}}}}'


def with_banners(canary: str) -> str:
    banners = f'[{{"stable": {{}}, "canary": {{{canary}}}}}]'
    return f'{{"stable": {{}}, "canary": {{}}, "weight": 10, "guardrails": {{"banners": {banners}}}}}'


def test_what_is_left_out_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    file.write_text('{"stable": {"requests": 9, "tiers": {"low": 9}}, "canary": {}, "weight": 10}')
    assert read_judge_input(file) == JudgeInput(Counts(requests=9, tiers={"low": 9}), Counts(), 10, no_pairs=NO_PAIRS)


def test_what_both_versions_said_of_the_same_subscribers_may_be_given(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    file.write_text(with_pairs('"tiers": {"low": [1, 2]}'))
    read = read_judge_input(file)
    assert (read.pairs, read.no_pairs) == (PairCounts(9, {"tiers": {"low": (1, 2)}}), "")


def test_what_stable_answered_earlier_may_be_given(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    file.write_text('{"stable": {}, "canary": {}, "weight": 10, "earlier": {"requests": 9}}')
    assert read_judge_input(file).earlier == Counts(requests=9)


def test_net_values_may_be_given_and_a_file_of_before_has_no_guardrails(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    file.write_text(with_net_value('"currency": "EUR", "largest": 250, "steps": [[0, 0, 9], [3, 4, 1]]'))
    read = read_judge_input(file)
    assert read.guardrails == Guardrails(NetValues("EUR", 250, ((0, 0, 9), (3, 4, 1))))
    file.write_text(with_pairs('"tiers": {"low": [1, 2]}'))
    assert read_judge_input(file).guardrails is None


def test_what_earlier_steps_answered_may_be_given(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    steps = '[{"stable": {"requests": 9}, "canary": {"requests": 1}, "earlier": {"requests": 5}}]'
    file.write_text(f'{{"stable": {{}}, "canary": {{}}, "weight": 50, "steps": {steps}, "steps_left": 1}}')
    read = read_judge_input(file)
    assert read.steps == (StepAnswers(Counts(requests=9), Counts(requests=1), Counts(requests=5)),)
    assert read.steps_left == 1


def test_what_became_of_banners_may_be_given(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    file.write_text(with_banners('"shown": 9, "reported": 2, "accepted": 1'))
    of_both = BannerOutcomes(9, 2, 1)
    assert read_judge_input(file).guardrails == Guardrails(banners=(StepOutcomes(BannerOutcomes(), of_both),))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "holds no counts"),
        ("[]", "no object"),
        ('{"stable": {}, "weight": 10}', "canary: no object"),
        ('{"stable": {}, "canary": {"mistakes": 1}, "weight": 10}', "there is no mistakes"),
        ('{"stable": {}, "canary": {"requests": "many"}, "weight": 10}', "canary.requests"),
        ('{"stable": {}, "canary": {}, "weight": 10, "earlier": {"mistakes": 1}}', "earlier: there is no mistakes"),
        ('{"stable": {}, "canary": {}, "weight": 10, "earlier": {"errors": -1}}', "earlier has a number below zero"),
        ('{"stable": {}, "canary": {"latency": [1, 2]}, "weight": 10}', "latency needs 21 numbers"),
        ('{"stable": {}, "canary": {}, "weight": 10, "pairs": {"people": 9}}', "pairs: there is no people"),
        (with_pairs('"errors": {"errors": [0, 0]}'), "pairs: there is no measure errors"),
        (with_pairs('"tiers": {"low": [5, 5]}'), "tiers: low: 5 and 5 of 9 subscribers"),
        (with_pairs('"tiers": {"low": [-1, 5]}'), "tiers: low: -1 and 5 of 9 subscribers"),
        ('{"stable": {}, "canary": {}, "weight": 50, "steps": [{"stable": {}}]}', "steps.0.canary"),
        ('{"stable": {}, "canary": {}, "weight": 50, "steps": [{"mistakes": {}}]}', "steps: 1: there is no mistakes"),
        ('{"stable": {}, "canary": {}, "weight": 50, "steps": [{"stable": {"late": 1}}]}', "stable: there is no late"),
        ('{"stable": {}, "canary": {}, "weight": 50, "steps": 5}', "steps: no list"),
        (with_pairs('"tiers": {"low": [1]}'), "pairs.parts.tiers.low.1"),
        ('{"stable": {}, "canary": {}, "weight": 10, "guardrails": {"luck": 9}}', "guardrails: there is no luck"),
        (with_banners('"luck": 1'), "guardrails: banners: canary: there is no luck"),
        (with_banners('"shown": 9, "accepted": 10'), "10 accepted of 9 shown"),
        (with_net_value('"money": 1'), "guardrails: net_value: there is no money"),
        (with_net_value('"currency": "EUR", "largest": 250, "steps": [[0, 51, 9]]'), "steps: 0, 51, 9"),
        (with_net_value('"currency": "EUR", "largest": -1, "steps": []'), "below zero or endless"),
        (with_net_value('"currency": "EUR", "largest": NaN, "steps": []'), "below zero or endless|finite"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_in_a_sentence(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "counts.json"
    file.write_text(content)
    with pytest.raises(DataError, match=words):
        read_judge_input(file)
