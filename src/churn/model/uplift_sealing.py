"""Writes an uplift into a bundle: each offer's booster, its tables with their proof, and golden rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from churn.contract.declaration import Contract, Rows
from churn.errors import BundleError
from churn.explain.parity import build_verified_tables
from churn.explain.trees import NotTabular
from churn.explain.xgb import XgboostModel
from churn.files import encode_json, write_bytes
from churn.model.uplift_files import UPLIFT_GOLDEN, UpliftCard, UpliftGolden, name_booster, name_prefix

EDGE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class UpliftParts:
    """What a bundle's uplift is made of: a booster of squared error for each of the card's offers."""

    card: UpliftCard
    models: Mapping[str, XgboostModel]


def write_uplift(
    folder: Path,
    contract: type[Contract],
    uplift: UpliftParts,
    *,
    golden_rows: Rows,
    more_rows: Rows,
    edge_rows: int | None = None,
) -> None:
    """Write an uplift's files.

    Args:
        golden_rows: float32 (n, features), encoded; what XGBoost says of them is kept.
        more_rows: encoded; tables and boosters are compared on them, beside adversarial ones.
        edge_rows: how many adversarial ones, for each offer.

    Raises:
        BundleError: a booster does not fit the contract or into tables, or the tables say something else.
    """
    for place, offer in enumerate(uplift.card.offers):
        model = uplift.models[offer]
        if model.feature_count != len(contract.features):
            raise BundleError(
                f"the uplift of {offer} takes {model.feature_count} features, the contract has "
                f"{len(contract.features)}",
                instead="train the uplift on exactly the contract's features",
            )
        try:
            tables = build_verified_tables(model, more_rows, edge_rows=edge_rows or EDGE_ROWS)
        except NotTabular as refused:
            raise BundleError(
                f"the uplift of {offer} cannot be served: {refused}",
                instead="train it again with `churn train --uplift`",
            ) from refused
        tables.save(folder, name_prefix(place))
        write_bytes(folder / name_booster(place), model.encode(contract.feature_names()))
    golden = UpliftGolden(
        rows=[[None if math.isnan(value) else value for value in row] for row in golden_rows.tolist()],
        contributions=[uplift.models[offer].explain(golden_rows).tolist() for offer in uplift.card.offers],
    )
    write_bytes(folder / UPLIFT_GOLDEN, encode_json(golden.model_dump()))
