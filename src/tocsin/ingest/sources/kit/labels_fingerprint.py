"""Prometheus' own fingerprint of a label set, for alerts that come without one.

FNV-1a (64 bit) over name, 0xff, value, 0xff in byte order of the names (prometheus/common,
model/signature.go).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_OFFSET: Final = 14_695_981_039_346_656_037
_PRIME: Final = 1_099_511_628_211
_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF
_END: Final = b"\xff"
# Beyond what any Prometheus sends, a hash that does not walk byte by byte will do.
_MOST_BYTES: Final = 32_768
_REMEMBERED_BYTES: Final = 512


def labels_fingerprint(labels: Mapping[str, Any]) -> str:
    # By code points is by bytes of UTF-8, too.
    parts = [part for name, text in sorted(labels.items()) for part in (name, str(text))]
    if "".join(parts).isascii():
        joined = "\xff".join((*parts, "")).encode("latin-1")
    else:
        joined = b"".join(part.encode() + _END for part in parts)
    if len(joined) > _MOST_BYTES:
        return hashlib.sha256(joined).hexdigest()[:16]
    if len(joined) > _REMEMBERED_BYTES:
        return f"{_walk(joined, _OFFSET):016x}"
    return _by_labels(joined)


# What fires is sent again every minute or two.
@lru_cache(32_768)
def _by_labels(joined: bytes) -> str:
    """Label by label: that of one label follows from the last byte of the value so far, since only that
    is mixed with what comes; the rest is multiplied. So what alerts have in common is walked once."""
    value = _OFFSET
    parts = iter(joined.split(_END))
    for name, text in zip(parts, parts, strict=False):
        last = value & 0xFF
        end, power = _of_label(name + _END + text + _END, last)
        value = (value - last) * power + end & _BITS
    return f"{value:016x}"


@lru_cache(16_384)
def _of_label(label: bytes, last: int) -> tuple[int, int]:
    """The value after it when it was `last` before, and what a greater one was multiplied by."""
    return _walk(label, last), pow(_PRIME, len(label), _BITS + 1)


def _walk(joined: bytes, value: int) -> int:
    for byte in joined:
        value = (value ^ byte) * _PRIME & _BITS
    return value
