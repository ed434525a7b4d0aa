"""The policy as it is used: read from a file, checked against the contract, and made ready for choosing quickly."""

import hashlib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from churn.contract.declaration import Contract
from churn.contract.places import locate_files
from churn.errors import OfferPolicyError
from churn.retention.offers.benefit import Benefit
from churn.retention.offers.checks import find_problems
from churn.retention.offers.complaints import build_policy_error, problems_from_validation
from churn.retention.offers.conditions import Limits, read_conditions
from churn.retention.offers.document import Explore, Holdout, OfferDocument, PolicyDocument, WithoutOffer
from churn.retention.offers.effects_hash import hash_effects
from churn.retention.offers.price import find_currency
from churn.retention.offers.segments import Segment, list_strengths


class PolicyFile(NamedTuple):
    """What a policy file says, whatever the contract."""

    path: Path
    content: bytes
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class Terms:
    """An offer, ready for choosing: with titles and disclosures by language, their numbers filled in.

    Args:
        take_up, leavers_use: as measured, else as assumed.
        strengths: the effect as a multiple of `saves`, by segment of the policy, and last for all others.
    """

    code: str
    offer: OfferDocument
    benefit: Benefit
    eligible: tuple[Limits, ...]
    take_up: float
    leavers_use: float
    strengths: tuple[float, ...]
    titles: Mapping[str, str]
    disclosures: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Policy:
    """A valid policy; `document` is what its file says, the rest is ready for use.

    Args:
        content: the file's bytes.
        sha256: of the content, as `sha256sum` prints it.
        effects_sha256: of what it says that offers change; an uplift adjusts it.
        codes: of the offers, in the file's order.
        untried: those of them on which no lot falls.
    """

    document: PolicyDocument
    content: bytes
    sha256: str
    effects_sha256: str
    version: str
    currency: str
    holdout: Holdout
    cooldown_days: int
    without_offer: WithoutOffer
    explore: Explore
    segments: tuple[Segment, ...]
    terms: tuple[Terms, ...]
    codes: tuple[str, ...]
    untried: frozenset[str]

    def headline(self, language: str, *, with_offer: bool) -> str:
        """Return the banner's first line, in one of the policy's languages."""
        headlines = self.document.headlines
        return (headlines.with_offer if with_offer else headlines.without_offer)[language]


def find_default_policy(contract: type[Contract]) -> Path:
    """Return the path of the contract's own policy: beside the contract."""
    return locate_files(contract).policy


def load_policy(path: Path | None, contract: type[Contract], *, languages: Collection[str]) -> Policy:
    """Read and check a policy file, by default the contract's own. Its languages must be among these.

    Raises:
        OfferPolicyError: names the file, each place in it that is wrong, and what to do instead.
    """
    path = path or find_default_policy(contract)
    return build_policy(read_policy(path), contract, languages=languages)


def read_policy(path: Path) -> PolicyFile:
    """Read a policy file, whatever the contract.

    Raises:
        OfferPolicyError: the same.
    """
    try:
        return parse_policy(path.read_bytes(), path)
    except OSError as error:
        raise OfferPolicyError(
            f"{path} cannot be read: {error.strerror}",
            instead="give the path of a policy file, or write one there; docs/offers.md says how",
        ) from error


def parse_policy(content: bytes, path: Path) -> PolicyFile:
    """Read a policy file's content; errors name the path.

    Raises:
        OfferPolicyError: the same.
    """
    try:
        parsed = tomllib.loads(content.decode())
    except ValueError as error:
        raise OfferPolicyError(
            f"{path} is no TOML: {error}", instead="correct that line; docs/offers.md has a whole example"
        ) from error
    try:
        return PolicyFile(path, content, PolicyDocument.model_validate(parsed))
    except ValidationError as error:
        raise build_policy_error(path, problems_from_validation(error, parsed)) from error


def build_policy(file: PolicyFile, contract: type[Contract], *, languages: Collection[str]) -> Policy:
    """Check what a policy file says, and make it ready for use.

    Raises:
        OfferPolicyError: the same.
    """
    path, content, document = file
    if problems := find_problems(document, contract, languages):
        raise build_policy_error(path, problems)
    currency = find_currency(document, contract)
    segments = [segment.name for segment in document.segments]
    return Policy(
        document=document,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        effects_sha256=hash_effects(document),
        version=document.version,
        currency=currency,
        holdout=document.holdout,
        cooldown_days=document.cooldown.days,
        without_offer=document.without_offer,
        explore=document.explore,
        segments=tuple(Segment(segment.name, read_conditions(segment.when)) for segment in document.segments),
        terms=tuple(_terms_from_offer(offer, currency, segments) for offer in document.offers),
        codes=tuple(offer.code for offer in document.offers),
        untried=frozenset(offer.code for offer in document.offers if not offer.explore),
    )


def _terms_from_offer(offer: OfferDocument, currency: str, segments: Sequence[str]) -> Terms:
    measured = offer.measured
    take_up, leavers_use = (measured.take_up, measured.leavers_use) if measured else (None, None)
    return Terms(
        code=offer.code,
        offer=offer,
        benefit=offer.benefit,
        eligible=read_conditions(offer.eligible),
        take_up=take_up.value if take_up else offer.take_up,
        leavers_use=leavers_use.value if leavers_use else offer.leavers_use,
        strengths=list_strengths(measured, segments),
        titles={language: offer.fill_text(text, language, currency) for language, text in offer.title.items()},
        disclosures={
            language: tuple(offer.fill_text(text, language, currency) for text in several)
            for language, several in offer.disclosures.items()
        },
    )
