"""The command `docker`. Not a library: the command is what people have, know, and have logged in with."""

import os
import subprocess
from collections.abc import Mapping

from churn.errors import ImageError

LAST_LINES = 12
HOW_TO = "docs/architecture/04-image.md says what is needed"


def docker(
    *arguments: str, shown: bool = False, stdin: str | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run `docker ARGUMENTS` and gives what it printed to standard output, without blanks at its ends.

    Args:
        arguments: of the command, its subcommand first.
        shown: its standard error, where progress is told, goes to this process's own.
        stdin: what it reads, for what must not stand on a command line.
        environment: variables of its own.

    Raises:
        ImageError: there is no such command, no engine answers, or the command failed; the message says why in
            Docker's words.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours, and no shell reads them
            ["docker", *arguments],  # noqa: S607 - whichever client stands first on PATH
            env={**os.environ, "DOCKER_BUILDKIT": "1", **(environment or {})},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=None if shown else subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ImageError(
            "there is no command `docker` here", instead=f"install Docker, or go to a machine that has it; {HOW_TO}"
        ) from error
    if done.returncode:
        raise _explain_failure(arguments[0], done.stderr)
    return done.stdout.strip()


def require_engine() -> str:
    """Return the engine's version. Raise ImageError if there is no client, or no engine answers."""
    return docker("version", "--format", "{{.Server.Version}}")


def _explain_failure(command: str, complaint: str | None) -> ImageError:
    if complaint is None:
        return ImageError(f"`docker {command}` failed", instead="mend what it says above, then try again")
    if "Cannot connect to the Docker daemon" in complaint or "error during connect" in complaint:
        where = os.environ.get("DOCKER_HOST") or "the usual socket"
        return ImageError(f"no Docker engine answers at {where}", instead=f"start it, or set DOCKER_HOST; {HOW_TO}")
    if "buildx component is missing" in complaint:
        return ImageError(
            "this `docker` cannot build: it has no BuildKit",
            instead="install the plugin docker-buildx, or put a client that has BuildKit first on PATH",
        )
    lines = [line for line in complaint.splitlines() if line.strip()][-LAST_LINES:]
    return ImageError(
        f"`docker {command}` failed: " + "\n".join(lines), instead="mend what Docker says, then try again"
    )
