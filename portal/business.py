"""What the portal shows of a business: its name, its page, its phrases and its demo subscribers.

All of it follows from the contract. A business that says it in its own way has one or both of these files beside its
contract: `NAME.portal.toml` for name, title, phrases and subscribers, `NAME.portal.html` for the account.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn.businesses import find_business, find_contract
from churn.contract.declaration import Contract
from churn.contract.phrases import label_from_name
from churn.contract.subscriber import SubscriberError, subscriber_from_json
from churn.errors import ContractError
from portal.demo_people import describe_person, draw_subscribers, read_subscribers
from portal.facts import list_page_languages
from portal.records import KEY, DemoSubscriber
from portal.words import DOLLARS, ENGLISH, PAGE, Phrases, choose_language


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
    title: str = ""
    phrases: dict[str, dict[str, str]] = {}
    subscriber: list[_Subscriber] = []


@dataclass(frozen=True, slots=True)
class Business:
    """A business as its portal shows it.

    Args:
        contract: what is known of a subscriber.
        name: of the business, for people.
        phrases: what the portal itself says, around an offer and on the page.
        languages: those that the whole page can be in.
        subscribers: of the demonstration.
        has_titles: whether somebody titled them; else their first facts do.
        source: the name of the file that they are the first rows of; empty if they are invented.
        page: the template of the account; None where the contract's facts are listed.
    """

    contract: type[Contract]
    name: str
    phrases: Phrases
    languages: tuple[str, ...]
    subscribers: tuple[DemoSubscriber, ...]
    has_titles: bool
    source: str
    page: Path | None

    @property
    def origin(self) -> str:
        """A predicate that says where the demonstration's subscribers come from."""
        return f"are the first of {self.source}" if self.source else "are invented"

    def choose_language(self, accept_language: str, shown: str | None = None) -> str:
        """Choose the language of the whole page: that of the banner or offer on it, else the one that is asked for."""
        if shown is not None:
            return shown if shown in self.languages else ENGLISH
        return choose_language(accept_language, self.languages)

    def say_in(self, language: str) -> dict[str, Any]:
        """Return what every template of a page in this language needs."""
        return {"language": language, "say": self.phrases.find(language)}

    def title_of(self, subscriber: DemoSubscriber, language: str) -> str:
        """Return a few words about a person: the first facts, in this language, if nobody wrote them."""
        if self.has_titles or language == ENGLISH:
            return subscriber.title
        return describe_person(self.contract, subscriber.facts, subscriber.number, language)

    def about(self, subscriber: DemoSubscriber, language: str) -> str:
        """Return a little more about a person."""
        is_drawn = not self.has_titles and not self.source
        return self.phrases.find(language)["drawn"] if is_drawn else subscriber.about

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
    path, page = files.portal, files.page if files.page.is_file() else None
    document = _read_document(path)
    phrases = _read_phrases(path, _add_title(document))
    declared = [] if subscribers else _read_declared(path, contract, document.subscriber)
    people = declared or (read_subscribers(contract, subscribers) if subscribers else draw_subscribers(contract))
    return Business(
        contract=contract,
        name=document.name or label_from_name(name),
        phrases=phrases,
        # A page or titles of its own are in the words that somebody wrote, which are taken for English.
        languages=(ENGLISH,) if page or declared else (*list_page_languages(contract, phrases.page_languages),),
        subscribers=tuple(people),
        has_titles=bool(declared),
        source=subscribers.name if subscribers else "",
        page=page,
    )


def _add_title(document: _Document) -> Mapping[str, Mapping[str, str]]:
    """Return the phrases with the page's title, in each language that has none of its own."""
    if not document.title:
        return document.phrases
    languages = {*PAGE, *(language for language, own in document.phrases.items() if own.keys() & PAGE[ENGLISH].keys())}
    own_title = {language: {"title": document.title} for language in sorted(languages)}
    return {
        language: own_title.get(language, {}) | dict(document.phrases.get(language, {}))
        for language in {**own_title, **document.phrases}
    }


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
            subscriber_from_json(contract, subscriber.facts, as_of=datetime.now(UTC).date())
        except SubscriberError as error:
            wrong = "; ".join(item.message for item in error.errors) or error.message
            raise _unusable(path, f"the facts of subscriber {subscriber.key!r}: {wrong}") from error
    return [DemoSubscriber(number=number, **each.model_dump()) for number, each in enumerate(declared, start=1)]


def _unusable(path: Path, wrong: str) -> ContractError:
    return ContractError(
        f"{path} cannot be used: {wrong}", instead="correct it; docs/portal.md says what may stand there"
    )
