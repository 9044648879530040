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


def _turn(work: Iterator[None]) -> bool:
    """Whether there is more to do."""
    began = since = time.perf_counter()
    for _ in work:
        now = time.perf_counter()
        if now - began > TURN_SECONDS:
            return True
        if now - since > SLICE_SECONDS:
            # Long enough for the event loop to take the interpreter, which it would otherwise get
            # only after the 5 ms that Python leaves to whoever has it.
            time.sleep(SLICE_SECONDS / 2)
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
