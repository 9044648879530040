"""Passwords: hashed with Argon2id, which takes memory and time, and so away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tocsin.model import Secret

T = TypeVar("T")

SHORTEST = 12
LONGEST = 200

_HASHER = PasswordHasher()
"""The library's parameters are those of RFC 9106 for where memory is scarce: 64 MiB, three passes."""

_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
"""Each takes 64 MiB and a core."""


async def hash_password(password: Secret) -> str:
    return await _away(partial(_HASHER.hash, password.reveal()))


async def is_password(stored: str | None, password: Secret) -> bool:
    """Whether it is the one that was hashed. It takes as long where there is none, so that nobody
    learns from the time who has one."""
    return await _away(partial(_fits, stored, password))


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with weaker parameters than are used now."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")


def _fits(stored: str | None, password: Secret) -> bool:
    try:
        _HASHER.verify(stored or _nobodys(), password.reveal())
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


async def _away(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
