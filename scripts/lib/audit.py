"""Run by scripts/check: looks every locked package up in a list of known vulnerabilities, with pip-audit.

A vulnerability fails unless it is ignored below. What cannot be looked up is said and does not fail: without a network,
or with a mirror that has no such list, the other checks are still worth running.

Usage: audit.py UV [PIP-AUDIT ARGUMENTS...]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Identifier of a vulnerability -> why it does not matter here.
IGNORED: dict[str, str] = {}

SECONDS = "5"  # for one connection
LONGEST = 200  # of a reason, in characters
NAMED = 5  # of the packages that are not in the list


def main(uv: str, *arguments: str) -> int:
    """The exit code: 1 if a vulnerability was found."""
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder) / "requirements.txt"
        export = [uv, "export", "--quiet", "--frozen", "--all-extras", "--no-dev", "--no-emit-project"]
        subprocess.run([*export, "--format", "requirements.txt", "--output-file", locked], check=True)  # noqa: S603
        audit = [
            sys.executable,
            "-m",
            "pip_audit",
            "--disable-pip",
            "--require-hashes",
            "--requirement",
            str(locked),
            "--format",
            "json",
        ]
        ignored = [word for each in IGNORED for word in ("--ignore-vuln", each)]
        quiet = ["--progress-spinner", "off", "--desc", "off", "--timeout", SECONDS]
        done = subprocess.run(  # noqa: S603
            [*audit, *quiet, *ignored, *arguments], capture_output=True, text=True, check=False
        )
    if not done.stdout:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1][:LONGEST]
        say(f"not audited: the list of known vulnerabilities cannot be reached ({reason})")
        return 0
    return verdict(json.loads(done.stdout)["dependencies"])


def verdict(packages: list[dict[str, Any]]) -> int:
    """Says what was found."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    found = [(package, each) for package in packages for each in package.get("vulns", [])]
    if unknown:
        names = ", ".join(unknown[:NAMED]) + (", ..." if len(unknown) > NAMED else "")
        say(f"not audited: {len(unknown)} of {len(packages)} packages are not in the list that is reached: {names}")
    for package, each in found:
        mended = ", ".join(each["fix_versions"]) or "no version yet"
        say(f"{package['name']} {package['version']}: {each['id']}, mended in {mended}")
    if found:
        say("instead: raise the version in uv.lock, or ignore it with a reason in scripts/lib/audit.py")
    elif len(unknown) < len(packages):
        say(f"{len(packages) - len(unknown)} packages, no known vulnerability that is not ignored with a reason")
    return int(bool(found))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


sys.exit(main(*sys.argv[1:]))
