"""A destination that takes few messages, and a great many for it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from tests.support.outbox import KEY, JsonReceiver, Outbox, dispatching, receiving, until
from tocsin.access.vault import Vault
from tocsin.alerts.directory import DirectoryFeed
from tocsin.model import Severity, utc_now, uuid7
from tocsin.store.database import create_engine
from tocsin.timers.groups import Groups


class Teams:
    """A workflow that takes 90 messages an hour, and the texts of what it was posted."""

    def __init__(self, outbox: Outbox, receiver: JsonReceiver) -> None:
        receiver.answer = lambda body: web.Response(status=202)
        self.outbox = outbox
        self.receiver = receiver
        self.destination = outbox.destination("teams", receiver.url, kind="teams")

    @property
    def summaries(self) -> list[str]:
        return [body["summary"] for body in self.receiver.bodies]

    def rows(self) -> Counter[tuple[str, str, bool]]:
        found = self.outbox.db.execute(
            "SELECT status::text, reason, carried_by IS NOT NULL FROM alert_deliveries"
            " WHERE alert_id IS NOT NULL"
        )
        return Counter((row[0], row[1], row[2]) for row in found)

    def many(self, count: int, severity: Severity = Severity.LOW, **columns: Any) -> None:
        self.outbox.plan_many(self.destination, count)
        self.outbox.db.execute(
            "UPDATE alert_deliveries SET urgency = %s WHERE urgency = 'CRITICAL' AND status = 'queued'"
            " AND alert_id IS NOT NULL",
            [severity.value],
        )


@asynccontextmanager
async def keeping_time(outbox: Outbox, clock: list[timedelta]) -> AsyncIterator[None]:
    """The leader's groups, by a clock that a test moves."""
    engine = create_engine(outbox.url)
    feed = DirectoryFeed(engine)
    groups = Groups(outbox.url, feed, now=lambda: utc_now() + clock[0])
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


async def test_a_few_messages_are_no_storm(outbox: Outbox) -> None:
    async with (
        receiving() as receiver,
        dispatching(outbox.url),
        keeping_time(outbox, [timedelta()]),
    ):
        teams = Teams(outbox, receiver)
        teams.many(6)
        await until(lambda: len(receiver.bodies) == 6, seconds=15)
    assert teams.rows() == {("sent", "rule", False): 6}


async def test_what_exceeds_the_rate_is_said_by_digests_and_every_row_names_its_own(
    outbox: Outbox,
) -> None:
    clock = [timedelta()]
    async with receiving() as receiver, dispatching(outbox.url), keeping_time(outbox, clock):
        teams = Teams(outbox, receiver)
        teams.many(500)
        await until(lambda: any("Storm" in each for each in teams.summaries), seconds=15)
        await until(lambda: ("queued", "rule", False) not in teams.rows(), seconds=15)
        singles = sum("Storm" not in each for each in teams.summaries)
        assert singles <= 5
        # One that is worse does not wait for five minutes.
        began = time.monotonic()
        outbox.plan(teams.destination, severity=Severity.CRITICAL)
        outbox.db.execute(
            "UPDATE alerts SET severity = 'CRITICAL' WHERE title = 'Disk' AND id IN"
            " (SELECT alert_id FROM alert_deliveries WHERE urgency = 'CRITICAL')"
        )
        outbox.announce()
        await until(lambda: any("CRITICAL" in each for each in teams.summaries), seconds=10)
        assert time.monotonic() - began < 5
        clock[0] = timedelta(minutes=5, seconds=1)
        await until(lambda: outbox.pending() == 0, seconds=15)
        clock[0] = timedelta(minutes=11)
        await until(
            lambda: outbox.db.execute("SELECT count(*) FROM alert_groups").fetchone() == (0,),
            seconds=15,
        )
    rows = teams.rows()
    assert sum(rows.values()) == 501
    assert set(rows) == {("sent", "rule", False), ("sent", "rate_limited", True)}
    assert len(receiver.bodies) <= 10
    # What people read adds up.
    said = outbox.db.execute(
        "SELECT sum((payload #>> '{group,changes,new}')::int) FROM alert_deliveries"
        " WHERE event_type = 'alerts.storm'"
    ).fetchone()
    assert said == (rows["sent", "rate_limited", True],)


async def test_one_tenants_storm_does_not_mute_another(outbox: Outbox) -> None:
    other = uuid7()
    outbox.db.execute(
        "INSERT INTO tenants (id, workspace_id, slug, name) VALUES (%s, %s, 'y', 'Y')",
        [other, outbox.workspace_id],
    )
    async with (
        receiving() as receiver,
        dispatching(outbox.url),
        keeping_time(outbox, [timedelta()]),
    ):
        teams = Teams(outbox, receiver)
        teams.many(300)
        await until(lambda: any("Storm" in each for each in teams.summaries), seconds=15)
        theirs = [outbox.plan(teams.destination) for _ in range(3)]
        outbox.db.execute(
            "UPDATE alert_deliveries SET tenant_id = %s WHERE id = ANY (%s)", [other, theirs]
        )
        outbox.announce()
        await until(lambda: all(outbox.row(id)["status"] == "sent" for id in theirs), seconds=15)
    assert {outbox.row(id)["carried_by"] for id in theirs} <= {None}


@pytest.mark.parametrize("reason", ["fallback", "escalation"])
async def test_fallback_messages_and_pages_are_not_gathered(outbox: Outbox, reason: str) -> None:
    async with (
        receiving() as receiver,
        dispatching(outbox.url),
        keeping_time(outbox, [timedelta()]),
    ):
        teams = Teams(outbox, receiver)
        teams.many(300)
        await until(lambda: any("Storm" in each for each in teams.summaries), seconds=15)
        apart = outbox.plan(teams.destination, reason=reason, severity=Severity.CRITICAL)
        outbox.announce()
        await until(lambda: outbox.row(apart)["status"] == "sent", seconds=15)
    assert outbox.row(apart)["carried_by"] is None


async def test_a_claim_is_fast_with_ten_thousand_waiting(outbox: Outbox) -> None:
    """The storm takes them out of the queue, so that no claim meets them again."""
    async with (
        receiving() as receiver,
        dispatching(outbox.url),
        keeping_time(outbox, [timedelta()]),
    ):
        teams = Teams(outbox, receiver)
        teams.many(10_000)
        began = time.monotonic()
        await until(lambda: ("queued", "rule", False) not in teams.rows(), seconds=60)
        print(f"10,000 were gathered within {time.monotonic() - began:.1f} s")
        hook = outbox.destination("hook", receiver.url)
        began = time.monotonic()
        id = outbox.plan(hook)
        outbox.announce()
        await until(lambda: outbox.row(id)["status"] == "sent", seconds=10)
        assert time.monotonic() - began < 2
