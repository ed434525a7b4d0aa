"""What the page of drift shows: the latest predictions of the champion against the reference in its bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from churn.dashboard.drawing import Chart
from churn.dashboard.figures import named
from churn.dashboard.health import Service
from churn.dashboard.held import champion_reference
from churn.dashboard.histograms import Side, histogram
from churn.model.bundle import Manifest
from churn.monitoring.drift import Band, Distribution, Drift, drift, read_reference
from churn.monitoring.live import PROBABILITY, Live, latest
from churn.prediction_log.places import Places

MOST = 20_000
SEVERITY = ("too few", "steady", "moved", "far")
ROOM = 46  # letters below a chart
TEN = 10
YES_NO = {"false": "No", "true": "Yes"}
BAND_WORDS = {
    "steady": "steady",
    "moved": "has moved",
    "far": "has moved far",
    "too few": "too few to tell",
}
TONES = {"steady": "good", "moved": "warning", "far": "bad", "too few": "calm"}


@dataclass(frozen=True)
class Drifting:
    """The page's values.

    Args:
        manifest: the champion's.
        live: what the log holds; None if there is none.
        score, features: how far each has moved, the farthest first; empty of what cannot be known.
        missing: what cannot be known, and why.
        source: where the live scores are from.
    """

    manifest: Manifest
    live: Live | None
    score: Drift | None
    features: tuple[Drift, ...]
    missing: str
    source: str

    @property
    def known(self) -> list[Drift]:
        """What could be compared, the score first."""
        return [*([self.score] if self.score else []), *self.features]

    @property
    def band(self) -> Band:
        """The worst of all; `too few` where nothing could be compared."""
        return max((each.band for each in self.known), key=SEVERITY.index, default="too few")

    @property
    def charts(self) -> list[tuple[Drift, Chart]]:
        """The score first."""
        return [(each, _chart(each)) for each in self.known]

    @property
    def summary(self) -> str:
        """All in a sentence."""
        known = self.known
        far = [_title(each) for each in known if each.band == "far"]
        moved = [_title(each) for each in known if each.band == "moved"]
        if not known:
            return "Nothing can be compared yet."
        if all(each.band == "too few" for each in known):
            return "There are too few predictions yet to tell drift from chance."
        if far:
            return f"Far from what the model was trained on: {', '.join(far)}. Look at where these values come from."
        if moved:
            return f"Moved, but not far: {', '.join(moved)}. Keep an eye on it."
        return "Nothing has moved to speak of: the model sees what it was trained on."


def drifting(
    champion: Path, places: Places | None, service: Service, *, most: int = MOST, since: float = 0.0
) -> Drifting:
    """Compares.

    Args:
        champion: its bundle.
        places: of the prediction log, if there is one.
        service: whose counted scores stand in where there is none.
        most: about so many of the latest predictions are compared.
        since: none earlier than this, in seconds since 1970.

    Raises:
        BundleError: the champion's bundle cannot be used.
        OSError, ChurnError: the log cannot be read.
    """
    manifest, content = champion_reference(champion)
    score, features = read_reference(content)
    live = latest(places, manifest.features, manifest.model_version, most=most, since=since) if places else None
    if live and live.records:
        known = [drift(each, each.count(live.values[each.name])) for each in features if each.name in live.values]
        known.sort(key=lambda each: -each.index)
        found = drift(score, score.count(live.values[PROBABILITY]))
        return Drifting(manifest, live, found, tuple(known), "", "the prediction log")
    when = "since then" if since else "yet"
    why = (
        f"The prediction log holds no record of {manifest.model_version} {when}, so features cannot be compared."
        if places
        else "There is no prediction log (PREDICTION_LOG is off), so features cannot be compared."
    )
    counted = _counted(service, manifest.model_version, score)
    return Drifting(manifest, live, drift(score, counted) if counted else None, (), why, "the instances' metrics")


def _counted(service: Service, version: str, score: Distribution) -> Sequence[int] | None:
    """The scores that the version's instances have counted since they started, if their bins are the reference's."""
    found = [each.counts.probability for each in service.instances if each.version == version and each.counts]
    if not found or any(len(each) != len(score.counts) for each in found):
        return None
    return [sum(numbers) for numbers in zip(*found, strict=True)]


def _title(found: Drift) -> str:
    return "Score" if found.reference.name == PROBABILITY else named(found.reference.name)


def _chart(found: Drift) -> Chart:
    reference = found.reference
    first = 1 if reference.edges and not (reference.counts[0] or found.live[0]) else 0  # such as "below 0"
    bins = reference.bins[first:]
    return histogram(
        name=f"drift-{reference.name}",
        title=_title(found),
        summary=f"PSI {found.index:.3f}: {BAND_WORDS[found.band]}.",
        bins=[YES_NO.get(each, named(each)) for each in bins],
        ticks={at - first: label for at, label in _ticks(reference).items()},
        sides=(Side("at training", "stable", reference.counts[first:]), Side("now", "live", found.live[first:])),
        small=True,
        centred=not reference.edges,
    )


def _ticks(reference: Distribution) -> dict[int, str]:
    """What stands at the boundaries between bins, as many as have room."""
    labels = {at: _edge(edge, reference.name) for at, edge in enumerate(reference.edges, 1)}
    if not labels:
        return {}
    every = -(-len(labels) * (max(map(len, labels.values())) + 2) // ROOM)
    return {at: label for at, label in labels.items() if at % every == 0 or every == 1}


def _edge(edge: float, name: str) -> str:
    return f"{edge:.0%}" if name == PROBABILITY else f"{edge:,.0f}" if edge >= TEN else f"{edge:g}"
