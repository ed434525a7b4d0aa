"""The command `churn offers learn`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli import offers
from churn.cli.extras import require_extra
from churn.cli.options import JsonOption
from churn.cli.predictions import require_log
from churn.cli.show import out, print_json, print_table, show_progress
from churn.contract.catalogues import list_languages
from churn.errors import DataError, ExitCode, OfferPolicyError
from churn.files import write_bytes
from churn.retention.campaign.changes import list_changes
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.policy import Policy, build_policy, parse_policy
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.contract.declaration import Contract
    from churn.learning.lessons import Lessons
    from churn.outcomes.exposures import Exposures
    from churn.outcomes.strata import Stratum

# ruff: noqa: PLC0415 - what reads the log, and TOML with its comments, is an extra

MOST_MISSING = 0.01  # of the subscribers, whose outcome nobody said


def add_to(_: typer.Typer) -> None:
    """Add this command to `churn offers`."""
    example = "Example: churn offers learn --policy my-policy.toml --out my-next-policy.toml"
    offers.app.command("learn", epilog=example)(offers_learn)


def offers_learn(
    *,
    policy: Annotated[Path, typer.Option(help="The policy whose numbers to measure.", show_default=False)],
    to: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The new policy file; none may be there.", show_default=False)
    ],
    version: Annotated[
        str | None, typer.Option("--name", help="The new policy's version; the old one with the last day if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure from log and outcomes what a policy assumes, and write it into a new file for a person to read and sign.

    It puts nothing live. Exit code 0: the file is written; 9: too little is known yet, and none is written; 3: a
    damaged segment is left out.
    """
    require_extra("learning", "scipy", "tomlkit")
    from churn.prediction_log.reader import require_whole

    _require_new(to)
    settings = read_settings()
    old = offers.read_given_policy(policy, None)
    contract = find_contract(old.document.contract)
    damaged: list[DataError] = []
    lessons, why_not = _learn(old, contract, settings, damaged)
    new = None if why_not else _write(old, contract, lessons, version, to)
    if as_json:
        from churn.learning.telling import summarize_lessons

        held = {"held": why_not} if why_not else {"file": str(to), "version": new.version if new else None}
        print_json(held | summarize_lessons(lessons))
    else:
        _show(lessons)
        if new is None:
            out.print(f"[bold]nothing is written[/]: {why_not}")
        else:
            offers.show_changes(old, new, list_changes(old.document, new.document))
            _show_what_next(to)
    require_whole(damaged)
    raise typer.Exit(ExitCode.NOT_OVER if new is None else ExitCode.DONE)


def _require_new(path: Path) -> None:
    if path.exists():
        raise OfferPolicyError(
            f"{path} is there already, and a person may have read and signed it", instead="give --out another name"
        )


def _learn(
    policy: Policy, contract: type[Contract], settings: Settings, damaged: list[DataError]
) -> tuple[Lessons, str]:
    """Return what the log teaches, and why nothing may be written; empty if it may."""
    from churn.learning.lessons import draw_lessons
    from churn.outcomes.join import join_outcomes
    from churn.outcomes.ratio import check_ratio
    from churn.outcomes.reading_exposures import collect_exposures
    from churn.outcomes.ripeness import find_last_counted
    from churn.outcomes.store import load_outcomes, locate_outcomes

    places = require_log(settings, contract.contract_name)
    outcomes = load_outcomes(locate_outcomes(settings.churn_home, contract.contract_name))
    horizon = contract.horizon_days
    experiment = policy.holdout.experiment
    with show_progress("segments", calm=True) as move:
        until = find_last_counted(datetime.now(UTC), horizon)
        joined = join_outcomes(places, outcomes, until=until, horizon_days=horizon, damaged=damaged, progress=move)
        read = collect_exposures(places, joined, contract, experiment=experiment, progress=move)
    lessons = draw_lessons(read.known, policy, contract, horizon_days=horizon)
    ratio = check_ratio(_list_strata(read.everybody))
    if ratio.is_wrong:
        return lessons, ratio.describe()
    missing = int((~read.is_known).sum())
    if missing > MOST_MISSING * (missing + len(read.known)):
        return lessons, (
            f"the outcome of {missing:,} subscribers is missing, though it is known of {len(read.known):,} others who "
            "came then; import what became of everybody"
        )
    if not lessons.measured:
        return lessons, (
            f"of {lessons.subscribers:,} subscribers in {experiment} the outcome is known, and of no offer there are "
            "enough"
        )
    return lessons, ""


def _list_strata(everybody: Exposures) -> list[Stratum]:
    """List who was drawn with which share, by arm, with or without an outcome: who could have been shown anything."""
    from churn.outcomes.strata import Stratum

    rows = everybody.choose(everybody.propensities[:, everybody.actions.index(NOTHING)] < 1)
    strata = []
    for share in sorted(set(rows.holdout_share.tolist())):
        held_out = rows.held_out[rows.holdout_share == share]
        held = int(held_out.sum())
        strata.append(Stratum(held, len(held_out) - held, holdout_left=0, treatment_left=0, share=share))
    return strata


def _write(old: Policy, contract: type[Contract], lessons: Lessons, version: str | None, path: Path) -> Policy:
    """Write the new policy whole or not at all, once it is known to be valid."""
    from churn.learning.policy_text import name_learned, write_learned

    if lessons.last_day is None:
        raise AssertionError("something is measured on no day")
    named = version or name_learned(old.version, lessons.last_day)
    text = write_learned(old.content.decode(), lessons.measured, lessons.stopped, version=named).encode()
    new = build_policy(parse_policy(text, path), contract, languages=list_languages(contract))
    write_bytes(path, text)
    return new


def _show(lessons: Lessons) -> None:
    from churn.learning import telling

    if lessons.first_day and lessons.last_day:
        out.print(
            f"{lessons.experiment}: {lessons.subscribers:,} subscribers whose outcome is known, who came from "
            f"{lessons.first_day} to {lessons.last_day}"
        )
    print_table("What was measured", telling.MEASURED_COLUMNS, telling.list_measured(lessons))
    print_table("What changes", telling.CHOICE_COLUMNS, telling.list_choices(lessons))
    out.print(
        "A strength of 1 is the effect that `saves` assumes. Effects are leavers prevented of 100 who are offered it. "
        f"The intervals hold at every look. {telling.RESTS_ON.capitalize()}."
    )
    for line in (*telling.list_missing(lessons), *telling.list_stopped(lessons)):
        out.print(line)


def _show_what_next(path: Path) -> None:
    out.print(
        f"{path} is written, and nothing is live. Read the changes, then:\n"
        f"  churn offers check {path}\n"
        f"  churn offers simulate --log --policy {path}\n"
        "Then have a person sign it, as your version control signs a change, and set OFFER_POLICY to it."
    )
