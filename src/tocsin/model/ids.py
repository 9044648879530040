"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import random
import time
from uuid import UUID


def uuid7_bytes(now_ns: int | None = None) -> bytes:
    """A UUIDv7 (RFC 9562, section 5.7) as 16 bytes: milliseconds, then a sub-millisecond fraction
    in `rand_a` (method 3 of section 6.2, so that ids of one process sort as they were made)."""
    ns = time.time_ns() if now_ns is None else now_ns
    milliseconds, rest = divmod(ns, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    tail = random.getrandbits(62) | 0x8000_0000_0000_0000
    return ((milliseconds << 80) | ((0x7000 | fraction) << 64) | tail).to_bytes(16)


def uuid7() -> UUID:
    return UUID(bytes=uuid7_bytes())
