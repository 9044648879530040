"""Canceling what was never sent, raced against dispatchers that are about to send it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from tests.support.outbox import (
    Outbox,
    Unsent,
    cancel_before_sent,
    dispatching,
    in_order,
    receiving,
    until,
)
from tocsin.model import EventType, uuid7
from tocsin.store.database import connect
from tocsin.store.delivery_queue import Claim, DeliveryQueue


async def canceled(outbox: Outbox, *alerts: UUID) -> list[Unsent]:
    async with await connect(outbox.url) as connection, connection.transaction():
        return await cancel_before_sent(connection, alerts)


async def test_an_unsent_trigger_and_what_waits_behind_it_are_canceled(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    alert = uuid7()
    trigger = outbox.plan(destination, alert)
    acknowledge = outbox.plan(destination, alert, EventType.ACKNOWLEDGED)
    other = outbox.plan(destination)
    assert await canceled(outbox, alert) == [Unsent(alert, destination, trigger)]
    for id in (trigger, acknowledge):
        row = outbox.row(id)
        assert (row["status"], row["reason"]) == ("canceled", "resolved_before_sent")
        assert row["detail"]["planned_reason"] == "rule"
    assert outbox.row(other)["status"] == "queued"


async def test_a_trigger_that_quiet_hours_keep_is_canceled(outbox: Outbox) -> None:
    alert = uuid7()
    id = outbox.plan(outbox.destination("ops"), alert, status="deferred", reason="quiet_hours")
    assert len(await canceled(outbox, alert)) == 1
    assert outbox.row(id)["status"] == "canceled"


@pytest.mark.parametrize(
    "columns",
    [
        "attempt_count = 1",
        "leased_by = 'n', attempt_count = 1, lease_expires_at = now() + interval '1 min'",
        "leased_by = 'dead', attempt_count = 1, lease_expires_at = now() - interval '1 min'",
        "status = 'sent'",
        "status = 'failed'",
    ],
)
async def test_what_was_attempted_is_followed_by_its_resolve(outbox: Outbox, columns: str) -> None:
    alert = uuid7()
    id = outbox.plan(outbox.destination("ops"), alert)
    outbox.db.execute(f"UPDATE alert_deliveries SET {columns}")
    before = outbox.row(id)
    assert await canceled(outbox, alert) == []
    assert outbox.row(id) == before


async def test_only_the_episode_that_was_never_notified_is_canceled(outbox: Outbox) -> None:
    """Notified, resolved (waiting for another attempt), reopened, and resolved again unsent."""
    destination = outbox.destination("ops")
    alert = uuid7()
    outbox.plan(destination, alert, status="sent")
    resolve = outbox.plan(destination, alert, EventType.RESOLVED)
    again = outbox.plan(destination, alert)
    assert [each.alert_delivery_id for each in await canceled(outbox, alert)] == [again]
    assert outbox.row(resolve)["status"] == "queued"


async def test_a_claim_under_way_is_not_waited_for_and_wins(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    alert = uuid7()
    id = outbox.plan(destination, alert)
    queue = await DeliveryQueue.open(outbox.url, "node", 60.0)
    async with queue.transaction():
        (claimed,) = await queue.claim([Claim(destination, 5)])
        assert claimed.id == id
        assert await canceled(outbox, alert) == []
    await queue.close()
    assert outbox.row(id)["leased_by"] == "node"


async def test_a_cancel_under_way_keeps_claims_off(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    alert = uuid7()
    outbox.plan(destination, alert)
    acknowledge = outbox.plan(destination, alert, EventType.ACKNOWLEDGED)
    queue = await DeliveryQueue.open(outbox.url, "node", 60.0)
    async with await connect(outbox.url) as connection, connection.transaction():
        assert len(await cancel_before_sent(connection, [alert])) == 1
        assert await queue.claim([Claim(destination, 5)]) == []
    assert await queue.claim([Claim(destination, 5)]) == []
    await queue.close()
    assert outbox.row(acknowledge)["status"] == "canceled"


async def test_resolves_raced_against_dispatchers(outbox: Outbox) -> None:
    """Two hundred alerts fire and resolve while two dispatchers run: each is notified whole or not
    at all, in order, and the records agree with what arrived."""

    async with receiving() as receiver, dispatching(outbox.url, count=2):
        destination = outbox.destination("ops", receiver.url)
        alerts = [uuid7() for _ in range(200)]

        async def resolve(alert: UUID) -> bool:
            async with await connect(outbox.url) as connection, connection.transaction():
                unsent = await cancel_before_sent(connection, [alert])
                status = "canceled" if unsent else "queued"
                await connection.execute(
                    "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
                    " alert_destination_id, alert_id, event_type, status, payload, reason)"
                    " SELECT %s, workspace_id, tenant_id, alert_rule_id, alert_destination_id,"
                    " alert_id, 'alerts.resolved', %s::alert_delivery_status, payload, 'rule'"
                    " FROM alert_deliveries WHERE alert_id = %s"
                    " AND event_type = 'alerts.triggered'",
                    [uuid7(), status, alert],
                )
            return bool(unsent)

        notified = 0
        for start in range(0, 200, 20):
            some = alerts[start : start + 20]
            for alert in some:
                outbox.plan(destination, alert)
            outbox.announce()
            await asyncio.sleep(0.003 * (start // 20))
            notified += (await asyncio.gather(*map(resolve, some))).count(False)
            outbox.announce()
        await until(lambda: outbox.pending() == 0)
        story = in_order(receiver.bodies)
        assert set(map(tuple, story.values())) <= {("alerts.triggered", "alerts.resolved")}
        assert len(story) == notified
        sent = outbox.db.execute(
            "SELECT alert_id::text FROM alert_deliveries WHERE status = 'sent'"
            " GROUP BY 1 HAVING count(*) = 2"
        ).fetchall()
        assert {row[0] for row in sent} == set(story)
        # The race was one: some were notified and some were not.
        assert 0 < notified < 200
