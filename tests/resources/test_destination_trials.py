from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.support.outbox import NOON, Outbox, dispatching, receiving, until
from tests.support.postgres import Database
from tocsin.model import EventType, uuid7
from tocsin.resources.destination_trials import (
    NEVER,
    DestinationDisabled,
    DestinationNotFound,
    LastTest,
    LastTestStatus,
    TrialOutcome,
    TrialQueued,
    TrialRateLimited,
    last_tests,
    plan_trial,
)
from tocsin.store.database import create_engine, reading, writing


async def _test(outbox: Outbox, *destinations: Any, times: int = 1) -> list[TrialOutcome]:
    """Tests of these destinations, all at once, each over a connection of its own."""
    engine = create_engine(outbox.url, pool_size=20)

    async def one(destination: Any) -> TrialOutcome:
        async with writing(engine) as session:
            return await plan_trial(session, outbox.workspace_id, destination)

    try:
        return list(await asyncio.gather(*(one(each) for each in destinations * times)))
    finally:
        await engine.dispose()


async def _last(outbox: Outbox, *destinations: Any) -> list[LastTest]:
    engine = create_engine(outbox.url)
    try:
        async with reading(engine) as session:
            found = await last_tests(session, outbox.workspace_id, destinations)
        return [found[each] for each in destinations]
    finally:
        await engine.dispose()


async def test_a_test_belongs_to_no_tenant_rule_or_alert(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    (outcome,) = await _test(outbox, destination)
    assert isinstance(outcome, TrialQueued)
    row = outbox.row(outcome.alert_delivery_id)
    assert (row["tenant_id"], row["alert_rule_id"], row["alert_id"]) == (None, None, None)
    assert (row["event_type"], row["status"], row["reason"]) == ("alerts.test", "queued", "test")
    assert row["created_at"] == outcome.created_at
    assert row["give_up_at"] - row["created_at"] == timedelta(seconds=60)


async def test_of_many_at_once_one_is_made(outbox: Outbox) -> None:
    destinations = [outbox.destination(name) for name in ("one", "two")]
    outcomes = await _test(outbox, *destinations, times=25)
    assert sum(isinstance(each, TrialQueued) for each in outcomes) == 2
    limited = [each for each in outcomes if isinstance(each, TrialRateLimited)]
    assert len(limited) == 48
    assert {each.retry_after for each in limited} <= {59, 60}
    made = outbox.db.execute(
        "SELECT alert_destination_id, count(*) FROM alert_deliveries GROUP BY 1"
    ).fetchall()
    assert sorted(made) == sorted((each, 1) for each in destinations)


async def test_after_a_minute_the_next_may_come(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    await _test(outbox, destination)
    outbox.db.execute(
        "UPDATE alert_deliveries SET created_at = created_at - interval '59.5 seconds'"
    )
    assert await _test(outbox, destination) == [TrialRateLimited(1)]
    outbox.db.execute("UPDATE alert_deliveries SET created_at = created_at - interval '1 second'")
    (outcome,) = await _test(outbox, destination)
    assert isinstance(outcome, TrialQueued)


async def test_what_is_outside_the_workspace_is_not_there(
    outbox: Outbox,
    database: Database,
) -> None:
    other = Outbox(database)
    foreign = other.destination("theirs")
    other.close()
    assert await _test(outbox, foreign, uuid7()) == [DestinationNotFound(), DestinationNotFound()]


async def test_a_disabled_destination_says_so_even_if_tested_just_now(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    await _test(outbox, destination)
    outbox.db.execute("UPDATE alert_destinations SET is_enabled = false")
    assert await _test(outbox, destination) == [DestinationDisabled()]


async def test_never_becomes_pending_and_sent(outbox: Outbox) -> None:
    async with receiving() as receiver:
        destination = outbox.destination("ops", receiver.url)
        assert await _last(outbox, destination) == [NEVER]
        (outcome,) = await _test(outbox, destination)
        assert isinstance(outcome, TrialQueued)
        id = outcome.alert_delivery_id
        assert await _last(outbox, destination) == [
            LastTest(LastTestStatus.PENDING, outcome.created_at, id)
        ]
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "sent")
        assert await _last(outbox, destination) == [
            LastTest(LastTestStatus.SENT, outbox.row(id)["sent_at"], id, confirmed=True)
        ]


@pytest.mark.parametrize(
    ("columns", "status", "at"),
    [
        ("status = 'queued'", LastTestStatus.PENDING, NOON),
        ("status = 'deferred'", LastTestStatus.PENDING, NOON),
        (
            "status = 'queued', send_after = created_at + interval '9 s'",
            LastTestStatus.PENDING,
            NOON + timedelta(seconds=9),
        ),
        (
            "status = 'sent', sent_at = created_at + interval '1 s', updated_at = now()",
            LastTestStatus.SENT,
            NOON + timedelta(seconds=1),
        ),
        (
            "status = 'failed', updated_at = created_at + interval '2 s', send_after = now()",
            LastTestStatus.FAILED,
            NOON + timedelta(seconds=2),
        ),
    ],
)
async def test_each_status_has_its_time(
    outbox: Outbox, columns: str, status: LastTestStatus, at: Any
) -> None:
    destination = outbox.destination("ops")
    id = outbox.plan(destination, event=EventType.TEST, created_at=NOON)
    # What is older, or no test, does not count.
    outbox.plan(destination, event=EventType.TEST, created_at=NOON - timedelta(hours=1))
    outbox.plan(destination)
    outbox.db.execute(f"UPDATE alert_deliveries SET {columns} WHERE id = %s", [id])
    (found,) = await _last(outbox, destination)
    assert (found.status, found.at, found.alert_delivery_id) == (status, at, id)


async def test_accepted_is_not_posted(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    id = outbox.plan(destination, event=EventType.TEST)
    outbox.db.execute(
        "UPDATE alert_deliveries SET status = 'sent', sent_at = now(),"
        " detail = '{\"confirmed\": false}' WHERE id = %s",
        [id],
    )
    (found,) = await _last(outbox, destination)
    assert found.confirmed is False
    assert found.document()["confirmed"] is False


async def test_a_failure_is_said_with_its_reason(outbox: Outbox) -> None:
    destination, other = outbox.destination("ops"), outbox.destination("other")
    id = outbox.plan(destination, event=EventType.TEST)
    outbox.db.execute(
        "UPDATE alert_destinations SET is_enabled = false WHERE id = %s", [destination]
    )

    async with dispatching(outbox.url):
        await until(lambda: outbox.row(id)["status"] == "failed")

    found, never = await _last(outbox, destination, other)
    assert (found.status, found.error_code) == (LastTestStatus.FAILED, "destination-disabled")
    assert never is NEVER


def test_a_test_can_be_neither_suppressed_nor_canceled(outbox: Outbox) -> None:
    import psycopg

    outbox.plan(outbox.destination("ops"), event=EventType.TEST)
    for status in ("suppressed", "canceled"):
        with pytest.raises(psycopg.errors.CheckViolation):
            outbox.db.execute("UPDATE alert_deliveries SET status = %s", [status])
