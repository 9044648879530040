"""Contact methods take the road of all messages: what is theirs alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.delivery.dispatch.test_dispatcher_channels import Script
from tests.support.outbox import KEY, Outbox, dispatching, receiving, until
from tocsin.access.contact_codes import ContactCodes
from tocsin.access.links import LinkSigner, Token
from tocsin.delivery.outcome import Failed, Retry, Sent
from tocsin.model import EventType, utc_now, uuid7


def plan_code(outbox: Outbox, destination: UUID) -> UUID:
    """As `resources/destination_trials.py` does."""
    id = uuid7()
    payload = {"event_type": "alerts.test", "carries_code": True}
    outbox.db.execute(
        "INSERT INTO alert_deliveries (id, workspace_id, alert_destination_id, event_type, status,"
        " payload, reason, give_up_at) VALUES (%s, %s, %s, 'alerts.test', 'queued', %s,"
        " 'verification', now() + interval '60 seconds')",
        [id, outbox.workspace_id, destination, json.dumps(payload)],
    )
    outbox.announce()
    return id


async def test_a_code_is_made_when_it_is_sent_and_is_the_same_at_every_attempt(
    outbox: Outbox,
) -> None:
    async with receiving() as receiver:
        answers = iter([web.Response(status=500)])
        receiver.answer = lambda body: next(answers, web.Response(status=204))
        destination = outbox.destination("Ana: webhook", receiver.url)
        outbox.owned_by("Ana", destination)
        with capture_logs() as logs:
            async with dispatching(outbox.url):
                id = plan_code(outbox, destination)
                await until(lambda: outbox.row(id)["status"] == "sent")
    code = ContactCodes([KEY]).code(id)
    assert [body["code"] for body in receiver.bodies] == [code, code]
    kept = [outbox.row(id), *outbox.attempts(id), *logs]
    assert code not in repr([{**each, "id": None} for each in kept])


async def test_other_messages_carry_none(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("Ana: webhook", receiver.url)
        outbox.owned_by("Ana", destination)
        id = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.row(id)["status"] == "sent")
    assert "code" not in receiver.bodies[0]


async def test_no_record_names_the_address_or_the_code(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://127.0.0.1:9/"
    destination = outbox.destination("Ana: webhook", address)
    outbox.owned_by("Ana", destination)
    id = plan_code(outbox, destination)
    code = ContactCodes([KEY]).code(id)
    Script(monkeypatch, Failed("refused", f"{address} does not know {code}"))
    async with dispatching(outbox.url):
        await until(lambda: outbox.row(id)["status"] == "failed")
    said = "… does not know [redacted]"
    assert outbox.row(id)["last_error_message"] == said
    assert outbox.attempts(id)[0]["message"] == said


async def test_an_error_of_what_belongs_to_all_is_kept_as_it_is(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = outbox.destination("Ana: webhook")
    shared = outbox.destination("ops")
    outbox.owned_by("Ana", destination)
    words = "http://127.0.0.1:9/ refused"
    Script(monkeypatch, Failed("refused", words), Failed("refused", words))
    own, others = outbox.plan(destination), outbox.plan(shared)
    async with dispatching(outbox.url):
        await until(lambda: outbox.pending() == 0)
    assert outbox.row(own)["last_error_message"] == "… refused"
    assert outbox.row(others)["last_error_message"] == words


async def test_who_acts_by_a_link_is_named_not_the_address(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = outbox.destination("Ana: webhook")
    outbox.owned_by("Ana", destination)
    script = Script(monkeypatch, Sent(200))
    id = outbox.plan(destination)
    async with dispatching(outbox.url):
        await until(lambda: outbox.row(id)["status"] == "sent")
    assert script.links[0].acknowledge is not None
    token = LinkSigner([KEY]).read(script.links[0].acknowledge.rpartition("/")[2], utc_now())
    assert isinstance(token, Token)
    assert token.recipient == "Ana"


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_who_is_disabled_is_not_paged(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    destination = outbox.destination("Ana: webhook")
    ana = outbox.owned_by("Ana", destination)
    disable = "UPDATE users SET is_active = false WHERE id = %s"
    outcomes: list[Any] = [] if when == "before" else [Retry("timeout", "no answer")]
    script = Script(monkeypatch, *outcomes)
    if when == "before":
        outbox.db.execute(disable, [ana])
    id = outbox.plan(destination)
    async with dispatching(outbox.url):
        if when == "meanwhile":
            await until(lambda: len(script.messages) == 1)
            outbox.db.execute(disable, [ana])
        await until(lambda: outbox.row(id)["status"] == "canceled")
        await asyncio.sleep(1.2)
    assert len(script.messages) == len(outcomes)
    assert outbox.row(id)["reason"] == "destination_disabled"


async def test_who_is_enabled_again_is_paged_again(outbox: Outbox) -> None:
    async with receiving() as receiver, dispatching(outbox.url):
        destination = outbox.destination("Ana: webhook", receiver.url)
        ana = outbox.owned_by("Ana", destination)
        outbox.db.execute("UPDATE users SET is_active = false WHERE id = %s", [ana])
        first = outbox.plan(destination)
        outbox.announce()
        await until(lambda: outbox.row(first)["status"] == "canceled")
        outbox.db.execute("UPDATE users SET is_active = true WHERE id = %s", [ana])
        second = outbox.plan(destination, event=EventType.TRIGGERED)
        outbox.announce()
        await until(lambda: outbox.row(second)["status"] == "sent")
        assert receiver.ids == [second]
