"""What takes the space in an image."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from churn.image.docker import docker

# The Dockerfile's last stage copies each layer from a folder that bears its name.
COPIED = re.compile(r"COPY /layers/(\w+)/ /")


class Layer(NamedTuple):
    """A layer and how many bytes its files have."""

    name: str
    size: int


def layers(reference: str) -> list[Layer]:
    """The layers of an image: first `base`, all that the base image has, then ours in the order of their making.

    Raises:
        ImageError: there is no such image, or no engine.
    """
    return parse(docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", reference))


def parse(history: str) -> list[Layer]:
    """The same of what `docker history` prints, one JSON object a line, newest first."""
    found, base = [], 0
    for line in map(json.loads, history.splitlines()):
        if copied := COPIED.search(line["CreatedBy"]):
            found.append(Layer(copied[1], int(line["Size"])))
        else:
            base += int(line["Size"])
    return [Layer("base", base), *reversed(found)]


def above_base(found: list[Layer]) -> int:
    """The bytes that an image adds to its base."""
    return sum(layer.size for layer in found if layer.name != "base")
