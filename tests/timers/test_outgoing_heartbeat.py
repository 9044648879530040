"""Who watches the watchman: the call to another system, and what keeps it from being made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import receivers
from tests.support.postgres import Database
from tests.support.proxy import proxied
from tests.support.receivers import Receiver
from tests.support.workspace import KEY
from tocsin.delivery.dispatch import dispatcher
from tocsin.hub import Hub, ProcessRole
from tocsin.ingest import batcher
from tocsin.model import Secret, utc_now
from tocsin.rounds import Rounds
from tocsin.settings import load
from tocsin.store.installation import ensure_default_workspace
from tocsin.timers import clock
from tocsin.timers.clock import Clock
from tocsin.timers.outgoing_heartbeat import OutgoingHeartbeat

SECRET = "the-ping-key-of-another-system"


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part has half of the interval for its round, and the interval is short here."""
    monkeypatch.setattr(clock, "LONGEST_WAIT_SECONDS", 0.1)


async def _goes_on(seconds: float) -> bool:
    return True


async def _stands_still(seconds: float) -> bool:
    await asyncio.sleep(60)
    return True


async def _breaks(seconds: float) -> bool:
    raise KeyError("part")


@pytest.mark.parametrize("stuck", [_stands_still, _breaks])
@pytest.mark.parametrize("part", ["ingest", "database", "delivery"])
async def test_it_calls_only_while_every_part_goes_on(part: str, stuck: Any) -> None:
    calls: list[int] = []

    async def call() -> str | None:
        calls.append(1)
        return None

    parts: dict[str, Any] = dict.fromkeys(("ingest", "database", "delivery"), _goes_on)
    assert await OutgoingHeartbeat(call, parts, 0.2).beat()
    parts[part] = stuck
    assert not await OutgoingHeartbeat(call, parts, 0.2).beat()
    assert len(calls) == 1


async def test_a_call_that_is_not_heard_is_made_again_twice() -> None:
    calls: list[int] = []

    async def call() -> str | None:
        calls.append(1)
        return "answered 500" if len(calls) % 4 else None

    heartbeat = OutgoingHeartbeat(call, {}, 0.2, pause_seconds=0)
    assert not await heartbeat.beat()
    assert len(calls) == 3
    assert await heartbeat.beat()
    assert len(calls) == 4


async def test_a_round_counts_from_the_question_on() -> None:
    rounds = Rounds()
    rounds.done()
    assert not await rounds.another(0.01)
    assert await rounds.another(1, rounds.done)


@asynccontextmanager
async def _watched(
    url: str, folder: Path, receiver: Receiver, role: ProcessRole = ProcessRole.ALL
) -> AsyncIterator[None]:
    settings = load(
        {
            "TOCSIN_DATA_DIR": str(folder),
            "TOCSIN_HEARTBEAT_URL": f"{receiver.url}/{SECRET}",
            "TOCSIN_HEARTBEAT_INTERVAL_SECONDS": "10",
            "TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8",
        }
    )
    object.__setattr__(settings, "heartbeat_interval_seconds", 1.0)
    async with Hub.build(settings, url, (KEY,), role).running():
        yield


async def _soon(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def _falls_silent(receiver: Receiver) -> None:
    # One may be under way.
    await asyncio.sleep(1.2)
    before = len(receiver.received)
    await asyncio.sleep(2.5)
    assert len(receiver.received) == before


@pytest.mark.parametrize("role", list(ProcessRole))
async def test_an_idle_server_calls(database: Database, tmp_path: Path, role: ProcessRole) -> None:
    ensure_default_workspace(database.url, utc_now())
    async with (
        receivers.http(receivers.answer()) as receiver,
        _watched(database.url, tmp_path, receiver, role),
    ):
        await _soon(lambda: len(receiver.received) >= 3)
    assert {each.path for each in receiver.received} == {f"/{SECRET}"}


@pytest.mark.parametrize(
    ("place", "name"),
    [(dispatcher, "claim"), (Clock, "_wait"), (batcher.Batcher, "_ends_idle")],
)
async def test_a_loop_that_hangs_is_not_called_for(
    database: Database, tmp_path: Path, place: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_default_workspace(database.url, utc_now())
    async with (
        receivers.http(receivers.answer()) as receiver,
        _watched(database.url, tmp_path, receiver),
    ):
        await _soon(lambda: receiver.received)
        ends, real = asyncio.Event(), getattr(place, name)

        async def hangs(*arguments: Any) -> Any:
            await ends.wait()
            return await real(*arguments)

        monkeypatch.setattr(place, name, hangs)
        await _falls_silent(receiver)
        before = len(receiver.received)
        ends.set()
        await _soon(lambda: len(receiver.received) > before)


async def test_without_its_database_it_is_silent_and_afterwards_calls_again(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_default_workspace(database.url, utc_now())
    with proxied(database.url) as way:
        async with (
            receivers.http(receivers.answer()) as receiver,
            _watched(way.url, tmp_path, receiver),
        ):
            await _soon(lambda: receiver.received)
            way.cut()
            await _falls_silent(receiver)
            before = len(receiver.received)
            way.restore()
            await _soon(lambda: len(receiver.received) > before)
            # A network that swallows everything says nothing of it.
            way.stall()
            await _falls_silent(receiver)
            way.restore()


async def test_a_standby_cannot_write(database: Database, tmp_path: Path) -> None:
    ensure_default_workspace(database.url, utc_now())
    async with (
        receivers.http(receivers.answer()) as receiver,
        _watched(database.url, tmp_path, receiver),
    ):
        await _soon(lambda: receiver.received)
        with database.connect() as connection:
            connection.execute(
                f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on"
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await _falls_silent(receiver)


async def test_the_address_is_in_no_log(
    database: Database, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ensure_default_workspace(database.url, utc_now())
    async with (
        receivers.http(receivers.answer(status=500)) as receiver,
        _watched(database.url, tmp_path, receiver),
    ):
        await _soon(lambda: len(receiver.received) >= 2)
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
    assert SECRET not in repr(Secret(SECRET.encode()))
