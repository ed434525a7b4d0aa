"""Lists what is installed in an image: run there, as `python -m churn.image.inventory`, it prints JSON."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from typing import NamedTuple

DPKG_FORMAT = r"${Package}\t${Version}\t${Architecture}\n"


class Package(NamedTuple):
    """An installed package."""

    name: str
    version: str
    licence: str = ""  # an SPDX expression; empty if the package does not give one
    architecture: str = ""  # of a Debian package; empty for a Python package


def list_python_packages() -> list[Package]:
    """List the Python packages that this interpreter can import, by name."""
    return sorted(
        Package(
            distribution.metadata["Name"].lower().replace("_", "-"),
            distribution.version,
            distribution.metadata.get("License-Expression", "") or "",
        )
        for distribution in distributions()
    )


def list_debian_packages() -> list[Package]:
    """List Debian's packages, by name; none where this is not Debian."""
    if not (query := shutil.which("dpkg-query")):
        return []
    listed = subprocess.run(  # noqa: S603 - the arguments are ours
        [query, "--show", "--showformat", DPKG_FORMAT], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split("\t") for line in sorted(listed.splitlines()))
    return [Package(name, version, "", architecture) for name, version, architecture in rows]


if __name__ == "__main__":
    json.dump([*list_python_packages(), *list_debian_packages()], sys.stdout)
