"""Where businesses are looked for: in this package, in the folders of CHURN_BUSINESSES, and in installed packages.

Folders stand in the path of the package `churn.businesses`, so each process imports a business by the same name.
"""

import importlib
import itertools
import keyword
import os
import re
import sys
import traceback
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from churn.contract.places import BusinessFiles
from churn.errors import ChurnError, ContractError, SettingsError

PACKAGE = "churn.businesses"
GROUP = PACKAGE  # of entry points
VARIABLE = "CHURN_BUSINESSES"
OWN_FOLDER = Path(__file__).parent
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
DECLARES = re.compile(rb"^CONTRACT\b", re.MULTILINE)  # no file is run to be listed
WRITE_ONE = "docs/adding-a-business.md has a whole example"


class Business(NamedTuple):
    """A business that was found; nothing of it has been run."""

    name: str
    module: str
    files: BusinessFiles

    @property
    def is_own(self) -> bool:
        """Whether it lies in this package."""
        return self.files.declaration.parent == OWN_FOLDER


def list_folders() -> list[Path]:
    """List the folders: the package's own, then those of CHURN_BUSINESSES, separated as in PATH.

    Raises:
        SettingsError: one of them is no folder.
    """
    folders = [OWN_FOLDER]
    for text in os.environ.get(VARIABLE, "").split(os.pathsep):
        folder = Path(text.strip()).absolute()
        if text.strip() and not folder.is_dir():
            raise SettingsError(
                f"{VARIABLE} names {text.strip()}, which is no folder",
                instead=f"make it, or give folders with businesses, separated by {os.pathsep!r}",
            )
        if text.strip() and folder.resolve() not in [known.resolve() for known in folders]:
            folders.append(folder)
    return folders


def export_folders() -> dict[str, str]:
    """Return the environment in which a process elsewhere finds the same businesses, whatever its current folder is."""
    return {VARIABLE: os.pathsep.join(map(str, list_folders()[1:]))}


def list_businesses() -> list[Business]:
    """List all businesses by name. Raise ContractError if two have the same name."""
    businesses = sorted(_find_all(), key=lambda business: (business.name.lower(), business.name))
    for business, following in itertools.pairwise(businesses):
        if business.name == following.name:
            raise _refuse_double(business.name, business.files.declaration, following.files.declaration)
    return businesses


def find_business(name: str) -> Business:
    """Return the business of this name. Raise ContractError if there is none, or if it cannot be imported by it."""
    businesses = list_businesses()
    business = next((business for business in businesses if business.name == name), None)
    return business or _refuse_unknown(name, [business.name for business in businesses])


def import_business(business: Business) -> ModuleType:
    """Run the file of a business. What goes wrong in it is told by line and cause, as ContractError."""
    path = business.files.declaration
    _require_distinct_helpers(path.parent)
    follow_folders()
    known = sys.modules.get(business.module)
    if known is not None and known.__file__ and Path(known.__file__) != path:
        del sys.modules[business.module]  # the folders have changed since
    importlib.invalidate_caches()  # the file may be as young as a second
    try:
        return importlib.import_module(business.module)
    except (Exception, SystemExit) as error:
        raise _explain_failure(path, error) from error


def follow_folders() -> None:
    """Let Python import businesses from where CHURN_BUSINESSES says now."""
    sys.modules[PACKAGE].__path__ = [str(folder) for folder in list_folders()]


def _find_all() -> Iterator[Business]:
    for folder in list_folders():
        for path in sorted(folder.glob("*.py")):
            if _is_importable(path.stem) and DECLARES.search(_read(path)):
                yield Business(path.stem, f"{PACKAGE}.{path.stem}", BusinessFiles(path))
    yield from _find_installed()


@cache
def _find_installed() -> tuple[Business, ...]:
    """Find what installed packages bring. A package that lacks the module it names is told of when it is imported."""
    businesses = []
    for point in entry_points(group=GROUP):
        try:
            spec = find_spec(point.module)
        except (ImportError, ValueError):
            spec = None
        origin = Path(spec.origin) if spec and spec.origin else Path(point.module)
        businesses.append(Business(point.name, point.module, BusinessFiles(origin)))
    return tuple(businesses)


def _is_importable(name: str) -> bool:
    return NAME.fullmatch(name) is not None and not keyword.iskeyword(name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}", instead="let it be read, or move it") from error


def _refuse_double(name: str, one: Path, other: Path) -> ContractError:
    return ContractError(f"two businesses are named {name!r}: {one} and {other}", instead="rename or remove one")


def _refuse_unknown(name: str, names: list[str]) -> Business:
    """Say why there is no business of this name: the likeliest file is named."""
    folders = list_folders()
    near = next((path for folder in folders if (path := folder / f"{name}.py").is_file()), None)
    if near and not _is_importable(name):
        raise ContractError(
            f"{near} has a name that Python cannot import", instead="use letters, digits and _, as in my_business.py"
        )
    if near:
        raise ContractError(f"{near} declares no CONTRACT", instead=f"end it with CONTRACT = CLASS; {WRITE_ONE}")
    if Path(f"{name}.py").is_file():
        raise ContractError(
            f"there is no contract {name!r}: {name}.py of this folder is not run unasked",
            instead=f"set {VARIABLE}={Path.cwd()}",
        )
    places = ["the package itself", *map(str, folders[1:]), "installed packages"]
    raise ContractError(
        f"there is no contract {name!r} in {', '.join(places[:-1])} or {places[-1]}",
        instead=f"choose one of {', '.join(names)}"
        + ("" if len(folders) > 1 else f", or let {VARIABLE} name the folder in which {name}.py lies"),
    )


def _require_distinct_helpers(folder: Path) -> None:
    """Refuse a helper, such as _texts.py, that another folder has, too: Python would import the first it finds."""
    for other in list_folders():
        if other != folder:
            for path in sorted(folder.glob("_[!_]*.py")):
                if (other / path.name).is_file():
                    raise ContractError(
                        f"{path} and {other / path.name} have one name, so one would hide the other",
                        instead="rename yours",
                    )


def _explain_failure(path: Path, error: BaseException) -> ContractError:
    cause = next(iter(str(error).splitlines()), "")
    if isinstance(error, SyntaxError):
        where, line, cause = error.filename or str(path), error.lineno, error.msg
    else:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if path.is_absolute() and Path(frame.filename).parent == path.parent
        ]
        where, line = (frames[-1].filename, frames[-1].lineno) if frames else (str(path), None)
    if not isinstance(error, ChurnError):
        cause = f"{type(error).__name__}: {cause}"
    return ContractError(
        f"{where}{f', line {line}' if line else ''}: {cause}",
        instead=(error.instead if isinstance(error, ChurnError) else "") or f"correct that line; {WRITE_ONE}",
    )
