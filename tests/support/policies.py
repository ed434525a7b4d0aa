"""Policies to test with: `policy.toml` with some of its lines changed. What is shipped may change without them."""

from pathlib import Path

from churn.answers import CustomerReason
from churn.contract.language import list_language_codes
from churn.retention.offers.policy import Policy, load_policy
from support.examples import STREAMFLOW

POLICY = Path(__file__).with_name("policy.toml")
LANGUAGES = list_language_codes()


def policy_file(folder: Path, *changes: tuple[str, str]) -> Path:
    """The policy with texts exchanged, each as often as it occurs."""
    text = POLICY.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"the policy has no {old!r}"
        text = text.replace(old, new)
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def policy_without_price(folder: Path, currency: str) -> Path:
    """Two of its offers, each with what it is worth, in a policy without a price."""
    head, *offers = POLICY.read_text(encoding="utf-8").split("[[offer]]\n")
    head = head.partition("[assumptions]")[0].replace('price_field = "monthly_charges"', f'currency = "{currency}"')
    worth = {"welcome-5": 300, "priority-support": 200}
    kept = [f"worth_dollars = {worth[code]}\n{offer}" for code in worth for offer in offers if f'"{code}"' in offer]
    path = folder / "without-price.toml"
    path.write_text("[[offer]]\n".join([head, *kept]), encoding="utf-8")
    return path


def policy_of(folder: Path, *changes: tuple[str, str]) -> Policy:
    """The same, loaded."""
    return load_policy(policy_file(folder, *changes), STREAMFLOW, languages=LANGUAGES)


def reason(group: str, code: str = "") -> CustomerReason:
    return {"code": code or f"{group}.any", "group": group, "actionable": True, "text": f"About {group}."}
