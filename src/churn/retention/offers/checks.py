"""Whether a policy that has the right shape also makes sense, by itself and for its contract."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.language import ENGLISH
from churn.contract.unspoken import find_unspoken
from churn.retention.offers.complaints import PolicyProblem
from churn.retention.offers.document import Condition, OfferDocument, PolicyDocument, find_placeholders
from churn.retention.offers.price import NUMERIC, find_price_problems


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
    for code, count in Counter(offer.code for offer in document.offers).items():
        if count > 1:
            problems.append(
                PolicyProblem(f'offer "{code}"', f"stands there {count} times", "give each offer a code of its own")
            )
    for offer in document.offers:
        problems += [
            PolicyProblem(f'offer "{offer.code}": {problem.place}', problem.what, problem.instead)
            for problem in _offer(offer, contract, document.languages)
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


def _offer(offer: OfferDocument, contract: type[Contract], languages: Collection[str]) -> Iterator[PolicyProblem]:
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
    fields = {spec.name: spec for spec in contract.features}
    open_to_offers = ", ".join(spec.name for spec in contract.features if not spec.marker.protected)
    for name, condition in offer.eligible.items():
        place, spec = f"eligible: {name}", fields.get(name)
        if spec is None:
            yield PolicyProblem(place, f"is no field of the contract {contract.contract_name}", f"use {open_to_offers}")
        elif spec.marker.protected:
            yield PolicyProblem(place, "is protected: no offer may depend on it", "take the condition out")
        else:
            yield from (
                PolicyProblem(f"{place}{what}", why, instead) for what, why, instead in _condition(spec, condition)
            )


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


def _condition(spec: FeatureSpec, condition: Condition) -> Iterator[tuple[str, str, str]]:
    """Yield where below the condition something is wrong, what it is, and what to do."""
    if spec.kind in NUMERIC:
        if condition.one_of is not None:
            yield ": is", f"{spec.name} is a number", "use at_least, at_most or both"
        yield from _limits(spec, condition)
        return
    expected: Callable[[object], bool] = (
        (lambda value: value in spec.categories) if spec.kind == "category" else lambda value: isinstance(value, bool)
    )
    listed = ", ".join(spec.categories) if spec.kind == "category" else "true, false"
    if condition.at_least is not None or condition.at_most is not None:
        yield "", f"{spec.name} is no number", f"use is = [...] with some of {listed}"
    elif condition.one_of is None:
        yield "", "says nothing", f"use is = [...] with some of {listed}"
    else:
        for value in condition.one_of:
            if not expected(value):
                yield ": is", f"{value!r} is no value of {spec.name}", f"use some of {listed}"


def _limits(spec: FeatureSpec, condition: Condition) -> Iterator[tuple[str, str, str]]:
    low, high = condition.at_least, condition.at_most
    if low is None and high is None and condition.one_of is None:
        yield "", "says nothing", "use at_least, at_most or both"
    if low is not None and high is not None and low > high:
        yield "", f"at_least is {low:g} and at_most {high:g}, so nobody is eligible", "exchange them"
    if low is not None and spec.upper is not None and low > spec.upper:
        yield ": at_least", f"is {low:g}, but {spec.name} is at most {spec.upper:g}", "lower it"
    if high is not None and spec.lower is not None and high < spec.lower:
        yield ": at_most", f"is {high:g}, but {spec.name} is at least {spec.lower:g}", "raise it"
