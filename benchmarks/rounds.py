"""Order what is measured. Each round measures all, so that a noisy minute of the machine hits all alike."""

from __future__ import annotations

from collections.abc import Sequence


def order_for_round[T](items: Sequence[T], round_number: int) -> list[T]:
    """Return the items forwards in even rounds and backwards in odd ones, so that none always follows the same one."""
    return list(items) if round_number % 2 == 0 else list(reversed(items))
