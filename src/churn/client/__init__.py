"""The typed client of a running service, for who asks it over HTTP; needs the extra `client`."""

from churn.client.asynchronous import AsyncChurnClient
from churn.client.blocking import ChurnClient

__all__ = ["AsyncChurnClient", "ChurnClient"]
