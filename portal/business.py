"""What the portal shows of a business: its name, its page, its phrases and its demo subscribers.

All of it follows from the contract. A business that says it in its own way has one or both of these files beside its
contract: `NAME.portal.toml` for name, title, phrases and subscribers, `NAME.portal.html` for the account.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn.businesses import find_business, find_contract
from churn.contract.declaration import Contract
from churn.contract.phrases import label_from_name
from churn.errors import ContractError
from portal.demo_people import draw_subscribers, read_subscribers
from portal.records import KEY, DemoSubscriber
from portal.words import DOLLARS, Phrases


class _Subscriber(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=f"^{KEY.pattern}$")]
    title: str
    about: str = ""
    facts: dict[str, Any]


class _Document(BaseModel):
    """What stands in `NAME.portal.toml`; all of it may be left out."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    title: str = "Your account"
    phrases: dict[str, dict[str, str]] = {}
    subscriber: list[_Subscriber] = []


@dataclass(frozen=True, slots=True)
class Business:
    """A business as its portal shows it.

    Args:
        contract: what is known of a subscriber.
        name: of the business, for people.
        title: of the page.
        phrases: what the portal itself says around an offer.
        subscribers: of the demonstration.
        origin: a predicate that says where these come from.
        page: the template of the account; None where the contract's facts are listed.
    """

    contract: type[Contract]
    name: str
    title: str
    phrases: Phrases
    subscribers: tuple[DemoSubscriber, ...]
    origin: str
    page: Path | None

    @property
    def currency(self) -> str:
        """The currency of the contract's amounts, where the service does not name an offer's."""
        return next((spec.currency for spec in self.contract.features if spec.currency), DOLLARS)


def load_business(name: str, subscribers: Path | None = None) -> Business:
    """Return the business of this contract.

    Args:
        name: of the contract.
        subscribers: a data file whose first rows are the demo's subscribers, instead of those of the business.

    Raises:
        ContractError: there is no such contract, or a file beside it cannot be used.
        SettingsError: the data file cannot be used.
    """
    contract, files = find_contract(name), find_business(name).files
    path, page = files.portal, files.page
    document = _read_document(path)
    return Business(
        contract=contract,
        name=document.name or label_from_name(name),
        title=document.title,
        phrases=_read_phrases(path, document.phrases),
        subscribers=tuple(
            read_subscribers(contract, subscribers)
            if subscribers
            else _read_declared(path, contract, document.subscriber) or draw_subscribers(contract)
        ),
        origin=f"are the first of {subscribers.name}" if subscribers else "are invented",
        page=page if page.is_file() else None,
    )


def _read_document(path: Path) -> _Document:
    try:
        return _Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _Document()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise _unusable(path, wrong) from error
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from error


def _read_phrases(path: Path, phrases: Mapping[str, Mapping[str, str]]) -> Phrases:
    try:
        return Phrases(phrases)
    except ValueError as error:
        raise _unusable(path, str(error)) from error


def _read_declared(path: Path, contract: type[Contract], declared: list[_Subscriber]) -> list[DemoSubscriber]:
    for subscriber in declared:
        try:
            contract.model_validate(subscriber.facts)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise _unusable(path, f"the facts of subscriber {subscriber.key!r}: {wrong}") from error
    return [DemoSubscriber(number=number, **each.model_dump()) for number, each in enumerate(declared, start=1)]


def _unusable(path: Path, wrong: str) -> ContractError:
    return ContractError(
        f"{path} cannot be used: {wrong}", instead="correct it; docs/portal.md says what may stand there"
    )
