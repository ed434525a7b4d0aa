"""The typed client of a running service. It needs the extra `client`.

calls.py          build a request and read its reply, without a network
asynchronous.py   send it within one budget of time
blocking.py       the same for code without an event loop
portal.py         asks the portal what it keeps of a person, or to erase it
"""

from churn.client.asynchronous import AsyncChurnClient
from churn.client.blocking import ChurnClient
from churn.client.calls import Asked, Health, Reported

__all__ = ["Asked", "AsyncChurnClient", "ChurnClient", "Health", "Reported"]
