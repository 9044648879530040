"""What wakes a dispatcher: a notification, a timer, its own progress, and a slow poll behind them."""

from __future__ import annotations

import asyncio

import structlog

from tocsin.store.delivery_news import NoticeOfWork
from tocsin.store.described import described
from tocsin.store.reconnecting import Reconnecting

POLL_SECONDS = 5.0
"""A notification can be lost (a connection just breaking); no delivery waits longer for that."""

log = structlog.get_logger(__name__)


class Wakeups:
    def __init__(self, url: str, poll_seconds: float = POLL_SECONDS) -> None:
        self._url = url
        self._poll_seconds = poll_seconds
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        """Until woken, at most `seconds` and the poll. Wake-ups that came meanwhile count."""
        timeout = self._poll_seconds if seconds is None else min(seconds, self._poll_seconds)
        try:
            async with asyncio.timeout(max(timeout, 0.0)):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()

    async def listen(self) -> None:
        """Turn notifications into wake-ups, forever; a lost connection is opened again, and counts as
        a notification, since one may have been missed."""
        await Reconnecting(lambda: NoticeOfWork.open(self._url)).forever(
            self._listen_on,
            failed=lambda error: log.warning("cannot listen for deliveries", **described(error)),
        )

    async def _listen_on(self, notices: NoticeOfWork) -> None:
        async for _ in notices:
            self.wake()
