"""Where a draft is written, and under which name."""

from pathlib import Path

import pytest

from churn.cli.drafts import choose_files, describe_values, name_from_file, require_fields
from churn.drafting.draft import make_draft
from churn.errors import ChurnError


def refusal(name: str, *, force: bool = False) -> str:
    with pytest.raises(ChurnError) as refused:
        choose_files(name, is_named=True, force=force)
    return f"{refused.value.message}; {refused.value.instead}"


def test_a_name_is_made_of_the_files() -> None:
    assert name_from_file(Path("data/Our Customers-2026.csv")) == "our_customers_2026"
    assert name_from_file(Path("TelcoChurn.csv")) == "telco_churn"
    with pytest.raises(ChurnError, match=r"no contract can be named after 2026\.csv"):
        name_from_file(Path("2026.csv"))


def test_it_is_written_into_the_first_folder_of_churn_businesses_or_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHURN_BUSINESSES", raising=False)
    monkeypatch.chdir(tmp_path)
    assert choose_files("gym", is_named=True, force=False).declaration == tmp_path / "gym.py"
    (tmp_path / "ours").mkdir()
    monkeypatch.setenv("CHURN_BUSINESSES", f"{tmp_path / 'ours'}:{tmp_path}")
    assert choose_files("gym", is_named=True, force=False).declaration == tmp_path / "ours" / "gym.py"


def test_nothing_is_replaced_unless_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_BUSINESSES", str(tmp_path))
    (tmp_path / "gym.toml").touch()
    assert "gym.toml is there already; give another name with --name, or replace it" in refusal("gym")
    assert choose_files("gym", is_named=True, force=True).declaration == tmp_path / "gym.py"
    assert "there is a contract 'telco' already" in refusal("telco", force=True)
    assert "'our-own' is no name of a contract" in refusal("our-own")


def test_too_few_columns_are_refused_with_what_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("id,left,a,b\n1,0,2,x\n2,1,3,x\n3,0,4,x\n")
    draft = make_draft(path, "few", id_column="id", label_column="left")
    with pytest.raises(
        ChurnError, match=r"few.csv has too few columns that can be fields: 1, .* \(left out: b: constant\)"
    ):
        require_fields(draft)


def test_limits_are_written_out_however_large_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    rows = "".join(f"{at},{int(at % 3 == 0)},{at * 30_000},{at * 0.0017:.4f}\n" for at in range(1, 13))
    path.write_text("id,left,assets,rate\n" + rows)
    fields = make_draft(path, "some", id_column="id", label_column="left").fields
    assert [describe_values(field) for field in fields] == ["0 to 1,000,000", "0 to 0.05"]
