"""The judge of a canary: counts in, verdict out. `docs/judge.md` tells how to read one.

Pure: no clock, no network, no memory. Each look is judged by the counts of both tracks in each step, and stays right at
every look (`sequences.py`). The chances of an error are divided among the checks:

- A false rollback has a chance of at most `false_rollback`, over all checks, steps and looks. Each check gets its
  share, and divides it by the number of differences it compares (Bonferroni), since it takes the largest of them. The
  guardrails have a chance of their own besides.
- A false promotion has a chance of at most `false_promotion`, over all looks. Every check must pass, and it is unlikely
  enough that the one that is truly outside does. Nothing is divided, unless a check picks its difference.

What was learned counts on from step to step (`step_sequences.py`). Each step after the first is also judged by itself,
for what shows only there, such as under load. All steps together, and each later one, have the part of the chance of a
false rollback that is due to one step. So none sends a bad canary back later than if all steps were judged anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from churn.errors import SettingsError
from churn.judging.checks import LATENCY, Check
from churn.judging.counts import Counts, StepAnswers, count_each_request_once
from churn.judging.findings import Finding, Levels, VerdictDecision, build_unknown_finding
from churn.judging.guardrails import FALSE_ROLLBACK_BY_GUARDRAILS, Guardrails, find_guardrail
from churn.judging.machine import hold_slow_machines
from churn.judging.pair_findings import find_in_pairs
from churn.judging.pairs import PairCounts
from churn.judging.samples import find_in_samples, find_in_split
from churn.judging.shifts import PART, find_shift

FALSE_ROLLBACK: Final = 0.01
FALSE_PROMOTION: Final = 0.05
STALE_AFTER_S: Final = 60.0
ALL: Final = 100
NO_EVIDENCE: Final = "nobody knows what both versions said of the same subscribers"


@dataclass(frozen=True, slots=True)
class JudgeInput:
    """What is known at one look.

    Args:
        stable, canary: the answers since one moment, the same for both. The weight must not have changed since then.
            At a weight of 100 stable answers nothing, so its answers are those of the step before. The baseline's
            answers are stable's, too.
        weight: percent of the requests that the canary should get.
        earlier: what stable answered before that moment, as far as known. It is a guess, which may be wrong, but must
            not contain what `stable` counts.
        age_s: of the newest counts.
        canary_up: false if the canary is known to be dead.
        gap: whether counts are missing since the last look. Pairs are read from a log, and have none.
        pairs: what both versions said of the same subscribers in the whole rollout; None if that is not known.
        no_pairs: why it is not known, and what to switch on; empty if nobody says.
        guardrails: what the business got in the whole rollout; None if nobody looks. Then no guardrail is judged.
        steps: what both tracks answered in each step before, oldest first.
        steps_left: how many steps are to come after this one.
        baseline: what the old version answered on a machine like the canary's, with which latency is compared; None
            if there is no such machine.
    """

    stable: Counts
    canary: Counts
    weight: float
    earlier: Counts = field(default_factory=Counts)
    age_s: float = 0.0
    canary_up: bool = True
    gap: bool = False
    pairs: PairCounts | None = None
    no_pairs: str = ""
    guardrails: Guardrails | None = None
    steps: tuple[StepAnswers, ...] = ()
    steps_left: int = 0
    baseline: Counts | None = None

    @property
    def now(self) -> StepAnswers:
        """What both tracks answered in this step."""
        return StepAnswers(self.stable, self.canary, self.earlier, self.baseline)

    @property
    def compared(self) -> tuple[StepAnswers, ...]:
        """The steps in which both tracks answered at the same time; this one if there is none."""
        return self.steps if self.steps and self.weight >= ALL else (*self.steps, self.now)

    @property
    def is_last(self) -> bool:
        """Whether this is the last of several steps."""
        return bool(self.steps) and not self.steps_left


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, why, and what each check found; no findings where nothing could be compared."""

    decision: VerdictDecision
    reason: str
    findings: tuple[Finding, ...] = ()


def judge(
    checks: Sequence[Check],
    judge_input: JudgeInput,
    *,
    false_rollback: float = FALSE_ROLLBACK,
    false_promotion: float = FALSE_PROMOTION,
    stale_after_s: float = STALE_AFTER_S,
) -> Verdict:
    """Judge a canary. The two chances are those of an error at any look, at most.

    The verdict is `promote` when all that must pass is surely within its tolerance. It is `roll back` when a critical
    check is surely outside, and `hold` otherwise. It is `hold` too when the counts are older than `stale_after_s`.

    Raises:
        SettingsError: a chance, the weight or the checks make no sense.
    """
    if judge_input.guardrails is None:
        checks = [check for check in checks if not check.measure.is_guardrail]
    _require_sense(checks, judge_input, false_rollback, false_promotion)
    if not judge_input.canary_up:
        return Verdict("roll back", "the canary is down")
    if why := _describe_unusable(judge_input, stale_after_s):
        return Verdict("hold", why)
    levels = allot_levels(checks, false_rollback, false_promotion)
    return _combine({check.name: check for check in checks}, evaluate_checks(levels, judge_input))


def evaluate_checks(checks: Sequence[tuple[Check, Levels]], judge_input: JudgeInput) -> tuple[Finding, ...]:
    """Evaluate each check: in pairs, in two samples, by the split of the requests, or by what the business gets.

    What is counted over the whole rollout has its chance whole.
    """
    planned = len(judge_input.steps) + 1 + judge_input.steps_left
    of_a_step = [(check, level._replace(outside=level.outside / planned)) for check, level in checks]
    now = _count_once(judge_input.now).drop_repeats()
    found_in_samples = iter(
        _evaluate_in_samples([item for item in of_a_step if item[0].measure.is_in_samples], judge_input)
    )

    def evaluate(check: Check, level: Levels) -> Finding:
        if check.measure.is_split:  # of the weight in this step
            share = judge_input.weight / ALL
            return find_in_split(check, now.stable, now.canary, share, dict(of_a_step)[check])
        if check.measure.is_guardrail:
            return find_guardrail(check, level, judge_input.guardrails or Guardrails())
        if not check.measure.is_paired:
            return next(found_in_samples)
        if judge_input.pairs is None:
            return build_unknown_finding(check, "hold", judge_input.no_pairs or NO_EVIDENCE, of="subscribers")
        return find_in_pairs(check, level, judge_input.pairs)

    return tuple(_let_pass(check, evaluate(check, level)) for check, level in checks)


def _let_pass(check: Check, finding: Finding) -> Finding:
    """Wait for no check that need not pass, where something is known of it and it is not surely outside."""
    if check.must_pass or finding.decision != "hold" or finding.low is None or finding.is_outside:
        return finding
    return replace(finding, decision="promote", reason=f"{finding.reason}; nobody waits for that")


def _evaluate_in_samples(checks: Sequence[tuple[Check, Levels]], judge_input: JudgeInput) -> Sequence[Finding]:
    """Evaluate all steps together, and each later one also by itself."""
    # All that is compared is known before the last step, where stable may answer nothing any more.
    of_all = _evaluate_steps(checks, judge_input.compared, is_early=judge_input.steps_left > 1)
    if not judge_input.steps:
        return of_all
    of_this = (
        replace(finding, reason=f"{finding.reason}, in this step by itself")
        for finding in _evaluate_steps(checks, [judge_input.now], is_early=True)
    )
    return [
        # Of two findings the one that passes less counts. Only the last step must pass by itself.
        max(both, key=_rank) if judge_input.is_last or both[1].is_outside else both[0]
        for both in zip(of_all, of_this, strict=True)
    ]


def _evaluate_steps(
    checks: Sequence[tuple[Check, Levels]], steps: Sequence[StepAnswers], *, is_early: bool
) -> Sequence[Finding]:
    """Evaluate some steps. Latency is compared with the baseline, where each step has one."""
    groups = [(checks, steps, "stable")]
    if has_baseline := all(step.baseline is not None for step in steps):
        others = [item for item in checks if not item[0].measure.is_latency]
        of_latency = [
            (check, level._replace(outside=level.outside * (1 - PART)) if check.measure == LATENCY else level)
            for check, level in checks
            if check.measure.is_latency
        ]
        groups = [(others, steps, "stable"), (of_latency, [step.compare_machines() for step in steps], "the baseline")]
    found = {
        finding.check: finding
        for chosen, compared, whose in groups
        for finding in find_in_samples(chosen, list(map(_count_once, compared)), is_early=is_early, whose=whose)
    }
    findings = [found[check.name] for check, _ in checks]
    if has_baseline:
        machines = [_count_once(step.compare_machines()) for step in steps]
        return [
            find_shift(check, level, finding, machines) if check.measure == LATENCY else finding
            for (check, level), finding in zip(checks, findings, strict=True)
        ]
    canary = sum((_count_once(step).canary for step in steps), Counts())
    return hold_slow_machines(checks, findings, canary)


def _count_once(step: StepAnswers) -> StepAnswers:
    stable, canary = count_each_request_once(step.stable, step.canary)
    return replace(step, stable=stable, canary=canary)


def _rank(finding: Finding) -> tuple[bool, bool, bool]:
    """Rank the finding that passes less higher."""
    return finding.decision == "roll back", finding.is_outside, not finding.is_within


def allot_levels(
    checks: Sequence[Check], false_rollback: float = FALSE_ROLLBACK, false_promotion: float = FALSE_PROMOTION
) -> list[tuple[Check, Levels]]:
    """Give each check its part of the chances of an error.

    A check without a share only holds, so its chance of a false alarm is no part of the chance of a false rollback.
    Guardrails divide a chance of their own.
    """

    def allot(check: Check) -> Levels:
        is_guardrail = check.measure.is_guardrail
        chance = FALSE_ROLLBACK_BY_GUARDRAILS if is_guardrail else false_rollback
        shares = sum(other.share for other in checks if other.measure.is_guardrail == is_guardrail)
        return Levels(chance * check.share / shares if check.share else chance, false_promotion)

    return [(check, allot(check)) for check in checks]


def _require_sense(checks: Sequence[Check], judge_input: JudgeInput, *chances: float) -> None:
    if len({check.name for check in checks}) < len(checks):
        raise SettingsError("two checks have the same name", instead="give each check a name of its own")
    if all(check.measure.is_split or check.measure.is_guardrail for check in checks):
        raise SettingsError("there is no check of what the canary answers", instead="give one, such as of its errors")
    if not all(0 < chance < 1 for chance in chances):
        raise SettingsError("a chance of an error is not between 0 and 1", instead="give one such as 0.01")
    if judge_input.steps_left < 0:
        raise SettingsError(
            f"{judge_input.steps_left} steps cannot be left", instead="give how many come after this one, 0 or more"
        )
    weight = judge_input.weight
    if not 0 <= weight <= ALL:
        raise SettingsError(f"{weight:g} is no weight", instead="give the canary's percent of requests, 0 to 100")


def _describe_unusable(judge_input: JudgeInput, stale_after_s: float) -> str:
    """Say why these counts tell nothing, if so."""
    if not judge_input.age_s <= stale_after_s:
        return f"the newest counts are {judge_input.age_s:.0f} s old; more than {stale_after_s:.0f} s is stale"
    if judge_input.gap:
        return "counts are missing since the last look"
    for step in (*judge_input.steps, judge_input.now):
        for track, counts in step.tracks().items():
            if any(number < 0 for number in counts.numbers()):
                return f"counts of the {track} fell: a counter began anew"
    for track, counts in (("stable", judge_input.stable), ("canary", judge_input.canary)):
        if counts.requests + counts.refused == 0:
            return f"the {track} has not answered a request yet"
    return ""


def _combine(checks: dict[str, Check], findings: tuple[Finding, ...]) -> Verdict:
    """Derive one verdict from all findings."""
    outside = [finding for finding in findings if finding.is_outside]
    mismatch = next((finding for finding in outside if checks[finding.check].measure.is_split), None)
    # Pairs are of the same people, and health hardly depends on who asks.
    believed = [
        finding
        for finding in outside
        if mismatch is None or checks[finding.check].measure.is_health or finding.of == "subscribers"
    ]
    if critical := [finding.reason for finding in believed if finding.decision == "roll back"]:
        return Verdict("roll back", "; ".join(critical), findings)
    if mismatch:
        return Verdict("hold", f"the comparison cannot be trusted: {mismatch.reason}", findings)
    if outside:
        seen = "" if outside[0].critical else "not critical, but "
        return Verdict("hold", f"{seen}for a person to see: {outside[0].reason}", findings)
    if waiting := [finding for finding in findings if finding.decision == "hold"]:
        longest = max(waiting, key=lambda finding: finding.width)
        names = ", ".join(finding.check for finding in waiting)
        return Verdict("hold", f"not yet sure of {names}. Furthest from it: {longest.reason}", findings)
    if unsure := [finding.check for finding in findings if finding.is_unsure and not checks[finding.check].must_pass]:
        sure = f"{len(findings) - len(unsure)} checks are surely within their tolerances"
        return Verdict("promote", f"{sure}; nobody is sure of {', '.join(unsure)}, and nobody waits for that", findings)
    return Verdict("promote", f"all {len(findings)} checks are surely within their tolerances", findings)
