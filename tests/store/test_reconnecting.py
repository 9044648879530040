"""What works on a connection forever survives the loss of it."""

from __future__ import annotations

import asyncio

import pytest

from tocsin.store.reconnecting import Reconnecting


class Line:
    """A connection that counts how often it was let go of; some of them break as they are."""

    def __init__(self, is_broken: bool = False) -> None:
        self.closed = 0
        self._is_broken = is_broken

    async def close(self) -> None:
        self.closed += 1
        if self._is_broken:
            raise OSError("broken pipe")


def run(work: asyncio.Future[None] | object) -> None:
    asyncio.run(asyncio.wait_for(work, 10))  # type: ignore[arg-type]


def test_a_failure_is_reported_and_the_work_begins_again_on_another_connection() -> None:
    opened: list[Line] = []
    reported: list[str] = []
    used: list[Line] = []

    async def open_one() -> Line:
        if len(opened) == 1 and not reported[1:]:
            raise OSError("away")
        opened.append(Line(is_broken=True))
        return opened[-1]

    async def work(line: Line) -> None:
        used.append(line)
        if len(used) < 3:
            raise RuntimeError("lost")
        done.set()
        await asyncio.Event().wait()

    done = asyncio.Event()

    async def scenario() -> None:
        task = asyncio.create_task(
            Reconnecting(open_one, pause_seconds=0.0).forever(
                work, failed=lambda error: reported.append(str(error))
            )
        )
        await done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    run(scenario())
    assert reported == ["lost", "away", "lost"]
    assert used == opened
    assert [line.closed for line in opened] == [1, 1, 1]


def test_a_connection_is_kept_until_it_failed() -> None:
    async def scenario() -> None:
        opened: list[Line] = []

        async def open_one() -> Line:
            opened.append(Line())
            return opened[-1]

        line = Reconnecting(open_one, pause_seconds=0.0)
        assert opened == []
        first = await line.get()
        assert await line.get() is first
        await line.back_off()
        assert first.closed == 1
        second = await line.get()
        assert second is not first
        await line.close()
        await line.close()
        assert second.closed == 1

    run(scenario())


def test_after_a_failure_it_waits() -> None:
    async def scenario() -> None:
        async def open_one() -> Line:
            raise OSError("away")

        tries: list[Exception] = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await Reconnecting(open_one, pause_seconds=60).forever(
                    lambda _: asyncio.sleep(0), failed=tries.append
                )
        assert len(tries) == 1

    run(scenario())
