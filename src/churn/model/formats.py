"""The format of a bundle: what this program does with those that it does not write itself."""

import json
from collections.abc import Buffer, Collection
from pathlib import Path
from typing import Final

from churn.errors import BundleError

UPGRADED: Final = (1, 2)  # nobody reads them; `upgrading.py` makes a bundle of today of them


def read_format(path: Path, manifest: Buffer, readable: Collection[int]) -> int:
    """Return the format that a manifest names, one of those that are readable.

    Raises:
        BundleError: it is of another format, or names none; says what to do.
    """
    try:
        content = json.loads(bytes(manifest))
        number = content["bundle_format"]
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{number!r} is no number")  # noqa: TRY301 - one sentence for all that is wrong
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{path} names no bundle_format", instead="export the model again with `churn export`"
        ) from error
    if number in readable:
        return number
    if number in UPGRADED:
        raise BundleError(
            f"{path} is of format {number}, which is not served any more",
            instead=f"make one of today of it: churn bundle upgrade {path.parent}",
        )
    raise BundleError(
        f"{path} is of format {number}, and this program reads {', '.join(map(str, sorted(readable)))}",
        instead=f"install {_name_program(content)}, or export the model again with this program",
    )


def _name_program(content: dict[str, object]) -> str:
    """Name the program that wrote the manifest, if it says so."""
    libraries = content.get("libraries")
    written_by = libraries.get("streamflow-churn") if isinstance(libraries, dict) else None
    return f"streamflow-churn {str(written_by)[:20]}, which wrote it, or later" if written_by else "a later program"
