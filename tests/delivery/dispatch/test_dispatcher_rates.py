"""Rate limits as the dispatcher keeps them: per bucket, over all nodes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.support.outbox import QUICK, Outbox, dispatching, receiving, until
from tocsin.delivery.channels.base import Rate
from tocsin.delivery.channels.webhook import WebhookChannel
from tocsin.model import EventType


def limit(monkeypatch: pytest.MonkeyPatch, rate: Rate) -> None:
    monkeypatch.setattr(WebhookChannel, "rate", rate)


async def test_two_destinations_with_one_url_share_its_limit_over_all_nodes(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, Rate(per_second=1_000.0, burst=100, per_hour=7, concurrency=3))

    async with receiving() as receiver:
        for name in ("one", "two"):
            outbox.plan_many(outbox.destination(name, receiver.url), 10)
        # Never gathered into a storm's digest: the limit alone is tried.
        outbox.db.execute("UPDATE alert_deliveries SET reason = 'fallback'")
        async with dispatching(outbox.url, count=3):
            await until(lambda: len(receiver.bodies) == 7)
            await asyncio.sleep(0.5)
        assert len(receiver.bodies) == 7
        assert outbox.pending() == 13
        spent = outbox.db.execute("SELECT cardinality(spent_at) FROM rate_buckets").fetchall()
        assert spent == [(7,)]


async def test_a_timer_wakes_for_the_next_token(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, Rate(per_second=4.0, burst=1, concurrency=1))

    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 5)
        # Neither polls nor news: only the bucket's own timer is left.
        async with dispatching(outbox.url, tuning=replace(QUICK, poll_seconds=3600.0)):
            await until(lambda: outbox.pending() == 0)
        starts = outbox.db.execute(
            "SELECT min(started_at), max(started_at) FROM alert_delivery_attempts"
        ).fetchone()
        assert starts is not None
        # Five messages, four waits of a quarter of a second, never less.
        assert (starts[1] - starts[0]).total_seconds() >= 0.99


async def test_an_unlimited_channel_never_touches_the_buckets(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        outbox.plan_many(outbox.destination("ops", receiver.url), 20)
        await until(lambda: outbox.pending() == 0)
    assert outbox.db.execute("SELECT count(*) FROM rate_buckets").fetchone() == (0,)


async def test_a_test_that_finds_no_token_in_its_minute_fails(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hour's messages are spent: nobody should watch `Pending` for the rest of it."""
    limit(monkeypatch, Rate(per_second=100.0, burst=10, per_hour=2, concurrency=2))

    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 3)
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 1)
            test = outbox.plan(destination, event=EventType.TEST)
            outbox.db.execute("UPDATE alert_deliveries SET give_up_at = now()")
            outbox.announce()
            await until(lambda: outbox.row(test)["status"] == "failed", 30)
        assert outbox.row(test)["last_error_code"] == "expired"


async def test_a_rate_that_is_used_up_is_noted_for_whoever_asks(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, Rate(per_second=1_000.0, burst=100, per_hour=2, concurrency=1))

    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 4)
        async with dispatching(outbox.url):
            await until(lambda: outbox.state(destination).get("rate_used_until") is not None)
        state = outbox.state(destination)
        wait = (state["rate_used_until"] - state["updated_at"]).total_seconds()
        assert 3_500 < wait < 3_700
        assert state["hold_until"] is None
