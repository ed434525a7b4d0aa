"""The policies of offers that decided, each kept once beside the log under its sha256, so that it can decide again.

The service writes its policy beside its journals. When a journal is closed, the policy goes where the segment goes.
"""

import hashlib
from pathlib import Path

from churn.files import write_bytes


def name_policy(sha256: str) -> str:
    """Return the name of a policy's file, relative to the journals or the store."""
    return f"policies/{sha256}.toml"


def keep_policy(journals: Path, content: bytes) -> None:
    """Write a policy beside the journals, unless it is there.

    Raises:
        OSError: it cannot be written.
    """
    path = journals / name_policy(hashlib.sha256(content).hexdigest())
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)
