"""The keys of callers: what the file says, whether it has changed, and how a key is made.

A key is 256 random bits, so nobody finds it from its SHA-256 by trying. It needs no salt and no slow hash: these
protect what people choose themselves.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn.errors import SettingsError
from churn.files import write_bytes
from churn.judging.metrics import NOBODY, OTHER
from churn.settings import Settings

MOST_BYTES = 32_768
MOST_KEYS = 64
MOST_KEYS_OF_ONE = 2  # the one that is used, and the one that takes its place
KEY_BYTES = 32
NEW_FILE_MODE = 0o600
LONGEST_NAME = 63  # as much as is counted by it
API_KEYS, API_KEYS_FILE = "API_KEYS", "API_KEYS_FILE"

type CallerScope = Literal["predict", "batch", "metrics", "events"]
SCOPES: tuple[CallerScope, ...] = get_args(CallerScope.__value__)
type Content = bytes | str  # what was read, or why nothing could be
AT_LINE = re.compile(r"\(at .{1,40}\)$")

EXPECTED = {
    "name": f"should be 1 to {LONGEST_NAME} letters, digits, dots, hyphens or underscores, a letter or digit first",
    "sha256": "should be the SHA-256 of the key, 64 hex digits in lower case, and never the key itself",
    "scopes": f"should be a list of some of {', '.join(SCOPES)}",
}


class KeyEntry(BaseModel):
    """One `[[key]]` of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[CallerScope, ...], Field(strict=False, min_length=1, max_length=len(SCOPES))]


class Key(NamedTuple):
    """A key that is valid: the digest of its SHA-256, whose it is, and what it may ask for."""

    sha256: bytes
    name: str
    scopes: frozenset[CallerScope]


class KeyRing:
    """The keys that are valid now. Those of a file change with it; a file that cannot be used changes nothing.

    A copy in another process has the keys of now, and reads the file itself from then on.

    Raises:
        SettingsError: the keys cannot be used.
    """

    def __init__(self, where: str, source: Path | bytes) -> None:
        self._where = where
        self._path = source if isinstance(source, Path) else None
        # What was read last, usable or not: the same trouble is told once.
        self._content = _read(source) if isinstance(source, Path) else source
        self.keys = parse_keys(self._content, where)

    def read_again(self) -> bool:
        """Take the file's keys if it has changed, and return whether it had.

        Raises:
            SettingsError: the file has changed and cannot be used.
        """
        if self._path is None:
            return False
        content = _read(self._path)
        if content == self._content:
            return False
        self._content = content
        self.keys = parse_keys(content, self._where)
        return True

    def keep_up(self, count: Callable[[str], None]) -> None:
        """Read the file again and count what came of it; leave it to others to tell what is wrong with it."""
        try:
            if self.read_again():
                count("taken")
        except SettingsError:
            count("refused")


def open_key_ring(settings: Settings) -> KeyRing | None:
    """Return the keys that the settings name; None if they name none, so that everybody may call.

    Raises:
        SettingsError: the keys cannot be used, or come from two places.
    """
    text, path = settings.api_keys, settings.api_keys_file
    if text and path:
        raise SettingsError(
            f"{API_KEYS} and {API_KEYS_FILE} are both set", instead="unset one of them: keys come from one place"
        )
    if path:
        return KeyRing(f"{API_KEYS_FILE}: {path}", path)
    return KeyRing(API_KEYS, text.get_secret_value().encode()) if text else None


def parse_keys(content: Content, where: str) -> tuple[Key, ...]:
    """Return the keys that a file's content says. No error quotes what stands there: it might be a key.

    Raises:
        SettingsError: it cannot be used; names each entry that is wrong.
    """
    if isinstance(content, str):
        raise SettingsError(f"{where} cannot be read: {content}", instead="give the path of a file of keys")
    if len(content) > MOST_BYTES:
        raise SettingsError(f"{where} has more than {MOST_BYTES:,} bytes", instead="remove keys that nobody uses")
    try:
        document = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise SettingsError(f"{where} is not text in UTF-8", instead="compare it with docs/callers.md") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = AT_LINE.search(str(error))
        at = f" {place[0]}" if place else ""
        raise SettingsError(f"{where} is no TOML{at}", instead="compare it with docs/callers.md") from None
    entries = document.get("key")
    if not isinstance(entries, list) or set(document) != {"key"}:
        raise SettingsError(
            f"{where} holds no [[key]], or something else beside them",
            instead="add one with `churn keys make`; to let everybody call, unset the variable",
        )
    if len(entries) > MOST_KEYS:
        raise SettingsError(f"{where} holds more than {MOST_KEYS} keys", instead="remove keys that nobody uses")
    problems: list[str] = []
    keys = [key for at, entry in enumerate(entries, 1) if (key := _read_entry(entry, f"key {at}", problems))]
    problems += _find_conflicts(keys)
    if problems:
        raise SettingsError(f"{where}: {'; '.join(problems)}", instead="correct it; docs/callers.md has an example")
    return tuple(keys)


def _read_entry(entry: object, place: str, problems: list[str]) -> Key | None:
    try:
        valid = KeyEntry.model_validate(entry)
    except ValidationError as error:
        fields = {str(detail["loc"][0]) if detail["loc"] else "" for detail in error.errors(include_input=False)}
        wrong = [f"{place}: {field} {expected}" for field, expected in EXPECTED.items() if field in fields]
        problems += wrong or [f"{place} should hold {', '.join(EXPECTED)}, and nothing else"]
        return None
    if valid.name in {NOBODY, OTHER}:
        problems.append(f"{place}: {valid.name} is what callers without a name are counted as; choose another name")
    return Key(bytes.fromhex(valid.sha256), valid.name, frozenset(valid.scopes))


def _find_conflicts(keys: Sequence[Key]) -> list[str]:
    names = Counter(key.name for key in keys)
    problems = [
        f"{name} has {count} keys, and may have {MOST_KEYS_OF_ONE}: one that is used, and one that takes its place"
        for name, count in names.items()
        if count > MOST_KEYS_OF_ONE
    ]
    if len({key.sha256 for key in keys}) < len(keys):
        problems.append("the same sha256 stands there twice")
    return problems


def make_key() -> str:
    """Return a new key: 256 random bits, with a word in front by which scanners of secrets know it."""
    return f"churn_{secrets.token_urlsafe(KEY_BYTES)}"


def hash_api_key(key: bytes) -> bytes:
    """Return the digest by which a key is known."""
    return hashlib.sha256(key).digest()


def build_entry(name: str, key: str, scopes: Sequence[CallerScope], made: date) -> str:
    """Return a key's entry in TOML. It does not hold the key.

    Raises:
        SettingsError: it cannot stand in a file of keys.
    """
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    sha256 = hash_api_key(key.encode()).hex()
    entry = f'[[key]]  # made {made}\nname = {json.dumps(name)}\nsha256 = "{sha256}"\nscopes = [{listed}]\n'
    parse_keys(entry.encode(), "the new entry")
    return entry


def add_entry(path: Path, entry: str) -> None:
    """Add an entry to a file, which services read whole at any time. A new file is for its owner only.

    Raises:
        SettingsError: the file cannot be used, or could not with one key more.
    """
    path = path.resolve()  # a link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # of two that add at once, one would lose the other's key
        is_new = not path.exists()
        before = b"" if is_new else _read(path)
        if isinstance(before, str):
            raise SettingsError(f"{path} cannot be read: {before}", instead="give the path of a file of keys")
        whole = (before.rstrip() + b"\n\n" + entry.encode()).lstrip()
        parse_keys(whole, f"{path} with this key")
        write_bytes(path, whole, mode=NEW_FILE_MODE if is_new else stat.S_IMODE(path.stat().st_mode))
    finally:
        os.close(folder)


def _read(path: Path) -> Content:
    """Return what a file holds, but no more than is needed to see that it is too large. Wait for nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would wait
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            return file.read(MOST_BYTES + 1) or b""
    except OSError as error:
        return error.strerror or str(error)
