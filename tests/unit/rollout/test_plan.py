"""What a plan may hold, and the message about a plan that cannot be used."""

from pathlib import Path

import pytest

from churn.errors import SettingsError
from churn.judging.checks import GUARDRAILS
from churn.rollout.plan import Plan, read_plan

STEP = "[[step]]\nweight_percent = {}\nhold_hours = 1\nminimum_requests = 1\nmaximum_hold_hours = 2\n"
OF_STEP = 'tolerances = {{"error share" = {}}}\n'


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_plan(path)
    return caught.value.message


def test_the_default_plan_is_the_one_of_the_runbook() -> None:
    plan = read_plan()
    assert [(step.weight_percent, step.hold_hours) for step in plan.steps] == [(10, 48), (50, 24), (100, 24)]
    assert plan.window == "release"
    assert plan.without_evidence == "roll back"
    assert plan.time_scale == 1


def test_a_plan_survives_being_stored() -> None:
    plan = read_plan()
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_plan_without_the_models_checks_has_all_others_and_is_stored_as_such() -> None:
    plan = read_plan().model_copy(update={"model_checks": False})
    assert [check.name for check in plan.checks if check.measure.is_paired] == []
    assert len(plan.checks) == len(read_plan().checks) - 4 - len(GUARDRAILS)
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_plan_without_guardrails_has_all_other_checks_and_is_stored_as_such() -> None:
    plan = read_plan().model_copy(update={"guardrails": False})
    assert [check for check in read_plan().checks if not check.measure.is_guardrail] == list(plan.checks)
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_plan_gives_guardrails_other_tolerances_like_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(STEP.format(100) + '[tolerances]\n"net value" = 0.25\n')
    assert {check.name: check.tolerance for check in read_plan(path).checks}["net value"] == 0.25


@pytest.mark.parametrize("name", [check.name for check in GUARDRAILS])
def test_a_guardrail_that_tolerates_nothing_is_refused(tmp_path: Path, name: str) -> None:
    words = refused(tmp_path, f'{STEP.format(100)}[tolerances]\n"{name}" = 0.0\n')
    assert f"{name} is a guardrail, and should be above 0" in words


def test_an_earlier_program_reads_the_plan_of_a_rollout_that_judges_all() -> None:
    assert not {"model_checks", "guardrails"} & read_plan().model_dump(mode="json", by_alias=True).keys()


def test_time_that_is_compressed_is_compressed_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("time_scale = 3600\n" + STEP.format(100))
    plan = read_plan(path)
    assert (plan.hold_s(0), plan.maximum_hold_s(0)) == (1, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tick = 1\n" + STEP.format(100), "tick: is not known, here may stand step, tick_seconds"),
        (STEP.format(100) + "requests = 5", "step 1: requests: is not known, here may stand weight_percent"),
        (STEP.format(10), "weight_percent of the last step should be 100, not 10"),
        (STEP.format(100) + STEP.format(10), "weight_percent should rise from step to step, not be 100, 10"),
        (STEP.format(10) + STEP.format(10) + STEP.format(100), "should rise"),
        (STEP.format(0) + STEP.format(100), "step 1: weight_percent: should be greater than or equal to 1"),
        (STEP.format(101), "step 1: weight_percent: should be less than or equal to 100"),
        (STEP.format('"10"'), "step 1: weight_percent: should be a valid integer"),
        ("[[step]]\nweight_percent = 100", "step 1: hold_hours: is missing, add the least time"),
        (
            STEP.format(100).replace("hours = 2", "hours = 1"),
            "step 1: maximum_hold_hours should be more than hold_hours",
        ),
        ("tolerances = {speed = 0.1}\n" + STEP.format(100), "there is no check speed, only error share"),
        ('tolerances = {"error share" = 1}\n' + STEP.format(100), "error share should be from 0 to less than 1"),
        (
            STEP.format(10) + 'tolerances = {"error share" = 0.01}\n' + STEP.format(100),
            "step 1: tolerances: the last step",
        ),
        (
            STEP.format(100) + 'tolerances = {"error share" = 0.0001}',
            "error share should be from 0.001, the plan's, to",
        ),
        (
            STEP.format(100) + "tolerances = {banners = 0.1}",
            "tolerances: banners has none, only error share, over 200 ms",
        ),
        ("", "step: is missing, add the steps"),
        ("step = []", "step: "),
        ("step = [", "is no TOML"),
        ('window = "friday"\n' + STEP.format(100), "window: should be 'release' or 'always'"),
    ],
)
def test_what_is_wrong_is_named_with_what_it_should_be(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refused(tmp_path, text)


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_plan(tmp_path / "none.toml")


def test_a_plan_may_tolerate_more_or_less_than_the_checks_themselves(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('tolerances = {"error share" = 0.02}\n' + STEP.format(100))
    tolerances = {check.name: check.tolerance for check in read_plan(path).checks}
    usual = {check.name: check.tolerance for check in read_plan().checks}
    assert tolerances == usual | {"error share": 0.02}


def test_an_early_step_and_the_last_by_itself_may_have_a_tolerance_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    early = STEP.format(5) + '[step.tolerances]\n"latency" = 0.2\n'
    path.write_text(early + "".join(map(STEP.format, (10, 50, 100))))
    plan = read_plan(path)
    of_error_share = [plan.find_checks(step)[0].early for step in range(4)]
    assert of_error_share == [0.005] * 4
    assert [plan.find_checks(step)[2].early for step in range(4)] == [0.2, 0.1, 0.1, 0.1]
    assert [plan.count_left(step) for step in range(4)] == [3, 2, 1, 0]
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_an_earlier_program_reads_the_plan_of_a_rollout_whose_steps_have_no_tolerances() -> None:
    assert all("tolerances" not in step for step in read_plan().model_dump(mode="json", by_alias=True)["step"])
