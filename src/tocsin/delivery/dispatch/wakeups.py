"""What wakes a dispatcher: news of deliveries, room for more, a timer, and a slow poll behind them.

A look at the queue costs much the same however much it finds. So one that finds little is followed by
the next as soon as there is news, and one that finds much only a little later, when that finds more:
the first makes a lone message fast, the second many of them cheap.
"""

from __future__ import annotations

import asyncio

import structlog

from tocsin.rounds import is_set_within
from tocsin.store.delivery_news import NoticeOfWork
from tocsin.store.described import described
from tocsin.store.reconnecting import Reconnecting

POLL_SECONDS = 5.0
"""A notification can be lost (a connection just breaking); no delivery waits longer for that."""
PACE_SECONDS = 0.01
"""Between two looks that find much."""
MUCH = 16

log = structlog.get_logger(__name__)


def pause(found: int, pace_seconds: float, *, for_news: bool) -> float:
    """Seconds after a look that found so many until news are worth another. Nothing, after news, is what
    finds a dispatcher that others are ahead of: it looks less often."""
    if found == 0:
        return pace_seconds if for_news else 0.0
    return pace_seconds * min(1.0, found / MUCH)


class Wakeups:
    def __init__(
        self, url: str, poll_seconds: float = POLL_SECONDS, pace_seconds: float = PACE_SECONDS
    ) -> None:
        self._url = url
        self._poll_seconds = poll_seconds
        self._pace_seconds = pace_seconds
        self._event = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ends = 0.0
        self._not_before = 0.0
        self._is_looking = False
        self._has_news = False
        self._for_news = False

    def wake(self) -> None:
        """At once."""
        self._event.set()

    def wake_soon(self) -> None:
        """For what needs no haste; whatever wakes sooner does for it, too."""
        self._wake_at(asyncio.get_running_loop().time() + self._pace_seconds)

    def news(self) -> None:
        """Somebody says that deliveries are pending."""
        self._has_news = True
        if not self._is_looking:
            self._wake_at(self._not_before)

    def looked(self, found: int) -> None:
        """A look was taken, and found so many."""
        rest = pause(found, self._pace_seconds, for_news=self._for_news)
        self._not_before = asyncio.get_running_loop().time() + rest
        self._is_looking = False
        if self._has_news:
            self._wake_at(self._not_before)

    async def wait(self, seconds: float | None) -> None:
        """Until woken, at most `seconds` and the poll. Wake-ups that came meanwhile count."""
        timeout = self._poll_seconds if seconds is None else min(seconds, self._poll_seconds)
        await is_set_within(self._event, max(timeout, self._pace_seconds))
        self._event.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._for_news, self._has_news = self._has_news, False
        self._is_looking = True

    async def listen(self) -> None:
        """Turn notifications into wake-ups, forever; a lost connection is opened again, and counts as
        a notification, since one may have been missed."""
        await Reconnecting(lambda: NoticeOfWork.open(self._url)).forever(
            self._listen_on,
            failed=lambda error: log.warning("cannot listen for deliveries", **described(error)),
        )

    async def _listen_on(self, notices: NoticeOfWork) -> None:
        async for _ in notices:
            self.news()

    def _wake_at(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        if when <= loop.time():
            self._event.set()
        elif self._timer is None or when < self._timer_ends:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_ends = loop.call_at(when, self._event.set), when
