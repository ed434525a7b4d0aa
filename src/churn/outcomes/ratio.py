"""Whether as many were held out as were drawn: else something lost or added subscribers, and nothing can be compared.

For each share there is an e-process against the arms being drawn with it: the test of Lindon and Malek (2022,
"Anytime-valid inference for multinomial count data") for two arms. People who came under another share are others, so
the e-processes are multiplied. By Ville's inequality (1939) the product ever reaches 1 / RISK with a chance of RISK at
most, if the arms are as drawn. So one may look as often as one likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from churn.judging.sequences import log_split_evidence
from churn.outcomes.strata import Stratum

RISK: Final = 0.001  # to call arms wrong that are as drawn, over all looks together

_CERTAIN = 1e6  # of evidence, where a share of 0 or 1 leaves no doubt


@dataclass(frozen=True, slots=True)
class ArmRatio:
    """How many were held out, of those who came under known shares.

    Args:
        people: who came, also those without an outcome.
        held_out: how many of them were in the holdout.
        expected: how many should have been, by the shares.
        log_evidence: the logarithm of the e-process against arms as drawn.
    """

    people: int
    held_out: int
    expected: float
    log_evidence: float

    @property
    def is_wrong(self) -> bool:
        """Return whether the arms are surely not as drawn."""
        return bool(self.log_evidence >= -np.log(RISK))

    def describe(self) -> str:
        """Say what is wrong with the arms."""
        return (
            f"{self.held_out:,} of {self.people:,} subscribers are in the holdout, where {self.expected:,.0f} were "
            "drawn: some are lost or added, so nothing can be compared"
        )


def check_ratio(strata: Sequence[Stratum]) -> ArmRatio:
    """Compare the arms with the shares by which they were drawn. Strata without a known share are left out."""
    people = held_out = 0
    expected = evidence = 0.0
    for stratum in strata:
        if stratum.share is None:
            continue
        held = stratum.holdout + stratum.holdout_missing
        people += stratum.people
        held_out += held
        expected += stratum.share * stratum.people
        if 0 < stratum.share < 1:
            evidence += log_split_evidence(held, stratum.people, stratum.share, expected=stratum.share)
        elif held != stratum.share * stratum.people:
            evidence = _CERTAIN
    return ArmRatio(people, held_out, expected, evidence)
