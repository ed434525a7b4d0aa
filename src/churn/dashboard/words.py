"""Write numbers, times and names as people read them."""

from datetime import UTC, datetime

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
HUNDREDTH = 0.01
KINDS = {
    "started": "Started",
    "stepping": "Decided to go on",
    "stepped": "Share changed",
    "judged": "Judged",
    "routing": "Routing put right",
    "trouble": "Trouble",
    "alarm": "Alarm",
    "clock": "Clock",
    "wish": "Asked for",
    "finishing": "Decided to promote",
    "settling": "Becomes the stable version",
    "returning": "Decided to go back",
    "ended": "Ended",
}
DECISIONS = {"promote": "all within", "hold": "not yet sure", "roll back": "outside"}
STANDINGS = {"within": "within", "unsure": "not yet sure", "outside": "outside"}


def format_time(at: float) -> str:
    """Return a time such as `24 Nov 2026, 13:05 UTC`."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y, %H:%M} UTC"


def format_short_time(at: float) -> str:
    """Return a time such as `24 Nov 13:05`, in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %H:%M}"


def format_iso(at: float) -> str:
    """Return a time as machines read it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def format_duration(seconds: float) -> str:
    """Return a duration such as `8 s`, `47 min`, `48 h` or `4 days 3 h`."""
    if seconds < MINUTE_S:
        return f"{max(seconds, 0):.0f} s"
    if seconds >= 3 * DAY_S:
        days, rest = divmod(seconds, DAY_S)
        return f"{days:.0f} days {rest // HOUR_S:.0f} h".removesuffix(" 0 h")
    hours, minutes = divmod(round(seconds / MINUTE_S), 60)
    return (f"{hours} h {minutes} min" if hours else f"{minutes} min").removesuffix(" 0 min")


def format_percent(share: float, digits: int = 2) -> str:
    """Return a share such as `12.34 %`."""
    return f"{100 * share:.{digits}f} %"


def format_points(difference: float | None) -> str:
    """Return a difference of shares in percentage points, such as `+0.12`, with a true minus sign."""
    if difference is None:
        return "unknown"
    value = 100 * difference
    digits = 3 if 0 < abs(value) < HUNDREDTH else 2
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def format_latency(seconds: float) -> str:
    """Return a latency such as `0.5 ms` or `2.5 s`."""
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def title_from_name(name: str) -> str:
    """Return a name of the code as people write it: `Support tickets` for `support_tickets`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def join_names(names: list[str]) -> str:
    """Return names as a sentence has them: `a, b and c`."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def make_sentence(text: str) -> str:
    """Return text with a capital letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""
