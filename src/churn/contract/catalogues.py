"""The languages in which a contract's subscribers are answered: by its own catalogue over the shared one."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from churn.contract.declaration import Contract
from churn.contract.language import (
    ENGLISH,
    Language,
    build_language,
    compile_catalogue,
    list_language_codes,
    read_shared_catalogue,
)
from churn.contract.messages import Message, list_messages
from churn.contract.places import locate_files
from churn.contract.unspoken import find_unspoken
from churn.errors import ContractError
from churn.files import write_bytes

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog
    from babel.messages.catalog import Message as CatalogueMessage

# Longer than any browser sends, and short enough to keep some hundred of them.
LONGEST_HEADER = 200
BRACES = re.compile(r"{[^{}]*}|[{}]")
CODE = re.compile(r"[a-z]{2,3}")


class Languages:
    """The languages of a contract in which a policy has texts."""

    def __init__(self, contract: type[Contract], codes: Sequence[str]) -> None:
        """Read the catalogues.

        Raises:
            ContractError: one of them cannot be used.
        """
        self._by_code = {code: find_contract_language(contract, code) for code in codes}
        self._choose = lru_cache(maxsize=256)(self._choose_anew)

    def choose(self, accepted: str | None) -> Language:
        """Choose the language that an Accept-Language header prefers, else English."""
        return self._choose(accepted) if accepted else ENGLISH

    def _choose_anew(self, accepted: str) -> Language:
        return self._by_code.get(choose_code(accepted, self._by_code), ENGLISH)


def list_languages(contract: type[Contract]) -> tuple[str, ...]:
    """List the languages that a contract's texts may exist in, English first."""
    own = set(locate_files(contract).list_catalogues()) | set(list_language_codes())
    return (ENGLISH.code, *sorted(own - {ENGLISH.code}))


@cache
def find_contract_language(contract: type[Contract], code: str) -> Language:
    """Return a language with the contract's own catalogue over the shared one.

    Raises:
        ContractError: the catalogue cannot be read, or says what no subscriber may read.
    """
    if code == ENGLISH.code:
        return ENGLISH
    shared = compile_catalogue(read_shared_catalogue(code)) if code in list_language_codes() else None
    path = locate_files(contract).list_catalogues().get(code)
    own = read_catalogue(path, code) if path else None
    if path and own:
        _require_sound(own, path, contract, code)
    messages = compile_catalogue(own) if own is not None else shared
    if messages is None:
        raise ContractError(
            f"{contract.contract_name} has no catalogue in {code}",
            instead=f"write one: churn contract messages {contract.contract_name} --language {code} --write",
        )
    if shared is not None and messages is not shared:
        messages.add_fallback(shared)
    return build_language(code, messages, frozenset(list_missing(contract, code)))


def list_missing(contract: type[Contract], code: str) -> list[Message]:
    """List the contract's messages that have no translation, in its order; none in English."""
    if code == ENGLISH.code:
        return []
    path = locate_files(contract).list_catalogues().get(code)
    return _drop_translated(list_messages(contract), read_catalogue(path, code), code)


def list_drafted(contract: type[Contract], code: str) -> list[Message]:
    """List the contract's messages whose translation says TODO in its catalogue's comment, translated or not."""
    catalogue = read_catalogue(locate_files(contract).list_catalogues().get(code), code)
    return [message for message in list_messages(contract) if (entry := catalogue.get(message)) and _says_todo(entry)]


def write_missing(contract: type[Contract], code: str, path: Path) -> None:
    """Add the messages without a translation to a contract's own catalogue, which keeps what it has.

    Raises:
        ContractError: there is one that cannot be read, or it cannot be written.
    """
    write_messages(contract, code, path, lambda _: ("", ()))


def write_messages(
    contract: type[Contract], code: str, path: Path, draft: Callable[[Message], tuple[str, Sequence[str]]]
) -> None:
    """Do the same, with a first translation of each, and the lines of a comment above it.

    Raises:
        ContractError: the same.
    """
    from babel.messages.pofile import write_po  # noqa: PLC0415 - as above

    catalogue = read_catalogue(path, code)
    catalogue.project, catalogue.header_comment = contract.contract_name, f"# What subscribers read, in {code}."
    for message in _drop_translated(list_messages(contract), catalogue, code):
        if catalogue.get(message) is None:
            text, comment = draft(message)
            catalogue.add(message, text, user_comments=comment)
    text_of_file = io.BytesIO()
    write_po(text_of_file, catalogue, width=0, omit_header=False)
    try:
        write_bytes(path, text_of_file.getvalue())
    except OSError as error:
        raise ContractError(
            f"{path} cannot be written: {error.strerror}", instead="let its folder be written"
        ) from error


def read_catalogue(path: Path | None, code: str) -> Catalog:
    """Read a contract's own catalogue, an empty one if it has none.

    Raises:
        ContractError: it cannot be read, or its language is not known.
    """
    from babel.localedata import locale_identifiers  # noqa: PLC0415 - half of the time to start
    from babel.messages.catalog import Catalog  # noqa: PLC0415
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415

    if not CODE.fullmatch(code) or code not in locale_identifiers():
        raise ContractError(
            f"{path.name if path else 'a catalogue'}: {code!r} is no language that is known here",
            instead="give a code in lower case, such as de; regions have no catalogue of their own",
        )
    if path is None or not path.is_file():
        return Catalog(locale=code)
    try:
        with path.open("rb") as source:
            return read_po(source, locale=code, abort_invalid=True)
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}", instead="let it be read, or move it") from error
    except (PoFileError, ValueError, LookupError) as error:
        raise ContractError(
            f"{path} is no catalogue: {error}", instead="correct that line; the format is gettext's, in UTF-8"
        ) from error


def _drop_translated(messages: Iterable[Message], catalogue: Catalog, code: str) -> list[Message]:
    """Return the messages that neither this catalogue nor the shared one translates."""
    known = {*_list_translated(read_shared_catalogue(code)), *_list_translated(catalogue)}
    return [message for message in messages if message not in known]


def _says_todo(entry: CatalogueMessage) -> bool:
    return any("TODO" in line for line in (*entry.user_comments, *entry.auto_comments))


def _list_translated(catalogue: Catalog) -> Iterable[Message]:
    for message in catalogue:
        texts = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        if message.id and texts and all(texts) and not message.fuzzy:
            yield message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def _require_sound(catalogue: Catalog, path: Path, contract: type[Contract], code: str) -> None:
    """Refuse translations that lose or invent a number, or tell of leaving or of risk."""
    for message in list_messages(contract):
        translated = catalogue.get(message)
        if translated is None or isinstance(message, tuple):
            continue
        text = str(translated.string)
        if text and sorted(BRACES.findall(text)) != sorted(BRACES.findall(message)):
            raise ContractError(
                f"{path}: the translation of {message!r} has other braces: {text!r}", instead="copy them as they are"
            )
        if word := find_unspoken(text, code):
            raise ContractError(
                f"{path}: the translation of {message!r} has {word!r}, but no subscriber is told of leaving or of risk",
                instead="say what they have and what would help",
            )


def choose_code(accepted: str, known: Iterable[str]) -> str:
    """Choose the language that an Accept-Language header (RFC 9110, section 12.5.4) prefers, else English."""
    codes = set(known)
    ranges = [_read_range(part) for part in accepted[:LONGEST_HEADER].lower().split(",")]
    for tag, weight in sorted(ranges, key=lambda tag_and_weight: -tag_and_weight[1]):  # keeps the order of equal ones
        code = tag.partition("-")[0]
        if weight > 0 and code in codes:
            return code
    return ENGLISH.code


def _read_range(part: str) -> tuple[str, float]:
    """Return a language range with its weight: `de-AT;q=0.8` is ("de-at", 0.8). An unreadable weight counts as 0."""
    tag, _, weight = (item.strip() for item in part.partition(";"))
    if not weight:
        return tag, 1.0
    try:
        return tag, float(weight.removeprefix("q="))
    except ValueError:
        return tag, 0.0
