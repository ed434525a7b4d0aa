"""Writes a bundle: the model, its tables, golden rows and reference, sealed by checksums; needs the model's library."""

import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from churn.contract.declaration import Contract, Rows
from churn.contract.phrases import Value
from churn.errors import BundleError
from churn.explain import Explainer
from churn.explain.libraries import EXPLAINS_ITSELF
from churn.explain.parity import build_verified_tables
from churn.explain.tables import build_table_explainer
from churn.explain.trained import TrainedModel
from churn.explain.trees import NotTabular
from churn.files import encode_json, hash_file, replace_directory, write_bytes
from churn.model.bundle import Bundle, Golden, load_bundle, probabilities_from_contributions
from churn.model.golden import GOLDEN_TOLERANCE
from churn.model.manifest import (
    GOLDEN,
    MANIFEST,
    MANIFEST_SHA256,
    REFERENCE,
    UPLIFT_FORMAT,
    Manifest,
    ModelCard,
    seal_from_manifest,
)
from churn.model.reference import find_reference_values
from churn.model.uplift_sealing import UpliftParts, write_uplift

# Enough for a middle value, and two seconds where the library itself explains.
REFERENCE_ROWS = 2000


def write_bundle(
    path: Path,
    *,
    contract: type[Contract],
    model: TrainedModel,
    card: ModelCard,
    golden_rows: Rows,
    reference: Mapping[str, Any] | None = None,
    reference_values: Mapping[str, Value | None] | None = None,
    threshold: float | None = None,
    more_rows: Rows | None = None,
    edge_rows: int | None = None,
    uplift: UpliftParts | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    examine: Callable[[Bundle], None] = lambda _bundle: None,
) -> Bundle:
    """Write a bundle at `path`, replacing one that is there, only after it has loaded and verified.

    Args:
        model: in its own library; its features are those of the contract, in order.
        card: what is known of the model.
        golden_rows: float32 (n, features), encoded; n >= 1.
        reference: distributions over the holdout, as `measure_reference` counts them.
        reference_values: what each feature typically is where it speaks for staying; taken from the rows if None.
        threshold: the banner is shown above this probability; None leaves it to the contract.
        more_rows: encoded; compared with the library beside many adversarial rows. Without them the golden rows are.
        edge_rows: how many adversarial ones; as many as the library can be asked about if None.
        uplift: what offers change, with a booster for each.
        progress: told how many of these rows have been compared, of how many.
        examine: raises if the finished bundle must not appear at `path`.

    Raises:
        BundleError: the bundle does not answer as the model does; nothing is left behind.
    """
    if model.feature_count != len(contract.features):
        raise BundleError(
            f"the model takes {model.feature_count} features, the contract has {len(contract.features)}",
            instead="train the model on exactly the contract's features",
        )
    rows = golden_rows if more_rows is None else more_rows
    with replace_directory(path) as fresh:
        write_bytes(fresh / model.file_name, model.encode(contract.feature_names()))
        explain: Explainer = model.explain
        reason = None
        golden = _make_golden(model, golden_rows)
        try:
            tables = build_verified_tables(model, rows, edge_rows=edge_rows, progress=progress)
            tables.save(fresh)
            explain = build_table_explainer(tables)
        except NotTabular as refused:
            if model.library != EXPLAINS_ITSELF:
                raise BundleError(
                    f"this model of {model.library} cannot be served: {refused}",
                    instead="fit fewer or shallower trees; docs/bring-your-own-model.md says what fits",
                ) from refused
            reason = str(refused)
        write_bytes(fresh / GOLDEN, encode_json(golden.model_dump()))
        if reference is not None:
            write_bytes(fresh / REFERENCE, encode_json(reference))
        if uplift is not None:
            write_uplift(fresh, contract, uplift, golden_rows=golden_rows, more_rows=rows, edge_rows=edge_rows)
        sample = rows[:: -(-len(rows) // REFERENCE_ROWS)]
        manifest = Manifest(
            **card.model_dump(),
            features=contract.feature_names(),
            bundle_format=UPLIFT_FORMAT if uplift else 3,
            contract=contract.contract_name,
            contract_fingerprint=contract.fingerprint,
            explainer="tables" if reason is None else "pred_contribs",
            explainer_reason=reason,
            reference_values=reference_values or find_reference_values(contract, sample, explain(sample)[:, :-1]),
            threshold=threshold,
            uplift=uplift.card if uplift else None,
            libraries={
                "python": platform.python_version(),
                **model.versions,
                "numpy": np.__version__,
                "streamflow-churn": version("streamflow-churn"),
            },
            files={file.name: hash_file(file) for file in sorted(fresh.iterdir())},
        )
        # Earlier programs refuse a key that they do not know, so it is there only if it says something.
        unknown_to_earlier = {"threshold"} if threshold is None else None
        write_bytes(fresh / MANIFEST, encode_json(manifest.model_dump(exclude=unknown_to_earlier)))
        write_bytes(fresh / MANIFEST_SHA256, seal_from_manifest((fresh / MANIFEST).read_bytes()))
        verified = load_bundle(fresh)
        examine(verified)
    return replace(verified, path=path)


def _make_golden(model: TrainedModel, rows: Rows) -> Golden:
    """Write down what the library itself says of the rows.

    Raises:
        BundleError: it predicts something else than the probability that its contributions add up to.
    """
    explained = model.explain(rows).tolist()
    off = np.abs(model.predict(rows) - probabilities_from_contributions(explained))
    if not (off <= GOLDEN_TOLERANCE).all():
        raise BundleError(
            f"the model predicts something else than the probability of its log-odds, by {np.nanmax(off):.2g}",
            instead="train a classifier of who leaves; a regressor cannot be served in its place",
        )
    values = [[None if math.isnan(value) else value for value in row] for row in rows.tolist()]  # JSON has no NaN
    return Golden(rows=values, contributions=explained, probability=probabilities_from_contributions(explained))
