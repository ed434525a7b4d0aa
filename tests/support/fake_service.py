"""A service on a real socket that answers as the real one would, by a rule that a test chooses."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from churn.answers import Offer, Retention, RetentionAnswer
from support.listening import QuietHandler, listening

OFFER: Offer = {
    "code": "loyalty-15",
    "title": "15 dollars off for six months",
    "answers": "price.high",
    "discount_dollars": 15.0,
    "months": 6,
    "expires": "2099-12-31",
    "disclosures": ["Counts from your next bill. Afterwards the usual price of your plan applies."],
    "expected": {
        "churn_probability": 0.7,
        "save_rate": 0.2,
        "margin_dollars": 400.0,
        "cost_dollars": 30.0,
        "net_dollars": 26.0,
    },
}
RETENTION: Retention = {
    "headline": "A better price for you",
    "reasons": [
        {"code": "price.high", "group": "price", "actionable": True, "text": "You pay $89.50 a month."},
        {"code": "commitment.monthly", "group": "commitment", "actionable": True, "text": "You renew every month."},
        {"code": "support.many", "group": "support", "actionable": False, "text": "You asked for help 3 times."},
    ],
    "offer": OFFER,
    "suppressed": [],
    "offers_considered": [],
    "language": "en",
    "policy_version": "p1",
    "arm": "treatment",
}
HIGH: RetentionAnswer = {
    "churn_probability": 0.7305,
    "risk_tier": "high",
    "top_reasons": [],
    "model_version": "v0-fake",
    "show_retention_banner": True,
    "prediction_id": "one",
    "retention": RETENTION,
}
LOW: RetentionAnswer = {
    **HIGH,
    "churn_probability": 0.1,
    "risk_tier": "low",
    "show_retention_banner": False,
    "retention": None,
}


@dataclass
class Asked:
    """A request: its headers, in lower case, and its body."""

    headers: dict[str, str]
    facts: dict[str, Any]


@dataclass
class FakeService:
    """What it answers, changed at will while it runs, what it was asked, and the events it was told, by their key."""

    answer: RetentionAnswer = field(default_factory=lambda: copy.deepcopy(HIGH))
    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    reported: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)
    rule: Callable[[Asked], RetentionAnswer] | None = None
    numbered: bool = True

    def reply(self, asked: Asked) -> RetentionAnswer:
        """The answer, with an id of its own unless it is not numbered."""
        self.asked.append(asked)
        answer = self.rule(asked) if self.rule else self.answer
        if not self.numbered:
            return answer
        return {**answer, "prediction_id": f"{answer['prediction_id']}-{len(self.asked)}"}


def held_out() -> RetentionAnswer:
    """What a subscriber in the holdout is answered."""
    retention: Retention = {**RETENTION, "headline": None, "reasons": [], "offer": None, "arm": "holdout"}
    return {**HIGH, "retention": retention}


def with_retention(**changes: Any) -> RetentionAnswer:
    """The high risk's answer with another banner."""
    return {**HIGH, "retention": {**RETENTION, **changes}}  # type: ignore[typeddict-item]  # a test may say anything


@contextmanager
def fake_service() -> Iterator[FakeService]:
    service = FakeService()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/events":
                events = json.loads(body)
                service.reported.extend((self.headers["x-subscriber-key"], event) for event in events)
                self.send_json({"taken": len(events)})
                return
            asked = Asked({name.lower(): value for name, value in self.headers.items()}, json.loads(body))
            self.send_json(service.reply(asked))

        def send_json(self, value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with listening(Handler) as service.address:
        yield service
