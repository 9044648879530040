"""Identifiers that sort by the time they were made."""

from __future__ import annotations

from datetime import datetime
from random import getrandbits
from struct import Struct
from time import time_ns
from uuid import UUID

_pack = Struct("!QQ").pack


def uuid7_bytes(now_ns: int | None = None) -> bytes:
    """A UUIDv7 (RFC 9562, section 5.7) as 16 bytes: milliseconds, then a sub-millisecond fraction
    in `rand_a` (method 3 of section 6.2, so that ids of one process sort as they were made)."""
    ns = time_ns() if now_ns is None else now_ns
    milliseconds, rest = divmod(ns, 1_000_000)
    return _pack(
        milliseconds << 16 | 0x7000 | rest * 4096 // 1_000_000,
        0x8000_0000_0000_0000 | getrandbits(62),
    )


def uuid7() -> UUID:
    return UUID(bytes=uuid7_bytes())


def uuid7_at_least(at: datetime) -> UUID:
    """The least id that can have been made at this moment or later: where a search by time begins. None
    was made before 1970."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(bytes=_pack(milliseconds << 16 | 0x7000, 0x8000_0000_0000_0000))
