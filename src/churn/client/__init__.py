"""The typed client of a running service; needs the extra `client`.

calls.py          a request, and what its reply means; without a network
asynchronous.py   sends it within one budget of time
blocking.py       the same for code without an event loop
"""

from churn.client.asynchronous import AsyncChurnClient
from churn.client.blocking import ChurnClient
from churn.client.calls import Asked, Health

__all__ = ["Asked", "AsyncChurnClient", "ChurnClient", "Health"]
