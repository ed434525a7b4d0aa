"""Reads the uplift of a bundle, and believes nothing: tables must be sound, and answer golden rows as at export."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from churn.contract.declaration import Contract
from churn.errors import BundleError
from churn.explain import Explainer
from churn.explain.arrays import ARRAYS, Tables, file_name
from churn.explain.tables import build_table_explainer
from churn.model.golden import require_equal_answers
from churn.model.manifest import EXPORT_AGAIN, MANIFEST, refuse_damage
from churn.model.uplift import Uplift
from churn.model.uplift_files import UPLIFT_GOLDEN, UpliftCard, UpliftGolden, name_prefix

TRAIN_AGAIN = "train it again with `churn train --uplift`, and export that version"


def read_uplift(path: Path, card: UpliftCard, files: Mapping[str, memoryview], contract: type[Contract]) -> Uplift:
    """Read an uplift from a bundle's files, whose checksums were verified.

    Raises:
        BundleError: a file is missing or holds something else, an offer asks about a protected field, or a golden row
            comes out differently.
    """
    needed = {file_name(array, name_prefix(place)) for place in range(len(card.offers)) for array in ARRAYS}
    if missing := {UPLIFT_GOLDEN, *needed} - set(files):
        raise BundleError(f"{path / MANIFEST} lists no {' and no '.join(sorted(missing))}", instead=EXPORT_AGAIN)
    explainers = {offer: _read_explainer(path, place, card, files, contract) for place, offer in enumerate(card.offers)}
    with refuse_damage(f"{path / UPLIFT_GOLDEN} does not hold golden rows"):
        golden = UpliftGolden.model_validate_json(bytes(files[UPLIFT_GOLDEN]))
        rows = np.array(golden.rows, dtype=np.float32)
        for explain, contributions in zip(explainers.values(), golden.contributions, strict=True):
            require_equal_answers(path / UPLIFT_GOLDEN, explain(rows).astype(np.float64), np.array(contributions))
    return Uplift(explainers, card.effects_sha256)


def _read_explainer(
    path: Path, place: int, card: UpliftCard, files: Mapping[str, memoryview], contract: type[Contract]
) -> Explainer:
    with refuse_damage(f"{path} holds tables of an uplift that are none"):
        tables = Tables.read(files, name_prefix(place))
    asked = np.diff(tables.threshold_ends, prepend=0) > 0
    asked[tables.features] = True
    if len(asked) != len(contract.features):
        raise BundleError(
            f"the uplift in {path} takes {len(asked)} features, the contract has {len(contract.features)}",
            instead=EXPORT_AGAIN,
        )
    for spec, is_asked in zip(contract.features, asked.tolist(), strict=True):
        if is_asked and spec.marker.protected:
            raise BundleError(
                f"the uplift in {path} decides on {card.offers[place]!r} by {spec.name}, which is protected",
                instead=TRAIN_AGAIN,
            )
    return build_table_explainer(tables)
