"""The typed client of a running service, for who asks it over HTTP; needs the extra `client`."""

from churn.client.asynchronous import AsyncChurnClient
from churn.client.blocking import ChurnClient
from churn.client.calls import Asked, Health

__all__ = ["Asked", "AsyncChurnClient", "ChurnClient", "Health"]
