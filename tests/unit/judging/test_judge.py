"""Verdicts: when a canary is promoted, held or rolled back, and what is said of it."""

import json
import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.errors import SettingsError
from churn.judging.banner_outcomes import BannerOutcomes, StepOutcomes
from churn.judging.checks import DEFAULT_CHECKS, ERRORS, GUARDRAILS, SLOW, Check
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Finding, Levels
from churn.judging.guardrails import Guardrails
from churn.judging.judge import JudgeInput, Verdict, allot_levels, judge
from churn.judging.machine import NO_BASELINE, is_p99_over_objective
from churn.judging.net_value import NetValues
from churn.judging.pairs import BANNER_PART, SCORE_PARTS, PairCounts

# Of a thousand requests.
LATENCY = (0, 100, 400, 300, 100, 50, 20, 10, 8, 4, 3, 2, 1, 1, 0, 1, 0, 0, 0, 0, 0)
SCORES = (200, 150, 100, 80, 70, 60, 50, 40, 40, 30, 30, 30, 30, 20, 20, 15, 15, 10, 5, 5)
TIERS = {"low": 600, "medium": 300, "high": 100}
FEATURES = {"one": 900, "two": 800, "three": 700, "four": 400, "five": 200}


def answered(thousands: int, **changed: Any) -> Counts:
    """So many thousand requests, all answered well; what is changed is given for one thousand."""
    counted = Counts(requests=1000, latency=LATENCY, predictions=1000, probability=SCORES, banners=100)
    of_thousand = replace(counted, tiers=TIERS, top_features=FEATURES, top_sets={"one|two|three": 1000})
    total = Counts()
    for _ in range(thousands):
        total += replace(of_thousand, **changed)
    return total


# The parts of each measure that is judged in pairs.
PARTS = {"scores": SCORE_PARTS, "banners": (BANNER_PART,), "tiers": tuple(TIERS), "reasons": tuple(FEATURES)}
SAME = PairCounts(2000, {measure: dict.fromkeys(parts, (0, 0)) for measure, parts in PARTS.items()})


def pairs_with(measure: str, part: str, canary: int, stable: int, subscribers: int = 2000) -> PairCounts:
    """Subscribers of whom both versions say the same, but for one part."""
    return PairCounts(subscribers, {**SAME.parts, measure: {**SAME.parts[measure], part: (canary, stable)}})


def input_of(stable: Counts, canary: Counts, **more: Any) -> JudgeInput:
    return JudgeInput(stable, canary, more.pop("weight", 10), **{"pairs": SAME, **more})


def finding_of(verdict: Verdict, name: str) -> Finding:
    return next(finding for finding in verdict.findings if finding.check == name)


def test_a_canary_like_stable_is_promoted_once_there_is_enough_of_it() -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20)))
    assert (verdict.decision, verdict.reason) == ("promote", "all 10 checks are surely within their tolerances")
    assert {finding.decision for finding in verdict.findings} == {"promote"}


def test_few_requests_are_no_reason_to_promote_and_it_is_said_how_many_more_it_takes() -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(9), answered(1)))
    assert verdict.decision == "hold"
    assert verdict.reason.startswith("not yet sure of error share, over 200 ms, ")
    assert ". Furthest from it: error share: errors 0.00 % of the canary's 1,000" in verdict.reason
    assert "more requests in all" in verdict.reason


BAD: dict[str, dict[str, Any]] = {
    "error share": {"errors": 30},
    "over 200 ms": {"latency": (0, 100, 400, 300, 100, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0)},
    "latency": {"latency": (0, 0, 100, 400, 300, 100, 50, 20, 10, 8, 4, 3, 2, 1, 1, 1, 0, 0, 0, 0, 0)},
    "latency p99": {"latency": (0, 100, 400, 270, 100, 50, 20, 10, 8, 4, 3, 32, 1, 1, 0, 1, 0, 0, 0, 0, 0)},
}
BAD_PAIRS = {
    "scores": pairs_with("scores", "up to 0.3", 300, 20),
    "banners": pairs_with("banners", BANNER_PART, 260, 10),
    "tiers": pairs_with("tiers", "medium", 280, 20),
    "top-3 reasons": pairs_with("reasons", "three", 1, 400),
}


@pytest.mark.parametrize("check", ["error share", "over 200 ms"])
def test_each_critical_check_rolls_back_what_only_its_kind_sees(check: str) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20, **BAD[check])))
    assert verdict.decision == "roll back"
    assert verdict.reason.startswith(f"{check}: ") or f"; {check}: " in verdict.reason
    assert finding_of(verdict, check).decision == "roll back"
    others = {finding.check for finding in verdict.findings if finding.decision == "roll back"} - {check}
    assert others <= ({"latency", "over 200 ms", "latency p99"} if "latency" in BAD[check] else set())


@pytest.mark.parametrize("check", ["latency", "latency p99"])
def test_a_canary_that_is_slower_within_the_objective_is_held_without_a_baseline(check: str) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20, **BAD[check])))
    assert verdict.decision == "hold"
    assert verdict.reason.startswith(f"for a person to see: {check}: ")
    assert verdict.reason.endswith(NO_BASELINE)
    assert finding_of(verdict, check).is_outside


@pytest.mark.parametrize("check", ["over 200 ms", "latency", "latency p99"])
def test_latency_is_compared_with_the_baseline_where_there_is_one(check: str) -> None:
    slow, stable = answered(20, **BAD[check]), answered(180)
    of_version = judge(DEFAULT_CHECKS, input_of(stable, slow, baseline=answered(20)))
    of_machine = judge(DEFAULT_CHECKS, input_of(stable, slow, baseline=slow))
    assert of_version.decision == "roll back"
    assert finding_of(of_version, check).decision == "roll back"
    assert " of the baseline's 20,000, " in finding_of(of_version, check).reason
    assert finding_of(of_machine, check).decision != "roll back"
    assert finding_of(of_machine, "error share").requests_stable == 180_000


def test_latency_knows_nothing_before_the_baseline_has_answered_and_errors_are_judged_meanwhile() -> None:
    failing = input_of(answered(180), answered(20, errors=30), baseline=Counts())
    verdict = judge(DEFAULT_CHECKS, failing)
    assert verdict.decision == "roll back"
    assert finding_of(verdict, "latency").reason == "latency: nothing was counted of it yet"


@pytest.mark.parametrize("check", ["latency", "latency p99"])
def test_a_canary_that_is_slower_and_breaks_the_objective_is_sent_back(check: str) -> None:
    checks = [replace(check, tolerance=0.9) if check.measure == SLOW else check for check in DEFAULT_CHECKS]
    slow = (0, 0, 100, 400, 300, 100, 20, 10, 10, 10, 10, 10, 5, 4, 1, 20, 0, 0, 0, 0, 0)
    verdict = judge(checks, input_of(answered(180), answered(20, latency=slow)))
    assert verdict.decision == "roll back"
    assert finding_of(verdict, check).decision == "roll back"
    assert finding_of(verdict, "over 200 ms").decision == "promote"


def test_one_slow_answer_in_fifty_breaks_the_objective_and_one_in_two_hundred_does_not() -> None:
    level = Levels(0.001, 0.05)
    slow = {
        often: answered(20, latency=(*LATENCY[:2], 400 - often, *LATENCY[3:15], often, *[0] * 5)) for often in (5, 20)
    }
    assert [bool(is_p99_over_objective(slow[often], level)) for often in (5, 20)] == [False, True]


@pytest.mark.parametrize("check", BAD)
def test_a_canary_that_is_better_than_stable_is_not_rolled_back_for_it(check: str) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180, **BAD[check]), answered(20)))
    assert verdict.decision == "promote"


@pytest.mark.parametrize("check", BAD_PAIRS)
def test_what_is_said_of_the_same_subscribers_is_judged_by_each_check_alone(check: str) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20), pairs=BAD_PAIRS[check]))
    assert verdict.decision == "roll back"
    assert verdict.reason.startswith(f"{check}: ")
    assert {finding.check for finding in verdict.findings if finding.decision != "promote"} == {check}


@pytest.mark.parametrize("check", BAD_PAIRS)
def test_where_both_directions_are_bad_less_is_as_bad_as_more(check: str) -> None:
    turned = {
        measure: {part: (stable, canary) for part, (canary, stable) in parts.items()}
        for measure, parts in BAD_PAIRS[check].parts.items()
    }
    findings = [
        finding_of(judge(DEFAULT_CHECKS, input_of(answered(180), answered(20), pairs=pairs)), check)
        for pairs in (BAD_PAIRS[check], PairCounts(2000, turned))
    ]
    assert findings[0].decision == findings[1].decision == "roll back"
    assert findings[0].low == pytest.approx(findings[1].low)


def test_a_finding_in_pairs_counts_subscribers_and_says_so() -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20), pairs=pairs_with("tiers", "low", 90, 10)))
    finding = finding_of(verdict, "tiers")
    assert (finding.of, finding.requests_stable, finding.requests_canary) == ("subscribers", 2000, 2000)
    assert finding.effect == pytest.approx(0.04)
    assert finding.reason.startswith(
        "tiers: low for 90 of 2,000 subscribers by the canary only, for 10 by stable only, a difference of between "
    )
    assert finding.reason.endswith(" more subscribers in all")


def test_the_same_version_is_surely_within_after_eighty_subscribers() -> None:
    held, passed = (
        judge(DEFAULT_CHECKS, input_of(answered(180), answered(20), pairs=PairCounts(subscribers, SAME.parts)))
        for subscribers in (70, 80)
    )
    assert "about 13 more subscribers in all" in finding_of(held, "scores").reason
    assert {finding_of(passed, check).decision for check in BAD_PAIRS} == {"promote"}


@pytest.mark.parametrize("check", BAD_PAIRS)
@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (PairCounts(), "nobody was answered by both versions yet"),
        (PairCounts(2000), "nothing was counted of it"),
        (None, "the prediction log is off: set PREDICTION_LOG"),
    ],
)
def test_without_pairs_nothing_is_promoted_and_nothing_is_sent_back(
    check: str, pairs: PairCounts | None, why: str
) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20), pairs=pairs, no_pairs="" if pairs else why))
    finding = finding_of(verdict, check)
    assert (verdict.decision, finding.decision, finding.effect) == ("hold", "hold", None)
    assert finding.reason == f"{check}: {why}"


def test_requests_are_never_judged_in_place_of_pairs_also_where_nobody_says_why_there_are_none() -> None:
    shifted = answered(20, probability=SCORES[::-1], banners=250, tiers={"low": 0, "medium": 0, "high": 1000})
    for canary in (answered(20), shifted):
        verdict = judge(DEFAULT_CHECKS, JudgeInput(answered(180), canary, 10))
        assert (verdict.decision, {finding_of(verdict, check).effect for check in BAD_PAIRS}) == ("hold", {None})
        assert finding_of(verdict, "scores").reason.endswith("what both versions said of the same subscribers")


def test_a_part_that_was_not_counted_is_not_passed() -> None:
    some = {**SAME.parts, "scores": dict.fromkeys(SCORE_PARTS[1:], (0, 0))}
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180), answered(20), pairs=PairCounts(2000, some)))
    assert finding_of(verdict, "scores").reason == "scores: nothing was counted of up to 0.05"
    assert verdict.decision == "hold"


def test_what_requests_say_of_scores_is_not_believed() -> None:
    """A few subscribers who ask often make shares of requests that no version is to blame for."""
    shifted = answered(20, probability=SCORES[::-1], banners=250, tiers={"low": 0, "medium": 0, "high": 1000})
    assert judge(DEFAULT_CHECKS, input_of(answered(180), shifted)).decision == "promote"


@pytest.mark.parametrize(("stable", "canary"), [(0, 20_000), (0, 600), (6_000, 0)], ids=["everybody", "some", "fewer"])
def test_it_holds_with_the_reason_if_one_track_refuses_more_requests(stable: int, canary: int) -> None:
    took = replace(answered(180), refused=stable)
    gave = Counts(refused=canary) if canary == 20_000 else replace(answered(20), refused=canary)
    verdict = judge(DEFAULT_CHECKS, input_of(took, gave))
    assert verdict.decision == "hold"
    assert verdict.reason.startswith("not critical, but for a person to see: refused requests: refused ")
    assert finding_of(verdict, "refused requests").is_outside


def test_as_many_refusals_on_both_tracks_are_the_callers_mistakes() -> None:
    verdict = judge(
        DEFAULT_CHECKS, input_of(replace(answered(180), refused=9_000), replace(answered(20), refused=1_000))
    )
    assert verdict.decision == "promote"


def test_a_check_that_only_holds_takes_nothing_from_the_chances_of_the_others() -> None:
    alone = allot_levels([check for check in DEFAULT_CHECKS if check.share])
    assert [level for level in allot_levels(DEFAULT_CHECKS) if level[0].share] == alone


def test_an_effect_above_zero_within_the_tolerance_is_no_reason_to_roll_back() -> None:
    wide = [Check("error share", ERRORS, 0.02, "up")]
    stable, canary = answered(900, errors=5), answered(100, errors=15)
    verdict = judge(wide, input_of(stable, canary))
    finding = finding_of(verdict, "error share")
    assert finding.low is not None
    assert finding.low > 0
    assert verdict.decision == "promote"


def test_an_effect_at_the_tolerance_is_neither_within_nor_outside() -> None:
    verdict = judge(
        [Check("error share", ERRORS, 0.01, "up")], input_of(answered(900, errors=5), answered(100, errors=15))
    )
    finding = finding_of(verdict, "error share")
    assert verdict.decision == "hold"
    assert finding.effect == pytest.approx(0.01)
    assert "cannot be told" in finding.reason or "more requests" in finding.reason


def test_a_dead_canary_is_rolled_back_however_good_or_old_its_counts_are() -> None:
    for counts in (Counts(), answered(20)):
        verdict = judge(DEFAULT_CHECKS, input_of(answered(180), counts, canary_up=False, age_s=3600, gap=True))
        assert verdict == Verdict("roll back", "the canary is down")


UNUSABLE: list[dict[str, Any]] = [{"age_s": 61}, {"age_s": math.nan}, {"gap": True}]


@pytest.mark.parametrize("state", UNUSABLE)
@pytest.mark.parametrize("canary", [answered(20), answered(20, errors=500)])
def test_stale_counts_and_gaps_neither_pass_nor_roll_back(state: dict[str, Any], canary: Counts) -> None:
    assert judge(DEFAULT_CHECKS, input_of(answered(180), canary, **state)).decision == "hold"


@pytest.mark.parametrize(
    ("stable", "canary"), [(Counts(), answered(20)), (answered(180), Counts()), (Counts(), Counts())]
)
def test_without_requests_of_both_it_holds(stable: Counts, canary: Counts) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(stable, canary))
    assert verdict.decision == "hold"
    assert "has not answered a request yet" in verdict.reason


def test_a_counter_that_began_anew_is_noticed() -> None:
    assert "began anew" in judge(DEFAULT_CHECKS, input_of(answered(180), answered(1) - answered(2))).reason


def test_what_is_not_counted_at_all_is_not_passed() -> None:
    silent: dict[str, Any] = {"latency": (0,) * len(LATENCY)}
    verdict = judge(DEFAULT_CHECKS, input_of(answered(180, **silent), answered(20, **silent)))
    assert verdict.decision == "hold"
    assert finding_of(verdict, "latency").effect is None


def test_a_canary_that_only_fails_is_rolled_back_though_it_predicts_nothing() -> None:
    fails = Counts(requests=2000, errors=2000, latency=tuple(2 * number for number in LATENCY))
    verdict = judge(DEFAULT_CHECKS, input_of(answered(18), fails))
    assert verdict.decision == "roll back"


def test_requests_split_otherwise_than_they_should_be_are_not_trusted() -> None:
    for refused in (0, 6_000):
        verdict = judge(DEFAULT_CHECKS, input_of(answered(80), replace(answered(20), refused=refused)))
        assert verdict.decision == "hold"
        assert "cannot be trusted: traffic split: the canary got 2" in verdict.reason


def test_what_is_said_of_the_same_subscribers_is_believed_however_requests_are_split() -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(80), answered(20), pairs=BAD_PAIRS["banners"]))
    assert verdict.decision == "roll back"


def test_a_failing_canary_is_rolled_back_even_if_the_split_is_wrong() -> None:
    """Failing may be why it gets fewer requests than it should."""
    verdict = judge(DEFAULT_CHECKS, input_of(answered(190), answered(5, errors=100)))
    assert verdict.decision == "roll back"


@pytest.mark.parametrize("weight", [0, 100])
def test_at_the_ends_there_is_no_split_to_check(weight: float) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(1), answered(1), weight=weight))
    assert finding_of(verdict, "traffic split").effect is None


def test_a_check_that_is_not_critical_holds_and_says_so() -> None:
    checks = [replace(check, critical=check.critical and check.name != "banners") for check in DEFAULT_CHECKS]
    verdict = judge(checks, input_of(answered(180), answered(20), pairs=BAD_PAIRS["banners"]))
    assert verdict.decision == "hold"
    assert verdict.reason.startswith("not critical, but for a person to see: banners: ")


@settings(max_examples=25)
@given(st.integers(1, 400), st.integers(0, 60), st.integers(1, 40), st.integers(0, 60))
def test_a_verdict_follows_from_its_findings(stable: int, stable_errors: int, canary: int, errors: int) -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(stable, errors=stable_errors), answered(canary, errors=errors)))
    for finding in verdict.findings:
        assert finding.low is not None
        assert finding.high is not None
        assert finding.effect is not None
        assert finding.low <= finding.effect <= finding.high
        assert (finding.decision == "promote") == (finding.high < finding.tolerance)
        assert finding.is_outside == (finding.low > finding.tolerance)
    assert (verdict.decision == "promote") == all(f.decision == "promote" for f in verdict.findings)


def test_a_verdict_is_plain_data() -> None:
    verdict = judge(DEFAULT_CHECKS, input_of(answered(9), answered(1)))
    assert json.loads(json.dumps(asdict(verdict), allow_nan=False))["decision"] == "hold"


def test_checks_and_chances_that_make_no_sense_are_refused() -> None:
    good = input_of(answered(9), answered(1))
    for checks in ((), DEFAULT_CHECKS[-1:], (*DEFAULT_CHECKS, DEFAULT_CHECKS[0])):
        with pytest.raises(SettingsError):
            judge(checks, good)
    with pytest.raises(SettingsError, match="no weight"):
        judge(DEFAULT_CHECKS, replace(good, weight=101))
    with pytest.raises(SettingsError, match="steps cannot be left"):
        judge(DEFAULT_CHECKS, replace(good, steps_left=-1))
    with pytest.raises(SettingsError, match="between 0 and 1"):
        judge(DEFAULT_CHECKS, good, false_rollback=0)
    for wrong in ({"tolerance": -0.1}, {"direction": "sideways"}, {"share": 0}):
        with pytest.raises(SettingsError):
            replace(DEFAULT_CHECKS[0], **wrong)


def test_evidence_of_earlier_steps_counts_on() -> None:
    first, now = answered(45, errors=0), answered(5, errors=0)
    step = StepAnswers(first, now)
    verdicts = [
        judge(DEFAULT_CHECKS, input_of(answered(5, errors=0), now, weight=50, steps=steps)) for steps in ((), (step,))
    ]
    shares = [finding_of(verdict, "error share") for verdict in verdicts]
    assert [finding.decision for finding in shares] == ["hold", "promote"]
    assert [finding.requests_canary for finding in shares] == [5000, 10_000]
    assert shares[1].reason.startswith(
        "error share: errors 0.00 % of the canary's 10,000, 0.00 % of stable's 50,000 in 2"
    )


def test_an_early_step_takes_less_to_leave_and_as_little_to_be_sent_back() -> None:
    good = input_of(answered(27), answered(3), steps_left=2)
    assert finding_of(judge(DEFAULT_CHECKS, replace(good, steps_left=1)), "error share").decision == "hold"
    finding = finding_of(judge(DEFAULT_CHECKS, good), "error share")
    assert (finding.decision, finding.tolerance, finding.enough) == ("promote", 0.001, 0.005)
    assert "tolerance 0.1, less than 0.5 is enough for this step" in finding.reason
    # Six in a thousand, which is surely more than one, and surely less than ten.
    checks = [
        replace(check, early_tolerance=0.01) if check.name == "error share" else check for check in DEFAULT_CHECKS
    ]
    worse = input_of(answered(90), answered(10, errors=6), steps_left=2)
    assert finding_of(judge(checks, worse), "error share").decision == "roll back"


def test_the_last_step_is_also_judged_by_itself() -> None:
    """Fifty thousand requests showed no difference. Under the whole load one in a hundred fails."""
    step = StepAnswers(answered(50), answered(50))
    bake = input_of(answered(50), answered(8), weight=100, steps=(step,))
    assert judge(DEFAULT_CHECKS, bake).decision == "promote"
    verdict = judge(DEFAULT_CHECKS, replace(bake, canary=answered(3, errors=10)))
    assert verdict.decision == "roll back"
    assert "0.00 % of stable's 50,000" in verdict.reason
    assert verdict.reason.endswith("in this step by itself")
    few = judge(DEFAULT_CHECKS, replace(bake, canary=replace(answered(1), requests=100)))
    assert (few.decision, finding_of(few, "error share").requests_canary) == ("hold", 100)


def test_what_a_share_was_in_an_earlier_step_is_no_difference_between_the_versions() -> None:
    """By night one in a thousand fails, by day one in a hundred; the canary's requests are mostly of the day."""
    night, day = StepAnswers(answered(45, errors=1), answered(5, errors=1)), answered(20, errors=10)
    finding = finding_of(judge(DEFAULT_CHECKS, input_of(day, day, weight=50, steps=(night,))), "error share")
    assert finding.decision == "hold"
    assert finding.effect == pytest.approx(0)


def test_a_canary_that_turns_bad_is_sent_back_as_soon_as_if_the_step_were_all() -> None:
    good, now = StepAnswers(answered(90), answered(10)), (answered(3), answered(3, errors=8))
    alone = judge(DEFAULT_CHECKS, input_of(*now, weight=50), false_rollback=0.01 / 3)
    after = judge(DEFAULT_CHECKS, input_of(*now, weight=50, steps=(good,), steps_left=1))
    assert alone.decision == after.decision == "roll back"
    assert finding_of(after, "error share").low == finding_of(alone, "error share").low
    assert after.reason == f"{alone.reason}, in this step by itself"


def test_pairs_count_over_the_whole_rollout_and_need_not_share_the_chance_among_steps() -> None:
    first = input_of(answered(9), answered(1), pairs=pairs_with("banners", BANNER_PART, 40, 0, 300))
    findings = [
        finding_of(judge(DEFAULT_CHECKS, replace(first, steps_left=left)), name)
        for name in ("banners", "error share")
        for left in (0, 2)
    ]
    assert findings[0] == findings[1]
    assert findings[2] != findings[3]


def test_nobody_waits_until_one_is_sure_of_what_became_of_banners_unless_a_plan_says_so() -> None:
    def judge_banners(of_canary: BannerOutcomes, checks: tuple[Check, ...] = GUARDRAILS) -> Verdict:
        net_value = NetValues("EUR", 250, ((9, 9, 2000),))
        seen = Guardrails(net_value, banners=(StepOutcomes(BannerOutcomes(900, 900, accepted=180), of_canary),))
        return judge((*DEFAULT_CHECKS, *checks), input_of(answered(180), answered(20), guardrails=seen))

    alike, none, unreported = (BannerOutcomes(100, *more) for more in ((100, 20), (100, 0), ()))
    verdict = judge_banners(alike)
    assert verdict.decision == "promote"
    assert "12 checks are surely within their tolerances; nobody is sure of accepted, objected" in verdict.reason
    assert finding_of(verdict, "accepted").reason.endswith("nobody waits for that")
    assert judge_banners(none).decision == "roll back"
    assert judge_banners(unreported).decision == "hold"
    strict = tuple(replace(check, must_pass=True) for check in GUARDRAILS)
    assert judge_banners(alike, strict).decision == "hold"
