"""Read a file of outcomes: who left, and who accepted the offer."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final, Literal, NamedTuple

from churn.contract.cells import text_from_boolean
from churn.errors import DataError
from churn.prediction_log.ids import PREDICTION_ID
from churn.reading.recognition import require_plain_names
from churn.reading.whole import read_bytes, read_csv

type Kind = Literal["prediction_id", "subscriber"]

LEFT, ACCEPTED, LEFT_ON, PAID, WATCHED_UNTIL = "left", "accepted", "left_on", "paid", "watched_until"
IDS: Final[tuple[Kind, ...]] = ("prediction_id", "subscriber")  # the first counts where both are known
WANTED = (*IDS, LEFT, ACCEPTED, LEFT_ON, PAID, WATCHED_UNTIL)
ANSWERS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
MAX_LISTED = 10


class Outcome(NamedTuple):
    """Whether one subscriber left, or the one of a prediction, and accepted the offer (None if unknown).

    Args:
        id: a prediction's id, or a subscriber's key, hashed as in the log.
        left_on: the day; None if they stayed, or nobody said it.
        paid: what the accepted offer has cost until the horizon, in the policy's currency; None if nobody said it.
        watched_until: the last day on which somebody would have noticed that they left; None if nobody said it.
    """

    kind: Kind
    id: str
    left: bool
    accepted: bool | None
    left_on: date | None = None
    paid: float | None = None
    watched_until: date | None = None


def read_outcomes(path: Path, *, hash_key: Callable[[str], str]) -> list[Outcome]:
    """Read a CSV file, whole or not at all.

    It has a column `prediction_id` or `subscriber` (as sent in X-Subscriber-Key), a column `left`, and maybe
    `accepted`, which may be empty: yes or no, true or false, 1 or 0. Maybe `left_on` and `watched_until`, days such as
    2026-03-31, and `paid`, an amount. These may be empty, too. Other columns are not read.

    Raises:
        DataError: it cannot be read, or columns or rows are wrong; names them.
    """
    header, rows = read_csv(path, read_bytes(path), WANTED)
    kind = _find_kind(path, header)
    outcomes: dict[str, Outcome] = {}
    wrong: list[str] = []
    for line, cells in rows:
        row = dict(zip(header, cells, strict=False))  # what is missing at the end is empty
        outcome = _read_row(kind, row, hash_key)
        if isinstance(outcome, str):
            wrong.append(f"line {line}: {outcome}")
        elif outcomes.setdefault(outcome.id, outcome) != outcome:
            wrong.append(f"line {line}: {row[kind]!r} stands there twice, with different outcomes")
    _require_watching(path, list(outcomes.values()))
    if wrong:
        more = f"; and {len(wrong) - MAX_LISTED:,} more" if len(wrong) > MAX_LISTED else ""
        raise DataError(
            f"{path} has {len(wrong):,} wrong rows: {'; '.join(wrong[:MAX_LISTED])}{more}",
            instead="mend them; nothing was imported",
        )
    return list(outcomes.values())


def _find_kind(path: Path, columns: Sequence[str]) -> Kind:
    require_plain_names(path, columns, WANTED)
    kinds = [kind for kind in IDS if kind in columns]
    if len(kinds) != 1 or LEFT not in columns:
        raise DataError(
            f"{path} has the columns {', '.join(columns) or 'none'}",
            instead="let its first line name `left`, either `prediction_id` or `subscriber`, and maybe `accepted`, "
            "`left_on`, `paid` and `watched_until`",
        )
    if double := [name for name in WANTED if columns.count(name) > 1]:
        raise DataError(f"{path}: the column {double[0]!r} stands twice", instead="leave one of them")
    return kinds[0]


def _read_row(kind: Kind, row: dict[str, str], hash_key: Callable[[str], str]) -> Outcome | str:
    """Read a row; return its outcome, or what is wrong with it."""
    identity = row.get(kind, "").strip()
    left, accepted = (text_from_boolean(row.get(name, "")).lower() for name in (LEFT, ACCEPTED))
    if not identity:
        return f"{kind} is empty"
    if left not in ANSWERS:
        return f"left is {left!r}, not yes or no"
    if accepted and accepted not in ANSWERS:
        return f"accepted is {accepted!r}, not yes, no or empty"
    left_on, watched_until = (_read_day(name, row.get(name, "").strip()) for name in (LEFT_ON, WATCHED_UNTIL))
    paid = _read_paid(row.get(PAID, "").strip())
    outcome = Outcome(kind, identity, ANSWERS[left], ANSWERS.get(accepted), left_on, paid, watched_until)  # type: ignore[arg-type] # below no text is left
    wrong = [value for value in (left_on, watched_until, paid) if isinstance(value, str)] or _find_contradiction(
        outcome
    )
    if wrong:
        return wrong[0]
    if kind == "prediction_id":
        identity = identity.replace("-", "").lower()
        if not PREDICTION_ID.fullmatch(identity):
            return f"{identity!r} is no id of a prediction"
    identity = hash_key(identity) if kind == "subscriber" else identity
    return outcome._replace(id=identity)


def _read_day(name: str, text: str) -> date | str | None:
    """Read a day; return it, None if there is none, or what is wrong with it."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return f"{name} is {text!r}, not a day such as 2026-03-31"


def _read_paid(text: str) -> float | str | None:
    """Read an amount; return it, None if there is none, or what is wrong with it."""
    if not text:
        return None
    try:
        paid = float(text)
    except ValueError:
        paid = math.nan
    return paid if 0 <= paid < math.inf else f"paid is {text!r}, not an amount such as 12.50"


def _find_contradiction(outcome: Outcome) -> list[str]:
    """Say which cells of a row contradict each other."""
    left_on, until = outcome.left_on, outcome.watched_until
    contradictions = []
    if left_on and not outcome.left:
        contradictions.append(f"left_on is {str(left_on)!r}, but left says that they stayed")
    if left_on and until and left_on > until:
        contradictions.append(f"left_on is {str(left_on)!r}, after watched_until, {str(until)!r}")
    if outcome.paid and outcome.accepted is False:
        contradictions.append(f"paid is {outcome.paid:g}, but accepted says no")
    return contradictions


def _require_watching(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Refuse a file where watching ended for everybody who left on the day that they left: they would not count."""
    left = [outcome for outcome in outcomes if outcome.left_on and outcome.watched_until]
    if len(left) > 1 and all(outcome.left_on == outcome.watched_until for outcome in left):
        raise DataError(
            f"{path}: watched_until is the day on which they left, for all {len(left):,} who left on a known day",
            instead="give the last day on which you looked for leavers, also for those who had left before",
        )
