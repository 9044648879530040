"""An emergency that is acknowledged in Pushover's app acknowledges here."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from aiohttp import web

from tests.callbacks.conftest import PUBLIC_URL, Called
from tests.support import receivers
from tests.support.outbox import dispatching, until

TOKEN, USER = "a" * 30, "u" * 30


async def send(called: Called) -> tuple[UUID, str]:
    """One emergency; its id, and where Pushover calls back."""
    taken: list[str] = []

    async def take(request: web.Request) -> web.StreamResponse:
        taken.append((await request.read()).decode())
        return web.Response(body=json.dumps({"status": 1, "receipt": "rcpt1"}))

    async with receivers.http(take) as it, dispatching(called.outbox.url):
        destination_id = called.outbox.destination(
            f"phone {it.port}", kind="push", service="pushover", url=it.url, token=TOKEN, user=USER
        )
        delivery_id = called.outbox.plan(destination_id)
        called.outbox.announce()
        await until(lambda: called.outbox.row(delivery_id)["status"] == "sent")
    callback = parse_qs(taken[0])["callback"][0]
    assert callback.startswith(f"{PUBLIC_URL}/callbacks/pushover/")
    return delivery_id, urlsplit(callback).path


async def test_acknowledging_there_acknowledges_here(called: Called) -> None:
    delivery_id, place = await send(called)

    answer = called.client.request("POST", place, raw=b"receipt=rcpt1&acknowledged=1")

    assert answer.status == 204
    assert called.status_of(delivery_id) == "ACKNOWLEDGED"
    [(kind, actor)] = called.events(delivery_id)
    assert (kind, actor["kind"]) == ("acknowledged", "recipient")
    detail = called.outbox.row(delivery_id)["detail"]
    assert detail["report"]["status"] == "acknowledged"


async def test_an_address_that_is_not_whole_does_nothing(called: Called) -> None:
    delivery_id, place = await send(called)
    other_id, other_place = await send(called)
    head, token, code = place.rsplit("/", 2)
    wrong = f"{(int(code) + 1) % 10_000:04d}"
    tries = [
        f"{head}/{token}/{wrong}",
        f"{head}/{token[:-2]}AA/{code}",
        f"/callbacks/pushover/{other_id}/{token}/{code}",
        f"/callbacks/pushover/nonsense/{token}/{code}",
    ]

    assert [called.client.request("POST", each).status for each in tries] == [403] * 4
    assert called.client.request("GET", place).status == 405
    assert called.status_of(delivery_id) == "OPEN"
    for _ in range(6):
        called.client.request("POST", f"{head}/{token}/{wrong}")
    # Codes cannot be found by trying.
    assert called.client.request("POST", place).status == 403
    assert called.client.request("POST", other_place).status == 204
