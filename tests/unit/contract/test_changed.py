"""A field with a default may be absent, and a renamed one may have its earlier name: in requests and in files."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.changed import NEW, OLD, VERSIONS, declare, write_policy
from support.examples import STREAMFLOW
from support.in_process import answering

from churn.cli.documents import describe_contract
from churn.contract.subscriber import SubscriberError, subscriber_from_json
from churn.errors import ContractError, DataError
from churn.reading.sources import cut_into_parts, find_sources, read_part, require_features
from churn.rollout.shapes import shape_from_document
from churn.scoring.encoding import encode
from churn.settings import Settings
from churn.training.data import InvalidData, read_training_data
from portal.fields import fields_from_document, values_from_form

BETWEEN = declare(*VERSIONS["v2"])
OLD_ROW, NEW_ROW = [14.0, 89.5, 3.0, 2.0], [14.0, 89.5, 0.0, 4.0]


@pytest.mark.parametrize(("sent", "row"), [(OLD, OLD_ROW), (NEW, NEW_ROW)])
def test_a_request_may_have_either_shape(sent: dict[str, Any], row: list[float], tmp_path: Path) -> None:
    assert list(subscriber_from_json(BETWEEN, sent).encode()) == row
    settings = Settings(offer_policy=write_policy("v2", tmp_path))
    with answering(BETWEEN, 0.5, settings=settings) as service:
        assert service.predict(sent).status_code == 200
        assert service.batch([OLD, NEW]).json()["errors"] == []


@pytest.mark.parametrize(
    ("sent", "field", "code"),
    [
        (OLD | {"monthly_bill": 89.5}, "bill", "unknown"),
        ({"tenure": 14}, "monthly_bill", "missing"),
        ({"tenure": 14, "bill": -1.0}, "monthly_bill", "out_of_range"),
        (NEW | {"devices": None}, "devices", "wrong_type"),
    ],
)
def test_what_is_wrong_is_said_in_todays_names(sent: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(SubscriberError) as refused:
        subscriber_from_json(BETWEEN, sent)
    assert [(error.field, error.code) for error in refused.value.errors] == [(field, code)]


def test_whole_numbers_under_an_earlier_name_are_read_as_under_todays() -> None:
    assert list(subscriber_from_json(BETWEEN, OLD | {"tickets": 3.0}).encode()) == OLD_ROW


HEAD_OLD, HEAD_NEW = "tenure,bill,tickets", "tenure,monthly_bill,devices"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (f"{HEAD_OLD}\n14,89.5,3\n", OLD_ROW),
        (f"{HEAD_NEW}\n14,89.5,4\n", NEW_ROW),
        (f"{HEAD_NEW},tickets\n14,89.5,4,\n", NEW_ROW),
    ],
    ids=["earlier names", "todays names", "an empty cell"],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_to_score_may_have_either_shape(tmp_path: Path, text: str, row: list[float], form: str) -> None:
    path = tmp_path / f"file.{form}"
    if form == "csv":
        path.write_text(text)
    else:
        head, cells = (line.split(",") for line in text.splitlines())
        pq.write_table(pa.table({name: [cell] for name, cell in zip(head, cells, strict=True)}), path)
    sources = find_sources(path)
    require_features(BETWEEN, sources)
    [part] = cut_into_parts(sources, 10)
    names = [name for spec in BETWEEN.features for name in spec.find_names(sources[0].columns)]
    assert encode(BETWEEN, read_part(part, names).columns).tolist() == [row]


@pytest.mark.parametrize(
    ("head", "why"),
    [("tenure,bill,monthly_bill", "earlier name bill"), ("tickets,devices", "no column tenure"), ("x", "no column")],
)
def test_a_file_that_lacks_what_has_no_default_or_has_two_names_is_refused(tmp_path: Path, head: str, why: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{head}\n{','.join('1' for _ in head.split(','))}\n")
    with pytest.raises(DataError, match=why):
        require_features(BETWEEN, find_sources(path))


def test_a_training_file_may_have_either_shape(tmp_path: Path) -> None:
    for head, cells, row in ((HEAD_OLD, "14,89.5,3", OLD_ROW), (HEAD_NEW, "14,89.5,4", NEW_ROW)):
        path = tmp_path / "file.csv"
        rows = "".join(f"{number},{cells},{number % 2}\n" for number in range(200))
        path.write_text(f"subscriber_id,{head},churned\n{rows}")
        assert np.unique(read_training_data(BETWEEN, path).rows, axis=0).tolist() == [row]
    path.write_text(f"subscriber_id,{HEAD_OLD},monthly_bill,churned\n1,14,89.5,3,89.5,0\n")
    with pytest.raises(InvalidData) as refused:
        read_training_data(BETWEEN, path)
    assert [problem.column for problem in refused.value.problems] == ["bill"]


def test_the_documents_say_what_may_be_left_out_and_what_was_renamed(tmp_path: Path) -> None:
    with answering(BETWEEN, 0.5, settings=Settings(offer_policy=write_policy("v2", tmp_path))) as service:
        document = service.get("/openapi.json").json()
    schema = document["components"]["schemas"]["Subscriber"]
    assert schema["required"] == ["tenure", "monthly_bill"]
    assert (schema["properties"]["tickets"]["default"], schema["properties"]["devices"]["default"]) == (0, 2)
    assert schema["properties"]["monthly_bill"]["x-earlier-names"] == ["bill"]
    assert shape_from_document(document).names == {*OLD, *NEW}
    page = describe_contract(BETWEEN)
    assert "May be left out: then it is 2." in page
    assert "May be sent as `bill`, its earlier name." in page
    fields = fields_from_document(document)
    form = {"tenure": "14", "monthly_bill": "89.5", "tickets": "", "devices": "4"}
    assert values_from_form(fields, form) == NEW


def test_neither_a_default_nor_an_earlier_name_changes_what_the_model_sees() -> None:
    strict = [field.replace(', "bill"', "").removesuffix(" = 0").removesuffix(" = 2") for field in VERSIONS["v2"]]
    assert [spec.default for spec in declare(*strict).features] == [None] * 4
    assert declare(*strict).fingerprint == BETWEEN.fingerprint != declare(*VERSIONS["v3"]).fingerprint


def test_streamflows_ten_fields_have_neither() -> None:
    assert [(spec.default, spec.earlier_names) for spec in STREAMFLOW.features] == [(None, ())] * 10


ODD = 'devices: Annotated[Count, Field(description="x", examples=[1]{alias}), Feature(says=NUMBER)]{default}'


@pytest.mark.parametrize(
    ("alias", "default", "why"),
    [
        ("", " = -1", "does not take"),
        ("", " = None", "no plain default"),
        (', validation_alias="d"', "", "no earlier name"),
        (', validation_alias=AliasChoices("d", "devices")', "", "no earlier name"),
    ],
)
def test_a_default_or_a_name_that_makes_no_sense_is_refused_where_it_is_declared(
    alias: str, default: str, why: str
) -> None:
    with pytest.raises(ContractError, match=why):
        declare(*VERSIONS["v1"], ODD.format(alias=alias, default=default))
