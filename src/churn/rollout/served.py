"""Compare what the instances serve with what the rollout names: version and bundle of each track."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from churn.rollout.routers.router import BASELINE, TRACKS, Track
from churn.rollout.state import UNKNOWN, Bundle, Reading, Rollout

MOST_NAMED = 3  # instances in a sentence


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Instances that serve something else than the rollout names. While there is one, nothing is judged.

    Args:
        returns: whether all traffic goes back because of it. If not, the rollout holds, and raises an alarm.
    """

    reason: str
    returns: bool = False


def compare_served(rollout: Rollout, readings: Mapping[Track, Reading], now: float) -> tuple[Rollout, Mismatch | None]:
    """Compare all tracks. Return the mismatch, and the rollout with all that it must remember of it.

    A bundle that the rollout does not know yet, as an earlier program recorded it, becomes known at the first look.
    """
    rollout = _pin(rollout, readings)
    wrong = {track: describe_wrong(rollout, track, reading) for track, reading in readings.items()}
    named, bundles = name_bundle(rollout, "canary"), readings["canary"].served.values()
    everywhere = not any(_is_right(bundle, *named) for bundle in bundles)
    since = rollout.mixed_since or now
    rollout = replace(rollout, mixed_since=since if wrong["canary"] else None)
    if wrong["canary"] and everywhere:
        return rollout, Mismatch(f"no instance of the canary serves what it should: {wrong['canary']}", returns=True)
    if other := wrong["stable"] or wrong.get(BASELINE):
        # The step begins anew once there is something to compare with, so its time never runs out meanwhile.
        return replace(rollout, since=now), Mismatch(f"not judged, and no step forward: {other}")
    if wrong["canary"] and now - since >= rollout.plan.start_limit_s:
        return rollout, Mismatch(f"for longer than a start may take, {wrong['canary']}", returns=True)
    return rollout, Mismatch(f"not judged: {wrong['canary']}") if wrong["canary"] else None


def describe_bundle(bundle: Bundle) -> str:
    """Return a text such as `v2.4.0 (bundle 1f0c9a2b)`."""
    known = bundle.version or "nobody knows what"
    return f"{known} (bundle {bundle.sha256[:8]})" if bundle.sha256 else known


def name_bundle(rollout: Rollout, track: Track) -> tuple[str, str | None]:
    """Return the version of a track that the rollout names, and the bundle's sum if it is known.

    A baseline serves what stable does.
    """
    return (rollout.canary, rollout.canary_sha256) if track == "canary" else (rollout.stable, rollout.stable_sha256)


def describe_wrong(rollout: Rollout, track: Track, reading: Reading, *, serves: Track | None = None) -> str:
    """Say which instances of a track serve something else; empty if none does.

    Args:
        serves: the track whose bundle they should serve; their own by default.
    """
    version, sha256 = name_bundle(rollout, serves or track)
    served = {instance: reading.served.get(instance, UNKNOWN) for instance in reading.counts}
    wrong = {instance: bundle for instance, bundle in served.items() if not _is_right(bundle, version, sha256)}
    if not wrong and len({*served.values()}) > 1:
        wrong = served  # of one version, and nobody knows which of the bundles is meant
    named = [f"{instance} serves {describe_bundle(bundle)}" for instance, bundle in wrong.items()]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    expected = describe_bundle(Bundle(version, sha256 or ""))
    return f"{track}: {', '.join(named[:MOST_NAMED])}{more}, not {expected}" if named else ""


def _is_right(bundle: Bundle, version: str, sha256: str | None) -> bool:
    return bundle.version == version and sha256 in {None, bundle.sha256}


def _pin(rollout: Rollout, readings: Mapping[Track, Reading]) -> Rollout:
    sums = {}
    for track in TRACKS:
        version, sums[track] = name_bundle(rollout, track)
        served = {bundle.sha256 for bundle in readings[track].served.values() if bundle.version == version}
        if sums[track] is None and len(served) == 1:
            sums[track] = served.pop()
    return replace(rollout, stable_sha256=sums["stable"], canary_sha256=sums["canary"])
