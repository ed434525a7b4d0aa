"""Rounds: everything is measured in each of them, in turning order, so that a noisy minute hits all alike."""

from __future__ import annotations

from collections.abc import Sequence


def in_turn[T](items: Sequence[T], round_number: int) -> list[T]:
    """The items forwards in even rounds and backwards in odd ones: none always follows the same neighbour."""
    return list(items) if round_number % 2 == 0 else list(reversed(items))
