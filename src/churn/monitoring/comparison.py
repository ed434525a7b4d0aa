"""Compare the latest predictions of the champion, read from the log, with the reference in its bundle."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.businesses import find_specs
from churn.contract.features import FeatureSpec
from churn.contract.phrases import label_from_name
from churn.errors import BundleError, DataError
from churn.model.manifest import REFERENCE, Manifest, read_manifest
from churn.monitoring.drift import Band, Distribution, Drift, measure_drift, read_reference
from churn.monitoring.expected_quality import ExpectedAuc, estimate_auc
from churn.prediction_log.batches import numbers_from_batch, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records
from churn.prediction_log.record import FEATURE

PROBABILITY, VERSION, TIME = "probability", "model_version", "time"
SEVERITY: tuple[Band, ...] = ("too few", "steady", "moved", "far")
BAND_WORDS = {"steady": "steady", "moved": "has moved", "far": "has moved far", "too few": "too few to tell"}


@dataclass(frozen=True)
class LivePredictions:
    """The latest predictions of a version.

    Args:
        values: float64 (records,) for each feature and for `probability`.
        records: the number of the version's records.
        versions: the number of records of each version, among all that were read.
        first, last: the times of the earliest and latest record, in seconds since 1970; 0 if there is none.
    """

    values: Mapping[str, NDArray[np.float64]]
    records: int
    versions: Mapping[str, int]
    first: float
    last: float


@dataclass(frozen=True)
class DriftComparison:
    """How far score and features of the champion have moved.

    Args:
        live: what the log holds; None without a log.
        score: None if it cannot be compared.
        features: the farthest first; empty if they cannot be compared.
        missing: what cannot be compared, and why; empty if all can.
        source: where the live scores come from.
        specs: the contract's fields by name, for their labels; empty if its business is not here.
        expected: the AUC that is expected of the logged predictions; None without a log, or if there are too few.
    """

    manifest: Manifest
    live: LivePredictions | None
    score: Drift | None
    features: tuple[Drift, ...]
    missing: str
    source: str
    specs: Mapping[str, FeatureSpec]
    expected: ExpectedAuc | None = None

    @property
    def known(self) -> list[Drift]:
        """Return all that could be compared, the score first."""
        return [*([self.score] if self.score else []), *self.features]

    @property
    def band(self) -> Band:
        """Return the worst band; `too few` if nothing could be compared."""
        return max((item.band for item in self.known), key=SEVERITY.index, default="too few")

    @property
    def loses_quality(self) -> bool:
        """Return whether the AUC that is expected is surely more than 0.02 below that of training."""
        return self.expected is not None and self.expected.is_below(self.manifest.test_auc)

    def describe_expected(self) -> str:
        """Say the AUC that is expected, beside that of training."""
        if self.expected is None:
            return "No AUC can be expected: there is no log, or too few predictions in it."
        trained = self.manifest.test_auc
        said = f"Before it is known who left, an AUC of {self.expected.value:.3f} is expected ("
        said += f"{self.expected.low:.3f} to {self.expected.high:.3f}), had nobody been treated"
        said += "." if trained is None else f"; at training it was {trained:.3f}."
        if self.loses_quality:
            said += " The model surely tells these subscribers apart less well: train a version on such subscribers."
        return said

    def name(self, item: Drift) -> str:
        """Return the name for people: `Score`, or the contract's label."""
        if item.reference.name == PROBABILITY:
            return "Score"
        spec = self.specs.get(item.reference.name)
        return spec.label if spec else label_from_name(item.reference.name)

    def name_bin(self, item: Drift, bin_name: str) -> str:
        """Return a bin's name for people: a category has the contract's label."""
        spec = self.specs.get(item.reference.name)
        labels = {} if spec is None or spec.words else dict(zip(_list_values(spec), spec.bands, strict=True))
        return labels[bin_name].label if bin_name in labels else label_from_name(bin_name)

    @property
    def summary(self) -> str:
        """Say the whole comparison in a sentence."""
        known = self.known
        far, moved = ([self.name(item) for item in known if item.band == band] for band in ("far", "moved"))
        if not known:
            return "Nothing can be compared yet."
        if self.loses_quality and not far:
            return "The model is expected to tell subscribers apart less well than at training."
        if all(item.band == "too few" for item in known):
            return "There are too few predictions yet to tell drift from chance."
        if far:
            return f"Far from what the model was trained on: {', '.join(far)}. Look at where these values come from."
        if moved:
            return f"Moved, but not far: {', '.join(moved)}. Keep an eye on it."
        return "Nothing has moved to speak of: the model sees what it was trained on."


def compare(
    champion: Path,
    places: Places | None,
    counted: Iterable[tuple[str, Sequence[int]]] = (),
    *,
    most: int = 20_000,
    since: float = 0.0,
    damaged: list[DataError] | None = None,
) -> DriftComparison:
    """Compare the log with the reference; without a record in it, compare the scores that instances counted.

    Args:
        champion: the folder of its bundle.
        counted: of each instance the version that it serves, and its scores in bins.
        most: compare about so many of the latest predictions.
        since: leave out earlier ones, in seconds since 1970.

    Raises:
        BundleError: the champion's bundle cannot be used.
        DataError, OSError, ChurnError: as `read_records`.
    """
    manifest = read_manifest(champion)
    specs = find_specs(manifest.contract)
    score, features = read_reference(_read_reference_file(champion, manifest))
    live = (
        read_latest(places, manifest.features, manifest.model_version, most=most, since=since, damaged=damaged)
        if places
        else None
    )
    if live and live.records:
        logged = [item for item in (score, *features) if item.name in live.values]
        moved, *known = (measure_drift(item, item.count(live.values[item.name])) for item in logged)
        known.sort(key=lambda item: -item.index)
        expected = estimate_auc(live.values[PROBABILITY])
        return DriftComparison(manifest, live, moved, tuple(known), "", "the prediction log", specs, expected)
    when = "since then" if since else "yet"
    missing = (
        f"The prediction log holds no record of {manifest.model_version} {when}, so features cannot be compared."
        if places
        else "There is no prediction log (PREDICTION_LOG is off), so features cannot be compared."
    )
    scores = _sum_scores([counts for version, counts in counted if version == manifest.model_version], score)
    moved_score = measure_drift(score, scores) if scores else None
    return DriftComparison(manifest, live, moved_score, (), missing, "the instances' metrics", specs)


def read_latest(
    places: Places,
    features: Sequence[str],
    version: str,
    *,
    most: int,
    since: float = 0.0,
    damaged: list[DataError] | None = None,
) -> LivePredictions:
    """Read the newest journals and segments first, until `most` records have been read.

    Return those of one version; `most` counts those of all. Leave out records before `since`, in seconds since 1970.

    Raises:
        DataError, OSError, ChurnError: as `read_records`.
    """
    names = {FEATURE + name: name for name in features} | {PROBABILITY: PROBABILITY, TIME: TIME}
    parts: dict[str, list[NDArray[np.float64]]] = {name: [np.zeros(0)] for name in names.values()}
    versions: Counter[str] = Counter()
    begin = datetime.fromtimestamp(since, UTC)
    for batch in read_records(places, [*names, VERSION], begin, newest_first=True, damaged=damaged):
        made_by = np.array(values_from_batch(batch, VERSION))
        versions.update(made_by.tolist())
        for column, name in names.items():
            parts[name].append(numbers_from_batch(batch, column)[made_by == version])
        if versions.total() >= most:
            break
    values = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    times = values.pop(TIME) / 1e6
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    return LivePredictions(values, len(times), versions, first, last)


def _list_values(spec: FeatureSpec) -> tuple[str, ...]:
    return spec.categories or ("false", "true")


def _sum_scores(counted: Sequence[Sequence[int]], score: Distribution) -> Sequence[int] | None:
    """Add the scores of all instances; None if there are none, or if their bins are not the reference's."""
    if not counted or any(len(counts) != len(score.counts) for counts in counted):
        return None
    return [sum(bin_counts) for bin_counts in zip(*counted, strict=True)]


def _read_reference_file(champion: Path, manifest: Manifest) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((champion / REFERENCE).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(
            f"the bundle of {manifest.model_version} holds no reference, so there is nothing to compare with",
            instead="train a version with `churn train`, which makes one, and export it",
        ) from error
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{champion / REFERENCE} cannot be read: {error}", instead="export the model again with `churn export`"
        ) from error
    return content
