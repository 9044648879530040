"""One dispatcher, or a few in one process, against real receivers and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.delivery.world import QUICK, World, dispatching, in_order, receiving, until
from tocsin.model import EventType, uuid7

Run = Callable[[Coroutine[Any, Any, None]], None]


def test_what_is_owed_is_sent_and_on_record(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver, dispatching(world.url):
            destination = world.destination("ops", receiver.url)
            id = world.plan(destination)
            world.announce()
            await until(lambda: world.row(id)["status"] == "sent")
            row = world.row(id)
            assert receiver.ids == [id]
            assert receiver.bodies[0]["alert"]["title"] == "Disk /var almost full on db1"
            assert receiver.bodies[0]["rule"]["name"] == "everything"
            assert row["attempt_count"] == 1
            assert row["sent_at"] is not None
            assert row["leased_by"] is None
            assert row["last_error_code"] is None
            (attempt,) = world.attempts(id)
            assert (attempt["number"], attempt["outcome"]) == (1, "sent")
            assert attempt["http_status"] == 204
            assert world.state(destination)["last_success_at"] is not None

    run(main())


def test_the_slow_poll_finds_what_no_notification_told_of(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver, dispatching(world.url):
            destination = world.destination("ops", receiver.url)
            await asyncio.sleep(0.1)
            id = world.plan(destination)
            await until(lambda: world.row(id)["status"] == "sent")

    run(main())


def test_a_timer_wakes_for_what_is_deferred(world: World, run: Run) -> None:
    async def main() -> None:
        # No notification and no poll within the test's time: only the timer is left.
        tuning = replace(QUICK, poll_seconds=3600.0)
        due = datetime.now(UTC) + timedelta(seconds=1)
        async with receiving() as receiver:
            destination = world.destination("ops", receiver.url)
            id = world.plan(destination, status="deferred", send_after=due, reason="quiet_hours")
            async with dispatching(world.url, tuning=tuning):
                await until(lambda: world.row(id)["status"] == "sent")
            assert world.attempts(id)[0]["started_at"] >= due
            assert world.row(id)["reason"] == "quiet_hours"

    run(main())


def test_a_refusal_is_tried_again_under_the_same_id(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            answers = iter([web.Response(status=500), web.Response(status=503)])
            receiver.answer = lambda body: next(answers, web.Response(status=204))
            destination = world.destination("ops", receiver.url)
            id = world.plan(destination)
            async with dispatching(world.url):
                await until(lambda: world.row(id)["status"] == "sent")
            assert receiver.ids == [id, id, id]
            assert [each["outcome"] for each in world.attempts(id)] == ["retry", "retry", "sent"]
            assert world.attempts(id)[0]["http_status"] == 500
            assert {each["webhook-id"] for each in receiver.headers} == {str(id)}

    run(main())


def test_a_permanent_refusal_fails_at_once(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answer = lambda body: web.Response(status=400)
            destination = world.destination("ops", receiver.url)
            id = world.plan(destination)
            async with dispatching(world.url):
                await until(lambda: world.row(id)["status"] == "failed")
            row = world.row(id)
            assert row["attempt_count"] == 1
            assert row["last_error_code"]
            assert receiver.url not in row["last_error_message"]

    run(main())


def test_nothing_overtakes_within_one_alert(world: World, run: Run) -> None:
    """Three dispatchers, a receiver that is slow for triggers and refuses some: the order holds."""

    async def main() -> None:
        refused: set[str] = set()

        async def answer(body: dict[str, Any]) -> web.Response:
            if body["event_type"] == "alerts.triggered":
                await asyncio.sleep(0.02)
                if len(refused) < 2 and body["id"] not in refused:
                    refused.add(body["id"])
                    return web.Response(status=503)
            return web.Response(status=204)

        async with receiving() as receiver:
            receiver.answer = answer
            destination = world.destination("ops", receiver.url)
            events = [EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED]
            alerts = [uuid7() for _ in range(30)]
            for event in events:
                for alert in alerts:
                    world.plan(destination, alert, event)
            async with dispatching(world.url, count=3):
                await until(lambda: world.pending() == 0)
            story = in_order(receiver.bodies)
            assert set(story) == {str(alert) for alert in alerts}
            assert set(map(tuple, story.values())) == {tuple(event.value for event in events)}

    run(main())


def test_no_two_dispatchers_send_one_delivery(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            destination = world.destination("ops", receiver.url)
            world.plan_many(destination, 300)
            async with dispatching(world.url, count=3):
                await until(lambda: world.pending() == 0)
            assert len(receiver.ids) == len(set(receiver.ids)) == 300

    run(main())


def test_a_black_hole_does_not_delay_a_healthy_receiver(world: World, run: Run) -> None:
    """A thousand messages for a receiver that never answers, then one for a healthy one."""

    async def main() -> None:
        async def never(body: dict[str, Any]) -> web.Response:
            await asyncio.sleep(3600)
            return web.Response()

        async with receiving() as hole, receiving() as healthy:
            hole.answer = never
            dead = world.destination("dead", hole.url)
            alive = world.destination("alive", healthy.url)
            world.plan_many(dead, 1_000)
            async with dispatching(world.url):
                await until(lambda: len(hole.bodies) > 0)
                id = world.plan(alive)
                world.announce()
                # It has arrived and most of what was queued before it was not even begun.
                await until(lambda: world.row(id)["status"] == "sent")
                assert len(hole.bodies) < 500
                # Then the black hole is held, and only probed: one message at a time.
                await until(lambda: world.state(dead)["hold_until"] is not None)
                before = len(hole.bodies)
                world.db.execute("UPDATE destination_states SET hold_until = now()")
                world.announce()
                await until(lambda: len(hole.bodies) > before)
                await asyncio.sleep(0.3)
                assert len(hole.bodies) == before + 1
                assert world.state(dead)["failing_since"] is not None

    run(main())


def test_a_destination_that_answers_again_is_let_loose(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            well = False
            receiver.answer = lambda body: web.Response(status=204 if well else 503)
            destination = world.destination("ops", receiver.url)
            world.plan_many(destination, 50)
            async with dispatching(world.url):
                await until(lambda: world.state(destination)["hold_until"] is not None)
                well = True
                world.db.execute("UPDATE destination_states SET hold_until = now()")
                world.announce()
                await until(lambda: world.pending() <= 10)
                state = world.state(destination)
                assert state["hold_until"] is None
                assert state["failing_since"] is None
                assert state["failure_count"] == 0

    run(main())


def test_a_429_holds_the_whole_destination_as_long_as_it_asks(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answer = lambda body: web.Response(status=429, headers={"Retry-After": "40"})
            destination = world.destination("ops", receiver.url)
            first = world.plan(destination)
            async with dispatching(world.url):
                await until(lambda: world.row(first)["attempt_count"] == 1)
                await until(lambda: world.row(first)["leased_by"] is None)
                second = world.plan(destination)
                test = world.plan(destination, event=EventType.TEST)
                world.announce()
                await asyncio.sleep(0.3)
            state = world.state(destination)
            assert state["hold_reason"] == "throttled"
            left = (state["hold_until"] - datetime.now(UTC)).total_seconds()
            assert 30 < left <= 40
            assert receiver.ids == [first]
            assert world.row(second)["attempt_count"] == 0
            assert world.row(test)["attempt_count"] == 0
            assert world.row(first)["status"] == "queued"

    run(main())


def test_a_test_goes_through_where_a_failing_destination_is_held(world: World, run: Run) -> None:
    """Somebody mended it and presses the button: the answer must not wait for the next probe."""

    async def main() -> None:
        async with receiving() as receiver:
            receiver.answer = lambda body: web.Response(status=503)
            destination = world.destination("ops", receiver.url)
            world.plan_many(destination, 20)
            async with dispatching(world.url):
                await until(lambda: world.state(destination)["hold_until"] is not None)
                receiver.answer = lambda body: web.Response(status=204)
                test = world.plan(destination, event=EventType.TEST)
                world.announce()
                await until(lambda: world.row(test)["status"] == "sent")
                # Its success ends the hold for the others.
                await until(lambda: world.state(destination)["hold_until"] is None)
            body = next(each for each in receiver.bodies if each["id"] == str(test))
            assert (body["tenant"], body["rule"], body["alert"]) == (None, None, None)

    run(main())


def test_a_test_has_three_attempts_at_most(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answer = lambda body: web.Response(status=503)
            destination = world.destination("ops", receiver.url)
            test = world.plan(destination, event=EventType.TEST)
            async with dispatching(world.url):
                await until(lambda: world.row(test)["status"] == "failed")
            assert receiver.ids == [test] * 3
            row = world.row(test)
            assert "given up after 3 attempts" in row["last_error_message"]
            assert row["updated_at"] - row["created_at"] < timedelta(minutes=1)
            # It neither holds the destination nor counts as its failing.
            assert world.state(destination)["failing_since"] is None

    run(main())


def test_what_waited_for_a_day_is_given_up(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            destination = world.destination("ops", receiver.url)
            old = world.plan(destination, created_at=datetime.now(UTC) - timedelta(hours=25))
            # Quiet hours over a long weekend are no reason to give up: the day counts from their end.
            deferred = world.plan(
                destination,
                status="deferred",
                created_at=datetime.now(UTC) - timedelta(hours=60),
                send_after=datetime.now(UTC) - timedelta(minutes=1),
            )
            async with dispatching(world.url):
                await until(lambda: world.pending() == 0)
            assert receiver.ids == [deferred]
            assert world.row(old)["status"] == "failed"
            assert world.row(old)["last_error_code"] == "expired"
            assert world.row(old)["attempt_count"] == 0
            assert world.attempts(old) == []

    run(main())


def test_nothing_is_sent_to_a_disabled_destination(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            destination = world.destination("ops", receiver.url)
            world.db.execute("UPDATE alert_destinations SET is_enabled = false")
            alert = world.plan(destination)
            test = world.plan(destination, event=EventType.TEST)
            async with dispatching(world.url):
                await until(lambda: world.pending() == 0)
            assert receiver.bodies == []
            assert (world.row(alert)["status"], world.row(alert)["reason"]) == (
                "canceled",
                "destination_disabled",
            )
            assert world.row(test)["status"] == "failed"
            assert world.row(test)["last_error_code"] == "destination-disabled"

    run(main())


def test_what_waits_for_a_deleted_destination_is_canceled(world: World, run: Run) -> None:
    async def main() -> None:
        destination = world.destination("ops")
        id = world.plan(destination)
        world.db.execute("DELETE FROM alert_destinations")
        async with dispatching(world.url):
            await until(lambda: world.row(id)["status"] == "canceled")

    run(main())


def test_a_receiver_that_is_gone_disables_its_destination(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answer = lambda body: web.Response(status=410)
            destination = world.destination("ops", receiver.url)
            world.plan_many(destination, 100)
            async with dispatching(world.url):
                await until(lambda: world.pending() == 0)
            enabled = world.db.execute("SELECT is_enabled FROM alert_destinations").fetchone()
            assert enabled == (False,)
            statuses = dict(
                world.db.execute(
                    "SELECT status::text, count(*) FROM alert_deliveries GROUP BY 1"
                ).fetchall()
            )
            assert statuses.keys() == {"failed", "canceled"}
            assert len(receiver.bodies) == statuses["failed"] < 100

    run(main())


def test_a_change_of_configuration_is_in_force_at_once(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as old, receiving() as new, dispatching(world.url):
            destination = world.destination("ops", old.url)
            first = world.plan(destination)
            world.announce()
            await until(lambda: world.row(first)["status"] == "sent")
            moved = world.destination("moved", new.url)
            world.db.execute(
                "UPDATE alert_destinations SET config = other.config,"
                " secret_config = other.secret_config FROM alert_destinations AS other"
                " WHERE alert_destinations.id = %s AND other.id = %s",
                [destination, moved],
            )
            second = world.plan(destination)
            world.announce()
            await until(lambda: world.row(second)["status"] == "sent")
            assert (old.ids, new.ids) == ([first], [second])

    run(main())


def test_an_unreadable_secret_keeps_its_messages(world: World, run: Run) -> None:
    async def main() -> None:
        destination = world.destination("ops")
        world.db.execute("UPDATE alert_destinations SET secret_config = 'nonsense'")
        id = world.plan(destination)
        async with dispatching(world.url):
            await until(lambda: world.row(id)["last_error_code"] is not None)
        assert world.row(id)["status"] == "queued"
        assert world.row(id)["last_error_code"] == "secret-unreadable"

    run(main())
