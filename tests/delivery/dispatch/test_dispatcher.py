"""One dispatcher, or a few in one process, against real receivers and a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.support.outbox import QUICK, Outbox, dispatching, in_order, receiving, until
from tocsin.model import EventType, uuid7


async def test_what_is_pending_is_sent_and_on_record(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("ops", receiver.url)
        id = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.row(id)["status"] == "sent")
        row = outbox.row(id)
        assert receiver.ids == [id]
        assert receiver.bodies[0]["alert"]["title"] == "Disk /var almost full on db1"
        assert receiver.bodies[0]["rule"]["name"] == "everything"
        assert row["attempt_count"] == 1
        assert row["sent_at"] is not None
        assert row["leased_by"] is None
        assert row["last_error_code"] is None
        (attempt,) = outbox.attempts(id)
        assert (attempt["number"], attempt["outcome"]) == (1, "sent")
        assert attempt["http_status"] == 204
        assert outbox.state(destination)["last_success_at"] is not None


async def test_the_slow_poll_finds_what_no_notification_announced(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("ops", receiver.url)
        await asyncio.sleep(0.1)
        id = outbox.plan(destination)
        await until(lambda: outbox.row(id)["status"] == "sent")


async def test_a_timer_wakes_for_what_is_due_later(outbox: Outbox) -> None:
    # No notification and no poll within the test's time: only the timer is left.
    tuning = replace(QUICK, poll_seconds=3600.0)
    due = datetime.now(UTC) + timedelta(seconds=1)
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        id = outbox.plan(destination, send_after=due)
        async with dispatching(outbox.url, tuning=tuning):
            await until(lambda: outbox.row(id)["status"] == "sent")
        assert outbox.attempts(id)[0]["started_at"] >= due


async def test_what_is_held_is_not_sent_without_a_look_and_nothing_overtakes_it(
    outbox: Outbox,
) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("ops", receiver.url)
        alert = uuid7()
        past = datetime.now(UTC) - timedelta(minutes=1)
        held = outbox.plan(destination, alert, status="deferred", send_after=past, reason="silence")
        behind = outbox.plan(destination, alert, event=EventType.ACKNOWLEDGED)
        other = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.row(other)["status"] == "sent")
        await asyncio.sleep(1)
        assert receiver.ids == [other]
        outbox.db.execute("UPDATE alert_deliveries SET status = 'queued' WHERE id = %s", [held])
        outbox.announce()
        await until(lambda: outbox.pending() == 0)
        assert receiver.ids == [other, held, behind]


async def test_a_refusal_is_tried_again_under_the_same_id(outbox: Outbox) -> None:
    async with receiving() as receiver:
        answers = iter([web.Response(status=500), web.Response(status=503)])
        receiver.answer = lambda body: next(answers, web.Response(status=204))
        destination = outbox.destination("ops", receiver.url)
        id = outbox.plan(destination)
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "sent")
        assert receiver.ids == [id, id, id]
        assert [each["outcome"] for each in outbox.attempts(id)] == ["retry", "retry", "sent"]
        assert outbox.attempts(id)[0]["http_status"] == 500
        assert {each["webhook-id"] for each in receiver.headers} == {str(id)}


async def test_a_permanent_refusal_fails_at_once(outbox: Outbox) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda body: web.Response(status=400)
        destination = outbox.destination("ops", receiver.url)
        id = outbox.plan(destination)
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "failed")
        row = outbox.row(id)
        assert row["attempt_count"] == 1
        assert row["last_error_code"]
        assert receiver.url not in row["last_error_message"]


async def test_nothing_overtakes_within_one_alert(outbox: Outbox) -> None:
    """Three dispatchers, a receiver that is slow for triggers and refuses some: the order holds."""

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
        destination = outbox.destination("ops", receiver.url)
        events = [EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED]
        alerts = [uuid7() for _ in range(30)]
        for event in events:
            for alert in alerts:
                outbox.plan(destination, alert, event)
        async with dispatching(outbox.url, count=3):
            await until(lambda: outbox.pending() == 0)
        story = in_order(receiver.bodies)
        assert set(story) == {str(alert) for alert in alerts}
        assert set(map(tuple, story.values())) == {tuple(event.value for event in events)}


async def test_no_two_dispatchers_send_one_delivery(outbox: Outbox) -> None:
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 300)
        async with dispatching(outbox.url, count=3):
            await until(lambda: outbox.pending() == 0)
        assert len(receiver.ids) == len(set(receiver.ids)) == 300


async def test_a_black_hole_does_not_delay_a_healthy_receiver(outbox: Outbox) -> None:
    """A thousand messages for a receiver that never answers, then one for a healthy one."""

    async def never(body: dict[str, Any]) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    async with receiving() as hole, receiving() as healthy:
        hole.answer = never
        dead = outbox.destination("dead", hole.url)
        alive = outbox.destination("alive", healthy.url)
        outbox.plan_many(dead, 1_000)
        async with dispatching(outbox.url):
            await until(lambda: len(hole.bodies) > 0)
            id = outbox.plan(alive)
            outbox.announce()
            # It has arrived and most of what was queued before it was not even begun.
            await until(lambda: outbox.row(id)["status"] == "sent")
            assert len(hole.bodies) < 500
            # Then the black hole is held, and only probed: one message at a time.
            await until(lambda: outbox.state(dead)["hold_until"] is not None)
            before = len(hole.bodies)
            outbox.db.execute("UPDATE destination_states SET hold_until = now()")
            outbox.announce()
            await until(lambda: len(hole.bodies) > before)
            await asyncio.sleep(0.3)
            assert len(hole.bodies) == before + 1
            assert outbox.state(dead)["failing_since"] is not None


async def test_a_destination_that_answers_again_is_let_loose(outbox: Outbox) -> None:
    async with receiving() as receiver:
        well = False
        receiver.answer = lambda body: web.Response(status=204 if well else 503)
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 50)
        async with dispatching(outbox.url):
            await until(lambda: outbox.state(destination)["hold_until"] is not None)
            well = True
            # In a thread: the dispatcher may have the row, and goes on in this loop only.
            end_hold = "UPDATE destination_states SET hold_until = now()"
            await asyncio.to_thread(outbox.db.execute, end_hold)
            outbox.announce()
            await until(lambda: outbox.pending() <= 10)
            state = outbox.state(destination)
            assert state["hold_until"] is None
            assert state["failing_since"] is None
            assert state["failure_count"] == 0


async def test_a_429_holds_the_whole_destination_as_long_as_it_asks(outbox: Outbox) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda body: web.Response(status=429, headers={"Retry-After": "40"})
        destination = outbox.destination("ops", receiver.url)
        first = outbox.plan(destination)
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(first)["attempt_count"] == 1)
            await until(lambda: outbox.row(first)["leased_by"] is None)
            second = outbox.plan(destination)
            test = outbox.plan(destination, event=EventType.TEST)
            outbox.announce()
            await asyncio.sleep(0.3)
        state = outbox.state(destination)
        assert state["hold_reason"] == "throttled"
        left = (state["hold_until"] - datetime.now(UTC)).total_seconds()
        assert 30 < left <= 40
        assert receiver.ids == [first]
        assert outbox.row(second)["attempt_count"] == 0
        assert outbox.row(test)["attempt_count"] == 0
        assert outbox.row(first)["status"] == "queued"


async def test_a_test_goes_through_where_a_failing_destination_is_held(outbox: Outbox) -> None:
    """Somebody repaired it and presses the button: the answer must not wait for the next probe."""

    async with receiving() as receiver:
        receiver.answer = lambda body: web.Response(status=503)
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 20)
        async with dispatching(outbox.url):
            await until(lambda: outbox.state(destination)["hold_until"] is not None)
            receiver.answer = lambda body: web.Response(status=204)
            test = outbox.plan(destination, event=EventType.TEST)
            outbox.announce()
            await until(lambda: outbox.row(test)["status"] == "sent")
            # Its success ends the hold for the others.
            await until(lambda: outbox.state(destination)["hold_until"] is None)
        body = next(each for each in receiver.bodies if each["id"] == str(test))
        assert (body["tenant"], body["rule"], body["alert"]) == (None, None, None)


async def test_a_test_has_three_attempts_at_most(outbox: Outbox) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda body: web.Response(status=503)
        destination = outbox.destination("ops", receiver.url)
        test = outbox.plan(destination, event=EventType.TEST)
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(test)["status"] == "failed")
        assert receiver.ids == [test] * 3
        row = outbox.row(test)
        assert "given up after 3 attempts" in row["last_error_message"]
        assert row["updated_at"] - row["created_at"] < timedelta(minutes=1)
        # It neither holds the destination nor counts as its failing.
        assert outbox.state(destination)["failing_since"] is None


async def test_what_waited_for_a_day_is_given_up(outbox: Outbox) -> None:
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        old = outbox.plan(destination, created_at=datetime.now(UTC) - timedelta(hours=25))
        # Quiet hours over a long weekend are no reason to give up: the day counts from their end.
        deferred = outbox.plan(
            destination,
            created_at=datetime.now(UTC) - timedelta(hours=60),
            send_after=datetime.now(UTC) - timedelta(minutes=1),
        )
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        assert receiver.ids == [deferred]
        assert outbox.row(old)["status"] == "failed"
        assert outbox.row(old)["last_error_code"] == "expired"
        assert outbox.row(old)["attempt_count"] == 0
        assert outbox.attempts(old) == []


async def test_nothing_is_sent_to_a_disabled_destination(outbox: Outbox) -> None:
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        outbox.db.execute("UPDATE alert_destinations SET is_enabled = false")
        alert = outbox.plan(destination)
        test = outbox.plan(destination, event=EventType.TEST)
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        assert receiver.bodies == []
        assert (outbox.row(alert)["status"], outbox.row(alert)["reason"]) == (
            "canceled",
            "destination_disabled",
        )
        assert outbox.row(test)["status"] == "failed"
        assert outbox.row(test)["last_error_code"] == "destination-disabled"


async def test_what_waits_for_a_deleted_destination_is_canceled(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    id = outbox.plan(destination)
    outbox.delete_destinations()
    async with dispatching(outbox.url):
        await until(lambda: outbox.row(id)["status"] == "canceled")


async def test_a_receiver_that_is_gone_disables_its_destination(outbox: Outbox) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda body: web.Response(status=410)
        destination = outbox.destination("ops", receiver.url)
        outbox.plan_many(destination, 100)
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
        enabled = outbox.db.execute("SELECT is_enabled FROM alert_destinations").fetchone()
        assert enabled == (False,)
        statuses = dict(
            outbox.db.execute(
                "SELECT status::text, count(*) FROM alert_deliveries GROUP BY 1"
            ).fetchall()
        )
        assert statuses.keys() == {"failed", "canceled"}
        assert len(receiver.bodies) == statuses["failed"] < 100


async def test_a_change_of_configuration_is_in_force_at_once(outbox: Outbox) -> None:
    async with receiving() as old, receiving() as new, dispatching(outbox.url):
        destination = outbox.destination("ops", old.url)
        first = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.row(first)["status"] == "sent")
        moved = outbox.destination("moved", new.url)
        outbox.db.execute(
            "UPDATE alert_destinations SET config = other.config,"
            " secret_config = other.secret_config FROM alert_destinations AS other"
            " WHERE alert_destinations.id = %s AND other.id = %s",
            [destination, moved],
        )
        second = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.row(second)["status"] == "sent")
        assert (old.ids, new.ids) == ([first], [second])


async def test_an_unreadable_secret_keeps_its_messages(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    outbox.db.execute("UPDATE alert_destinations SET secret_config = 'nonsense'")
    id = outbox.plan(destination)
    async with dispatching(outbox.url):
        await until(lambda: outbox.row(id)["last_error_code"] is not None)
    assert outbox.row(id)["status"] == "queued"
    assert outbox.row(id)["last_error_code"] == "secret-unreadable"
