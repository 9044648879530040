"""An end to waiting that does not itself wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_abandoned: set[asyncio.Task[Any]] = set()
"""The loop itself holds its tasks weakly."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives, if it gives it in time. Else it is cancelled, and its end not waited for:
    a database driver may need seconds, or forever, to give up on a server that hangs.

    Raises:
        TimeoutError: it took too long.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait((task,), timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if not done:
        _abandon(task)
        raise TimeoutError
    return task.result()


def _abandon(task: asyncio.Task[Any]) -> None:
    _abandoned.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # seen, so that nobody complains that it was not
