"""What the documents forgot: links, commands, settings, modules and examples that are not what they say."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_lines import COMMAND, parse

from churn.errors import ExitCode
from churn.settings import Settings
from portal.settings import PortalSettings

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "churn"
PORTAL = ROOT / "portal"
NOT_OURS = {"var", "dist", "build"}  # what is made, never written
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and os.access(path, os.X_OK))

FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ENDS_A_COMMAND = {"|", "&&", "||", ";", "&", ">", ">>"}


def documents() -> list[Path]:
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in NOT_OURS and path.name[0] != "."]
    return sorted([*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def fenced(path: Path, *languages: str) -> list[str]:
    return [block["text"] for block in FENCED.finditer(read(path)) if block["language"] in languages]


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings make, as GitHub forms them."""
    headings = HEADING.findall(FENCED.sub("", read(path)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_names(command: Any, prefix: str = "churn") -> Iterator[str]:
    for each, found in getattr(command, "commands", {}).items():
        yield f"{prefix} {each}"
        yield from command_names(found, f"{prefix} {each}")


def command_lines(path: Path) -> list[list[str]]:
    """What a reader would type of ours: the words from `churn` or `scripts/...` to the end of that command."""
    found = []
    for block in fenced(path, "console", "bash", "sh"):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            words = line.removeprefix("$ ").split()
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and (words[0] == "churn" or words[0].startswith("scripts/")):
                typed = shlex.split(" ".join(words), comments=True)
                end = next((at for at, word in enumerate(typed) if word in ENDS_A_COMMAND), len(typed))
                found.append(typed[:end])
    return found


def explains_itself(script: Path) -> subprocess.CompletedProcess[str]:
    runner = [sys.executable] if "python" in read(script).partition("\n")[0] else []
    return subprocess.run([*runner, str(script), "--help"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("document", documents(), ids=name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in LINK.finditer(FENCED.sub("", read(document))):
        if re.match(r"[a-z]+:", link["target"]):
            continue
        page, _, anchor = link["target"].partition("#")
        target = (document.parent / page).resolve() if page else document
        assert target.exists(), f"{link['target']} does not exist"
        assert not anchor or anchor in anchors(target), f"{link['target']}: there is no such heading"


@pytest.mark.parametrize("document", documents(), ids=name)
def test_every_command_line_is_one_that_exists(document: Path) -> None:
    for typed in command_lines(document):
        if typed[0] != "churn":
            script = ROOT / typed[0]
            assert script in SCRIPTS, f"there is no {typed[0]}"
            explained = explains_itself(script).stdout
            assert "ARGUMENTS..." in explained or all(word in explained for word in typed[1:]), typed
        elif "[OPTIONS]" not in typed:  # a usage line of the generated page is no example
            parse(COMMAND, typed)


@pytest.mark.parametrize("document", documents(), ids=name)
def test_every_python_example_runs(document: Path) -> None:
    known: dict[str, Any] = {"__name__": "example"}
    for block in fenced(document, "python"):
        exec(compile(block, name(document), "exec"), known)  # noqa: S102 - our own documents


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    parse(COMMAND, shlex.split("churn data demo --version streamflow-v3-2024-03"))
    for wrong in ("churn fly", "churn train file.csv --nonsense", "churn export", "churn data demo extra"):
        with pytest.raises(Exception, match=r"No such|Missing|unexpected"):
            parse(COMMAND, shlex.split(wrong))


@pytest.mark.parametrize("command", list(command_names(COMMAND)))
def test_every_command_is_described(command: str) -> None:
    assert command in read(ROOT / "docs" / "cli.md")


@pytest.mark.parametrize("code", ExitCode, ids=str)
def test_every_exit_code_is_described(code: ExitCode) -> None:
    assert f"\n| {code.value} |" in read(ROOT / "docs" / "exit-codes.md")


@pytest.mark.parametrize("setting", list(Settings.model_fields))
def test_every_setting_is_described(setting: str) -> None:
    assert f"| `{setting.upper()}` |" in read(ROOT / "docs" / "settings.md")


@pytest.mark.parametrize("setting", list(PortalSettings.model_fields))
def test_every_setting_of_the_portal_is_described(setting: str) -> None:
    assert f"| `{setting.upper()}` |" in read(ROOT / "docs" / "portal.md")


def test_every_decision_is_in_the_index_and_says_where_it_stands() -> None:
    folder = ROOT / "docs" / "decisions"
    index = read(folder / "README.md")
    records = sorted(folder.glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        assert f"]({record.name})" in index, f"{record.name} is not in the index"
        assert re.match(rf"# {record.name[:4]}: .+\n\nStatus: .+\. Date: \d{{4}}-\d\d-\d\d\.\n", read(record)), record


@pytest.mark.parametrize("room", sorted(path.parent for path in SOURCE.rglob("__init__.py")), ids=name)
def test_a_room_says_what_each_of_its_modules_does(room: Path) -> None:
    modules = {path.stem for path in room.glob("*.py") if not path.name.startswith("_")}
    rooms = {path.parent.name for path in room.glob("*/__init__.py")}
    if room == SOURCE or room.name in {"businesses", "cli"}:  # README lists the rooms; commands say it with --help
        return
    words = read(room / "__init__.py").split('"""')[1]
    assert {module for module in modules if f"{module}.py" not in words and f"`{module}`" not in words} == set()
    assert {inner for inner in rooms if f"{inner}/" not in words} == set()


def test_the_overview_names_no_module_that_is_not_there() -> None:
    overview = read(ROOT / "docs" / "architecture" / "00-overview.md")
    mentioned = set(re.findall(r"`([\w/]+(?:\.py|/))`", overview))
    assert all((SOURCE / path).exists() or (ROOT / path).exists() for path in mentioned)


def test_the_readme_says_where_things_are() -> None:
    _, _, after = read(ROOT / "README.md").partition("## Where things are")
    tree = FENCED.search(after)
    assert tree is not None
    above = ""
    for line in tree["text"].splitlines():
        path = line.split()[0]
        if not line.startswith(" "):
            above = path
        assert (ROOT / (above + path if line.startswith(" ") else path)).exists(), f"there is no {path}"


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_every_script_explains_itself(script: Path) -> None:
    done = explains_itself(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^(usage|example): ", done.stdout, re.IGNORECASE | re.MULTILINE)
    assert f"`{script.name}`" in read(ROOT / "scripts" / "README.md")
