"""Within one destination the most urgent goes first; within one alert, order is kept."""

from __future__ import annotations

import pytest

from tests.support.outbox import Outbox, dispatching, receiving, until
from tocsin.delivery.channels.base import Rate
from tocsin.delivery.channels.webhook import WebhookChannel
from tocsin.model import EventType, Severity, uuid7
from tocsin.store.statements import statement

SLOW = Rate(per_second=5.0, burst=1, concurrency=1)


async def test_a_critical_message_does_not_wait_behind_a_storm(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebhookChannel, "rate", SLOW)
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        for _ in range(30):
            outbox.plan(destination, severity=Severity.INFO)
        async with dispatching(outbox.url):
            await until(lambda: len(receiver.bodies) >= 2)
            urgent = outbox.plan(destination, severity=Severity.CRITICAL)
            before = len(receiver.bodies)
            await until(lambda: outbox.row(urgent)["status"] == "sent")
            assert receiver.ids.index(urgent) <= before + 2
            assert outbox.pending() > 20


async def test_severities_go_in_order_and_each_oldest_first(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebhookChannel, "rate", Rate(per_second=50.0, burst=1, concurrency=1))
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        planned = [
            (severity, outbox.plan(destination, severity=severity))
            for _ in range(2)
            for severity in reversed(Severity)
        ]
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
    expected = [id for severity in Severity for each, id in planned if each is severity]
    assert receiver.ids == expected


async def test_an_alert_that_became_worse_takes_its_earlier_messages_along(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebhookChannel, "rate", SLOW)
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        for _ in range(20):
            outbox.plan(destination, severity=Severity.LOW)
        alert = uuid7()
        first = outbox.plan(destination, alert, severity=Severity.INFO)
        # As planning does for an alert that became worse.
        outbox.db.execute(
            statement("hasten_deliveries"),
            {"alert_ids": [alert], "urgencies": [Severity.CRITICAL.value]},
        )
        second = outbox.plan(destination, alert, EventType.ACKNOWLEDGED, severity=Severity.CRITICAL)
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(second)["status"] == "sent")
    assert receiver.ids[:2] == [first, second]


async def test_what_is_due_again_does_not_hold_up_what_is_more_urgent(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five hundred messages that quiet hours kept come due at once, and then there is a fire."""
    monkeypatch.setattr(WebhookChannel, "rate", SLOW)
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        for _ in range(20):
            outbox.plan(destination, severity=Severity.LOW)
        outbox.db.execute("UPDATE alert_deliveries SET status = 'deferred', send_after = now()")
        urgent = outbox.plan(destination, severity=Severity.CRITICAL)
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(urgent)["status"] == "sent")
    assert receiver.ids.index(urgent) == 0
