"""Messages about several alerts: what they carry shares what becomes of them, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
from aiohttp import web

from tests.support.outbox import (
    QUICK,
    Outbox,
    cancel_before_sent,
    dispatching,
    receiving,
    until,
)
from tocsin.model import EventType, Severity, uuid7

AT_ONCE = replace(QUICK, fallback_after_seconds=3600.0)


def states(outbox: Outbox, ids: list[UUID]) -> set[tuple[str, str]]:
    return {(outbox.row(id)["status"], outbox.row(id)["reason"]) for id in ids}


def listed(outbox: Outbox, id: UUID) -> list[UUID]:
    rows = outbox.db.execute(
        "SELECT alert_id FROM alert_delivery_alerts WHERE alert_delivery_id = %s ORDER BY place",
        [id],
    )
    return [row[0] for row in rows]


async def test_one_message_is_sent_and_what_it_carries_counts_as_sent(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("ops", receiver.url)
        members = [outbox.plan(destination, status="deferred", reason="grouped") for _ in range(3)]
        carrier = await outbox.carry(destination, members)
        await until(lambda: outbox.pending() == 0)

        assert receiver.ids == [carrier]
        assert len(receiver.bodies[0]["alerts"]) == 3
        assert states(outbox, members) == {("sent", "grouped")}
        assert {outbox.row(id)["carried_by"] for id in members} == {carrier}
        assert {outbox.row(id)["sent_at"] for id in members} == {outbox.row(carrier)["sent_at"]}
        assert set(listed(outbox, carrier)) == {outbox.row(id)["alert_id"] for id in members}


async def test_messages_of_one_group_keep_their_order(outbox: Outbox) -> None:
    async with receiving() as receiver:
        refusals = iter([web.Response(status=500), web.Response(status=503)])
        receiver.answer = lambda body: next(refusals, web.Response(status=204))
        destination, group = outbox.destination("ops", receiver.url), uuid7()
        carriers = [
            await outbox.carry(destination, [outbox.plan(destination, status="deferred")], group)
            for _ in range(3)
        ]
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        seen = list(dict.fromkeys(receiver.ids))
        assert seen == carriers
        assert receiver.ids[-2:] == carriers[1:]


async def test_nothing_of_an_alert_overtakes_the_message_that_carries_it(outbox: Outbox) -> None:
    async with receiving() as receiver:
        refusals = iter([web.Response(status=500)])
        receiver.answer = lambda body: next(refusals, web.Response(status=204))
        destination, alert = outbox.destination("ops", receiver.url), uuid7()
        carrier = await outbox.carry(
            destination, [outbox.plan(destination, alert, status="deferred")]
        )
        after = outbox.plan(destination, alert, EventType.RESOLVED)
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        assert receiver.ids == [carrier, carrier, after]


async def test_what_is_given_up_is_given_up_for_all_and_a_retry_mends_all(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        receiver.answer = lambda body: web.Response(status=400)
        destination = outbox.destination("ops", receiver.url)
        member = outbox.plan(destination, status="deferred", reason="grouped")
        carrier = await outbox.carry(destination, [member])
        await until(lambda: outbox.pending() == 0)
        assert outbox.row(member)["status"] == "failed"
        assert outbox.row(member)["last_error_code"] == outbox.row(carrier)["last_error_code"]

        receiver.answer = lambda body: web.Response(status=204)
        outbox.db.execute(
            "UPDATE alert_deliveries SET status = 'queued', send_after = NULL WHERE id = %s",
            [carrier],
        )
        outbox.announce()
        await until(lambda: outbox.row(member)["status"] == "sent")


async def test_the_end_of_an_alert_withdraws_nothing_that_is_carried(outbox: Outbox) -> None:
    destination, alert = outbox.destination("ops"), uuid7()
    member = outbox.plan(destination, alert, status="deferred", reason="grouped")
    await outbox.carry(destination, [member])

    connection = await psycopg.AsyncConnection.connect(outbox.url)
    async with connection, connection.transaction():
        assert await cancel_before_sent(connection, [alert]) == []
    assert outbox.row(member)["status"] == "deferred"


async def test_the_fallback_is_sent_a_critical_group_that_was_given_up(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = lambda body: web.Response(status=400)
        destination = outbox.destination("ops", broken.url)
        other = outbox.destination("last resort", fallback.url)
        outbox.db.execute("UPDATE workspaces SET fallback_destination_id = %s", [other])
        members = [outbox.plan(destination, status="deferred") for _ in range(2)]
        async with dispatching(outbox.url, tuning=AT_ONCE):
            carrier = await outbox.carry(destination, members, severity=Severity.CRITICAL)
            await until(lambda: len(fallback.bodies) == 1)
            await until(lambda: outbox.pending() == 0)
        copy: dict[str, Any] = fallback.bodies[0]
        assert [each["id"] for each in copy["alerts"]] == [
            each["id"] for each in broken.bodies[0]["alerts"]
        ]
        # Its links act on the same alerts.
        assert listed(outbox, UUID(copy["id"])) == listed(outbox, carrier)


async def test_a_long_queue_of_carried_rows_holds_nobody(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("ops", receiver.url)
        members = [outbox.plan(destination, status="deferred") for _ in range(200)]
        await outbox.carry(destination, members)
        single = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.pending() == 0)
        assert len(receiver.bodies) == 2
        assert single in receiver.ids
