"""Used by stack_checks.py: the stack's containers, and what only one of them can ask."""

import os
import re
import subprocess
from dataclasses import dataclass

from churn.errors import ChurnError, RolloutError
from churn.rollout.routers.haproxy import HAProxy

PATIENCE_S = 180
# Prints what HAProxy answers, or one line why it does not.
ASK = """
import sys, churn.errors
from churn.rollout.routers.haproxy import HAProxy
try:
    print(HAProxy(sys.argv[1]).send(sys.stdin.read()))
except churn.errors.ChurnError as error:
    sys.exit(error.message)
"""


class ContainerError(ChurnError):
    """A program in a container cannot be run, or fails."""


@dataclass(frozen=True, order=True)
class Container:
    """One container of the stack: `state` is Docker's, such as running or exited, `health` healthy or why not."""

    part: str
    name: str
    state: str
    health: str

    @property
    def is_well(self) -> bool:
        """Whether it does what it is there for."""
        return self.state == "running" and self.health == "healthy"

    @property
    def words(self) -> str:
        """How it is."""
        return self.health if self.state == "running" else self.state


class StackHAProxy(HAProxy):
    """The stack's, whose runtime interface only HAProxy and the dashboard reach: asked in the dashboard's container."""

    def send(self, commands: str) -> str:
        """As HAProxy's."""
        try:
            return run_inside("dashboard", "python", "-c", ASK, self.address, stdin=commands)
        except ContainerError as error:
            raise RolloutError(f"HAProxy cannot be asked: {error.message}", instead=error.instead) from error


def list_containers() -> list[Container]:
    """List those of this stack, the stopped ones too, by part."""
    listed = _docker(
        "ps", "--all", "--filter", f"label=com.docker.compose.project={os.environ['COMPOSE_PROJECT_NAME']}",
        "--format", '{{.Label "com.docker.compose.service"}}\t{{.Names}}\t{{.State}}\t{{.Status}}',
    )  # fmt: skip
    rows = (line.split("\t") for line in listed.stdout.splitlines())
    return sorted(Container(part, name, state, _health(status)) for part, name, state, status in rows)


def find_contract_name() -> str | None:
    """Return the name of the contract whose stack this is; None if its portal was never started."""
    portal = next((one for one in list_containers() if one.part == "portal"), None)
    if portal is None:
        return None
    variables = _docker("inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", portal.name).stdout
    return dict(line.split("=", 1) for line in variables.splitlines() if line)["CHURN_CONTRACT"]


def run_inside(part: str, *command: str, stdin: str = "") -> str:
    """Run a command in the container of a part, and return what it prints.

    Raises:
        ContainerError: the container does not run, or the command fails. The message is what it says.
    """
    container = next((one for one in list_containers() if one.part == part), None)
    if container is None or container.state != "running":
        raise ContainerError(f"the {part} does not run", instead="start it: scripts/stack up")
    done = _docker("exec", "--interactive", container.name, *command, stdin=stdin, check=False)
    if done.returncode:
        raise ContainerError(
            (done.stderr or done.stdout).strip().removeprefix("error: ").replace("\n", "; "),
            instead=f"see its log: docker logs {container.name}",
        )
    return done.stdout.strip()


def _health(status: str) -> str:
    """What `Up 5 seconds (health: starting)` says of health."""
    match = re.search(r"\((?:health: )?(\w+)\)$", status)
    return match[1] if match else status


def _docker(*arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["docker", *arguments],  # noqa: S607
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=check,
    )
