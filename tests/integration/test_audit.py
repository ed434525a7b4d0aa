"""`scripts/check` looks the locked packages up among known vulnerabilities: what is found fails."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.listening import QuietHandler, listening
from support.tools import uv

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"  # a port where nothing listens


@contextmanager
def advisories(vulnerable: str) -> Iterator[str]:
    """A list that has one vulnerability, of the package of this name, and speaks as osv.dev does."""

    class Answers(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            affected = [{"package": {"name": asked, "ecosystem": "PyPI"}, "ranges": []}]
            found = {"id": "PYSEC-2026-1", "summary": "bad", "details": "", "aliases": [], "affected": affected}
            body = json.dumps({"vulns": [found]} if asked == vulnerable else {}).encode()
            self.answer(200, body)

    with listening(Answers) as address:
        yield address


def audit(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/lib/audit.py", uv(), "--vulnerability-service", "osv", "--osv-url", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_vulnerability_of_a_locked_package_fails() -> None:
    with advisories("numpy") as url:
        code, said = audit(url)
    assert code == 1
    assert "numpy" in said
    assert "PYSEC-2026-1, mended in no version yet" in said
    assert "ignore it with a reason in scripts/lib/audit.py" in said


def test_no_vulnerability_passes_and_says_of_how_many_packages() -> None:
    with advisories("nothing-that-is-locked") as url:
        code, said = audit(url)
    assert code == 0
    assert "no known vulnerability that is not ignored" in said


def test_a_list_that_cannot_be_reached_is_said_and_fails_nothing() -> None:
    code, said = audit(NOWHERE)
    assert code == 0
    assert said.startswith("not audited: the list of known vulnerabilities cannot be reached")
