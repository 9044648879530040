from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from aiohttp import web

from tests.support.outbox import Outbox, dispatching, receiving, until
from tests.support.postgres import Database
from tocsin.model import EventType, uuid7
from tocsin.resources.deliveries import (
    Canceled,
    NoSuchDelivery,
    Requeued,
    StateRefuses,
    bulk_retry,
    cancel,
    retry,
)
from tocsin.store.database import DatabaseSession, create_engine, writing

T = TypeVar("T")
NOW = datetime.now(UTC)


async def done(outbox: Outbox, work: Callable[[DatabaseSession], Awaitable[T]]) -> T:
    engine = create_engine(outbox.url)
    try:
        async with writing(engine) as session:
            return await work(session)
    finally:
        await engine.dispose()


async def test_a_failed_delivery_is_sent_again_under_its_id(outbox: Outbox) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda body: web.Response(status=400)
        id = outbox.plan(outbox.destination("ops", receiver.url))
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "failed")
            receiver.answer = lambda body: web.Response(status=204)
            outcome = await done(outbox, lambda c: retry(c, outbox.workspace_id, id))
            assert outcome == Requeued()
            await until(lambda: outbox.row(id)["status"] == "sent")
        assert receiver.ids == [id, id]
        assert [each["outcome"] for each in outbox.attempts(id)] == ["failed", "sent"]
        assert outbox.row(id)["last_error_code"] is None


async def test_what_was_canceled_can_be_had_after_all(outbox: Outbox) -> None:
    id = outbox.plan(outbox.destination("ops"))
    assert await done(outbox, lambda c: cancel(c, outbox.workspace_id, id)) == Canceled()
    assert (outbox.row(id)["status"], outbox.row(id)["reason"]) == ("canceled", "canceled_by_user")
    assert await done(outbox, lambda c: retry(c, outbox.workspace_id, id)) == Requeued()
    row = outbox.row(id)
    assert (row["status"], row["reason"], row["detail"]) == ("queued", "rule", {})
    assert row["give_up_at"] > datetime.now(UTC) + timedelta(hours=23)


@pytest.mark.parametrize(
    ("status", "retried", "canceled"),
    [
        ("queued", "not-retryable", None),
        ("deferred", "not-retryable", None),
        ("sent", "not-retryable", "not-cancelable"),
        ("suppressed", "not-retryable", "not-cancelable"),
        ("failed", None, "not-cancelable"),
        ("canceled", None, "not-cancelable"),
    ],
)
async def test_each_state_admits_what_it_admits(
    outbox: Outbox, status: str, retried: str | None, canceled: str | None
) -> None:
    destination = outbox.destination("ops")
    for act, code in ((retry, retried), (cancel, canceled)):
        id = outbox.plan(destination, status=status)
        outcome = await done(outbox, lambda c, act=act, id=id: act(c, outbox.workspace_id, id))
        if code is None:
            assert not isinstance(outcome, StateRefuses)
            assert outbox.row(id)["status"] != status
        else:
            assert isinstance(outcome, StateRefuses)
            assert outcome.code == code
            assert outbox.row(id)["status"] == status


async def test_what_is_under_way_is_not_canceled(outbox: Outbox) -> None:
    id = outbox.plan(outbox.destination("ops"))
    outbox.db.execute(
        "UPDATE alert_deliveries SET leased_by = 'n', lease_expires_at = now() + interval '1 min'"
    )
    outcome = await done(outbox, lambda c: cancel(c, outbox.workspace_id, id))
    assert isinstance(outcome, StateRefuses)
    assert outcome.code == "in-flight"


async def test_tests_are_neither_canceled_nor_tried_again(outbox: Outbox) -> None:
    id = outbox.plan(outbox.destination("ops"), event=EventType.TEST)
    for act in (cancel, retry):
        outcome = await done(outbox, lambda c, act=act: act(c, outbox.workspace_id, id))
        assert isinstance(outcome, StateRefuses)
        assert outcome.code == "test-delivery"


async def test_another_workspaces_delivery_is_not_there(
    outbox: Outbox,
    database: Database,
) -> None:
    other = Outbox(database)
    id = other.plan(other.destination("theirs"), status="failed")
    for act in (cancel, retry):
        assert (
            await done(outbox, lambda c, act=act: act(c, outbox.workspace_id, id))
            == NoSuchDelivery()
        )
    assert await done(outbox, lambda c: retry(c, outbox.workspace_id, uuid7())) == NoSuchDelivery()
    window = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert await done(outbox, lambda c: bulk_retry(c, outbox.workspace_id, *window)) == 0
    other.close()


async def test_a_disabled_destination_must_be_enabled_first(outbox: Outbox) -> None:
    id = outbox.plan(outbox.destination("ops"), status="failed")
    outbox.db.execute("UPDATE alert_destinations SET is_enabled = false")
    outcome = await done(outbox, lambda c: retry(c, outbox.workspace_id, id))
    assert isinstance(outcome, StateRefuses)
    assert outcome.code == "destination-disabled"


async def test_all_that_failed_in_a_window_is_queued_again(outbox: Outbox) -> None:
    one, two = outbox.destination("one"), outbox.destination("two")
    off = outbox.destination("off")
    outbox.db.execute("UPDATE alert_destinations SET is_enabled = false WHERE id = %s", [off])

    def failed(destination: Any, hours_ago: float, **more: Any) -> Any:
        id = outbox.plan(destination, status="failed", **more)
        outbox.db.execute(
            "UPDATE alert_deliveries SET updated_at = %s WHERE id = %s",
            [NOW - timedelta(hours=hours_ago), id],
        )
        return id

    wanted = [failed(one, 1), failed(one, 2), failed(two, 1.5)]
    others = [
        failed(one, 0.5),
        failed(one, 3),
        failed(off, 1.5),
        failed(one, 1.5, event=EventType.TEST),
        outbox.plan(one, status="canceled"),
        outbox.plan(one, status="sent"),
    ]
    before = {id: outbox.row(id)["status"] for id in others}
    window = (NOW - timedelta(hours=2), NOW - timedelta(hours=0.9))
    only_two = done(outbox, lambda c: bulk_retry(c, outbox.workspace_id, *window, two))
    assert await only_two == 1
    assert await done(outbox, lambda c: bulk_retry(c, outbox.workspace_id, *window)) == 2
    assert {outbox.row(id)["status"] for id in wanted} == {"queued"}
    assert {id: outbox.row(id)["status"] for id in others} == before


async def test_of_all_that_failed_only_so_many_the_oldest(outbox: Outbox) -> None:
    ops = outbox.destination("ops")
    planned = [outbox.plan(ops, status="failed") for _ in range(3)]
    window = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    first = done(outbox, lambda c: bulk_retry(c, outbox.workspace_id, *window, most=2))
    assert await first == 2
    assert [outbox.row(id)["status"] for id in planned] == ["queued", "queued", "failed"]
    rest = done(outbox, lambda c: bulk_retry(c, outbox.workspace_id, *window, most=2))
    assert await rest == 1
