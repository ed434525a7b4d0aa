"""Files that an earlier commit wrote, see tests/fixtures/README.md, and what its commands said of them."""

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

EARLIER = Path(__file__).parents[1] / "fixtures" / "7b3a96c"
FORMAT_4 = EARLIER.with_name("format-4")
SALT = "the salt of the fixtures"
THRESHOLD = 0.3
# Words for people may change.
WORDS = frozenset({"reason"})


def copy_earlier(folder: Path) -> Path:
    """Copies all files to a new CHURN_HOME below a folder."""
    home = folder / "home"
    shutil.copytree(EARLIER, home, symlinks=True)
    return home


def earlier_json(name: str) -> Any:
    """Read a JSON file of that commit."""
    return json.loads((EARLIER / name).read_text(encoding="utf-8"))


def lost(old: Any, new: Any, *, ignored: Collection[str] = (), place: str = "") -> list[str]:
    """Name each place where the new document lacks what the old one has, or says something else.

    The new one may have more keys, but no more and no fewer items in a list.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        missing = [f"{place}/{key} is missing" for key in old.keys() - new.keys() - set(ignored)]
        both = [key for key in old if key in new and key not in ignored]
        return missing + [
            text for key in both for text in lost(old[key], new[key], ignored=ignored, place=f"{place}/{key}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [text for at, (one, two) in pairs for text in lost(one, two, ignored=ignored, place=f"{place}/{at}")]
    return [] if old == new else [f"{place}: {new!r} instead of {old!r}"]
