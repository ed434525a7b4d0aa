"""What can be configured, the key that signs, and the words in which all this is told."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from churn.errors import SettingsError
from portal.settings import PortalSettings, read_settings
from portal.words import GENERAL, Phrases, format_count, format_day, format_dollars


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    settings = PortalSettings(churn_home=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: settings.load_signing_key(), range(8)))
    assert len(keys) == 1
    secret = tmp_path / "portal" / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]


def test_a_key_that_is_given_is_used_and_never_shown(tmp_path: Path) -> None:
    settings = PortalSettings(churn_home=tmp_path, portal_secret="s" * 40)
    assert settings.load_signing_key() == "s" * 40
    assert "s" * 40 not in repr(settings)
    assert not (tmp_path / "portal").exists()


def test_half_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal" / "secret").write_text("half")
    with pytest.raises(SettingsError, match="no whole key"):
        PortalSettings(churn_home=tmp_path).load_signing_key()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORTAL_SECRET", "short"), ("PORTAL_PORT", "0"), ("SERVICE_BUDGET_MS", "soon"), ("SERVICE_URL", "ftp://x")],
)
def test_a_setting_that_cannot_be_used_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        read_settings()
    assert value not in caught.value.message or name == "PORTAL_PORT"


def test_every_language_says_the_same_things() -> None:
    english = GENERAL["en"]
    for language, said in GENERAL.items():
        assert list(said) == list(english), language
        for name, text in said.items():
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english[name])), (language, name)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,fr;q=0.9", "de"),
        ("fr,de;q=0.5", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("en-GB,de", "en"),
        (";;,,=\x7f" * 50, "en"),
    ],
)
def test_the_first_language_that_the_portal_speaks_is_taken(header: str, language: str) -> None:
    assert Phrases().choose_language(header) == language


def test_amounts_days_and_counts_are_worded() -> None:
    assert format_dollars(1253) == "$1,253.00"
    assert format_dollars(1253, "de") == "1.253,00\N{NO-BREAK SPACE}$"
    assert format_day("2026-12-31") == "December 31, 2026"
    assert format_day("2026-12-31", "de") == "31. Dezember 2026"
    assert format_day("2026-12-31", "tlh") == "December 31, 2026"
    assert (format_count(1, "month"), format_count(0, "month")) == ("1 month", "0 months")
    assert Phrases().find("tlh") == Phrases().find("en")
