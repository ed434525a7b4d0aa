"""The engine and the image that tests of images are given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Engine:
    """How to build and run on the engine that there is."""

    base_image: str
    build_options: tuple[str, ...]


@dataclass(frozen=True)
class Built:
    """An image, the bundle it was built of, and what `churn image build --json` said of it."""

    reference: str
    bundle: Path
    said: dict[str, Any]
