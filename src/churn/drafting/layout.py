"""Lays out Python source as its formatter would: in one line if that fits, else with a line for each part."""

from collections.abc import Iterator
from typing import NamedTuple

WIDTH = 120
STEP = 4


class Call(NamedTuple):
    """What opens, has parts and ends: a call, a list or a dictionary. `head` is all up to the opening sign."""

    head: str
    parts: "tuple[str | Call, ...]"
    end: str = ")"

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.head}{', '.join(map(str, self.parts))}{self.end}"


def lay_out(part: str | Call, indent: int) -> Iterator[str]:
    """Lay out a part of a list, indented by so many signs. A comma follows it."""
    line = f"{' ' * indent}{part},"
    if isinstance(part, str) or len(line) <= WIDTH:
        yield line
        return
    yield f"{' ' * indent}{part.head}"
    for inner in part.parts:
        yield from lay_out(inner, indent + STEP)
    yield f"{' ' * indent}{part.end},"
