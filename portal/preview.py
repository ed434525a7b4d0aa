"""What each subscriber of the demo would see now, asked and decided as the page does. Nothing is recorded."""

from datetime import date

from churn.client import ChurnClient
from portal.advice import require_sense
from portal.banner import decide_display
from portal.records import DemoSubscriber
from portal.store import Store
from portal.words import ENGLISH

# What one of them sees, in the order in which the page decides.
SIGHTS = {
    "opted_out": "nothing: turned offers off",
    "active_offer": "the offer that was accepted",
    "no_banner": "nothing: no banner is due",
    "holdout": "nothing: held out",
    "nothing_to_show": "nothing: no reason may be shown",
    "exposure": "the banner",
}


def preview_pages(client: ChurnClient, store: Store, today: date) -> dict[str, int]:
    """Count what the subscribers would see, by `SIGHTS`.

    Raises:
        ClientError: the service does not answer, or makes no sense.
    """
    counts = dict.fromkeys(SIGHTS, 0)
    for subscriber in store.list_subscribers():
        counts[_preview_page(client, store, subscriber, today)] += 1
    return counts


def _preview_page(client: ChurnClient, store: Store, subscriber: DemoSubscriber, today: date) -> str:
    if not subscriber.wants_offers:
        return "opted_out"
    history = store.read_history(subscriber.key)
    answer = client.predict(
        subscriber.facts,
        subscriber_key=subscriber.key,
        last_offer=history.accepted.accepted_on if history.accepted else None,
        language=ENGLISH,
    )
    require_sense(answer)
    display = decide_display(answer, subscriber=subscriber.key, history=history, today=today)
    if display.active:
        return "active_offer"
    return display.exposure.kind if display.exposure else "no_banner"
