"""What is told: what happened, and where to look."""

from dataclasses import dataclass
from typing import Literal

type Kind = Literal["info", "success", "warning", "failure"]

MOST_LETTERS = 600  # of a sentence that a program made


@dataclass(frozen=True, slots=True)
class Notice:
    """One state of one topic. The same state of a topic is told once.

    Args:
        topic: what it is about, such as `rollout churn-api`.
        state: in a word or two; empty if all is well, which is not told and ends what was.
        title: what happened, in a few words.
        text: what happened, in a sentence.
        action: where to look, or what to do.
        kind: how grave it is.
    """

    topic: str
    state: str
    title: str = ""
    text: str = ""
    action: str = ""
    kind: Kind = "info"

    @property
    def body(self) -> str:
        """Return all but the title."""
        text = self.text if len(self.text) <= MOST_LETTERS else f"{self.text[:MOST_LETTERS]}…"
        return f"{text}\n{self.action}" if self.action else text
