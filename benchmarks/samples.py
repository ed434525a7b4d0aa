"""Write measurements as JSON in which each sample has one line, so that a change of a file can be read."""

from __future__ import annotations

import json
from typing import Any

STEP = "  "


def encode_samples(content: Any) -> bytes:
    """Return JSON in which each element of a list has one line; the objects around the lists are indented."""
    return f"{_json_text(content, STEP)}\n".encode()


def _json_text(value: Any, indent: str) -> str:
    if isinstance(value, dict) and value:
        opened, closed = "{}"
        lines = [f"{_line(key)}: {_json_text(item, indent + STEP)}" for key, item in value.items()]
    elif isinstance(value, list) and value:
        opened, closed = "[]"
        lines = [_line(item) for item in value]
    else:
        return _line(value)
    inner = ",\n".join(f"{indent}{line}" for line in lines)
    return f"{opened}\n{inner}\n{indent.removesuffix(STEP)}{closed}"


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
