"""Who is told: addresses in the form of Apprise, which knows Slack, Teams, PagerDuty, plain webhooks and many more."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import apprise

from churn.errors import SettingsError
from churn.notices.notice import Notice

NAME = "NOTIFY_URLS"


class AppriseReceiver(NamedTuple):
    """One address."""

    name: str
    service: apprise.NotifyBase

    def tell(self, notice: Notice) -> bool:
        """Send the notice to the address; nothing is raised."""
        try:
            return bool(self.service.notify(body=notice.body, title=notice.title, notify_type=notice.kind))
        except Exception:  # noqa: BLE001 - of a library that talks to strangers; the error may quote the address
            return False


def read_receivers(addresses: str) -> Sequence[AppriseReceiver]:
    """Read addresses that are separated by spaces, line breaks, or commas with a space.

    Raises:
        SettingsError: one of them is no address. It is named by its place, since it may hold a secret.
    """
    logging.getLogger("apprise").disabled = True  # its lines may quote an address
    receivers = []
    for place, address in enumerate(addresses.replace(",\n", "\n").split(), 1):
        service = apprise.Apprise.instantiate(address.rstrip(","), suppress_exceptions=True)
        if service is None:
            raise SettingsError(
                f"{NAME}: address {place} is none that Apprise knows",
                instead="write it as https://appriseit.com/services says; a plain webhook is json://HOST or jsons://HOST",
            )
        receivers.append(AppriseReceiver(f"receiver {place} ({address.partition(':')[0]})", service))
    return receivers
