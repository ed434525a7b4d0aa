"""The file of keys: what may stand in it, what is said of all else, and how a key gets into it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.keys import MADE, MONITOR, PORTAL, entry

from churn.errors import SettingsError
from churn.service.keys import (
    MOST_BYTES,
    MOST_KEYS,
    KeyRing,
    add_entry,
    build_entry,
    hash_api_key,
    make_key,
    open_key_ring,
    parse_keys,
)
from churn.settings import Settings

ONE = entry("portal", PORTAL, "predict")


def test_an_entry_is_read_as_it_was_made_and_does_not_hold_the_key() -> None:
    [key] = parse_keys(ONE.encode(), "API_KEYS")
    assert key == (hash_api_key(PORTAL.encode()), "portal", frozenset({"predict"}))
    assert PORTAL not in ONE


def test_a_key_is_256_random_bits() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {len("churn_") + 43}  # 43 letters of 6 bits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no [[key]]"),
        ("# nothing", "holds no [[key]]"),
        ('key = "churn_secret"', "holds no [[key]]"),
        (f'{ONE}\n[other]\nname = "churn_secret"', "something else beside them"),
        ("[[key]", "no TOML (at line 1"),
        ("a = " + "[" * 20_000, "no TOML"),
        ("\udcff", "not text in UTF-8"),
        (ONE + "#" * MOST_BYTES, "more than 32,768 bytes"),
        ("[[key]]\n" * (MOST_KEYS + 1), "more than 64 keys"),
        ("key = [1]", "key 1 should hold name, sha256, scopes, and nothing else"),
        (f'{ONE}churn_secret = "churn_secret"', "key 1 should hold name, sha256, scopes, and nothing else"),
        (ONE.replace("portal", "the portal"), "key 1: name should be 1 to 63 letters"),
        (ONE.replace("portal", "x" * 64), "key 1: name should be 1 to 63 letters"),
        (ONE.replace("portal", "unknown"), "key 1: unknown is what callers without a name are counted as"),
        (ONE.replace("predict", "all"), "key 1: scopes should be a list of some of predict, batch, metrics"),
        (ONE.replace('"predict"', ""), "key 1: scopes should be"),
        ('[[key]]\nname = "a"\nsha256 = "churn_secret"\nscopes = ["predict"]', "and never the key itself"),
        (ONE + ONE.replace("portal", "other-portal"), "the same sha256 stands there twice"),
        ("".join(entry("portal", letter * 43) for letter in "abc"), "portal has 3 keys, and may have 2"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_that_quote_no_key(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_keys(text.encode(errors="surrogateescape"), "API_KEYS")
    assert said in refused.value.message
    assert refused.value.instead
    assert "churn_secret" not in refused.value.message


def test_keys_come_from_one_place() -> None:
    with pytest.raises(SettingsError, match="both set"):
        open_key_ring(Settings(api_keys=ONE, api_keys_file=Path("keys.toml")))
    assert open_key_ring(Settings()) is None


def test_a_file_is_read_again_only_where_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(ONE)
    ring = KeyRing("API_KEYS_FILE", file)
    assert not ring.read_again()
    file.write_text(entry("monitor", MONITOR))
    assert ring.read_again()
    assert [key.name for key in ring.keys] == ["monitor"]
    file.unlink()
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        ring.read_again()
    assert not ring.read_again()  # told once
    assert [key.name for key in ring.keys] == ["monitor"]


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match="holds no"):
        KeyRing("API_KEYS_FILE", tmp_path / "pipe")


def test_an_entry_is_added_to_a_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "keys.toml"
    add_entry(file, ONE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    add_entry(file, build_entry("monitor", MONITOR, ["metrics"], MADE))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [key.name for key in parse_keys(file.read_bytes(), "")] == ["portal", "monitor"]
    before = file.read_bytes()
    with pytest.raises(SettingsError, match="twice"):
        add_entry(file, ONE)
    assert file.read_bytes() == before


def test_of_entries_that_are_added_at_once_none_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: add_entry(file, entry(f"caller-{at}", make_key())), range(20)))
    assert len(parse_keys(file.read_bytes(), "")) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["keys.toml"]
