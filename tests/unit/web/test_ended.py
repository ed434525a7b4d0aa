"""Sessions that have ended stay so, for every process that uses the file."""

from contextlib import closing
from pathlib import Path

import pytest

from churn.errors import SettingsError
from churn.web.ended import EndedSessions


def test_what_has_ended_is_known_to_others_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sessions.sqlite"
    with closing(EndedSessions(path)) as here, closing(EndedSessions(path)) as there:
        here.add("one")
        here.add("one")
        assert "one" in here
        assert "one" in there
        assert "two" not in there
    with closing(EndedSessions(path)) as later:
        assert "one" in later


def test_a_file_of_another_kind_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sessions.sqlite").write_text("no database, but long enough to be looked at as one by SQLite")
    with pytest.raises(SettingsError, match=r"sessions\.sqlite cannot be used"):
        EndedSessions(tmp_path / "sessions.sqlite")
