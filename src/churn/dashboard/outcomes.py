"""What is known of those who left, read out: for the page of outcomes, its report, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from churn.model.shelf import list_bundles
from churn.outcomes.join import join_outcomes
from churn.outcomes.store import load_outcomes, locate_outcomes
from churn.outcomes.summary import OutcomeSummary, summarize_outcomes
from churn.prediction_log.places import Places

BADGES = {"keep": "it works", "hold": "not yet sure", "stop": "it harms"}
TONES = {"keep": "good", "hold": "calm", "stop": "bad"}


@dataclass(frozen=True)
class Outcomes:
    """The page's values.

    Args:
        known: how many outcomes were imported.
        readout: what they say.
    """

    known: int
    readout: OutcomeSummary

    @property
    def badge(self) -> str:
        """What the banner does, in a word or two."""
        return BADGES[self.readout.experiment.advice]

    @property
    def tone(self) -> str:
        """How that looks."""
        return TONES[self.readout.experiment.advice]

    @property
    def summary(self) -> str:
        """All in a sentence."""
        reason = self.readout.experiment.reason
        return f"{reason[:1].upper()}{reason[1:]}."


def outcomes_of(
    home: Path, contract: str, places: Places, *, progress: Callable[[int, int], None] = lambda *_: None
) -> Outcomes:
    """Joins what was imported to the log, and reads it out.

    Args:
        home: CHURN_HOME.
        contract: its name.
        places: of its prediction log.
        progress: told (done, total) segments.

    Raises:
        DataError: outcomes or a segment are damaged; names it.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    known = load_outcomes(locate_outcomes(home, contract))
    held = [each.manifest for each in list_bundles(home) if each.contract == contract and each.manifest]
    trained = {manifest.model_version: manifest.test_auc for manifest in held}
    return Outcomes(len(known), summarize_outcomes(join_outcomes(places, known, progress=progress), trained))
