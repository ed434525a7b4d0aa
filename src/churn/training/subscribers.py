"""Who was in a training file: keyed hashes that are kept with the run, so that erasing can name the versions.

The file holds 16 bytes that depend on the salt alone, then 16 bytes for each id, sorted. The hashes differ from those
of the prediction log, so that nobody joins the two without the salt and the keys.
"""

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

from churn.training.kept import HOLDOUT_FILE
from churn.training.registry import EXPORT_FOLDER, Registry
from churn.training.run_files import has_file, list_runs, read_file, replace_file
from churn.training.versions import VersionInfo

SUBSCRIBERS_FILE = "subscribers/keyed_hashes.bin"
HASH_BYTES = 16


class Versions(NamedTuple):
    """Versions of a model, by what is known of a subscriber.

    Args:
        trained_with: this subscriber was in the training file.
        unknown: nobody can say; they were trained without the salt, or by others.
        with_rows: the run keeps rows of its holdout, as earlier versions of this software did. They have no ids.
        with_log: trained on the log of a time in which this subscriber has a record, so maybe on it.
    """

    trained_with: set[str]
    unknown: set[str]
    with_rows: set[str]
    with_log: set[str]


type Membership = Literal["yes", "no", "unknown"]


def hash_subscribers(ids: Iterable[str], salt: str) -> bytes:
    """Return the file for these ids."""
    return b"".join([_hash("", salt), *sorted({_hash(id_, salt) for id_ in ids})])


def is_subscriber_among(content: bytes | None, key: str, salt: str) -> Membership:
    """Say whether a subscriber is in a file.

    Unknown if there is no file, it is damaged, or it was made with another salt.
    """
    if content is None or len(content) % HASH_BYTES or content[:HASH_BYTES] != _hash("", salt):
        return "unknown"
    return "yes" if _hash(key, salt) in set(_split(content)) else "no"


def remove_subscriber(content: bytes, key: str, salt: str) -> bytes:
    """Return the file without a subscriber."""
    head, *others = _split(content)
    return b"".join([head, *(other for other in others if other != _hash(key, salt))])


def find_versions(registry: Registry, name: str, key: str, salt: str) -> Versions:
    """Find the versions of a model that were trained with a subscriber.

    Raises:
        RegistryError: the store cannot be read.
    """
    runs = list_runs(registry, name)
    by_others = {_name_version(info) for info in registry.list_versions(name) if info.run_id not in runs}
    versions = Versions(trained_with=set(), unknown=by_others, with_rows=set(), with_log=set())
    for run_id, version in runs.items():
        membership = is_subscriber_among(read_file(registry, run_id, SUBSCRIBERS_FILE), key, salt)
        if membership == "unknown":
            versions.unknown.add(version)
        elif membership == "yes":
            versions.trained_with.add(version)
        if has_file(registry, run_id, f"{EXPORT_FOLDER}/{HOLDOUT_FILE}"):
            versions.with_rows.add(version)
    return versions


def forget_subscriber(registry: Registry, name: str, key: str, salt: str) -> None:
    """Remove a subscriber from the files of all runs of a model.

    Raises:
        RegistryError: the store cannot be read, or written.
    """
    for run_id in list_runs(registry, name):
        content = read_file(registry, run_id, SUBSCRIBERS_FILE)
        if content is not None and is_subscriber_among(content, key, salt) == "yes":
            replace_file(registry, run_id, SUBSCRIBERS_FILE, remove_subscriber(content, key, salt))


def _name_version(info: VersionInfo) -> str:
    return info.tags.get("model_version", f"number {info.number}")


def _split(content: bytes) -> list[bytes]:
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def _hash(text: str, salt: str) -> bytes:
    return hashlib.blake2b(text.encode(), key=salt.encode(), digest_size=HASH_BYTES, person=b"training").digest()
