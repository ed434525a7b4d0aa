"""A policy's file with what was measured written into it; everything else stays as a person wrote it."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import tomlkit
from tomlkit.items import AoT, Comment, Null, Table, Whitespace

from churn.retention.offers.document import Measured

LEARNED, LONGEST_VERSION = ".learned-", 64
PLACES = 3  # decimals of what was measured


def write_learned(text: str, measured: Mapping[str, Measured], stopped: Collection[str], *, version: str) -> str:
    """Write what was measured of offers, by code, and which are no longer tried. Comments and order stay.

    Args:
        text: a policy's file.
        measured: takes the place of what was measured before. Offers that are not in it stay as they are.
        stopped: the codes of offers that get `explore = false`.
        version: the new policy's.
    """
    document = tomlkit.parse(text)
    document["version"] = version
    offers = document.get("offer")
    for offer in offers if isinstance(offers, AoT) else ():
        code = str(offer["code"])
        leading = _cut_leading(offer)
        if code in stopped:
            offer["explore"] = False
        if code in measured:
            offer.pop("measured", None)
            offer.add("measured", _table_from_measured(measured[code]))
        _find_last_table(offer).value.body.extend(leading)
    return tomlkit.dumps(document)


def name_learned(version: str, last_day: date) -> str:
    """Name the new version of a policy by the last day on which was measured."""
    base, ending = version.partition(LEARNED)[0], f"{LEARNED}{last_day.isoformat()}"
    return base[: LONGEST_VERSION - len(ending)].rstrip(".-") + ending


def _table_from_measured(measured: Measured) -> Table:
    fields = measured.model_dump(by_alias=True, exclude_none=True)
    segments = fields.pop("segment")
    table = tomlkit.table()
    for name, value in fields.items():
        table.add(name, _write_value(value))
    if segments:
        parts = tomlkit.aot()
        for segment in segments:
            part = tomlkit.table()
            for name, value in segment.items():
                part.add(name, _write_value(value))
            parts.append(part)
        table.add("segment", parts)
    return table


def _write_value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inline = tomlkit.inline_table()
    inline.update({name: round(number, PLACES) for name, number in value.items()})
    return inline


def _cut_leading(table: Table) -> list[Any]:
    """Cut off the blank lines and comments at the end of a table: they lead to what comes next."""
    body = _find_last_table(table).value.body
    last = len(body)
    while last and isinstance(body[last - 1][1], Whitespace | Comment):
        last -= 1
    leading = body[last:]
    del body[last:]
    return leading


def _find_last_table(table: Table) -> Table:
    """Return the table that a file ends with which ends with this one: itself, or one in it."""
    items = [item for _, item in table.value.body if not isinstance(item, Null)]
    while items and isinstance(items[-1], Whitespace | Comment):
        items.pop()
    last = items[-1] if items else None
    if isinstance(last, AoT) and len(last):
        last = last[-1]
    return _find_last_table(last) if isinstance(last, Table) and not last.is_super_table() else table
