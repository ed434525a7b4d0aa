"""Make a bundle of today of one of an earlier format; needs XGBoost."""

import json
from pathlib import Path

import numpy as np

from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns
from churn.errors import BundleError
from churn.explain.xgb import XgboostModel, load_booster
from churn.model.bundle import Bundle, Golden, check_golden, find_manifest_contract
from churn.model.formats import UPGRADED, read_format
from churn.model.manifest import (
    GOLDEN,
    MANIFEST,
    MODEL,
    READERS,
    REFERENCE,
    ModelCard,
    read_listed_files,
    refuse_damage,
)
from churn.model.sealing import write_bundle

GOLDEN_ROWS, SEED = 64, 1


def upgrade_bundle(path: Path, out: Path) -> Bundle:
    """Write the model of a bundle of format 1 or 2 as a bundle of today. `out` may be the same folder.

    The earlier golden rows, which may be of persons, must come out as they did; they are not kept.

    Raises:
        BundleError: it is of another format, damaged, or for another contract, or the model answers differently.
    """
    files = read_listed_files(path)
    number = read_format(path / MANIFEST, files[MANIFEST], [*UPGRADED, *READERS])
    if number in READERS:
        raise BundleError(f"{path} is of format {number}, which is served as it is", instead="there is nothing to do")
    if MODEL not in files or GOLDEN not in files:
        raise BundleError(f"{path / MANIFEST} lists no {MODEL} or no {GOLDEN}", instead="export the model again")
    with refuse_damage(str(path / MANIFEST)):
        content = json.loads(files[MANIFEST])
        card = ModelCard.model_validate({key: content[key] for key in ModelCard.model_fields if key in content})
        name, fingerprint = str(content["contract"]), str(content["contract_fingerprint"])
        features = [str(feature) for feature in content["features"]]
    contract: type[Contract] = find_manifest_contract(path, name, fingerprint, features)
    with refuse_damage(f"{path} holds no model, golden rows or reference"):
        booster = load_booster(path / MODEL, memoryview(files[MODEL]))
        golden = Golden.model_validate_json(files[GOLDEN])
        reference = json.loads(files[REFERENCE]) if REFERENCE in files else None
    rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(SEED), GOLDEN_ROWS))
    return write_bundle(
        out,
        contract=contract,
        model=XgboostModel(booster),
        card=card,
        golden_rows=rows,
        reference=reference,
        examine=lambda bundle: check_golden(path / GOLDEN, golden, bundle.model),
    )
