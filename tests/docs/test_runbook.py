"""The runbook: it has a way from every alarm and every check, and its commands do what it says."""

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.command_lines import COMMAND, parse
from support.logged import write_journal
from support.rollouts import plan

from churn.judging.checks import DEFAULT_CHECKS, Check
from churn.outcomes.file import Outcome
from churn.outcomes.store import load_outcomes, locate_outcomes, write_outcomes
from churn.prediction_log.places import locate_log
from churn.rollout.state import Event, Rollout, Setup, State
from churn.rollout.store import RolloutStore

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
RULES = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8")
# Each alarm with its annotation.
ALARMS = re.findall(r"- alert: (\w+)\n(?:(?!.*- alert).*\n)*?.*runbook: (\S+)\n", RULES)
ROWS = [row for row in TEXT.partition("## By hand")[0].splitlines() if row.startswith("| ")][1:]
PROSE = re.compile(r"`((?:churn|scripts/\w[\w-]*) [^`]+)`")
TYPED = re.compile(r"^ *\$ ((?:churn|scripts/)[^|>\n]*?)(?:  +#.*)?$", re.MULTILINE)


def sections(level: str) -> dict[str, str]:
    """The text below each heading of a level, by its anchor."""
    parts = re.split(rf"^{level} (.+)$", TEXT, flags=re.MULTILINE)[1:]
    texts = (re.split(r"^##? ", text, maxsplit=1, flags=re.MULTILINE)[0] for text in parts[1::2])
    anchors = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in parts[::2])
    return dict(zip(anchors, texts, strict=True))


def script(section: str) -> str:
    """What a reader types in a section, in the order of the lines, up to what is for the stack."""
    text = sections("##")[section].partition("On the stack")[0]
    lines = [
        line
        for block in re.findall(r"^ *```console\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    return "\n".join(re.sub(r"^ *\$ ", "", line) for line in lines)


@pytest.mark.parametrize(("alarm", "leads_to"), ALARMS)
def test_every_alarm_leads_to_its_section_by_its_annotation_and_by_the_table(alarm: str, leads_to: str) -> None:
    page, _, anchor = leads_to.partition("#")
    assert page == "docs/runbook.md"
    assert anchor in sections("###"), f"there is no section {anchor}"
    (row,) = [row for row in ROWS if f"`{alarm}`" in row]
    assert f"(#{anchor})" in row


def test_every_alarm_and_no_other_is_in_the_table_and_has_an_annotation() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([A-Z][a-zA-Z]+)`", row.split("|")[2])}
    assert named == set(re.findall(r"- alert: (\w+)", RULES)) == {alarm for alarm, _ in ALARMS}


@pytest.mark.parametrize("check", DEFAULT_CHECKS, ids=lambda check: check.name)
def test_every_check_has_its_section_under_the_canary_that_behaves_oddly(check: Check) -> None:
    assert f"\n### {check.name}\n" in sections("##")["the-canary-behaves-oddly"]


@pytest.mark.parametrize("anchor", [*sections("###")])
def test_every_section_says_what_it_means_where_to_look_and_what_to_do(anchor: str) -> None:
    text = sections("###")[anchor]
    assert "*Means, look, do:*" in text or all(f"- *{part}:* " in text for part in ("Means", "Look", "Do"))


@pytest.mark.parametrize("line", sorted({*PROSE.findall(TEXT), *(line.strip() for line in TYPED.findall(TEXT))}))
def test_every_command_in_the_runbook_can_be_typed(line: str) -> None:
    typed = shlex.split(line.replace("...", "X"))
    if typed[0] != "churn":
        usage = subprocess.run([ROOT / typed[0], "--help"], capture_output=True, text=True, check=True).stdout
        assert f"{typed[0]} {typed[1]}" in usage
        typed = ["churn", *typed[1:]]
        if typed[1] != "rollout":
            return
    try:
        parse(COMMAND, typed)
    except Exception as error:
        mentioned = all(re.fullmatch("[a-z]+", word) for word in typed)  # a command by its name, without arguments
        if not (mentioned and "Missing" in str(error)):
            raise


def test_the_runbook_backs_up_every_database_that_the_code_has() -> None:
    code = [*(ROOT / "src").rglob("*.py"), *(ROOT / "portal").rglob("*.py")]
    files = {name for path in code for name in re.findall(r"[\"/}]([\w-]*\.(?:db|sqlite))\b\"", path.read_text())}
    assert {"rollouts.db", "portal.sqlite"} <= files
    table, commands = sections("##")["back-up"].partition("```console")[::2]
    for name in files:
        assert name in table or name.startswith("."), name
        assert re.search(re.escape(name) if name[0] != "." else re.escape(f"*{name}"), commands), name


def run(section: str, home: Path, backup: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Types what the runbook says, with the Python of these tests."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"CHURN_HOME": str(home), "BACKUP": str(backup), "PATH": path, "PREDICTION_LOG_SALT": "sixteen letters!"}
    text = script(section)
    for name, value in more.items():
        assert f"export {name}=" in text
        text = re.sub(rf"export {name}=\S+", f"export {name}={value}", text)
    return subprocess.run(["bash", "-c", text], env=own, capture_output=True, text=True, check=False)


def test_what_was_backed_up_while_in_use_is_restored_by_the_commands_of_the_runbook(tmp_path: Path) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    places = locate_log(None, "streamflow", home=home)
    write_journal(places, "20260115T091500Z-1-0a", version="v1", features=["tenure"], rows=[[1.0]], scores=[0.5])
    outcomes = locate_outcomes(home, "streamflow")
    write_outcomes(outcomes, [Outcome("subscriber", "a", left=True, accepted=None)])
    rollout = Rollout(0, "api", "v1", "v2", plan(), Setup("haproxy:x"), State.HOLDING, 0, 10, 1.0, "why", 1.0)
    with closing(RolloutStore(home)) as store:  # its latest pages are in a -wal file still
        begun = store.begin(rollout, Event(1.0, "started", State.HOLDING, 0, 10, ""))
        done = run("back-up", home, backup)
        assert (backup / "rollouts" / "rollouts.db").is_file(), done.stderr
        store.save(begun, Event(2.0, "trouble", State.HOLDING, 0, 10, "after the backup"))
    for store_file in (home / "rollouts" / "rollouts.db", outcomes):
        store_file.write_bytes(b"no database" * 500)
    (home / "rollouts" / "rollouts.db-wal").write_bytes(b"of the damaged file" * 500)
    (places.journals / "20260115T091500Z-1-0a.jsonl").write_bytes(b"no journal")

    for name in ("rollouts/rollouts.db", "outcomes/streamflow.sqlite", "predictions"):
        done = run("restore", home, backup, STORE=name)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert done.stdout == "-: OK\n"  # the salt is the one of the backup
        assert (home / f"{name}.damaged").exists()

    with closing(RolloutStore(home)) as store:
        assert store.get_rollout(1) == begun
        assert [event.kind for event in store.list_events(1)] == ["started"]
    assert load_outcomes(outcomes) == [Outcome("subscriber", "a", left=True, accepted=None)]
    assert (places.journals / "20260115T091500Z-1-0a.jsonl").read_bytes().count(b"\n") == 2
    with closing(sqlite3.connect(backup / "rollouts" / "rollouts.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert run("back-up", home, tmp_path / "next").stderr.count("rollouts") == 0


def test_a_journal_that_became_a_segment_during_the_backup_is_kept_once(tmp_path: Path) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    day = home / "predictions" / "streamflow" / "2026-01-15"
    day.mkdir(parents=True)
    (home / "predictions" / "streamflow" / "journals").mkdir()
    for name in ("closed-1-0a", "open-2-0b"):
        (home / "predictions" / "streamflow" / "journals" / f"{name}.jsonl").write_text("{}\n")
    (day / "a_b_1_closed-1-0a_9c0d1e2f.parquet").write_bytes(b"")
    run("back-up", home, backup)
    kept = [path.name for path in sorted(backup.rglob("*")) if path.is_file()]
    assert kept == ["a_b_1_closed-1-0a_9c0d1e2f.parquet", "open-2-0b.jsonl", "salt.sha256"]
