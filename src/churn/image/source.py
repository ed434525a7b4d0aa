"""The checkout that an image is built of, and what of it goes to the builder."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from churn.businesses import find_business
from churn.errors import ImageError
from churn.model.bundle import Bundle

DOCKERFILE = "deploy/docker/Dockerfile"
BUSINESSES = "deploy/docker/businesses"
# The same as .dockerignore lets through to a build without this command.
SENT = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "src", "portal", "deploy/docker")
NOT_SENT = shutil.ignore_patterns("__pycache__", "*.so", "kernel.c", "*.egg-info")
UNKNOWN, DIRTY = "unknown", "-dirty"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout."""

    path: Path  # its folder
    revision: str  # the git commit, with `-dirty` behind it if what is built differs from that; `unknown` without git
    committed_s: int  # when that was committed, in seconds since 1970; 0 if unknown

    @property
    def created(self) -> str:
        """Return the time of the commit as RFC 3339 has it."""
        return datetime.fromtimestamp(self.committed_s, UTC).isoformat().replace("+00:00", "Z")


def find_checkout(path: Path | None) -> Checkout:
    """Find the checkout at `path`, or the one that the working directory lies in.

    Raises:
        ImageError: there is none. An installed package is not enough: it has no lock file and no Dockerfile.
    """
    start = (path or Path.cwd()).resolve()
    for folder in [start] if path else [start, *start.parents]:
        if all((folder / name).exists() for name in (DOCKERFILE, *SENT)):
            return Checkout(folder, *_read_commit(folder))
    raise ImageError(
        f"there is no checkout of the project at {start}, and an image is built of one",
        instead="go to the checkout, or name it with --source",
    )


def require_committed(path: Path | None) -> Checkout:
    """Find the checkout as `find_checkout` does, and refuse it if a file that is built is not committed.

    Raises:
        ImageError: there is none, it is no git repository, or it has changes that nobody else could find again.
    """
    source = find_checkout(path)
    if source.revision == UNKNOWN or source.revision.endswith(DIRTY):
        raise ImageError(
            f"{source.path} has changes that are not committed, so nobody could build this image again",
            instead="commit them, or name a clean checkout with --source",
        )
    return source


@contextmanager
def stage_context(source: Checkout, bundle: Bundle) -> Iterator[Path]:
    """Yield a folder with what the Dockerfile copies: files of the checkout, the bundle as `bundle`, its business.

    Those of a business from outside the package lie in `BUSINESSES`. The image finds it there by its name.

    Raises:
        ContractError: there is no such business.
    """
    with tempfile.TemporaryDirectory(prefix="churn-image-") as temporary:
        folder = Path(temporary)
        for part in SENT:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            if (source.path / part).is_dir():
                shutil.copytree(source.path / part, folder / part, ignore=NOT_SENT)
            else:
                shutil.copyfile(source.path / part, folder / part)
        (folder / "bundle").mkdir()
        for name, content in bundle.files.items():
            (folder / "bundle" / name).write_bytes(content)
        business = find_business(bundle.manifest.contract)
        if not business.is_own:
            (folder / BUSINESSES).mkdir(parents=True, exist_ok=True)
            for path in business.files.list_present():
                shutil.copyfile(path, folder / BUSINESSES / path.name)
        yield folder


def _read_commit(folder: Path) -> tuple[str, int]:
    """Return revision and time of the last commit."""
    words = _run_git(folder, "log", "-1", "--format=%H %ct").split()
    if not words:
        return UNKNOWN, 0
    dirty = DIRTY if _run_git(folder, "status", "--porcelain", "--", *SENT) else ""
    return words[0] + dirty, int(words[1])


def _run_git(folder: Path, *arguments: str) -> str:
    """Return what git prints; nothing without git or a repository."""
    try:
        return subprocess.run(  # noqa: S603 - the arguments are ours
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git there is
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
