"""A draft holds for its own file, whatever stands there, and says what is odd about it."""

import csv
import dataclasses
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.contract.declaration import Contract
from churn.contract.unspoken import find_unspoken
from churn.drafting.draft import Draft, make_draft
from churn.drafting.figures import read_figures
from churn.drafting.kinds import round_outwards
from churn.drafting.leaks import measure_auc
from churn.drafting.naming import choose_names, label_from_name
from churn.drafting.source import write_contract, write_policy
from churn.errors import DataError
from churn.retention.offers.document import PolicyDocument
from churn.training.data import read_training_data

ROWS = 200


def write(path: Path, columns: dict[str, list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def columns_with(**more: list[Any]) -> dict[str, list[Any]]:
    """Columns of 200 customers: a quarter left, three plain fields, and more."""
    return {
        "id": [f"c{at}" for at in range(ROWS)],
        "gone": ["yes" if at % 4 == 1 else "no" for at in range(ROWS)],
        "tenure": [at % 37 for at in range(ROWS)],
        "fee": [f"{(at * 7) % 50 + 0.5:.2f}" for at in range(ROWS)],
        "plan": [("basic", "plus", "all")[at % 3] for at in range(ROWS)],
        **more,
    }


def draft_of(folder: Path, columns: dict[str, list[Any]], **options: Any) -> Draft:
    path = write(folder / "customers.csv", columns)
    return make_draft(path, "drafted", id_column="id", label_column="gone", **options)


def load(draft: Draft) -> type[Contract]:
    module = ModuleType("drafted")
    exec(compile(write_contract(draft), "drafted.py", "exec"), module.__dict__)  # noqa: S102 - what is being tested
    contract: type[Contract] = module.CONTRACT
    return contract


def findings(draft: Draft, column: str) -> list[str]:
    return [finding.finding for finding in (*draft.left_out, *draft.findings) if finding.column == column]


def test_a_draft_takes_every_row_of_its_file(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        columns_with(
            Age=[20 + at % 50 for at in range(ROWS)],
            area=[(408, 415, 510)[at % 3] for at in range(ROWS)],
            balance=[-500 + at * 10 for at in range(ROWS)],
            worth=[10**9 + at // 2 for at in range(ROWS)],
            visits=["" if at % 5 == 0 else at % 9 for at in range(ROWS)],
            city=["" if at % 7 == 0 else f"city {at % 3}" for at in range(ROWS)],
            member=[("True", "false")[at % 2] for at in range(ROWS)],
            active=[("1.0", "0")[at % 2] for at in range(ROWS)],
        ),
    )
    contract = load(draft)
    read = read_training_data(contract, tmp_path / "customers.csv")
    assert len(read.labels) == ROWS
    assert contract.label_values == ("no", "yes")
    assert draft.label.leavers == int(read.labels.sum()) == ROWS // 4
    kinds = {spec.name: spec.kind for spec in contract.features}
    assert kinds == {
        "tenure": "integer",
        "fee": "number",
        "plan": "category",
        "Age": "integer",
        "area": "category",
        "balance": "integer",
        "worth": "number",
        "visits": "integer",
        "city": "category",
        "member": "boolean",
        "active": "boolean",
    }
    nullable = {spec.name for spec in contract.features if spec.is_nullable}
    assert nullable == {"visits", "city"}
    assert {spec.name for spec in contract.features if spec.marker.protected} == {"Age"}
    words = {spec.name: spec.word_for_team(spec.example) for spec in contract.features}
    assert words["tenure"].startswith("Tenure of ")
    assert words["plan"].startswith("Plan: ")
    assert words["member"] in {"Member: yes", "Member: no"}
    texts = {spec.name: spec.word_for_subscriber(spec.example, "increases_risk") for spec in contract.features}
    assert (texts["Age"], texts["city"]) == ("", f"City: {draft.fields[8].example}")
    assert texts["balance"] == f"Balance: {int(draft.fields[5].example):,}"
    assert contract.features[8].word_for_subscriber(None, "increases_risk") == "City: unknown"
    assert PolicyDocument.model_validate(tomllib.loads(write_policy("drafted"))).contract == "drafted"


@pytest.mark.parametrize(
    ("column", "finding"),
    [
        ([""] * ROWS, "all blank"),
        (["same"] * ROWS, "constant"),
        ([at % 37 for at in range(ROWS)], "duplicate"),
        ([f"2126-03-{at % 28 + 1:02}" for at in range(ROWS)], "dates to come"),
        ([f"{at % 12 + 1}/{at % 28 + 1}/2026 10:30" for at in range(ROWS)], "dates"),
        ([f"a sentence that says number {at}" for at in range(ROWS)], "free text"),
        ([f"name{at}" for at in range(ROWS)], "too many categories"),
        (list(range(1000, 1000 + ROWS)), "another id"),
        (["n/a" if at % 9 == 0 else at % 40 for at in range(ROWS)], "numbers and words"),
        ([f"1,{at:03}.50" for at in range(ROWS)], "numbers with signs"),
        (["1e300" if at == 3 else at % 40 for at in range(ROWS)], "too large"),
        (["2" if at % 4 == 1 else "1" for at in range(ROWS)], "tells the label"),
        (["" if at % 4 != 1 else f"{at % 5} stars" for at in range(ROWS)], "tells the label"),
    ],
)
def test_what_cannot_be_a_field_is_left_out_with_the_reason(column: list[Any], finding: str, tmp_path: Path) -> None:
    draft = draft_of(tmp_path, columns_with(odd=column))
    assert findings(draft, "odd") == [finding]
    assert [spec.name for spec in load(draft).features] == ["tenure", "fee", "plan"]
    assert f"# - odd: {finding}" in write_contract(draft)
    read_training_data(load(draft), tmp_path / "customers.csv")


@pytest.mark.parametrize(
    ("name", "values", "finding"),
    [
        ("churn_score", ["4", "5", "6"], "not for customers"),
        ("RiskLevel", ["a", "b", "c"], "not for customers"),
        ("stage", ["new", "at risk", "lost"], "not for customers"),
        ("predicted-value", ["4", "5", "6"], "not for customers"),
        ("Kündigungsfrist", ["1 month", "1 year"], "not for customers"),
        ("x3", ["Female", "Male"], "personal trait"),
        ("status", ["married", "single", "unknown"], "personal trait"),
        ("status", ["married", "single", "gold"], None),
    ],
)
def test_no_customer_reads_of_risk_or_of_a_personal_trait(
    name: str, values: list[str], finding: str | None, tmp_path: Path
) -> None:
    column = [values[at % len(values)] for at in range(ROWS)]
    draft = draft_of(tmp_path, columns_with() | {name: column})
    spec = load(draft).features[-1]
    assert spec.is_showable == (finding is None)
    assert spec.marker.protected == (finding == "personal trait")
    assert (finding is None) or finding in findings(draft, name)


def test_two_columns_have_two_labels(tmp_path: Path) -> None:
    calls = columns_with(calls=[at % 9 for at in range(ROWS)], num_calls=[at % 7 for at in range(ROWS)])
    assert [spec.label for spec in load(draft_of(tmp_path, calls)).features[-2:]] == ["calls", "num_calls"]


def test_of_many_categories_the_most_frequent_are_declared(tmp_path: Path) -> None:
    column = [f"v{at % 70}" for at in range(ROWS)]
    draft = draft_of(tmp_path, columns_with(shop=column))
    assert findings(draft, "shop") == ["many categories"]
    spec = load(draft).features[-1]
    assert len(spec.categories) == 51
    assert spec.categories[-1] == "other"
    assert spec.word_for_subscriber("v3", "increases_risk") == "Shop: v3"
    assert spec.word_for_team("other") == "Another shop"
    assert spec.unworded == ("other",)
    read_training_data(load(draft), tmp_path / "customers.csv")


def test_odd_names_become_valid_ones_and_files_keep_theirs(tmp_path: Path) -> None:
    odd = [
        "Customer Age",
        "customer age",
        "class",
        "2nd",
        "model_x",
        "Field",
        "Größe (cm)",
        "ﬁt",
        "_x",
        "#",
        "None",
    ]
    names = choose_names([*odd, "customer_age"])
    assert len(set(names.values())) == len(names)
    assert names["customer_age"] == "customer_age"
    assert names["class"] == "class_"
    assert names["2nd"] == "column_2nd"
    cells = {name: [at % 9 + place for at in range(ROWS)] for place, name in enumerate(odd)}
    draft = draft_of(tmp_path, columns_with(**cells))
    contract = load(draft)
    assert {name for spec in contract.features for name in spec.earlier_names} == set(odd)
    read_training_data(contract, tmp_path / "customers.csv")


def test_words_are_made_of_names() -> None:
    assert [label_from_name(name) for name in ("MonthlyCharges", "num_support_tickets", "HTTPErrors", "X", "%")] == [
        "Monthly charges",
        "Support tickets",
        "Http errors",
        "X",
        "Value",
    ]


@pytest.mark.parametrize(
    ("labels", "left", "complaint"),
    [
        (["yes", "no", "perhaps", "no"], None, "has 3 different values: no, perhaps, yes; a label has two"),
        (["yes", "no", "", "no"], None, "is blank in 50 rows"),
        (["yes"] * 4, None, "has 1 different values"),
        (["a", "b", "a", "b"], None, "has both values equally often"),
        (["1", "1", "0", "1"], None, "is seldom '0', which reads as if somebody stayed"),
        (["yes", "no", "no", "no"], "maybe", "is never 'maybe', but 'no' or 'yes'"),
    ],
)
def test_a_label_that_does_not_say_who_left_is_refused(
    labels: list[str], left: str | None, complaint: str, tmp_path: Path
) -> None:
    columns = columns_with(gone=labels * (ROWS // 4))
    with pytest.raises(DataError) as refused:
        draft_of(tmp_path, columns, left=left)
    assert complaint in refused.value.message
    assert refused.value.instead


def test_who_left_can_be_said(tmp_path: Path) -> None:
    columns = columns_with(gone=["1", "1", "0", "1"] * (ROWS // 4))
    label = draft_of(tmp_path, columns, left="0").label
    assert (label.stayed, label.left, label.leavers) == ("1", "0", ROWS // 4)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xef\xbb\xbfid;gone;x\n1;0;2\n", "semicolons"),
        ("id,gone,x\n1,0,Zürich\n".encode("latin-1"), "line 2 holds the byte 0xfc, as in Latin-1"),
        (b"id,gone,x\n1,0\n", "line 2 has 2 cells, and the header has 3"),
        (b"id,gone,x,x\n1,0,2,3\n", "the column 'x' stands 2 times"),
        (b"id,gone,x\n", "holds no rows"),
        (b"", "is empty"),
        (b"id,left,x\n1,0,2\n", "has no column 'gone'"),
        (b'id,gone,x\n1,0,"2\n', "unexpected end of data"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        make_draft(path, "drafted", id_column="id", label_column="gone")
    assert complaint in refused.value.message
    assert refused.value.instead


def test_rows_and_ids_that_stand_twice_are_told(tmp_path: Path) -> None:
    columns = columns_with()
    columns["id"][1] = columns["id"][0]
    for cells in columns.values():
        cells[3] = cells[2]
    draft = draft_of(tmp_path, columns)
    assert findings(draft, "id") == ["duplicate id"]
    assert findings(draft, "(file)") == ["identical rows"]


def test_a_long_file_is_sampled_and_its_range_is_that_of_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("id,x\n" + "".join(f"{at},{at}\n" for at in range(60_000)))
    figures = read_figures(path)
    assert figures.rows == 60_000
    assert len(figures.sample) == 50_000
    assert figures.columns[1].highest == 59_999
    assert figures.columns[1].values is None


def test_a_limit_is_rounded_outwards() -> None:
    assert [round_outwards(bound) for bound in (0, 0.3, 1, 72, 118.75, -3, 9e37)] == [0, 1, 2, 200, 500, -10, 2e38]


def test_a_column_of_chance_tells_nothing_and_one_that_knows_tells_all() -> None:
    generator = np.random.default_rng(1)
    labels = generator.random(2000) < 0.2
    chance, names = list(map(str, generator.random(2000))), [f"n{at}" for at in range(2000)]
    assert abs((measure_auc(chance, labels, is_number=True) or 0) - 0.5) < 0.05
    assert abs((measure_auc(names, labels, is_number=False) or 0) - 0.5) < 0.05
    assert measure_auc([str(5 - 2 * left) for left in labels], labels, is_number=True) == 1
    assert measure_auc(["1"] * 3, labels[:3] * False, is_number=True) is None


CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["", " ", "yes", "no", "TRUE", "0", "1", "1.0", "NA", "007", "1_000", "1e5", "{x}", '"', "\\", "other"]
    ),
)


@given(data=st.data())
def test_whatever_stands_in_a_column_the_draft_takes_it(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    some = data.draw(st.lists(CELLS, min_size=1, max_size=5))
    name = data.draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8))
    columns = columns_with()
    if name.strip() in columns:
        return
    draft = draft_of(folder, columns | {name: [some[at % len(some)] for at in range(ROWS)]})
    contract = load(draft)
    assert len(read_training_data(contract, folder / "customers.csv").labels) == ROWS
    contract.model_validate(contract.example())
    texts = [text for spec in contract.features for band in spec.bands for text in (band.raises, band.lowers)]
    assert not [text for text in texts if find_unspoken(text, "de")]


def test_a_draft_is_laid_out_as_the_formatter_would(tmp_path: Path) -> None:
    column = [f"shop {at % 70}" for at in range(ROWS)]
    more: dict[str, list[Any]] = {
        "the shop": column,
        "Age": [at % 60 for at in range(ROWS)],
        "num_visits_of_the_last_month_at_any_shop": ["", *range(1, ROWS)],
        "wing": [("east", "")[at % 2] for at in range(ROWS)],
        "hall": [("east", "west", "")[at % 3] for at in range(ROWS)],
    }
    draft = draft_of(tmp_path, columns_with() | more)
    for fields in (draft.fields, draft.fields[:3], draft.fields[-1:]):
        source = write_contract(dataclasses.replace(draft, fields=fields))
        path = tmp_path / "drafted.py"
        path.write_text(source, encoding="utf-8")
        formatted = subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--line-length=120", "--isolated", "-"],
            input=source, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert formatted.stdout == source


def dated(at: int) -> str:
    return (date(2024, 1, 1) + timedelta(days=at)).isoformat()


def test_a_date_becomes_the_days_since_then_counted_to_the_latest_one(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        columns_with(
            joined=[dated(at) for at in range(ROWS)],
            **{"Last Seen": ["" if at % 3 == 0 else f"{dated(at + 1)}T10:30:00" for at in range(ROWS)]},
            days_since_joined=[at % 11 for at in range(ROWS)],
        ),
    )
    contract = load(draft)
    assert draft.as_of == contract.as_of == date.fromisoformat(dated(ROWS))
    by_name = {field.name: field for field in draft.fields}
    assert by_name["days_since_joined"].date is None
    assert by_name["days_since_joined_"].upper == 1000
    rows = read_training_data(contract, tmp_path / "customers.csv").rows
    days = dict(zip(contract.feature_names(), rows.T, strict=True))
    np.testing.assert_array_equal(days["days_since_joined_"], [ROWS - at for at in range(ROWS)])
    known = [at for at in range(ROWS) if at % 3]
    np.testing.assert_array_equal(days["days_since_last_seen"][known], [ROWS - 1 - at for at in known])
    assert np.isnan(days["days_since_last_seen"][[0, 3]]).all()
    assert findings(draft, "joined") == ["date"]


def test_dates_are_counted_to_the_stated_day_and_later_ones_are_left_out(tmp_path: Path) -> None:
    columns = columns_with(joined=[dated(at) for at in range(ROWS)], until=[dated(at + 400) for at in range(ROWS)])
    draft = draft_of(tmp_path, columns, as_of=date.fromisoformat(dated(ROWS + 10)))
    assert findings(draft, "until") == ["dates to come"]
    assert load(draft).as_of == date.fromisoformat(dated(ROWS + 10))
    assert load(draft).features[-1].name == "days_since_joined"


def test_a_date_of_leaving_is_left_out(tmp_path: Path) -> None:
    columns = columns_with(
        joined=[dated(at) for at in range(ROWS)], ended=[dated(at) if at % 4 == 1 else "" for at in range(ROWS)]
    )
    assert findings(draft_of(tmp_path, columns), "ended") == ["tells the label"]


def test_a_file_without_dates_states_no_day(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, columns_with())
    assert draft.as_of is None
    assert load(draft).as_of is None
