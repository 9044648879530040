"""Canceling what was never sent, raced against dispatchers that are about to send it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest

from tests.delivery.world import (
    Unsent,
    World,
    cancel_before_sent,
    dispatching,
    in_order,
    receiving,
    until,
)
from tocsin.model import EventType, uuid7
from tocsin.store.database import connect
from tocsin.store.delivery_queue import Claim, DeliveryQueue

Run = Callable[[Coroutine[Any, Any, Any]], Any]


async def canceled(world: World, *alerts: UUID) -> list[Unsent]:
    async with await connect(world.url) as connection, connection.transaction():
        return await cancel_before_sent(connection, alerts)


def test_an_unsent_trigger_and_what_waits_behind_it_are_canceled(world: World, run: Run) -> None:
    destination = world.destination("ops")
    alert = uuid7()
    trigger = world.plan(destination, alert)
    acknowledge = world.plan(destination, alert, EventType.ACKNOWLEDGED)
    other = world.plan(destination)
    assert run(canceled(world, alert)) == [Unsent(alert, destination, trigger)]
    for id in (trigger, acknowledge):
        row = world.row(id)
        assert (row["status"], row["reason"]) == ("canceled", "resolved_before_sent")
        assert row["detail"]["planned_reason"] == "rule"
    assert world.row(other)["status"] == "queued"


def test_a_trigger_that_quiet_hours_keep_is_canceled(world: World, run: Run) -> None:
    alert = uuid7()
    id = world.plan(world.destination("ops"), alert, status="deferred", reason="quiet_hours")
    assert len(run(canceled(world, alert))) == 1
    assert world.row(id)["status"] == "canceled"


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
def test_what_was_attempted_is_followed_by_its_resolve(
    world: World, run: Run, columns: str
) -> None:
    alert = uuid7()
    id = world.plan(world.destination("ops"), alert)
    world.db.execute(f"UPDATE alert_deliveries SET {columns}")
    before = world.row(id)
    assert run(canceled(world, alert)) == []
    assert world.row(id) == before


def test_only_the_episode_that_was_never_told_is_canceled(world: World, run: Run) -> None:
    """Told, resolved (waiting for another attempt), reopened, and resolved again unsent."""
    destination = world.destination("ops")
    alert = uuid7()
    world.plan(destination, alert, status="sent")
    resolve = world.plan(destination, alert, EventType.RESOLVED)
    again = world.plan(destination, alert)
    assert [each.alert_delivery_id for each in run(canceled(world, alert))] == [again]
    assert world.row(resolve)["status"] == "queued"


def test_a_claim_under_way_is_not_waited_for_and_wins(world: World, run: Run) -> None:
    async def main() -> None:
        destination = world.destination("ops")
        alert = uuid7()
        id = world.plan(destination, alert)
        queue = await DeliveryQueue.open(world.url, "node", 60.0)
        async with queue.transaction():
            (claimed,) = await queue.claim([Claim(destination, 5)])
            assert claimed.id == id
            assert await canceled(world, alert) == []
        await queue.close()
        assert world.row(id)["leased_by"] == "node"

    run(main())


def test_a_cancel_under_way_keeps_claims_off(world: World, run: Run) -> None:
    async def main() -> None:
        destination = world.destination("ops")
        alert = uuid7()
        world.plan(destination, alert)
        acknowledge = world.plan(destination, alert, EventType.ACKNOWLEDGED)
        queue = await DeliveryQueue.open(world.url, "node", 60.0)
        async with await connect(world.url) as connection, connection.transaction():
            assert len(await cancel_before_sent(connection, [alert])) == 1
            assert await queue.claim([Claim(destination, 5)]) == []
        assert await queue.claim([Claim(destination, 5)]) == []
        await queue.close()
        assert world.row(acknowledge)["status"] == "canceled"

    run(main())


def test_resolves_raced_against_dispatchers(world: World, run: Run) -> None:
    """Two hundred alerts fire and resolve while two dispatchers run: each is told whole or not
    at all, in order, and the records agree with what arrived."""

    async def main() -> None:
        async with receiving() as receiver, dispatching(world.url, count=2):
            destination = world.destination("ops", receiver.url)
            alerts = [uuid7() for _ in range(200)]

            async def resolve(alert: UUID) -> bool:
                async with await connect(world.url) as connection, connection.transaction():
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

            told = 0
            for start in range(0, 200, 20):
                some = alerts[start : start + 20]
                for alert in some:
                    world.plan(destination, alert)
                world.announce()
                await asyncio.sleep(0.003 * (start // 20))
                told += (await asyncio.gather(*map(resolve, some))).count(False)
                world.announce()
            await until(lambda: world.pending() == 0)
            story = in_order(receiver.bodies)
            assert set(map(tuple, story.values())) <= {("alerts.triggered", "alerts.resolved")}
            assert len(story) == told
            sent = world.db.execute(
                "SELECT alert_id::text FROM alert_deliveries WHERE status = 'sent'"
                " GROUP BY 1 HAVING count(*) = 2"
            ).fetchall()
            assert {row[0] for row in sent} == set(story)
            # The race was one: some were told and some were not.
            assert 0 < told < 200

    run(main())
