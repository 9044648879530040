from __future__ import annotations

import asyncio

import pytest
import uvloop

from tocsin.delivery.dispatch.wakeups import MUCH, Wakeups, pause

NOWHERE = "postgresql://nowhere.invalid/"


@pytest.mark.parametrize(
    ("found", "for_news", "seconds"),
    [
        (1, True, 0.01 / MUCH),
        (MUCH // 2, True, 0.005),
        (MUCH, True, 0.01),
        (10 * MUCH, False, 0.01),
        # Others are ahead of it.
        (0, True, 0.01),
        # It looked on its own account: whoever comes now has not been waited for.
        (0, False, 0.0),
    ],
)
def test_the_more_a_look_finds_the_longer_the_next_may_wait(
    found: int, for_news: bool, seconds: float
) -> None:
    assert pause(found, 0.01, for_news=for_news) == pytest.approx(seconds)


class Waiting:
    """Whether the dispatcher would look, without a clock: what should wake it does within moments, and
    what should not has a pace of minutes."""

    def __init__(self, pace_seconds: float) -> None:
        self.wakeups = Wakeups(NOWHERE, poll_seconds=600.0, pace_seconds=pace_seconds)
        self._task: asyncio.Task[None] | None = None

    async def wakes(self) -> bool:
        if self._task is None:
            self._task = asyncio.create_task(self.wakeups.wait(None))
        done, _ = await asyncio.wait([self._task], timeout=0.05)
        if done:
            self._task = None
        return bool(done)

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


async def test_news_after_a_look_that_found_little_is_looked_at_at_once() -> None:
    it = Waiting(pace_seconds=0.02)
    it.wakeups.looked(1)
    it.wakeups.news()
    assert await it.wakes()


async def test_news_after_a_look_that_found_much_waits_for_more_of_it() -> None:
    it = Waiting(pace_seconds=300.0)
    it.wakeups.looked(MUCH)
    it.wakeups.news()
    assert not await it.wakes()
    it.wakeups.wake()  # there is room for more
    assert await it.wakes()
    await it.end()


async def test_whoever_finds_nothing_by_news_looks_less_often() -> None:
    it = Waiting(pace_seconds=300.0)
    it.wakeups.news()
    assert await it.wakes()
    it.wakeups.looked(0)
    it.wakeups.news()
    assert not await it.wakes()
    await it.end()


async def test_a_look_without_news_delays_none() -> None:
    it = Waiting(pace_seconds=300.0)
    it.wakeups.wake()
    assert await it.wakes()
    it.wakeups.looked(0)
    it.wakeups.news()
    assert await it.wakes()


async def test_what_needs_no_haste_wakes_within_the_pace_and_a_look_before_does_for_it() -> None:
    it = Waiting(pace_seconds=0.02)
    it.wakeups.wake_soon()
    assert await it.wakes()

    it = Waiting(pace_seconds=300.0)
    it.wakeups.wake_soon()
    it.wakeups.news()
    assert await it.wakes()
    it.wakeups.looked(1)
    assert not await it.wakes()
    await it.end()


async def test_news_that_comes_while_it_looks_counts_when_it_has_looked() -> None:
    it = Waiting(pace_seconds=0.02)
    it.wakeups.news()
    assert await it.wakes()
    it.wakeups.news()
    it.wakeups.looked(1)
    assert await it.wakes()

    it = Waiting(pace_seconds=300.0)
    it.wakeups.news()
    assert await it.wakes()
    it.wakeups.news()
    it.wakeups.looked(MUCH)
    assert not await it.wakes()
    await it.end()


async def test_after_a_look_that_failed_news_wait_for_the_next_try() -> None:
    it = Waiting(pace_seconds=0.02)
    it.wakeups.news()
    assert await it.wakes()
    it.wakeups.news()
    async with asyncio.timeout(5):
        await it.wakeups.wait(0.0)
    it.wakeups.looked(1)
    it.wakeups.news()
    assert await it.wakes()


def test_it_wakes_under_uvloop_however_short_the_pause() -> None:
    """Servers run on it. Its timers of less than half a millisecond are none, and know no end."""

    async def wake() -> None:
        wakeups = Wakeups(NOWHERE, poll_seconds=600.0, pace_seconds=0.0004)
        wakeups.wake_soon()
        wakeups.wake_soon()
        async with asyncio.timeout(5):
            await wakeups.wait(600.0)

    uvloop.run(wake())
