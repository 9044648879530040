"""Two hundred alerts page one person at a time: what they get, and what becomes of every page."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from tests.support.outbox import KEY, JsonReceiver, Outbox, dispatching, receiving, until
from tocsin.access.vault import Vault
from tocsin.alerts.directory import DirectoryFeed
from tocsin.model import Severity, utc_now
from tocsin.store import arrays
from tocsin.store.database import create_engine
from tocsin.store.pipe import BEGIN, COMMIT, PLANNER, Pipe
from tocsin.store.statements import prepared
from tocsin.timers.groups import Groups

BURST = 10


@asynccontextmanager
async def keeping_time(outbox: Outbox) -> AsyncIterator[None]:
    engine = create_engine(outbox.url)
    groups = Groups(outbox.url, DirectoryFeed(engine))
    running = asyncio.create_task(groups.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await engine.dispose()


@pytest.fixture(autouse=True)
def sealed(outbox: Outbox) -> None:
    """The directory reads the integration's secret."""
    outbox.db.execute("UPDATE integrations SET webhook_secret = %s", [Vault([KEY]).seal(KEY)])
    outbox.db.execute("UPDATE alert_rules SET event_types = '{alerts.triggered}'")


def contact(outbox: Outbox, receiver: JsonReceiver, name: str = "Ada") -> UUID:
    destination_id = outbox.destination(f"phone of {name}", receiver.url)
    outbox.owned_by(name, destination_id)
    return destination_id


def many(outbox: Outbox, destination_id: UUID, count: int, severity: str = "HIGH") -> None:
    outbox.plan_many(destination_id, count)
    outbox.db.execute(
        "UPDATE alert_deliveries SET reason = 'escalation', urgency = %s"
        " WHERE reason = 'rule' AND alert_id IS NOT NULL",
        [severity],
    )
    outbox.announce()


def pages(outbox: Outbox) -> list[dict[str, Any]]:
    columns = ("id", "alert_id", "status", "reason", "carried_by")
    found = outbox.db.execute(
        "SELECT id, alert_id, status::text, reason, carried_by FROM alert_deliveries"
        " WHERE alert_id IS NOT NULL"
    )
    return [dict(zip(columns, row, strict=True)) for row in found]


async def spend(outbox: Outbox, tokens: str) -> None:
    """So many messages are left of what a person takes."""
    statement = f"UPDATE rate_buckets SET tokens = {tokens}, refilled_at = now()"
    await asyncio.to_thread(outbox.db.execute, statement)


async def test_ten_go_at_once_and_the_rest_goes_in_one(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url), keeping_time(outbox):
        destination_id = contact(outbox, receiver)
        began = time.monotonic()
        many(outbox, destination_id, 200)
        await until(lambda: bool(receiver.bodies))
        assert time.monotonic() - began < 3
        await until(lambda: len(receiver.bodies) == BURST)
        await until(lambda: outbox.pending() == 0, seconds=30)
    singles = [body for body in receiver.bodies if body["event_type"] == "alerts.triggered"]
    bundles = [body for body in receiver.bodies if body["event_type"] == "alerts.pages"]
    assert len(singles) == BURST
    assert 1 <= len(bundles) <= 2
    assert sum(body["group"]["changes"]["new"] for body in bundles) == 200 - BURST
    assert all(len(body["alerts"]) <= 10 for body in bundles)
    rows = pages(outbox)
    assert len(rows) == 200
    assert {row["status"] for row in rows} == {"sent"}
    carried = [row for row in rows if row["carried_by"] is not None]
    assert {row["reason"] for row in carried} == {"bundled"}
    assert {str(row["carried_by"]) for row in carried} == {body["id"] for body in bundles}
    assert len(carried) == 200 - BURST


async def test_the_first_critical_of_a_storm_of_pages_is_behind_nothing(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url), keeping_time(outbox):
        destination_id = contact(outbox, receiver)
        many(outbox, destination_id, 100)
        await until(lambda: len(receiver.bodies) == BURST)
        began = time.monotonic()
        id = outbox.plan(destination_id, reason="escalation", severity=Severity.CRITICAL)
        outbox.db.execute(
            "UPDATE alerts SET severity = 'CRITICAL' WHERE id ="
            " (SELECT alert_id FROM alert_deliveries WHERE id = %s)",
            [id],
        )
        outbox.announce()
        await until(lambda: outbox.row(id)["status"] == "sent")
        print(f"the first CRITICAL after {time.monotonic() - began:.2f} s")
        assert time.monotonic() - began < 5
        assert len(receiver.bodies) == BURST + 1


async def test_another_person_is_paged_at_once_meanwhile(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url), keeping_time(outbox):
        first, second = contact(outbox, receiver), contact(outbox, receiver, "Bob")
        many(outbox, first, 100)
        await until(lambda: len(receiver.bodies) == BURST)
        began = time.monotonic()
        id = outbox.plan(second, reason="escalation")
        outbox.announce()
        await until(lambda: outbox.row(id)["status"] == "sent")
        assert time.monotonic() - began < 3


async def test_a_message_is_not_sent_once_any_of_its_pages_is_over(outbox: Outbox) -> None:
    async with receiving() as receiver, keeping_time(outbox):
        destination_id = contact(outbox, receiver)
        async with dispatching(outbox.url):
            many(outbox, destination_id, 60)
            await until(lambda: len(receiver.bodies) == BURST)
            await spend(outbox, "-100")
            await until(
                lambda: any(row["carried_by"] is not None for row in pages(outbox)), seconds=30
            )
        carried = [row for row in pages(outbox) if row["carried_by"] is not None]
        over = carried[0]
        outbox.db.execute(
            "UPDATE alerts SET status = 'ACKNOWLEDGED', acknowledged_at = now() WHERE id = %s",
            [over["alert_id"]],
        )
        await spend(outbox, "10")
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0, seconds=30)
    by_id = {row["id"]: row for row in pages(outbox)}
    assert by_id[over["id"]]["status"] == "canceled"
    assert by_id[over["id"]]["reason"] == "acknowledged_before_sent"
    assert {row["status"] for id, row in by_id.items() if id != over["id"]} == {"sent"}
    said = [alert["id"] for body in receiver.bodies for alert in body.get("alerts", ())]
    assert str(over["alert_id"]) not in said
    assert outbox.row(over["carried_by"])["reason"] == "superseded"


@pytest.mark.parametrize("seed", range(3))
async def test_every_page_is_said_once_or_canceled_whoever_acknowledges_meanwhile(
    outbox: Outbox, seed: int
) -> None:
    """A race: bursts, people who take on what they like, two dispatchers."""
    dice = random.Random(seed)
    async with receiving() as receiver, keeping_time(outbox):
        destination_id = contact(outbox, receiver)
        pipe = await Pipe.open(outbox.url, options=PLANNER)
        taken: set[UUID] = set()
        async with dispatching(outbox.url, count=2):
            for _ in range(8):
                many(outbox, destination_id, 25)
                await asyncio.sleep(dice.random() * 0.6)
                live = [row for row in pages(outbox) if row["alert_id"] not in taken]
                for row in dice.sample(live, min(5, len(live))):
                    await acknowledge(outbox, pipe, row["alert_id"])
                    taken.add(row["alert_id"])
                # The budget is refilled, as time would.
                await spend(outbox, "least(tokens + 2, 10)")
            while outbox.pending():
                await spend(outbox, "greatest(tokens, 1)")
                outbox.announce()
                await asyncio.sleep(0.2)
        await pipe.close()
    rows = pages(outbox)
    assert len(rows) == 200
    assert {row["status"] for row in rows} <= {"sent", "canceled"}
    sent_bundles = {
        body["id"]: {alert["id"] for alert in body["alerts"]}
        for body in receiver.bodies
        if body["event_type"] == "alerts.pages"
    }
    singles = [body["id"] for body in receiver.bodies if body["alert"] is not None]
    assert len(singles) == len(set(singles))
    for row in rows:
        alone = str(row["id"]) in singles
        listed = sum(str(row["alert_id"]) in listed for listed in sent_bundles.values())
        if row["status"] == "canceled":
            assert row["alert_id"] in taken
            assert not alone
        elif row["carried_by"] is not None:
            assert str(row["carried_by"]) in sent_bundles
            assert not alone
            assert listed <= 1
        else:
            assert alone
            assert not listed
    counted = sum(
        body["group"]["changes"]["new"]
        for body in receiver.bodies
        if body["event_type"] == "alerts.pages"
    )
    carried = sum(row["carried_by"] is not None and row["status"] == "sent" for row in rows)
    assert counted == carried
    assert len(receiver.bodies) < 60


async def acknowledge(outbox: Outbox, pipe: Pipe, alert_id: UUID) -> None:
    """As somebody who takes it on does, with a moment in between in which a dispatcher may look."""
    update = "UPDATE alerts SET status = 'ACKNOWLEDGED', acknowledged_at = now() WHERE id = %s"
    await asyncio.to_thread(outbox.db.execute, update, [alert_id])
    canceled = {
        "alert_ids": arrays.uuids([alert_id.bytes]),
        "reasons": arrays.texts(["acknowledged_before_sent"]),
        "now": arrays.time(utc_now()),
    }
    await pipe.run((BEGIN, {}), (prepared("cancel_pages"), canceled), (COMMIT, {}))
