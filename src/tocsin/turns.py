"""Long work that lets others have their turn: in a thread, or on the event loop in slices.

Time is measured here to be fair, never to decide anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

P = ParamSpec("P")
T = TypeVar("T")

TURN_SECONDS = 0.02
"""In the thread; then the next that waits has its turn."""

SLICE_SECONDS = 0.001
"""Of work without a pause."""

PATIENCE = 3
"""How many times as long as its slice work on the event loop stands back: it is never starved."""

_THREAD = ThreadPoolExecutor(1, "long-work")


async def aside(work: Iterator[None]) -> None:
    """Exhaust `work` in a thread, step by step, turn about with whatever else is under way there.
    One that is cancelled ends with its turn.

    Raises:
        Whatever a step raises.
    """
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(_THREAD, _turn, work):
        pass


async def at_once_aside(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What `work` returns, done in the same thread in one turn: for what is long only at worst."""
    call = partial(work, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(_THREAD, call)


class OwnersInTurn:
    """A thread for work that somebody owns. One piece is done at a time, and each owner has at most
    one among those that wait for the thread: many pieces of one owner wait for each other, and
    hardly delay another's."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._lines: WeakValueDictionary[UUID, _Line] = WeakValueDictionary()
        """They last as long as somebody stands in them."""

    def waiting(self, owner: UUID) -> int:
        """Pieces of this owner that are not done."""
        line = self._lines.get(owner)
        return 0 if line is None else line.length

    async def do(
        self, owner: UUID, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """What `work` returns. Raises what it raises."""
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = _Line()
        call = partial(work, *arguments, **named)
        line.length += 1
        try:
            async with line.turn:
                return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        finally:
            line.length -= 1


class _Line:
    """Of one owner."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.length = 0


def rest() -> None:
    """In a thread, after a millisecond of work: long enough for the event loop to take the
    interpreter, and a core for what else is served."""
    time.sleep(SLICE_SECONDS / 2)


def _turn(work: Iterator[None]) -> bool:
    """Whether there is more to do."""
    began = since = time.perf_counter()
    for _ in work:
        now = time.perf_counter()
        if now - began > TURN_SECONDS:
            return True
        if now - since > SLICE_SECONDS:
            rest()
            since = time.perf_counter()
    return False


class Pace:
    """For long work on the event loop: `if pace.is_due: await pace.rest()` now and then."""

    __slots__ = ("_others_work", "_since")

    def __init__(self, others_work: Callable[[], bool]) -> None:
        """While `others_work` says so, rests last longer than a glance at what is ready."""
        self._others_work = others_work
        self._since = time.perf_counter()

    @property
    def is_due(self) -> bool:
        return time.perf_counter() - self._since > SLICE_SECONDS

    async def rest(self) -> None:
        worked = time.perf_counter() - self._since
        await asyncio.sleep(0)
        for _ in range(PATIENCE):
            if not self._others_work():
                break
            await asyncio.sleep(worked)
        self._since = time.perf_counter()
