"""The fallback destination: told of what would otherwise be told to nobody."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from uuid import UUID

from aiohttp import web

from tests.delivery.world import QUICK, Receiver, World, dispatching, receiving, until
from tocsin.model import EventType, Severity, uuid7

Run = Callable[[Coroutine[Any, Any, None]], None]

AT_ONCE = replace(QUICK, fallback_after_seconds=0.0)
NEVER = replace(QUICK, fallback_after_seconds=3600.0)


def refusing(status: int) -> Callable[[dict[str, Any]], web.Response]:
    return lambda body: web.Response(status=status)


def with_fallback(world: World, broken: Receiver, fallback: Receiver) -> tuple[UUID, UUID]:
    """A destination, and the workspace's fallback destination."""
    destination = world.destination("ops", broken.url)
    other = world.destination("last resort", fallback.url)
    world.db.execute("UPDATE workspaces SET fallback_destination_id = %s", [other])
    return destination, other


def fallback_rows(world: World) -> list[tuple[Any, ...]]:
    return world.db.execute(
        "SELECT alert_id, event_type, tenant_id, alert_rule_id, detail -> 'fallback_for' ->> 'name'"
        " FROM alert_deliveries WHERE reason = 'fallback'"
    ).fetchall()


def test_a_destination_failing_for_long_is_told_of_once(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(503)
            destination, _ = with_fallback(world, broken, fallback)
            world.plan_many(destination, 8)
            async with dispatching(world.url, tuning=AT_ONCE):
                await until(lambda: len(fallback.bodies) == 1)
                # It goes on failing: probed, and still nothing more is said.
                probes = len(broken.bodies)
                world.db.execute("UPDATE destination_states SET hold_until = now()")
                world.announce()
                await until(lambda: len(broken.bodies) > probes)
                await until(lambda: world.state(destination)["failure_count"] > probes)
            assert len(fallback.bodies) == len(fallback_rows(world)) == 1
            ((_, event, tenant, rule, name),) = fallback_rows(world)
            assert (event, tenant, rule) == ("alerts.triggered", world.tenant_id, world.rule_id)
            assert name == "ops"
            assert fallback.bodies[0]["alert"]["title"] == "Disk /var almost full on db1"

    run(main())


def test_each_failing_period_is_told_anew(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(503)
            destination, _ = with_fallback(world, broken, fallback)
            first = world.plan(destination)
            async with dispatching(world.url, tuning=AT_ONCE):
                await until(lambda: len(fallback.bodies) == 1)
                broken.answer = refusing(204)
                await until(lambda: world.row(first)["status"] == "sent")
                broken.answer = refusing(503)
                world.plan(destination)
                world.announce()
                await until(lambda: len(fallback.bodies) == 2)

    run(main())


def test_a_short_failure_is_not_told(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(503)
            destination, _ = with_fallback(world, broken, fallback)
            id = world.plan(destination, severity=Severity.CRITICAL)
            async with dispatching(world.url, tuning=NEVER):
                await until(lambda: world.row(id)["attempt_count"] >= 2)
            assert fallback_rows(world) == []

    run(main())


def test_a_critical_alert_given_up_is_told_at_once_and_once(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(400)
            destination, _ = with_fallback(world, broken, fallback)
            second = world.destination("also broken", broken.url)
            alert = uuid7()
            for each in (destination, second):
                world.plan(each, alert, severity=Severity.CRITICAL)
            world.plan(destination, severity=Severity.HIGH)
            async with dispatching(world.url, tuning=NEVER, count=2):
                await until(lambda: world.pending() == 0 and len(fallback.bodies) > 0)
            assert [row[0] for row in fallback_rows(world)] == [alert]
            assert len(fallback.bodies) == 1

    run(main())


def test_an_alert_that_triggers_again_is_told_again(world: World, run: Run) -> None:
    """Reopened it triggers at another time; become worse, with another severity."""

    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(400)
            destination, _ = with_fallback(world, broken, fallback)
            reopened, escalated = uuid7(), uuid7()
            world.plan(destination, reopened, severity=Severity.CRITICAL)
            again = world.plan(destination, reopened, severity=Severity.CRITICAL)
            world.db.execute(
                "UPDATE alert_deliveries SET payload = jsonb_set(payload, '{created_at}',"
                " to_jsonb('2026-03-01T18:00:00Z'::text)) WHERE id = %s",
                [again],
            )
            world.plan(destination, escalated, severity=Severity.HIGH)
            world.plan(destination, escalated, severity=Severity.CRITICAL)
            async with dispatching(world.url, tuning=NEVER):
                await until(lambda: world.pending() == 0 and len(fallback.bodies) == 3)
            told = [row[0] for row in fallback_rows(world)]
            assert sorted(told) == sorted([reopened, reopened, escalated])

    run(main())


def test_a_broken_destination_is_told_at_once(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(410)
            destination, _ = with_fallback(world, broken, fallback)
            world.plan(destination, severity=Severity.LOW)
            async with dispatching(world.url, tuning=NEVER):
                await until(lambda: len(fallback.bodies) == 1)

    run(main())


def test_it_never_tells_of_itself(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken:
            broken.answer = refusing(400)
            destination, fallback = with_fallback(world, broken, broken)
            world.plan(fallback, severity=Severity.CRITICAL)
            critical = world.plan(destination, severity=Severity.CRITICAL)
            async with dispatching(world.url, tuning=AT_ONCE):
                await until(lambda: world.pending() == 0)
            # One for the other destination's alert; it failed too, and that was the end of it.
            ((alert, *_),) = fallback_rows(world)
            assert alert == world.row(critical)["alert_id"]

    run(main())


def test_tests_are_nobodys_alarm(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            broken.answer = refusing(400)
            destination, _ = with_fallback(world, broken, fallback)
            test = world.plan(destination, event=EventType.TEST)
            async with dispatching(world.url, tuning=AT_ONCE):
                await until(lambda: world.row(test)["status"] == "failed")
            assert fallback_rows(world) == []

    run(main())


def test_a_queue_given_up_behind_a_held_destination_is_told(world: World, run: Run) -> None:
    """Nothing of it is ever attempted: the hold outlasts the day."""

    async def main() -> None:
        async with receiving() as broken, receiving() as fallback:
            destination, _ = with_fallback(world, broken, fallback)
            world.db.execute(
                "INSERT INTO destination_states (alert_destination_id, hold_until, hold_reason,"
                " failing_since, failure_count)"
                " VALUES (%s, now() + interval '1 hour', 'failing', now() - interval '2 days', 9)",
                [destination],
            )
            world.db.execute("UPDATE destination_states SET fallback_told_at = now()")
            critical = world.plan(destination, severity=Severity.CRITICAL)
            low = world.plan(destination, severity=Severity.LOW)
            fresh = world.plan(destination)
            world.db.execute(
                "UPDATE alert_deliveries SET created_at = now() - interval '25 hours'"
                " WHERE id <> %s",
                [fresh],
            )
            async with dispatching(world.url, tuning=NEVER):
                await until(lambda: len(fallback.bodies) == 1)
            assert broken.bodies == []
            assert world.row(critical)["status"] == world.row(low)["status"] == "failed"
            assert world.row(critical)["last_error_code"] == "expired"
            assert world.row(fresh)["status"] == "queued"
            assert [row[0] for row in fallback_rows(world)] == [world.row(critical)["alert_id"]]

    run(main())
