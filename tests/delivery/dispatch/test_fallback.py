"""The fallback destination: notified of what would otherwise reach nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from aiohttp import web

from tests.support.outbox import QUICK, JsonReceiver, Outbox, dispatching, receiving, until
from tocsin.model import EventType, Severity, uuid7

AT_ONCE = replace(QUICK, fallback_after_seconds=0.0)
NEVER = replace(QUICK, fallback_after_seconds=3600.0)


def refusing(status: int) -> Callable[[dict[str, Any]], web.Response]:
    return lambda body: web.Response(status=status)


def with_fallback(
    outbox: Outbox, broken: JsonReceiver, fallback: JsonReceiver
) -> tuple[UUID, UUID]:
    """A destination, and the workspace's fallback destination."""
    destination = outbox.destination("ops", broken.url)
    other = outbox.destination("last resort", fallback.url)
    outbox.db.execute("UPDATE workspaces SET fallback_destination_id = %s", [other])
    return destination, other


def fallback_rows(outbox: Outbox) -> list[tuple[Any, ...]]:
    return outbox.db.execute(
        "SELECT alert_id, event_type, tenant_id, alert_rule_id, detail -> 'fallback_for' ->> 'name'"
        " FROM alert_deliveries WHERE reason = 'fallback'"
    ).fetchall()


async def test_a_destination_failing_for_long_is_notified_of_once(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(503)
        destination, _ = with_fallback(outbox, broken, fallback)
        outbox.plan_many(destination, 8)
        async with dispatching(outbox.url, tuning=AT_ONCE):
            await until(lambda: len(fallback.bodies) == 1)
            # It goes on failing: probed, and still nothing more is said.
            probes = len(broken.bodies)
            outbox.db.execute("UPDATE destination_states SET hold_until = now()")
            outbox.announce()
            await until(lambda: len(broken.bodies) > probes)
            await until(lambda: outbox.state(destination)["failure_count"] > probes)
        assert len(fallback.bodies) == len(fallback_rows(outbox)) == 1
        ((_, event, tenant, rule, name),) = fallback_rows(outbox)
        assert (event, tenant, rule) == ("alerts.triggered", outbox.tenant_id, outbox.rule_id)
        assert name == "ops"
        assert fallback.bodies[0]["alert"]["title"] == "Disk /var almost full on db1"


async def test_each_failing_period_is_notified_again(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(503)
        destination, _ = with_fallback(outbox, broken, fallback)
        first = outbox.plan(destination)
        async with dispatching(outbox.url, tuning=AT_ONCE):
            await until(lambda: len(fallback.bodies) == 1)
            broken.answer = refusing(204)
            await until(lambda: outbox.row(first)["status"] == "sent")
            broken.answer = refusing(503)
            outbox.plan(destination)
            outbox.announce()
            await until(lambda: len(fallback.bodies) == 2)


async def test_a_short_failure_is_not_notified(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(503)
        destination, _ = with_fallback(outbox, broken, fallback)
        id = outbox.plan(destination, severity=Severity.CRITICAL)
        async with dispatching(outbox.url, tuning=NEVER):
            await until(lambda: outbox.row(id)["attempt_count"] >= 2)
        assert fallback_rows(outbox) == []


async def test_a_critical_alert_given_up_is_told_at_once_and_once(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(400)
        destination, _ = with_fallback(outbox, broken, fallback)
        second = outbox.destination("also broken", broken.url)
        alert = uuid7()
        for each in (destination, second):
            outbox.plan(each, alert, severity=Severity.CRITICAL)
        outbox.plan(destination, severity=Severity.HIGH)
        async with dispatching(outbox.url, tuning=NEVER, count=2):
            await until(lambda: outbox.pending() == 0 and len(fallback.bodies) > 0)
        assert [row[0] for row in fallback_rows(outbox)] == [alert]
        assert len(fallback.bodies) == 1


async def test_an_alert_that_triggers_again_is_notified_again(outbox: Outbox) -> None:
    """Reopened it triggers at another time; become worse, with another severity."""

    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(400)
        destination, _ = with_fallback(outbox, broken, fallback)
        reopened, worsened = uuid7(), uuid7()
        outbox.plan(destination, reopened, severity=Severity.CRITICAL)
        again = outbox.plan(destination, reopened, severity=Severity.CRITICAL)
        outbox.db.execute(
            "UPDATE alert_deliveries SET payload = jsonb_set(payload, '{created_at}',"
            " to_jsonb('2026-03-01T18:00:00Z'::text)) WHERE id = %s",
            [again],
        )
        outbox.plan(destination, worsened, severity=Severity.HIGH)
        outbox.plan(destination, worsened, severity=Severity.CRITICAL)
        async with dispatching(outbox.url, tuning=NEVER):
            await until(lambda: outbox.pending() == 0 and len(fallback.bodies) == 3)
        notified = [row[0] for row in fallback_rows(outbox)]
        assert sorted(notified) == sorted([reopened, reopened, worsened])


async def test_a_broken_destination_is_told_at_once(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(410)
        destination, _ = with_fallback(outbox, broken, fallback)
        outbox.plan(destination, severity=Severity.LOW)
        async with dispatching(outbox.url, tuning=NEVER):
            await until(lambda: len(fallback.bodies) == 1)


async def test_it_never_notifies_of_itself(outbox: Outbox) -> None:
    async with receiving() as broken:
        broken.answer = refusing(400)
        destination, fallback = with_fallback(outbox, broken, broken)
        outbox.plan(fallback, severity=Severity.CRITICAL)
        critical = outbox.plan(destination, severity=Severity.CRITICAL)
        async with dispatching(outbox.url, tuning=AT_ONCE):
            await until(lambda: outbox.pending() == 0)
        # One for the other destination's alert; it failed too, and that was the end of it.
        ((alert, *_),) = fallback_rows(outbox)
        assert alert == outbox.row(critical)["alert_id"]


async def test_tests_are_nobodys_alarm(outbox: Outbox) -> None:
    async with receiving() as broken, receiving() as fallback:
        broken.answer = refusing(400)
        destination, _ = with_fallback(outbox, broken, fallback)
        test = outbox.plan(destination, event=EventType.TEST)
        async with dispatching(outbox.url, tuning=AT_ONCE):
            await until(lambda: outbox.row(test)["status"] == "failed")
        assert fallback_rows(outbox) == []


async def test_a_queue_given_up_behind_a_held_destination_is_notified(outbox: Outbox) -> None:
    """Nothing of it is ever attempted: the hold outlasts the day."""

    async with receiving() as broken, receiving() as fallback:
        destination, _ = with_fallback(outbox, broken, fallback)
        outbox.db.execute(
            "INSERT INTO destination_states (alert_destination_id, hold_until, hold_reason,"
            " failing_since, failure_count)"
            " VALUES (%s, now() + interval '1 hour', 'failing', now() - interval '2 days', 9)",
            [destination],
        )
        outbox.db.execute("UPDATE destination_states SET fallback_told_at = now()")
        critical = outbox.plan(destination, severity=Severity.CRITICAL)
        low = outbox.plan(destination, severity=Severity.LOW)
        fresh = outbox.plan(destination)
        outbox.db.execute(
            "UPDATE alert_deliveries SET created_at = now() - interval '25 hours' WHERE id <> %s",
            [fresh],
        )
        async with dispatching(outbox.url, tuning=NEVER):
            await until(lambda: len(fallback.bodies) == 1)
        assert broken.bodies == []
        assert outbox.row(critical)["status"] == outbox.row(low)["status"] == "failed"
        assert outbox.row(critical)["last_error_code"] == "expired"
        assert outbox.row(fresh)["status"] == "queued"
        assert [row[0] for row in fallback_rows(outbox)] == [outbox.row(critical)["alert_id"]]
