"""What a dispatcher does when it is stopped, dies, loses its database or meets a fault of ours."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.support.outbox import QUICK, Outbox, dispatching, receiving, until


async def test_stopping_finishes_what_is_under_way_and_gives_back_the_rest(
    outbox: Outbox,
) -> None:
    async with receiving() as receiver:
        gate = asyncio.Event()

        async def answer(body: dict[str, Any]) -> web.Response:
            await gate.wait()
            return web.Response(status=204)

        destination = outbox.destination("ops", receiver.url)
        # Open the window first: then more is claimed than may be under way at once.
        outbox.plan_many(destination, 200)
        async with dispatching(outbox.url, send_timeout=10.0) as (dispatcher,):
            await until(lambda: outbox.pending() == 0)
            receiver.bodies.clear()
            receiver.answer = answer
            outbox.plan_many(destination, 200)
            await until(lambda: len(receiver.bodies) == 16)
            await until(lambda: _leased(outbox) == 64)
            dispatcher.stop()
            gate.set()
        assert _leased(outbox) == 0
        assert outbox.pending() == 200 - 16
        untouched = outbox.db.execute(
            "SELECT count(*) FROM alert_deliveries WHERE status = 'queued' AND attempt_count = 0"
        ).fetchone()
        assert untouched == (200 - 16,)


async def test_what_cannot_end_in_time_is_interrupted_and_counts_as_not_sent(
    outbox: Outbox,
) -> None:
    async with receiving() as receiver:

        async def never(body: dict[str, Any]) -> web.Response:
            await asyncio.sleep(3600)
            return web.Response()

        receiver.answer = never
        id = outbox.plan(outbox.destination("ops", receiver.url))
        tuning = replace(QUICK, grace_seconds=0.1)
        async with dispatching(outbox.url, tuning=tuning, send_timeout=30.0):
            await until(lambda: len(receiver.bodies) == 1)
        row = outbox.row(id)
        assert (row["status"], row["leased_by"]) == ("queued", None)
        assert [each["outcome"] for each in outbox.attempts(id)] == ["unknown"]


async def test_a_dead_nodes_lease_runs_out(outbox: Outbox) -> None:
    async with receiving() as receiver:
        id = outbox.plan(outbox.destination("ops", receiver.url))
        outbox.db.execute(
            "UPDATE alert_deliveries SET leased_by = 'dead', attempt_count = 1,"
            " lease_expires_at = now() + interval '1 second'"
        )
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "sent")
        assert [each["outcome"] for each in outbox.attempts(id)] == ["unknown", "sent"]
        assert outbox.row(id)["attempt_count"] == 2


async def test_a_lease_is_renewed_while_sending(outbox: Outbox) -> None:
    async with receiving() as receiver:

        async def slow(body: dict[str, Any]) -> web.Response:
            await asyncio.sleep(3)
            return web.Response(status=204)

        receiver.answer = slow
        id = outbox.plan(outbox.destination("ops", receiver.url))
        tuning = replace(QUICK, lease_seconds=1.0, poll_seconds=0.1)
        async with dispatching(outbox.url, tuning=tuning, send_timeout=10.0, count=2):
            await until(lambda: outbox.row(id)["status"] == "sent")
        assert receiver.ids == [id]


async def test_the_database_may_go_away(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("ops", receiver.url)
        for _ in range(5):
            outbox.plan_many(destination, 50)
            outbox.db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            await asyncio.sleep(0.05)
        await until(lambda: outbox.pending() == 0, 40)
        assert len(set(receiver.ids)) == 250


async def test_a_poison_outcome_fails_alone(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a channel says may not be storable (NUL in progress); its neighbours are recorded."""
    from tocsin.delivery.channels.webhook import WebhookChannel
    from tocsin.delivery.outcome import Sent

    poison: list[UUID] = []

    async def send(self: Any, message: Any, *_: Any) -> Sent:
        progress = {"text": "\0 \ud800"} if message.id in poison else None
        return Sent(message="fi\0ne", progress=progress)

    monkeypatch.setattr(WebhookChannel, "send", send)

    destination = outbox.destination("ops")
    ids = [outbox.plan(destination) for _ in range(10)]
    poison.append(ids[3])
    async with dispatching(outbox.url):
        await until(lambda: outbox.pending() == 0)
    assert {outbox.row(id)["status"] for id in ids} == {"sent"}


async def test_a_fault_of_our_own_is_in_the_log_and_the_next_dispatcher_goes_on(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tocsin.delivery.dispatch.wakeups import Wakeups

    waits_well, waits = Wakeups.wake_soon, 0

    def fails_once(self: Wakeups) -> None:
        nonlocal waits
        waits += 1
        if waits == 1:
            raise RuntimeError("secret")
        waits_well(self)

    monkeypatch.setattr(Wakeups, "wake_soon", fails_once)
    async with receiving() as receiver:
        tuning = replace(QUICK, lease_seconds=1.0, poll_seconds=0.1)
        destination = outbox.destination("ops", receiver.url)
        with capture_logs() as lines:
            async with dispatching(outbox.url, tuning=tuning, lasting=True):
                for _ in range(2):
                    id = outbox.plan(destination)
                    await until(lambda id=id: outbox.row(id)["status"] == "sent")
    [line] = [line for line in lines if "started again" in line["event"]]
    assert line["error"] == "RuntimeError"
    assert "secret" not in str(line)


def _leased(outbox: Outbox) -> int:
    found = outbox.db.execute(
        "SELECT count(*) FROM alert_deliveries WHERE leased_by IS NOT NULL"
    ).fetchone()
    assert found is not None
    return int(found[0])
