"""Read a file of outcomes: who left, and who accepted the offer."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from churn.errors import DataError
from churn.prediction_log.ids import PREDICTION_ID

type Kind = Literal["prediction_id", "subscriber"]

LEFT, ACCEPTED = "left", "accepted"
IDS: Final[tuple[Kind, ...]] = ("prediction_id", "subscriber")  # the first counts where both are known
ANSWERS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
MAX_LISTED = 10


class Outcome(NamedTuple):
    """Whether one subscriber left, or the one of a prediction, and accepted the offer (None if unknown).

    `id` is a prediction's id, or a subscriber's key, hashed as in the log.
    """

    kind: Kind
    id: str
    left: bool
    accepted: bool | None


def read_outcomes(path: Path, *, hash_key: Callable[[str], str]) -> list[Outcome]:
    """Read a CSV file, whole or not at all.

    It has a column `prediction_id` or `subscriber` (as sent in X-Subscriber-Key), a column `left`, and maybe
    `accepted`, which may be empty: yes or no, true or false, 1 or 0. Other columns are not read.

    Raises:
        DataError: columns or rows are wrong; names them.
        OSError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}", instead="save it as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    kind = _find_kind(path, reader.fieldnames or [])
    outcomes: dict[str, Outcome] = {}
    wrong: list[str] = []
    try:
        for row in reader:
            outcome = _read_row(kind, row, hash_key)
            if isinstance(outcome, str):
                wrong.append(f"line {reader.line_num}: {outcome}")
            elif outcomes.setdefault(outcome.id, outcome) != outcome:
                wrong.append(f"line {reader.line_num}: {row[kind]!r} stands there twice, with different outcomes")
    except csv.Error as error:
        wrong.append(f"line {reader.line_num}: {error}")
    if wrong:
        more = f"; and {len(wrong) - MAX_LISTED:,} more" if len(wrong) > MAX_LISTED else ""
        raise DataError(
            f"{path} has {len(wrong):,} wrong rows: {'; '.join(wrong[:MAX_LISTED])}{more}",
            instead="mend them; nothing was imported",
        )
    if not outcomes:
        raise DataError(f"{path} has no rows", instead="give a file with one row for each outcome")
    return list(outcomes.values())


def _find_kind(path: Path, columns: Sequence[str]) -> Kind:
    kinds = [kind for kind in IDS if kind in columns]
    if len(kinds) != 1 or LEFT not in columns:
        raise DataError(
            f"{path} has the columns {', '.join(columns) or 'none'}",
            instead="let its first line name `left`, either `prediction_id` or `subscriber`, and maybe `accepted`",
        )
    return kinds[0]


def _read_row(kind: Kind, row: dict[str, str | None], hash_key: Callable[[str], str]) -> Outcome | str:
    """Read a row; return its outcome, or what is wrong with it."""
    identity = (row[kind] or "").strip()
    left, accepted = (str(row.get(name) or "").strip().lower() for name in (LEFT, ACCEPTED))
    if not identity:
        return f"{kind} is empty"
    if left not in ANSWERS:
        return f"left is {left!r}, not yes or no"
    if accepted and accepted not in ANSWERS:
        return f"accepted is {accepted!r}, not yes, no or empty"
    if kind == "prediction_id":
        identity = identity.replace("-", "").lower()
        if not PREDICTION_ID.fullmatch(identity):
            return f"{identity!r} is no id of a prediction"
    return Outcome(kind, hash_key(identity) if kind == "subscriber" else identity, ANSWERS[left], ANSWERS.get(accepted))
