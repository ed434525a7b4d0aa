"""Draw valid subscribers from the contract, and write the Lua script that makes wrk send them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from churn.contract.declaration import Contract
from churn.contract.sampling import draw_subscribers

COUNT = 500
SEED = 7

LUA = """\
local bodies = {{
{bodies}
}}
local requests = {{}}
local at = 0

function init()
  for i, body in ipairs(bodies) do
    requests[i] = wrk.format("POST", "{path}", {{["Content-Type"] = "application/json"}}, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  -- At most one in a hundred of the requests that were answered by a prediction took longer than this.
  local answered = 1 - e.status / math.max(summary.requests, 1)
  io.write(string.format(
    'RESULT {{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "answered_p99_us": %d, "errors": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency:percentile(100 - answered), e.connect + e.read + e.write + e.timeout + e.status))
end
"""


def draw_requests(contract: type[Contract]) -> list[dict[str, Any]]:
    """Draw different subscribers, the same in every run."""
    drawn = draw_subscribers(contract, np.random.default_rng(SEED), COUNT)
    return [subscriber.model_dump() for subscriber in drawn]


def build_wrk_script(path: str, requests: Sequence[dict[str, Any]], wrap: Callable[[dict[str, Any]], Any]) -> str:
    """Return a Lua script that sends the requests in turn and prints one line of JSON about the answers.

    Args:
        path: where the server takes predictions.
        requests: the subscribers.
        wrap: a subscriber -> the body that this server takes.
    """
    bodies = ",\n".join(f"[==[{json.dumps(wrap(request), separators=(',', ':'))}]==]" for request in requests)
    return LUA.format(path=path, bodies=bodies)
