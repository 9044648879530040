"""Whose clock counts: the database's, on every node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.support.outbox import Outbox, dispatching, receiving, until
from tocsin.store.delivery_queue import Claim, Claimed, DeliveryQueue

HOUR = timedelta(hours=1)


async def test_signatures_take_the_databases_clock(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose clock is an hour behind would sign what every receiver refuses as too old."""
    ask = DeliveryQueue.claim

    async def claim(self: DeliveryQueue, claims: Sequence[Claim]) -> list[Claimed]:
        claimed = await ask(self, claims)
        for each in claimed:
            each.at += HOUR  # as if the database were an hour ahead of this machine
        return claimed

    monkeypatch.setattr(DeliveryQueue, "claim", claim)
    async with receiving() as receiver:
        id = outbox.plan(outbox.destination("ops", receiver.url))
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "sent")
    sent_at = outbox.row(id)["sent_at"] + HOUR
    assert abs(int(receiver.headers[0]["webhook-timestamp"]) - sent_at.timestamp()) < 30
