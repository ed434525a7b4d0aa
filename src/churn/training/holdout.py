"""The holdout: the rows that training never sees. A keyed hash of the subscriber's id chooses them.

A subscriber has the same hash in every file. So a version that is trained anew and its predecessor share a holdout that
neither saw. The boundary that is kept with a version tells of any id whether that version held it out.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from churn.contract.declaration import Contract, Rows
from churn.training.groups import Groups, Indices, Labels, find_strata

type Hashes = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Identity = Literal["id", "row"]

HOLDOUT_SHARE = 0.2
KEY, IDENTITY = "holdout_key", "holdout_hash_of"
STAYED_BELOW, LEFT_BELOW = "holdout_stayed_below", "holdout_left_below"
BITS = 53  # of a hash: a float holds them all


@dataclass(frozen=True, slots=True)
class Boundary:
    """Whom a version held out: those whose hash is below a number.

    Args:
        key: of the hash.
        identity: whether ids were hashed, or rows of a file without ids.
        stayed_below: the number for those who stayed.
        left_below: the number for those who left. It differs, since each label has its exact share.
    """

    key: str
    identity: Identity
    stayed_below: float
    left_below: float

    def find_held_out(self, ids: Sequence[str], rows: Rows) -> Mask | None:
        """Tell of each row whether it is sure that the version did not train on its subscriber. None if nobody knows.

        The smaller number counts: which label somebody had in that version's file is not known.
        """
        if self.identity == "id" and not ids:
            return None
        hashes = hash_rows(ids if self.identity == "id" else (), rows, self.key)
        return hashes < min(self.stayed_below, self.left_below)

    def build_tags(self) -> dict[str, str]:
        """Return what is kept of it with a version."""
        numbers = {STAYED_BELOW: repr(self.stayed_below), LEFT_BELOW: repr(self.left_below)}
        return {KEY: self.key, IDENTITY: self.identity, **numbers}

    @classmethod
    def read_tags(cls, tags: Mapping[str, str]) -> Self | None:
        """Read it from a version's tags; None if they have none that can be believed."""
        try:
            numbers = [float(tags[name]) for name in (STAYED_BELOW, LEFT_BELOW)]
            key, identity = tags[KEY], tags[IDENTITY]
        except (KeyError, ValueError):
            return None
        if not all(0 <= number <= 1 for number in numbers) or identity not in {"id", "row"}:
            return None
        return cls(key, "id" if identity == "id" else "row", *numbers)


class Split(NamedTuple):
    """The places of the rows to train on and of the holdout, each rising, and the boundary between them."""

    train: Indices
    holdout: Indices
    boundary: Boundary


def get_holdout_key(contract: type[Contract]) -> str:
    """Return the key of the hash, which all versions of a contract share."""
    return contract.holdout_key or contract.contract_name


def split_rows(key: str, groups: Groups, ids: Sequence[str], rows: Rows, labels: Labels) -> Split:
    """Hold out a fifth of the rows of each label: those with the lowest hashes.

    A group of rows goes as a whole, by the lowest hash of its rows, and as leavers if anybody in it left. So the share
    is exact to a group. A row whose hash is below the boundary is never trained on.

    Args:
        key: of the hash.
        groups: of the rows.
        ids: one for each row; none if the file has none.
        rows: float32 (n, features), encoded.
        labels: 0 (stayed) or 1 (left), (n,).
    """
    numbers, strata = find_strata(labels, groups.numbers)
    hashes = np.ones(len(strata))
    np.minimum.at(hashes, numbers, hash_rows(ids, rows, key))
    sizes = np.bincount(numbers, minlength=len(strata))
    is_held_out = np.zeros(len(strata), dtype=np.bool_)
    below = []
    for label in (0, 1):
        ranked = np.flatnonzero(strata == label)
        ranked = ranked[np.argsort(hashes[ranked], kind="stable")]
        count = count_held_out(sizes[ranked])
        is_held_out[ranked[:count]] = True
        # Between two hashes, so that no number kept is the hash of a person.
        below.append(float(hashes[ranked[max(count - 1, 0) : count + 1]].mean()) if 0 < count < len(ranked) else 0.0)
    held = is_held_out[numbers]
    boundary = Boundary(key, "id" if ids else "row", *below)
    return Split(np.flatnonzero(~held), np.flatnonzero(held), boundary)


def count_held_out(sizes: npt.NDArray[np.intp]) -> int:
    """Return how many of the first groups, of these sizes, come nearest to a fifth of all rows; at least one."""
    if not len(sizes):
        return 0
    rows = np.cumsum(sizes)
    return int(np.argmin(np.abs(rows - HOLDOUT_SHARE * rows[-1]))) + 1


def split_by_chance(labels: Labels, seed: int = 0) -> Mask:
    """Tell of each row whether versions that kept no boundary held it out: their split went by the rows' order."""
    places = np.arange(len(labels))
    _, holdout = train_test_split(places, test_size=HOLDOUT_SHARE, stratify=labels, random_state=seed)
    return np.isin(places, holdout)


def hash_rows(ids: Sequence[str], rows: Rows, key: str) -> Hashes:
    """Hash the id of each row with a key, evenly from 0 to 1. Without ids the row itself is hashed, and its count."""
    secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
    numbers = [
        int.from_bytes(hashlib.blake2b(text, key=secret, digest_size=8, person=b"holdout").digest()) >> (64 - BITS)
        for text in ([identifier.encode() for identifier in ids] if ids else _identify_rows(rows))
    ]
    return np.array([number / 2**BITS for number in numbers], dtype=np.float64)


def _identify_rows(rows: Rows) -> Iterator[bytes]:
    """Yield the bytes of each row, with how many rows before it are the same."""
    earlier = Counter[bytes]()
    for row in rows:
        content = row.tobytes()
        yield content + earlier[content].to_bytes(4)
        earlier[content] += 1
