"""What rings at Pushover is called off once its alert is acknowledged, wherever that was done."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from aiohttp import web

from tests.support import receivers
from tests.support.outbox import KEY, LOOPBACK, Outbox, dispatching, until
from tests.support.postgres import Database
from tocsin.access.vault import Vault
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.registry import build_channels
from tocsin.delivery.dispatch.ringing import Ringing
from tocsin.delivery.outbound import Outbound
from tocsin.store.database import connect

pytestmark = pytest.mark.unused_database

TOKEN, USER = "a" * 30, "u" * 30


@pytest.fixture
def outbox(database: Database) -> Iterator[Outbox]:
    outbox = Outbox(database)
    yield outbox
    outbox.close()


class FakePushover:
    def __init__(self) -> None:
        self.canceled: list[str] = []
        self.status = 200

    async def take(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/cancel.json"):
            self.canceled.append(request.path.split("/")[3])
            return web.Response(status=self.status, body='{"status": 1}')
        return web.Response(body=json.dumps({"status": 1, "receipt": "rcpt1"}))


async def look(outbox: Outbox) -> int:
    async with Outbound(LOOPBACK, timeout=2.0) as outbound, await connect(outbox.url) as connection:
        channels = build_channels(Parts(outbound))
        return await Ringing(outbox.url, channels, Vault([KEY])).call_off(connection)


async def test_what_rings_is_called_off_once(outbox: Outbox) -> None:
    pushover = FakePushover()
    async with receivers.http(pushover.take) as it:
        destination_id = outbox.destination(
            "phone", kind="push", service="pushover", url=it.url, token=TOKEN, user=USER
        )
        one = outbox.plan(destination_id)
        async with dispatching(outbox.url):
            outbox.announce()
            await until(lambda: outbox.row(one)["status"] == "sent")
        assert outbox.row(one)["progress"] == {"ringing": "rcpt1"}

        assert await look(outbox) == 0  # it is open: let it ring
        outbox.db.execute("UPDATE alerts SET status = 'ACKNOWLEDGED'")
        pushover.status = 503
        assert await look(outbox) == 0  # tried again
        pushover.status = 200
        assert await look(outbox) == 1
        assert await look(outbox) == 0

    assert pushover.canceled == ["rcpt1", "rcpt1"]
    assert outbox.row(one)["progress"] == {}


async def test_a_message_about_several_rings_while_one_of_them_is_open(outbox: Outbox) -> None:
    pushover = FakePushover()
    async with receivers.http(pushover.take) as it:
        destination_id = outbox.destination(
            "phone", kind="push", service="pushover", url=it.url, token=TOKEN, user=USER
        )
        carried = [outbox.plan(destination_id) for _ in range(2)]
        message_id = await outbox.carry(destination_id, carried)
        async with dispatching(outbox.url):
            outbox.announce()
            await until(lambda: outbox.row(message_id)["status"] == "sent")
        first = outbox.row(carried[0])["alert_id"]
        outbox.db.execute("UPDATE alerts SET status = 'ACKNOWLEDGED' WHERE id = %s", [first])
        assert await look(outbox) == 0
        outbox.db.execute("UPDATE alerts SET status = 'RESOLVED'")
        assert await look(outbox) == 1
    assert pushover.canceled == ["rcpt1"]


async def test_the_few_that_ring_are_found_by_their_index(outbox: Outbox) -> None:
    destination_id = outbox.destination("phone")
    outbox.plan_many(destination_id, 500)
    outbox.db.execute("ANALYZE alert_deliveries")
    from tocsin.store import ringing

    plan = outbox.db.execute(
        "EXPLAIN " + ringing._TO_CALL_OFF, {"seconds": 3_600.0, "most": 20}
    ).fetchall()
    assert "ix_alert_deliveries_ringing" in str(plan)
