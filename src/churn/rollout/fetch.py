"""Ask several addresses at once, with a bound of time and of bytes for each whole answer."""

import asyncio
from collections.abc import Mapping, Sequence

import httpx2

TIMEOUT_S = 2.0
# What may be raised by reading an answer, whatever is in it.
UNREADABLE = (
    *(httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, RecursionError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
)

type Answer = tuple[int, bytes] | Exception  # status and body


def build_authorization(api_key: str | None) -> dict[str, str]:
    """Return the header that carries a key; nothing without one."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


async def fetch_all(
    urls: Sequence[str],
    most_bytes: int,
    authorization: Mapping[str, str] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> list[Answer]:
    """Ask all at once. Each has this time for its whole answer, headers included, however slowly it comes."""

    async def fetch(url: str) -> Answer:
        content = bytearray()
        try:
            async with asyncio.timeout(timeout_s), client.stream("GET", url) as answer:
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > most_bytes:
                        return ValueError(f"more than {most_bytes:,} bytes")
        except TimeoutError:
            return httpx2.ReadTimeout(f"no whole answer in {timeout_s:g} s")
        except UNREADABLE as error:
            return error
        return answer.status_code, bytes(content)

    headers = {"Accept-Encoding": "identity", **(authorization or {})}
    async with httpx2.AsyncClient(trust_env=False, headers=headers) as client:
        return [*await asyncio.gather(*map(fetch, urls))]
