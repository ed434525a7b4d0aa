"""Whether a policy that has the right shape also makes sense, by itself and for its contract."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH
from churn.contract.unspoken import find_unspoken
from churn.retention.offers.complaints import PolicyProblem
from churn.retention.offers.conditions import find_condition_problems
from churn.retention.offers.document import OfferDocument, PolicyDocument, find_placeholders
from churn.retention.offers.price import find_price_problems
from churn.retention.offers.segments import find_measured_problems, find_segment_problems


def find_problems(
    document: PolicyDocument, contract: type[Contract], languages: Collection[str]
) -> list[PolicyProblem]:
    """List all that is wrong, in the file's order. Answers can be given in `languages`: the policy chooses of them."""
    if document.contract != contract.contract_name:
        what = f"is {document.contract}, but the contract in use is {contract.contract_name}"
        return [PolicyProblem("contract", what, "give the policy of this contract, or set CHURN_CONTRACT")]
    problems = [
        *_languages(document, languages),
        *find_price_problems(document, contract),
        *_headlines("with_offer", document.headlines.with_offer, document.languages),
        *_headlines("without_offer", document.headlines.without_offer, document.languages),
    ]
    problems += find_segment_problems(document.segments, contract)
    segments = [segment.name for segment in document.segments]
    for code, count in Counter(offer.code for offer in document.offers).items():
        if count > 1:
            problems.append(
                PolicyProblem(f'offer "{code}"', f"stands there {count} times", "give each offer a code of its own")
            )
    for offer in document.offers:
        problems += [
            PolicyProblem(f'offer "{offer.code}": {problem.place}', problem.what, problem.instead)
            for problem in _offer(offer, contract, document.languages, segments)
        ]
    return problems


def _languages(document: PolicyDocument, possible: Collection[str]) -> Iterator[PolicyProblem]:
    if ENGLISH.code not in document.languages:
        yield PolicyProblem("languages", "lacks en", "add it here and to every text: others fall back to it")
    if unknown := [language for language in document.languages if language not in possible]:
        instead = f"answers are given in {', '.join(sorted(possible))}; `churn contract messages` begins a catalogue"
        yield PolicyProblem("languages", f"has {', '.join(unknown)}, for which there is no catalogue", instead)


def _headlines(name: str, texts: Mapping[str, str], languages: Collection[str]) -> Iterator[PolicyProblem]:
    place = f"headlines: {name}"
    yield from _texts(place, texts, languages)
    for language, text in texts.items():
        yield from _placeholders(f"{place}: {language}", text, ())
        yield from _unspoken(f"{place}: {language}", text, language)


def _texts(
    place: str, texts: Mapping[str, object], languages: Collection[str], about: str = "the text"
) -> Iterator[PolicyProblem]:
    for language in languages:
        if language not in texts:
            yield PolicyProblem(place, f"has no {language}", f"add {about} in this language")
    for language in texts:
        if language not in languages:
            yield PolicyProblem(
                place, f"has {language}, which is not among languages", "add it there or leave it out here"
            )


def _offer(
    offer: OfferDocument, contract: type[Contract], languages: Collection[str], segments: Collection[str]
) -> Iterator[PolicyProblem]:
    yield from _texts("title", offer.title, languages)
    yield from _texts("disclosures", offer.disclosures, languages, "the list, which may be empty,")
    for language, title in offer.title.items():
        yield from _placeholders(f"title: {language}", title, offer.numbers)
        yield from _unspoken(f"title: {language}", title, language)
    for language, texts in offer.disclosures.items():
        for text in texts:
            yield from _placeholders(f"disclosures: {language}", text, offer.numbers)
            yield from _unspoken(f"disclosures: {language}", text, language, may_cancel=True)
    yield from _saves(offer, contract)
    yield from find_condition_problems("eligible", offer.eligible, contract, "no offer may depend on it")
    if offer.measured:
        yield from find_measured_problems(offer, offer.measured, segments)


def _placeholders(place: str, text: str, numbers: Collection[str]) -> Iterator[PolicyProblem]:
    known = ", ".join(f"{{{name}}}" for name in numbers)
    instead = f"use {known}" if known else "leave them out: a headline has no numbers of its own"
    try:
        unknown = [name for name in find_placeholders(text) if name not in numbers]
    except ValueError:
        yield PolicyProblem(place, "has braces that are not in pairs or hold more than a name", instead)
        return
    for name in unknown:
        owner = "this offer has no number" if known else "there is no number"
        yield PolicyProblem(place, f"has {{{name}}}, which {owner} for", instead)


def _unspoken(place: str, text: str, language: str, *, may_cancel: bool = False) -> Iterator[PolicyProblem]:
    if word := find_unspoken(text, language, may_cancel=may_cancel):
        yield PolicyProblem(
            place,
            f"has {word!r}, but no subscriber is told of leaving or of risk",
            "say what they have and what would help",
        )


def _saves(offer: OfferDocument, contract: type[Contract]) -> Iterator[PolicyProblem]:
    groups = list(dict.fromkeys(spec.group for spec in contract.features if spec.is_showable))
    for group, rate in offer.saves.items():
        if group not in groups:
            yield PolicyProblem(
                f"saves: {group}", "is no reason that a subscriber is shown", f"use one of {', '.join(groups)}"
            )
        if rate > offer.take_up:
            yield PolicyProblem(
                f"saves: {group}",
                f"is {rate:g}, more than take_up, {offer.take_up:g}",
                "lower it or raise take_up: nobody is kept by an offer that was not accepted",
            )
