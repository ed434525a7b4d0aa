"""What is sent: valid subscribers drawn from the contract, and the Lua script with which wrk sends them."""

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
  -- Of all times, at most one in a hundred of those answered by a prediction is beyond this one.
  local answered = 1 - e.status / math.max(summary.requests, 1)
  io.write(string.format(
    'RESULT {{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "answered_p99_us": %d, "errors": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency:percentile(100 - answered), e.connect + e.read + e.write + e.timeout + e.status))
end
"""


def subscribers(contract: type[Contract]) -> list[dict[str, Any]]:
    """Varied requests, the same in every run."""
    drawn = draw_subscribers(contract, np.random.default_rng(SEED), COUNT)
    return [subscriber.model_dump() for subscriber in drawn]


def wrk_script(path: str, requests: Sequence[dict[str, Any]], wrap: Callable[[dict[str, Any]], Any]) -> str:
    """The Lua script for one server: the requests in turn, and one line of JSON with what came of them.

    Args:
        path: where the server takes them.
        requests: one subscriber each.
        wrap: a subscriber -> the body that this server wants.
    """
    bodies = ",\n".join(f"[==[{json.dumps(wrap(request), separators=(',', ':'))}]==]" for request in requests)
    return LUA.format(path=path, bodies=bodies)
