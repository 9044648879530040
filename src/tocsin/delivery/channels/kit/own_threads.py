"""Blocking calls on threads of their own, at most one at a time for each key.

A pool would be shared: a few receivers that stall would keep everybody else's calls waiting for a
worker. A thread cannot be ended from outside, so an abandoned one runs on until its sockets time
out; until then its key starts no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class StillBusyError(Exception):
    """The call before, of the same key, has not come back."""


class OwnThreads:
    def __init__(self) -> None:
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    async def run(self, key: str, call: Callable[[], T], *, seconds: float) -> T:
        """What `call` returns or raises, in the caller's context.

        Raises:
            TimeoutError: it did not come back within `seconds`; it may still have its effect.
            StillBusyError: see there; nothing was begun.
        """
        with self._lock:
            if key in self._busy:
                raise StillBusyError
            self._busy.add(key)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def work() -> None:
            result, error = None, None
            try:
                result = call()
            except BaseException as raised:
                error = raised
            finally:
                with self._lock:
                    self._busy.discard(key)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()
        async with asyncio.timeout(seconds):
            return await done
