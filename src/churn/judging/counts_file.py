"""The input of the judge, read from a JSON file of counts."""

import json
import math
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from churn.errors import DataError
from churn.judging.banner_outcomes import BannerOutcomes, StepOutcomes
from churn.judging.checks import MEASURES
from churn.judging.counts import Counts, StepAnswers
from churn.judging.guardrails import Guardrails
from churn.judging.judge import JudgeInput
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS
from churn.judging.net_value import STEPS, NetValues
from churn.judging.pairs import PairCounts

NO_PAIRS = "the file has no `pairs`, so nobody knows what both versions said of the same subscribers"


def read_judge_input(path: Path) -> JudgeInput:
    """Read the counts of a file. Missing fields have their defaults; unknown fields are refused.

    Raises:
        DataError: the file holds something else.
    """
    instead = 'give {"stable": {"requests": 900, ...}, "canary": {...}, "weight": 10}; docs/judge.md has an example'
    try:
        content = json.loads(path.read_bytes())
        _require_known_names(content)
        judge_input = TypeAdapter(JudgeInput).validate_python(content)
    except ValidationError as error:
        words = "; ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors())
        raise DataError(f"{path} holds no counts: {words}", instead=instead) from error
    except ValueError as error:
        raise DataError(f"{path} holds no counts: {error}", instead=instead) from error
    _require_whole(judge_input, path)
    if judge_input.pairs is None:
        return replace(judge_input, no_pairs=judge_input.no_pairs or NO_PAIRS)
    _require_pairs(judge_input.pairs, path)
    return judge_input


def _require_whole(judge_input: JudgeInput, path: Path) -> None:
    steps = (*judge_input.steps, judge_input.now)
    for counts in (counts for step in steps for counts in step.tracks().values()):
        latencies = (counts.latency, counts.retried_latency, counts.repeated_latency)
        if {*map(len, latencies)} != {len(LATENCY_BOUNDS_S) + 1} or len(counts.probability) != PROBABILITY_BINS:
            raise DataError(
                f"{path}: latency needs {len(LATENCY_BOUNDS_S) + 1} numbers, probability {PROBABILITY_BINS}",
                instead="give one for each bucket, not summed up",
            )
    if any(number < 0 for step in steps for number in step.earlier.numbers()):
        raise DataError(
            f"{path}: earlier has a number below zero", instead="give what stable answered before, or leave it out"
        )
    if judge_input.guardrails:
        _require_guardrails(judge_input.guardrails, path)


def _require_pairs(pairs: PairCounts, path: Path) -> None:
    known = [name for name, measure in MEASURES.items() if measure.is_paired]
    if unknown := pairs.parts.keys() - set(known):
        raise DataError(
            f"{path}: pairs: there is no measure {', '.join(sorted(unknown))}", instead=f"use {', '.join(known)}"
        )
    for measure, parts in pairs.parts.items():
        for part, (canary, stable) in parts.items():
            if min(canary, stable) < 0 or canary + stable > pairs.subscribers:
                raise DataError(
                    f"{path}: pairs: {measure}: {part}: {canary} and {stable} of {pairs.subscribers} subscribers",
                    instead="give how many are in the part by the canary only, and by stable only",
                )


def _require_guardrails(guardrails: Guardrails, path: Path) -> None:
    for step in guardrails.banners or ():
        _require_outcomes(step, path)
    if guardrails.net_value:
        _require_net_values(guardrails.net_value, path)


def _require_outcomes(step: StepOutcomes, path: Path) -> None:
    for track in (step.stable, step.canary):
        for name, number in asdict(track).items():
            if not 0 <= number <= track.shown:
                raise DataError(
                    f"{path}: guardrails: banners: {number} {name} of {track.shown} shown",
                    instead="give numbers of subscribers, each among those who were shown a banner",
                )


def _require_net_values(values: NetValues, path: Path) -> None:
    if not (math.isfinite(values.largest) and values.largest >= 0 and values.unread >= 0):
        raise DataError(
            f"{path}: guardrails: net_value: a number is below zero or endless", instead="give numbers from 0 on"
        )
    for canary, stable, subscribers in values.steps:
        if not (0 <= canary <= STEPS and 0 <= stable <= STEPS and subscribers >= 0):
            raise DataError(
                f"{path}: guardrails: net_value: steps: {canary}, {stable}, {subscribers}",
                instead=f"give the canary's and stable's value in steps from 0 to {STEPS}, and how many subscribers",
            )


def _require_known_guardrails(content: Any) -> None:
    if content is None:
        return
    _require_known(content, Guardrails, "guardrails: ")
    for step in content.get("banners") or ():
        _require_known(step, StepOutcomes, "guardrails: banners: ")
        for track in ("stable", "canary"):
            _require_known(step.get(track), BannerOutcomes, f"guardrails: banners: {track}: ")
    if content.get("net_value") is not None:
        _require_known(content["net_value"], NetValues, "guardrails: net_value: ")


def _require_known_names(content: Any) -> None:
    _require_known(content, JudgeInput, "")
    given = [name for name in ("earlier", "baseline") if content.get(name) is not None]
    for track in ("stable", "canary", *given):
        _require_known(content.get(track), Counts, f"{track}: ")
    if not isinstance(content.get("steps", []), list):
        raise ValueError("steps: no list")  # noqa: TRY004 - a value of the file, reported like the others
    for number, step in enumerate(content.get("steps", []), 1):
        _require_known(step, StepAnswers, f"steps: {number}: ")
        for track in (name for name in step if step[name] is not None):
            _require_known(step[track], Counts, f"steps: {number}: {track}: ")
    if content.get("pairs") is not None:
        _require_known(content["pairs"], PairCounts, "pairs: ")
    _require_known_guardrails(content.get("guardrails"))


def _require_known(content: Any, kind: type[Any], where: str) -> None:
    if not isinstance(content, dict):
        raise ValueError(f"{where}no object")  # noqa: TRY004 - a value of the file, reported like the others
    if unknown := content.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"{where}there is no {', '.join(sorted(unknown))}")
