"""Keys of callers for a service under test."""

from datetime import date

from churn.service.keys import CallerScope, build_entry

MADE = date(2026, 11, 29)


def entry(name: str, key: str, *scopes: CallerScope) -> str:
    return build_entry(name, key, scopes or ("predict", "batch", "metrics"), MADE)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# The same in every process that collects tests.
PORTAL, MONITOR, STRANGER = (f"churn_{letter * 43}" for letter in "pms")
# The portal may ask for predictions and report events, the monitor for figures only.
TWO_CALLERS = entry("portal", PORTAL, "predict", "batch", "events") + entry("monitor", MONITOR, "metrics")
