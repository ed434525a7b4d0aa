"""Businesses of one's own are found by name, and what is wrong with one is told by place and cause."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from support.gym import SOURCE, write_gym

from churn.businesses import export_folders, find_business, find_contract, list_contracts, name_contracts
from churn.contract.language import list_language_codes
from churn.contract.places import locate_files
from churn.errors import ChurnError, ContractError, SettingsError
from churn.retention.offers.policy import load_policy
from churn.training.tuned import UNTUNED, load_tuned, save_tuned

LINES = SOURCE.count("\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of CHURN_BUSINESSES."""
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    return tmp_path


def failure(name: str) -> tuple[str, str]:
    with pytest.raises(ContractError) as refused:
        find_contract(name)
    return refused.value.message, refused.value.instead


def test_a_business_of_a_folder_is_one_of_them(folder: Path) -> None:
    write_gym(folder)
    assert list_contracts() == ["gym", "streamflow", "telco"]
    assert name_contracts() == "gym, streamflow or telco"
    contract = find_contract("gym")
    assert contract.contract_name == "gym"
    assert not find_business("gym").is_own
    assert find_business("telco").is_own
    assert load_policy(None, contract, languages=list_language_codes()).document.contract == "gym"


def test_its_files_lie_beside_it(folder: Path) -> None:
    write_gym(folder)
    (folder / "gym.de.po").write_text("")
    (folder / "_texts.py").write_text("")
    contract = find_contract("gym")
    files = locate_files(contract)
    assert files == find_business("gym").files
    assert files.list_catalogues() == {"de": files.catalogue("de")}
    assert load_tuned(contract) == UNTUNED
    save_tuned(UNTUNED, files.tuned)
    assert load_tuned(contract) == UNTUNED
    assert {path.name for path in files.list_present()} == {"gym.py", "gym.toml", "gym.json", "gym.de.po", "_texts.py"}
    files.tuned.write_text("[]")
    with pytest.raises(ChurnError, match="no tuned parameters"):
        load_tuned(contract)


def test_several_folders_stand_as_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = write_gym(tmp_path / "one"), write_gym(tmp_path / "other", "club")
    monkeypatch.setenv("CHURN_BUSINESSES", os.pathsep.join([str(one), str(other), str(one)]))
    assert list_contracts() == ["club", "gym", "streamflow", "telco"]


def test_two_of_one_name_are_refused_by_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = write_gym(tmp_path / "one"), write_gym(tmp_path / "other")
    monkeypatch.setenv("CHURN_BUSINESSES", os.pathsep.join([str(one), str(other)]))
    message, _ = failure("streamflow")
    assert message == f"two businesses are named 'gym': {one / 'gym.py'} and {other / 'gym.py'}"


def test_a_helper_that_another_folder_has_too_is_refused(folder: Path) -> None:
    write_gym(folder)
    (folder / "_alike.py").write_text("")
    message, instead = failure("gym")
    assert f"{folder / '_alike.py'} and" in message
    assert instead == "rename yours"


def test_a_folder_that_is_not_there_stops_every_command_but_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_BUSINESSES", "/no/such/folder")
    with pytest.raises(SettingsError, match="/no/such/folder, which is no folder"):
        find_contract("streamflow")
    assert name_contracts() == "its name"


def test_what_is_no_business_is_not_listed(folder: Path) -> None:
    (folder / "notes.py").write_text("raise SystemExit")
    (folder / "my-gym.py").write_text(SOURCE)
    assert list_contracts() == ["streamflow", "telco"]
    assert "declares no CONTRACT" in failure("notes")[0]
    assert "a name that Python cannot import" in failure("my-gym")[0]


def test_an_unknown_name_is_answered_with_those_there_are_and_where_they_were_looked_for(folder: Path) -> None:
    message, instead = failure("nowhere")
    assert message == f"there is no contract 'nowhere' in the package itself, {folder} or installed packages"
    assert instead == "choose one of streamflow, telco"


def test_a_file_of_the_current_folder_is_not_run_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHURN_BUSINESSES", raising=False)
    monkeypatch.chdir(write_gym(tmp_path / "here"))
    message, instead = failure("gym")
    assert "gym.py of this folder is not run unasked" in message
    assert instead == f"set CHURN_BUSINESSES={tmp_path / 'here'}"


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        (f"{SOURCE}\nthis is no Python\n", f", line {LINES + 2}: SyntaxError: invalid syntax"),
        (f"{SOURCE}\nprint(1 / 0)\n", f", line {LINES + 2}: ZeroDivisionError: division by zero"),
        (f"import no_such_library\n{SOURCE}", ", line 1: ModuleNotFoundError: No module named 'no_such_library'"),
        (SOURCE.replace("ge=0, le=500, ", ""), "field 'fee' needs a lower and an upper limit"),
        (f"{SOURCE}\nraise SystemExit(3)\n", f", line {LINES + 2}: SystemExit: 3"),
        (SOURCE.replace("CONTRACT = Member", "CONTRACT = 1"), "CONTRACT is no contract"),
        (SOURCE.replace('id_column = "member"', ""), "lacks id_column"),
        (SOURCE, "declares 'NAME'"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_by_line_and_cause(folder: Path, written: str, cause: str) -> None:
    (folder / "gym.py").write_text(written)
    message, instead = failure("gym")
    assert message.startswith(str(folder / "gym.py"))
    assert cause in message
    assert instead


def test_a_process_elsewhere_gets_the_contract_itself(folder: Path) -> None:
    write_gym(folder)
    read = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).contract_name)"
    done = subprocess.run(
        [sys.executable, "-c", read],
        input=pickle.dumps(find_contract("gym")),
        env=os.environ | export_folders(),
        cwd="/",
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"gym\n"


def test_an_installed_package_brings_its_business_by_an_entry_point(tmp_path: Path) -> None:
    write_gym(tmp_path / "gymchurn")
    (tmp_path / "gymchurn" / "__init__.py").touch()
    described = tmp_path / "gymchurn-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: gymchurn\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[churn.businesses]\ngym = gymchurn.gym\nlost = gymchurn.lost\n")
    asked = "from churn.businesses import find_contract as f, list_contracts as l; print(l(), f('gym')); f('lost')"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "['gym', 'lost', 'streamflow', 'telco'] <class 'gymchurn.gym.Member'>\n"
    assert "ContractError: gymchurn.lost: ModuleNotFoundError" in done.stderr
