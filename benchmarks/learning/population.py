"""Subscribers of the demo's process, with the score and the reasons that a real bundle's tables give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from churn.businesses import find_contract
from churn.contract.declaration import Contract, Rows
from churn.model.bundle import Bundle
from churn.model.manifest import ModelCard
from churn.model.model import ChurnModel
from churn.model.sealing import write_bundle
from churn.retention.reasons import MOST_SHOWN
from churn.retention.verifying import LATEST, RULES
from churn.training.methods.method import Params
from churn.training.methods.xgb import XgboostMethod

type Numbers = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]
type Places = npt.NDArray[np.int64]

CONTRACT: Final = "streamflow"
THRESHOLD: Final = 0.6
VERSION: Final = "v0-learning"
PROTECTED: Final = tuple(spec.name for spec in find_contract(CONTRACT).features if spec.marker.protected)
_GOLDEN_ROWS, _ROWS_AT_ONCE = 64, 50_000
SMALL: Final[Params] = {"trees": 60, "max_depth": 3, "learning_rate": 0.2}


@dataclass(frozen=True, slots=True)
class Population:
    """Subscribers who come, n of them, with p features.

    Args:
        features: as the model sees them, (n, p).
        columns: by field, as the demo's process drew them, (n,) each.
        probability: of leaving, as shown, (n,).
        groups: of reasons; `reasons` are their numbers.
        reasons: the groups of the reasons that are shown, strongest first; -1 where there are fewer, (n, 3).
        log_odds: the true ones of leaving, if nobody shows anything, (n,).
    """

    contract: type[Contract]
    features: Numbers
    columns: Mapping[str, npt.NDArray[Any]]
    probability: Numbers
    groups: tuple[str, ...]
    reasons: Places
    log_odds: Numbers

    def __len__(self) -> int:
        """Return the number of subscribers."""
        return len(self.probability)

    def choose(self, rows: Flags | Places) -> Population:
        """Return some of them, by a mask or by their places, in that order."""
        return replace(
            self,
            features=self.features[rows],
            columns={name: column[rows] for name, column in self.columns.items()},
            probability=self.probability[rows],
            reasons=self.reasons[rows],
            log_odds=self.log_odds[rows],
        )

    def list_reasons(self) -> list[tuple[str, ...]]:
        """Return the groups of each subscriber's reasons by name, strongest first."""
        names = [*self.groups, ""]
        return [tuple(names[group] for group in shown if group >= 0) for shown in self.reasons.tolist()]


def train_champion(folder: Path, *, rows: int = 20_000, params: Params = SMALL, seed: int = 202403) -> Bundle:
    """Train a model on subscribers of the demo's process who were shown nothing, and write its bundle."""
    contract = find_contract(CONTRACT)
    generator = np.random.default_rng(seed)
    columns, log_odds = _draw_columns(contract, generator, rows)
    encoded = contract.encode_columns(columns)
    left = (generator.random(rows) < _logistic(log_odds)).astype(np.int8)
    return write_bundle(
        folder / VERSION,
        contract=contract,
        model=XgboostMethod().fit(contract, encoded, left, params, seed),
        card=ModelCard(model_version=VERSION, training_data_version="learning"),
        golden_rows=encoded[:_GOLDEN_ROWS],
        more_rows=encoded[:2_000],
        edge_rows=1_000,
    )


def draw_population(model: ChurnModel, visitors: int, seed: int, *, everybody: bool = False) -> Population:
    """Draw visitors, and keep those above the threshold, or everybody."""
    contract = model.contract
    columns, log_odds = _draw_columns(contract, np.random.default_rng(seed), visitors)
    rows = contract.encode_columns(columns)
    groups = tuple(dict.fromkeys(spec.group for spec in contract.features))
    nobody = np.full((visitors, MOST_SHOWN), -1)
    probability = np.round(model.predict_probabilities(rows), 4)
    drawn = Population(contract, rows.astype(np.float64), columns, probability, groups, nobody, log_odds)
    if not everybody:
        drawn = drawn.choose(drawn.probability > THRESHOLD)
    parts = [drawn.features[first : first + _ROWS_AT_ONCE] for first in range(0, len(drawn), _ROWS_AT_ONCE)]
    shown = [_find_reasons(model, part.astype(np.float32), groups) for part in parts]
    return replace(drawn, reasons=np.concatenate([nobody[:0], *shown]))


def _draw_columns(
    contract: type[Contract], generator: np.random.Generator, count: int
) -> tuple[Mapping[str, npt.NDArray[Any]], Numbers]:
    process = contract.demo
    if process is None:
        raise AssertionError(contract.contract_name)
    columns = process.draw(generator, count, {})
    return columns, process.log_odds(columns, {})


def _find_reasons(model: ChurnModel, rows: Rows, groups: tuple[str, ...]) -> Places:
    """Find the groups of the shown reasons of many rows at once, by the rule that the service has: (n, 3)."""
    specs, reference = model.contract.features, np.array(model.reference or (), dtype=np.float32)
    explained = model.explain(rows).astype(np.float64)
    probability = np.round(_logistic(explained.sum(axis=1)), 4)
    strength = np.zeros((len(rows), len(specs)))
    for at, spec in enumerate(specs):
        if not spec.is_showable:
            continue
        raises = np.flatnonzero(np.round(explained[:, at], 4) > 0)
        moved = rows[raises]
        moved[:, model.contract.together[at]] = reference[[*model.contract.together[at]]]
        least_fall = RULES[LATEST].least_fall / 10_000
        falls = probability[raises] - np.round(model.predict_probabilities(moved), 4) > least_fall - 1e-9
        worded = ~np.isin(rows[raises, at], [spec.encode(value) for value in spec.unworded])
        strength[raises, at] = np.where(falls & worded, explained[raises, at], 0)
    of_group = np.stack([strength[:, [spec.group == group for spec in specs]].max(axis=1) for group in groups], axis=1)
    strongest = np.argsort(-of_group, axis=1, kind="stable")[:, :MOST_SHOWN]
    return np.where(np.take_along_axis(of_group, strongest, axis=1) > 0, strongest, -1)


def _logistic(margins: Numbers) -> Numbers:
    return np.exp(-np.logaddexp(0.0, -margins))
