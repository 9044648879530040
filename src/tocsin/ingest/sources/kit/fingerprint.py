"""The identity of a payload: what makes a repeat a repeat.

Two payloads have one fingerprint if they are the same JSON value less the paths that a source
declares volatile. Key order, white space and the spelling of strings never matter. Numbers are
compared as they are typed: `1.0` and `1e0` are one value, `1` another. A sender that repeats
itself repeats its spelling too, and taking two payloads for one would lose an alert, while taking
one for two does not.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

Path = tuple[str, ...]
"""Keys from the top; `*` means every element of an array."""

_canonical = msgspec.json.Encoder(order="deterministic").encode


def fingerprint(payload: Any, volatile: tuple[Path, ...] = ()) -> str:
    """Hex SHA-256 over canonical JSON: keys sorted, no insignificant white space, UTF-8."""
    for path in volatile:
        payload = _without(payload, path, 0)
    return hashlib.sha256(_canonical(payload)).hexdigest()


def _without(value: Any, path: Path, at: int) -> Any:
    """`value` less one path; copied only along the path, and only if there is something on it."""
    key = path[at]
    if key == "*":
        if type(value) is not list or not value:
            return value
        if at + 1 == len(path):
            return []
        changed = [_without(item, path, at + 1) for item in value]
        return changed if any(a is not b for a, b in zip(changed, value, strict=True)) else value
    if type(value) is not dict or key not in value:
        return value
    if at + 1 == len(path):
        return {name: item for name, item in value.items() if name != key}
    below = value[key]
    inner = _without(below, path, at + 1)
    return value if inner is below else {**value, key: inner}
