"""The time of a rollout: it runs as the machine's own clock does, and shows what the wall clock shows.

If both part, the wall clock has jumped. Then every time from which a duration is measured moves along, so no duration
changes. If the machine has started anew, nobody knows how long that took, so it does not count.
"""

from dataclasses import replace

from churn.clocks import Clock
from churn.rollout.decision import text_from_duration
from churn.rollout.state import Rollout

JUMP_S = 5.0  # the wall clock parts from the machine's own by more than this: it has jumped
STEADY_S = 3600.0  # no release window opens before the clock has run steadily for so long


def look_at_clock(rollout: Rollout, clock: Clock) -> tuple[Rollout, str]:
    """Return the rollout as of this look, and what the clock has done; empty if it has run on."""
    rollout = replace(rollout, looks=rollout.looks + 1)
    last = rollout.clock or (Clock(rollout.looked_at, 0.0, "unknown") if rollout.looked_at else clock)
    gained_s = clock.gain_since(last)
    if abs(gained_s) <= JUMP_S:
        at = last.wall_s + clock.measure_since(last)
        return replace(rollout, clock=replace(clock, wall_s=at), looked_at=at), ""
    is_known = gained_s < 0 or clock.boot == last.boot
    moved = replace(
        rollout,
        clock=clock,
        looked_at=clock.wall_s,
        began=rollout.began + gained_s if is_known else rollout.began,
        since=rollout.since + gained_s,
        mixed_since=rollout.mixed_since and rollout.mixed_since + gained_s,
        counts={track: replace(counts, at=counts.at + gained_s) for track, counts in rollout.counts.items()},
        clock_steady_since=clock.wall_s,
        clock_jumped_at=clock.wall_s if is_known else rollout.clock_jumped_at,
    )
    much = text_from_duration(abs(gained_s))
    if not is_known:
        return moved, f"{much} since the last look do not count: the machine has started anew, or another one goes on"
    way = "forward" if gained_s > 0 else "back"
    return moved, f"the wall clock has jumped {way} by {much}; what was measured so far stays as long as it was"


def tell_time(rollout: Rollout, clock: Clock) -> float:
    """Return the time of a rollout in seconds since 1970. Between two looks no jump moves it."""
    last = rollout.clock or clock
    return last.wall_s + clock.measure_since(last)


def describe_unsteady_clock(rollout: Rollout, now: float) -> str | None:
    """Say why no release window opens by this clock yet; None if it is steady."""
    steady_s = STEADY_S if rollout.clock_steady_since is None else now - rollout.clock_steady_since
    if steady_s >= STEADY_S:
        return None
    left = text_from_duration(STEADY_S - steady_s)
    return f"the wall clock may be wrong, and must run steadily for {left} more"
