"""Exports a registered model as a bundle. Anybody may have registered it, with the contract's features."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from churn.businesses import find_contract
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_columns
from churn.errors import BundleError, RegistryError
from churn.model.bundle import Bundle, ModelCard
from churn.model.sealing import write_bundle
from churn.model.shelf import Shelf
from churn.training.fit import OBJECTIVE
from churn.training.registry import FetchedModel, Registry

GOLDEN_FILE, HOLDOUT_FILE, REFERENCE_FILE = "golden_rows.json", "holdout.npz", "reference.json"
GOLDEN_ROWS = 64


@dataclass(frozen=True, slots=True)
class HoldoutRows:
    """Encoded rows float32 (n, features) and labels (n,) that a training run set aside."""

    rows: Rows
    labels: npt.NDArray[np.int8]


@contextmanager
def _explain_errors(what: str) -> Iterator[None]:
    """Turn whatever is raised at what was kept with a model into one sentence."""
    try:
        yield
    except Exception as error:
        raise RegistryError(
            f"{what} of the registered model cannot be used: {str(error).partition('\n')[0] or type(error).__name__}",
            instead="train and register the model again",
        ) from error


@_explain_errors("the holdout")
def read_holdout(fetched: FetchedModel) -> HoldoutRows | None:
    """Read the holdout that the model's training run kept, if it kept one."""
    content = fetched.export_files.get(HOLDOUT_FILE)
    if content is None:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        rows, labels = _require_rows(fetched, arrays["rows"]), arrays["labels"]
    if labels.shape != rows.shape[:1]:
        raise ValueError(f"it has {labels.shape} labels of {len(rows)} rows")
    return HoldoutRows(rows, labels)


def export_model(
    registry: Registry,
    uri: str,
    destination: Path | None,
    *,
    shelf_of: Callable[[str], Shelf],
    contract: str | None,
    otherwise: str,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Bundle:
    """Export a registered model.

    Args:
        destination: the bundle's directory; one named after the model's version if None.
        shelf_of: a contract's name -> its shelf.
        contract: the contract's name; what the version's tag says if None.
        otherwise: the contract's name where nothing says it.
        progress: told how many rows have been compared with XGBoost, of how many.

    Raises:
        RegistryError: there is no such model, or it is not safe to load.
        BundleError: its features are not the contract's; lists the differences.
    """
    fetched = registry.fetch(registry.find(uri))
    chosen = find_contract(contract or fetched.info.tags.get("contract", otherwise))
    if misfits := list(list_misfits(chosen, fetched.booster)):
        raise BundleError(
            f"{uri} does not fit the contract {chosen.contract_name}: {'; '.join(misfits)}",
            instead="train the model on exactly the contract's features, or name another contract with --contract",
        )
    card = _build_card(fetched)
    # A model that was trained without names gets the contract's, so that the bundle always has them.
    fetched.booster.feature_names = chosen.feature_names()
    return write_bundle(
        destination or shelf_of(chosen.contract_name).bundle(card.model_version),
        contract=chosen,
        booster=fetched.booster,
        card=card,
        golden_rows=_pick_golden_rows(chosen, fetched),
        reference=_read_reference(fetched),
        more_rows=holdout.rows if (holdout := read_holdout(fetched)) else None,
        progress=progress,
    )


def list_misfits(contract: type[Contract], booster: xgboost.Booster) -> Iterator[str]:
    """List what keeps this model from serving this contract, one phrase each; nothing if it can."""
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective != OBJECTIVE:
        yield f"its objective is {objective}, not {OBJECTIVE}"
    if any(kind == "c" for kind in booster.feature_types or []):
        yield "it was trained on categorical columns, not on the contract's codes"
    names, expected = booster.feature_names, contract.feature_names()
    if names is None:
        if booster.num_features() != len(expected):
            yield f"it takes {booster.num_features()} unnamed features, the contract has {len(expected)}"
        return
    for name in expected:
        if name not in names:
            yield f"it lacks {name}"
    for name in names:
        if name not in expected:
            yield f"it wants {name}, which the contract has not"
    if set(names) == set(expected) and names != expected:
        first = next(at for at, (own, other) in enumerate(zip(names, expected, strict=True)) if own != other)
        yield f"its features come in another order: feature {first + 1} is {names[first]}, not {expected[first]}"


def _require_rows(fetched: FetchedModel, rows: npt.NDArray[Any]) -> Rows:
    """Return the rows as numbers that the model takes. Raise ValueError if they are none."""
    if rows.ndim != 2 or rows.shape[1] != fetched.booster.num_features() or not len(rows):  # noqa: PLR2004 - a table
        raise ValueError(f"it has rows of shape {rows.shape}")
    return rows.astype(np.float32, casting="same_kind", copy=False)


@_explain_errors("the reference distributions")
def _read_reference(fetched: FetchedModel) -> dict[str, Any] | None:
    content = fetched.export_files.get(REFERENCE_FILE)
    return dict(json.loads(content)) if content else None


@_explain_errors("the name or a figure")
def _build_card(fetched: FetchedModel) -> ModelCard:
    info = fetched.info
    return ModelCard(
        model_version=info.tags.get("model_version", f"v{info.number}"),
        mlflow_run_id=info.run_id,
        training_date=info.tags.get("training_date"),
        training_data_version=info.tags.get("training_data_version"),
        test_auc=info.metrics.get("test_auc"),
        test_f1=info.metrics.get("test_f1"),
    )


@_explain_errors("a golden row")
def _pick_golden_rows(contract: type[Contract], fetched: FetchedModel) -> Rows:
    """Take rows of the holdout where the training run kept some, else draw them from the contract."""
    if content := fetched.export_files.get(GOLDEN_FILE):
        return _require_rows(fetched, np.array(json.loads(content), dtype=np.float32))
    return contract.encode_columns(draw_columns(contract, np.random.default_rng(0), GOLDEN_ROWS))
