"""One part: each row is answered as the service answers it, or kept as a reject with the service's words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.examples import EXAMPLE, STREAMFLOW
from support.in_process import InProcess
from support.tables import Row, rejected, scored, with_ids, write_rows

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import BundleError
from churn.model.bundle import Bundle
from churn.reading.sources import cut_into_parts, find_sources
from churn.scoring.parts import Job, PartResult, read_part_result, score_part
from churn.service.app import create_app
from churn.settings import Settings


def job(bundle: Bundle, out: Path, **changed: Any) -> Job:
    known: dict[str, Any] = {"threshold": 0.6, "reasons": 3, "bundle_sha256": bundle.sha256}
    return Job(out=out, bundle=bundle.path, **(known | changed))


def draw_rows(contract: type[Contract], count: int) -> list[Row]:
    columns = draw_columns(contract, np.random.default_rng(5), count)
    return [{name: values[at].item() for name, values in columns.items()} for at in range(count)]


def score_file(bundle: Bundle, path: Path, out: Path, **changed: Any) -> PartResult:
    result = PartResult()
    for part in cut_into_parts(find_sources(path), 70):
        result += score_part(job(bundle, out, **changed), part)
    return result


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".feather"])
def test_each_row_of_a_file_is_answered_as_the_service_answers_it(
    bundle: Bundle, contract: type[Contract], tmp_path: Path, suffix: str
) -> None:
    rows = draw_rows(contract, 150)
    path = write_rows(tmp_path / f"rows{suffix}", with_ids(contract, rows), batch=40)
    with InProcess(create_app(Settings(), bundle=bundle)) as service:
        expected = [
            {"source": path.name, "row": at, contract.id_column: f"s-{at - 1}"} | service.prediction(row)
            for at, row in enumerate(rows, start=1)
        ]
    outcome = score_file(bundle, path, tmp_path / "out")
    answered = scored(tmp_path / "out")
    assert [json.dumps(row) for row in answered] == [json.dumps(row) for row in expected]
    assert rejected(tmp_path / "out") == []
    tiers = [row["risk_tier"] for row in answered]
    assert (outcome.rows, outcome.rejected) == (150, 0)
    assert (outcome.low, outcome.medium, outcome.high) == tuple(map(tiers.count, ("low", "medium", "high")))
    assert outcome.banner == sum(row["show_retention_banner"] for row in answered)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenure", 121),
        ("tenure", -1),
        ("tenure", 14.5),
        ("tenure", "many"),
        ("monthly_charges", -0.01),
        ("monthly_charges", float("inf")),
        ("monthly_charges", float("nan")),
        ("monthly_charges", "much"),
        ("contract_type", "weekly"),
        ("paperless_billing", "perhaps"),
    ],
)
def test_a_bad_cell_is_refused_in_the_words_of_the_service(
    bundles: dict[str, Bundle], tmp_path: Path, suffix: str, field: str, value: Any
) -> None:
    bundle, row = bundles["streamflow"], {**EXAMPLE, field: value}
    path = write_rows(tmp_path / f"rows{suffix}", [{"subscriber_id": "7", **row}])
    with InProcess(create_app(Settings(), bundle=bundle)) as service:
        refusal = service.predict_raw(json.dumps(row)).json()
    assert score_file(bundle, path, tmp_path / "out") == PartResult(rows=1, rejected=1)
    assert scored(tmp_path / "out") == []
    [reject] = rejected(tmp_path / "out")
    assert (reject["source"], reject["row"]) == (path.name, 1)
    assert reject["errors"] == refusal["errors"]
    cells = json.loads(reject["cells"])
    assert list(cells) == ["subscriber_id", *EXAMPLE]
    assert cells[field] == str(value)


def test_rejects_name_their_rows_and_the_others_are_answered(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    cells = [str(int(value) if isinstance(value, bool) else value) for value in EXAMPLE.values()]
    lines = [EXAMPLE, cells, cells[:-1], ["x", "", *cells[2:]], [], [*cells, "more"], cells, [" 14 ", *cells[1:]]]
    path = tmp_path / "rows.csv"
    path.write_text("".join(f"{','.join(line)}\n" for line in lines))
    outcome = score_file(bundles["streamflow"], path, tmp_path / "out")
    assert (outcome.rows, outcome.rejected) == (6, 3)
    assert [row["row"] for row in scored(tmp_path / "out")] == [1, 5, 6]
    short, bad, long = rejected(tmp_path / "out")
    assert (short["row"], bad["row"], long["row"]) == (2, 3, 4)
    assert json.loads(short["cells"]) == cells[:-1]
    assert short["errors"] == [
        {
            "field": "(row)",
            "code": "wrong_type",
            "message": "the row has 9 cells, it must have 10, one for each column",
        }
    ]
    assert [(error["field"], error["code"]) for error in bad["errors"]] == [
        ("tenure", "wrong_type"),
        ("monthly_charges", "missing"),
    ]
    assert json.loads(long["cells"]) == [*cells, "more"]


def test_columns_that_nobody_needs_may_hold_what_python_cannot(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{**EXAMPLE, "tenure": 121}])
    table = table.append_column("seen", pa.array([1], pa.timestamp("ns")))
    table = table.append_column("born", pa.array([-(10**6)], pa.date32()))
    pq.write_table(table, tmp_path / "rows.parquet")
    assert score_file(bundles["streamflow"], tmp_path / "rows.parquet", tmp_path / "out").rejected == 1
    assert json.loads(rejected(tmp_path / "out")[0]["cells"])["seen"] == "1970-01-01 00:00:00.000000001"


def test_what_a_blank_stands_for_is_up_to_the_contract(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    example = find_contract("telco").example()
    for suffix in (".csv", ".parquet"):
        path = write_rows(tmp_path / f"rows{suffix}", [example, {**example, "TotalCharges": None}])
        assert score_file(bundles["telco"], path, tmp_path / suffix, reasons=19).rejected == 0
        blank = scored(tmp_path / suffix)[1]["top_reasons"]
        assert next(reason["value"] for reason in blank if reason["feature"] == "TotalCharges") == 0.0


def test_ids_keep_their_type_and_need_not_be_there(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.parquet", [{**EXAMPLE, "subscriber_id": 12}])
    score_file(bundles["streamflow"], path, tmp_path / "with")
    assert scored(tmp_path / "with")[0]["subscriber_id"] == 12
    score_file(bundles["streamflow"], write_rows(tmp_path / "rows.csv", [EXAMPLE]), tmp_path / "without")
    assert "subscriber_id" not in scored(tmp_path / "without")[0]


def test_other_readers_see_plain_texts_and_the_same_columns_in_every_part(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    rows = [*draw_rows(STREAMFLOW, 69), {**EXAMPLE, "tenure": 121}, {**EXAMPLE, "tenure": 121}]
    score_file(bundles["streamflow"], write_rows(tmp_path / "rows.csv", rows), tmp_path / "out")
    first, second = (pq.read_schema(path) for path in sorted((tmp_path / "out").glob("part-*")))
    assert first.equals(second)
    assert first.field("risk_tier").type == pa.string()
    assert first.field("top_reasons").type.value_type.field("plain_language").type == pa.string()


def test_a_part_that_is_made_twice_is_the_same_file_and_says_what_became_of_its_rows(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle = bundles["streamflow"]
    path = write_rows(tmp_path / "rows.parquet", [*draw_rows(STREAMFLOW, 30), {**EXAMPLE, "tenure": None}])
    [part] = cut_into_parts(find_sources(path), 100)
    made = []
    for _ in range(2):
        outcome = score_part(job(bundle, tmp_path / "out"), part)
        files = sorted(file for file in (tmp_path / "out").rglob("*") if file.is_file())
        made.append({str(file): file.read_bytes() for file in files})
    assert made[0] == made[1]
    assert read_part_result(tmp_path / "out" / "part-00000.parquet") == outcome


def test_a_bundle_that_was_exchanged_is_refused(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    [part] = cut_into_parts(find_sources(write_rows(tmp_path / "rows.csv", [EXAMPLE])), 100)
    with pytest.raises(BundleError, match="is another bundle than at the start"):
        score_part(job(bundles["streamflow"], tmp_path / "out", bundle_sha256="0" * 64), part)
    assert not (tmp_path / "out").exists()


def test_other_columns_of_any_type_stand_twice_and_end_nothing(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    contract = bundles["streamflow"].model.contract
    rows = [{**EXAMPLE, contract.id_column: at, "tenure": 14 if at else 999} for at in range(3)]
    wanted = pa.Table.from_pylist(rows)
    others = [
        pa.array([b"\xff"] * 3, pa.binary()).view(pa.string()),
        pa.array([{"a": [1, None]}] * 3),
        pa.array([10**18] * 3, pa.timestamp("ms")),
        pa.array([10**9] * 3, pa.timestamp("s", "Nowhere/Land")),
        pa.array([None] * 3, pa.null()),
    ]
    names = ["bytes", "nested", "far", "zone", "nothing"]
    table = pa.Table.from_arrays([*wanted.columns, *others, *others], [*wanted.column_names, *names, *names])
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    assert score_file(bundles["streamflow"], path, tmp_path / "out") == PartResult(
        rows=3, rejected=1, **tiers_of(tmp_path / "out")
    )
    [reject] = rejected(tmp_path / "out")
    cells = json.loads(reject["cells"])
    assert (cells["tenure"], cells["nested"], cells["bytes"]) == (
        "999",
        "{'a': [1, None]}",
        "\N{REPLACEMENT CHARACTER}",
    )


def tiers_of(out: Path) -> dict[str, int]:
    answered = scored(out)
    tiers = [row["risk_tier"] for row in answered]
    return {tier: tiers.count(tier) for tier in ("low", "medium", "high")} | {
        "banner": sum(row["show_retention_banner"] for row in answered)
    }


def test_a_damaged_column_that_nobody_wants_is_left_out_of_the_rejects(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    rows = [{**EXAMPLE, "subscriber_id": at, "tenure": 14 if at else 999, "note": f"note {at}" * 99} for at in range(3)]
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, compression="gzip", use_dictionary=False)
    note = pq.read_metadata(path).row_group(0).column(len(rows[0]) - 1)
    content = bytearray(path.read_bytes())
    end = note.data_page_offset + note.total_compressed_size
    content[end - 40 : end] = bytes(40)
    path.write_bytes(content)
    outcome = score_file(bundles["streamflow"], path, tmp_path / "out")
    assert (outcome.rows, outcome.rejected) == (3, 1)
    [reject] = rejected(tmp_path / "out")
    assert "note" not in json.loads(reject["cells"])
    assert json.loads(reject["cells"])["tenure"] == "999"
