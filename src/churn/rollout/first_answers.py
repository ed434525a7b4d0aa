"""What two versions said of each subscriber at their first record, and the counts over all of them.

Each subscriber counts once, however often they ask. A record that is older than the one that counted takes its place,
so the counts do not depend on the order in which a log is read.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from churn.answers import TIERS
from churn.contract.declaration import Contract
from churn.judging import checks
from churn.judging.metrics import PROBABILITY_BOUNDS
from churn.judging.pairs import BANNER_PART, SCORE_PARTS, PairCounts
from churn.model.pairs import Flags, ModelAnswers, Numbers, Whole, find_strongest, tiers_from_probabilities

# Each takes 18 bytes and two bits for each part: 27 bytes for ten features.
MOST_SUBSCRIBERS = 1_000_000
KEY_BYTES = 8  # of a million subscribers, no two have one key, with a chance of 1 to 37 million

UNREAD = -1  # of a subscriber's net values

type Keys = NDArray[np.uint64]


def list_parts(contract: type[Contract]) -> list[tuple[str, str]]:
    """List the measure and the name of each part of an answer that the judge compares, in the order of `flag_parts`."""
    return [
        *((checks.SCORES.name, name) for name in SCORE_PARTS),
        (checks.BANNERS.name, BANNER_PART),
        *((checks.TIERS.name, name) for name in TIERS),
        *((checks.REASONS.name, name) for name in contract.feature_names()),
    ]


def flag_parts(answers: ModelAnswers, threshold: Numbers | float, contract: type[Contract]) -> Flags:
    """Say in which parts each of n answers is, as the service counts them: bool (n, parts).

    Args:
        threshold: the banner is shown above this probability; one, or one for each answer.
    """
    probability = answers.probability
    strongest = np.zeros(answers.contributions.shape, dtype=bool)
    np.put_along_axis(strongest, find_strongest(answers.contributions), values=True, axis=1)
    tiers = tiers_from_probabilities(probability, contract.tiers)
    return np.column_stack(
        [
            probability[:, None] <= np.array(PROBABILITY_BOUNDS[:-1]),
            probability > threshold,
            tiers[:, None] == np.arange(len(TIERS)),
            strongest,
        ]
    )


def keys_from_subscribers(subscribers: Sequence[str]) -> Keys:
    """Return a short key for each subscriber's hash in the log."""
    digests = (hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest() for text in subscribers)
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


class FirstAnswers:
    """Count each subscriber once.

    Args:
        contract: of both versions.
        most: beyond so many subscribers no more are counted.
    """

    def __init__(self, contract: type[Contract], most: int = MOST_SUBSCRIBERS) -> None:
        self._parts = list_parts(contract)
        self._most = most
        self._keys: Keys = np.zeros(0, dtype=np.uint64)  # sorted, as the two arrays that follow are
        self._times_us: Whole = np.zeros(0, dtype=np.int64)
        self._bits: NDArray[np.uint8] = np.zeros((0, (2 * len(self._parts) + 7) // 8), dtype=np.uint8)
        self._values: NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        self._counts: Whole = np.zeros(2 * len(self._parts), dtype=np.int64)

    def __len__(self) -> int:
        """Return how many subscribers were counted."""
        return len(self._keys)

    @property
    def is_full(self) -> bool:
        """Whether no more subscribers are counted."""
        return len(self) >= self._most

    def choose(self, keys: Keys, times_us: Whole) -> Whole:
        """Choose of n records those that count: the earliest of its subscriber, of those so far and of these."""
        order = np.lexsort((times_us, keys))
        sorted_keys = keys[order]
        firsts = order[np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])] if len(order) else order
        at, is_known = self._find(keys[firsts])
        is_earlier = np.zeros(len(firsts), dtype=bool)
        is_earlier[is_known] = times_us[firsts[is_known]] < self._times_us[at[is_known]]
        room = max(self._most - len(self), 0)
        is_new = ~is_known & (np.cumsum(~is_known) <= room)
        return np.asarray(np.sort(firsts[is_earlier | is_new]))

    @property
    def values(self) -> Whole:
        """The number of each subscriber that stands for their net values, or UNREAD."""
        return self._values.astype(np.int64)

    def put(self, keys: Keys, times_us: Whole, canary: Flags, stable: Flags, values: Whole | None = None) -> None:
        """Count records that `choose` chose: in which parts each is by the canary's answer and by stable's.

        `values` has a number of 16 bits for each, which stands for their net values.
        """
        codes = np.full(len(keys), UNREAD) if values is None else values
        flags = np.column_stack([canary & ~stable, stable & ~canary])
        bits = np.packbits(flags, axis=1)
        at, is_known = self._find(keys)
        before = np.unpackbits(self._bits[at[is_known]], axis=1, count=flags.shape[1])
        self._counts += flags.sum(axis=0) - before.sum(axis=0, dtype=np.int64)
        self._times_us[at[is_known]], self._bits[at[is_known]] = times_us[is_known], bits[is_known]
        self._values[at[is_known]] = codes[is_known]
        new = np.flatnonzero(~is_known)
        new = new[np.argsort(keys[new])]
        self._keys = np.insert(self._keys, at[new], keys[new])
        self._times_us = np.insert(self._times_us, at[new], times_us[new])
        self._bits = np.insert(self._bits, at[new], bits[new], axis=0)
        self._values = np.insert(self._values, at[new], codes[new])

    def count(self) -> PairCounts:
        """Return the counts so far."""
        parts: dict[str, dict[str, tuple[int, int]]] = {}
        canary, stable = self._counts.reshape(2, -1).tolist()
        for (measure, name), *counts in zip(self._parts, canary, stable, strict=True):
            parts.setdefault(measure, {})[name] = (counts[0], counts[1])
        return PairCounts(len(self), parts)

    def _find(self, keys: Keys) -> tuple[Whole, Flags]:
        """Return where each key stands or would stand, and whether it is there."""
        at = np.searchsorted(self._keys, keys)
        is_known = np.zeros(len(keys), dtype=bool)
        inside = at < len(self._keys)
        is_known[inside] = self._keys[at[inside]] == keys[inside]
        return at, is_known
