from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.delivery.world import World, dispatching, receiving, until
from tests.postgres import Database
from tocsin.model import EventType, uuid7
from tocsin.resources.deliveries import (
    Canceled,
    NotAllowed,
    NotFound,
    Requeued,
    bulk_retry,
    cancel,
    retry,
)
from tocsin.store.database import create_engine

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, Any]], Any]
NOW = datetime.now(UTC)


async def done(world: World, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    engine = create_engine(world.url)
    try:
        async with engine.begin() as connection:
            return await work(connection)
    finally:
        await engine.dispose()


def test_a_failed_delivery_is_sent_again_under_its_id(world: World, run: Run) -> None:
    async def main() -> None:
        async with receiving() as receiver:
            receiver.answer = lambda body: web.Response(status=400)
            id = world.plan(world.destination("ops", receiver.url))
            async with dispatching(world.url):
                await until(lambda: world.row(id)["status"] == "failed")
                receiver.answer = lambda body: web.Response(status=204)
                outcome = await done(world, lambda c: retry(c, world.workspace_id, id))
                assert outcome == Requeued()
                await until(lambda: world.row(id)["status"] == "sent")
            assert receiver.ids == [id, id]
            assert [each["outcome"] for each in world.attempts(id)] == ["failed", "sent"]
            assert world.row(id)["last_error_code"] is None

    run(main())


def test_what_was_canceled_can_be_had_after_all(world: World, run: Run) -> None:
    id = world.plan(world.destination("ops"))
    assert run(done(world, lambda c: cancel(c, world.workspace_id, id))) == Canceled()
    assert (world.row(id)["status"], world.row(id)["reason"]) == ("canceled", "canceled_by_user")
    assert run(done(world, lambda c: retry(c, world.workspace_id, id))) == Requeued()
    row = world.row(id)
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
def test_each_state_admits_what_it_admits(
    world: World, run: Run, status: str, retried: str | None, canceled: str | None
) -> None:
    destination = world.destination("ops")
    for act, code in ((retry, retried), (cancel, canceled)):
        id = world.plan(destination, status=status)
        outcome = run(done(world, lambda c, act=act, id=id: act(c, world.workspace_id, id)))
        if code is None:
            assert not isinstance(outcome, NotAllowed)
            assert world.row(id)["status"] != status
        else:
            assert isinstance(outcome, NotAllowed)
            assert outcome.code == code
            assert world.row(id)["status"] == status


def test_what_is_under_way_is_not_canceled(world: World, run: Run) -> None:
    id = world.plan(world.destination("ops"))
    world.db.execute(
        "UPDATE alert_deliveries SET leased_by = 'n', lease_expires_at = now() + interval '1 min'"
    )
    outcome = run(done(world, lambda c: cancel(c, world.workspace_id, id)))
    assert isinstance(outcome, NotAllowed)
    assert outcome.code == "in-flight"


def test_tests_are_neither_canceled_nor_tried_again(world: World, run: Run) -> None:
    id = world.plan(world.destination("ops"), event=EventType.TEST)
    for act in (cancel, retry):
        outcome = run(done(world, lambda c, act=act: act(c, world.workspace_id, id)))
        assert isinstance(outcome, NotAllowed)
        assert outcome.code == "test-delivery"


def test_another_workspaces_delivery_is_not_there(
    world: World, database: Database, run: Run
) -> None:
    other = World(database)
    id = other.plan(other.destination("theirs"), status="failed")
    for act in (cancel, retry):
        assert run(done(world, lambda c, act=act: act(c, world.workspace_id, id))) == NotFound()
    assert run(done(world, lambda c: retry(c, world.workspace_id, uuid7()))) == NotFound()
    window = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert run(done(world, lambda c: bulk_retry(c, world.workspace_id, *window))) == 0
    other.close()


def test_a_disabled_destination_must_be_enabled_first(world: World, run: Run) -> None:
    id = world.plan(world.destination("ops"), status="failed")
    world.db.execute("UPDATE alert_destinations SET is_enabled = false")
    outcome = run(done(world, lambda c: retry(c, world.workspace_id, id)))
    assert isinstance(outcome, NotAllowed)
    assert outcome.code == "destination-disabled"


def test_all_that_failed_in_a_window_is_queued_again(world: World, run: Run) -> None:
    one, two = world.destination("one"), world.destination("two")
    off = world.destination("off")
    world.db.execute("UPDATE alert_destinations SET is_enabled = false WHERE id = %s", [off])

    def failed(destination: Any, hours_ago: float, **more: Any) -> Any:
        id = world.plan(destination, status="failed", **more)
        world.db.execute(
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
        world.plan(one, status="canceled"),
        world.plan(one, status="sent"),
    ]
    before = {id: world.row(id)["status"] for id in others}
    window = (NOW - timedelta(hours=2), NOW - timedelta(hours=0.9))
    only_two = done(world, lambda c: bulk_retry(c, world.workspace_id, *window, two))
    assert run(only_two) == 1
    assert run(done(world, lambda c: bulk_retry(c, world.workspace_id, *window))) == 2
    assert {world.row(id)["status"] for id in wanted} == {"queued"}
    assert {id: world.row(id)["status"] for id in others} == before
