"""`kill -9` of dispatchers in the middle of sending: nothing pending is lost, repeats carry the same
id, and the messages of one alert arrive in order."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.support.outbox import Outbox, receiving, until
from tests.support.paths import ROOT
from tests.support.postgres import Database
from tocsin.model import EventType, uuid7

STORY = (EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED)


async def start(url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.dispatcher_process",
        url,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    return process


async def _killing(outbox: Outbox, kills: int) -> None:
    """Two processes; `kills` times one of them is killed while a message is on its way."""
    on_its_way = 0

    async def answer(body: dict[str, Any]) -> web.Response:
        nonlocal on_its_way
        on_its_way += 1
        await asyncio.sleep(random.uniform(0, 0.05))
        on_its_way -= 1
        return web.Response(status=204)

    async with receiving() as receiver:
        receiver.answer = answer
        destinations = [outbox.destination(f"ops {n}", receiver.url) for n in range(3)]
        planned = []
        done = asyncio.Event()

        def plan() -> None:
            for destination in destinations:
                alert = uuid7()
                planned.extend(outbox.plan(destination, alert, event) for event in STORY)
            outbox.announce()

        async def keep_planning() -> None:
            while not done.is_set():
                plan()
                await asyncio.sleep(0.1)

        planning = asyncio.create_task(keep_planning())
        processes = [await start(outbox.url), await start(outbox.url)]
        try:
            for _ in range(kills):
                await until(lambda: on_its_way > 2, 60)
                victim = processes.pop(0)
                victim.kill()
                await victim.wait()
                processes.append(await start(outbox.url))
            done.set()
            await planning
            await until(lambda: outbox.pending() == 0, 90)
        finally:
            for process in processes:
                process.kill()
                await process.wait()
        _check(outbox, receiver.bodies, planned)


def _check(outbox: Outbox, bodies: list[dict[str, Any]], planned: list[Any]) -> None:
    arrived = Counter(body["id"] for body in bodies)
    assert arrived.keys() == {str(id) for id in planned}
    # In order: what came first of each event of an alert, and no repeat after its successor.
    place = {event.value: number for number, event in enumerate(STORY)}
    furthest: dict[str, int] = {}
    for body in bodies:
        alert = body["alert"]["id"]
        assert place[body["event_type"]] >= furthest.get(alert, 0)
        furthest[alert] = place[body["event_type"]]
    wrong = outbox.db.execute(
        "SELECT count(*) FROM alert_deliveries WHERE status <> 'sent' OR leased_by IS NOT NULL"
    ).fetchone()
    assert wrong == (0,)
    # Every attempt is on record; some ended nobody knows how, or nothing was killed while sending.
    attempts = outbox.db.execute(
        "SELECT alert_delivery_id::text, count(*), count(*) FILTER (WHERE outcome = 'unknown')"
        " FROM alert_delivery_attempts GROUP BY 1"
    ).fetchall()
    recorded = {id: (count, unknown) for id, count, unknown in attempts}
    assert all(recorded[id][0] >= arrived[id] for id in arrived)
    assert any(unknown for _, unknown in recorded.values())


@pytest.fixture
def outbox(database: Database) -> Iterator[Outbox]:
    outbox = Outbox(database)
    yield outbox
    outbox.close()


@pytest.mark.parametrize(
    "kills",
    [
        3,
        pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)]),
    ],
)
async def test_dispatchers_killed_while_sending(outbox: Outbox, kills: int) -> None:
    await _killing(outbox, kills)
