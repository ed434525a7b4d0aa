"""What no subscriber is told: words of leaving and of risk."""

import re

# Whole words, with their endings. A language that is not here is not looked at.
LEAVING = {
    "en": r"churn\w*|leav(?:e|es|ing)|quit(?:s|ting)?|unsubscrib\w*",
    # "auf uns verlassen" is to rely on us.
    "de": r"churn\w*|abwander\w*|(?<!auf )uns (?:verlass\w*|verlässt)",
}
CANCELLING = {"en": r"cancel\w*", "de": r"(?:ge)?kündig\w*|kündbar\w*"}
RISK = {"en": r"risk\w*", "de": r"risik\w*|riskant\w*|riskier\w*"}


def find_unspoken(text: str, language: str, *, may_cancel: bool = False) -> str | None:
    """Return the first word of a text that no subscriber may read, or None.

    The terms of an offer must tell of the right to cancel: with `may_cancel` they may.
    """
    lists = (LEAVING, RISK) if may_cancel else (LEAVING, RISK, CANCELLING)
    if language not in LEAVING:
        return None
    words = "|".join(of_language[language] for of_language in lists)
    found = re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)
    return found[0] if found else None
