"""What is installed in an image: run there, as `python -m churn.image.inventory`, it prints it as JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from typing import TypedDict

DPKG_FORMAT = r"${Package}\t${Version}\t${Architecture}\n"


class Package(TypedDict):
    """A package; the licence is an SPDX expression, empty if the package does not give one."""

    name: str
    version: str
    licence: str
    architecture: str


def python_packages() -> list[Package]:
    """The Python packages that this interpreter can import, by name."""
    found = [
        Package(
            name=each.metadata["Name"].lower().replace("_", "-"),
            version=each.version,
            licence=each.metadata.get("License-Expression", "") or "",
            architecture="",
        )
        for each in distributions()
    ]
    return sorted(found, key=lambda package: package["name"])


def debian_packages() -> list[Package]:
    """Debian's packages, by name; none where this is not Debian."""
    if not (query := shutil.which("dpkg-query")):
        return []
    listed = subprocess.run(  # noqa: S603 - the arguments are ours
        [query, "--show", "--showformat", DPKG_FORMAT], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split("\t") for line in sorted(listed.splitlines()))
    return [Package(name=name, version=version, licence="", architecture=arch) for name, version, arch in rows]


if __name__ == "__main__":
    json.dump({"python": python_packages(), "debian": debian_packages()}, sys.stdout)
