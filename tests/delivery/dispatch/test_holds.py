"""What holds a destination, for how long, and what the log says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from tests.support.outbox import NOON, Outbox, dispatching, until
from tocsin.delivery.channels.webhook import WebhookChannel
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.model import EventType, Severity

Send = Callable[[Any], Outcome | Awaitable[Outcome]]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[[Send], None]:
    """Has the webhook channel answer as the test wants."""

    def use(answer: Send) -> None:
        async def send(self: Any, message: Any, config: Any, links: Any, progress: Any) -> Outcome:
            outcome = answer(message)
            return await outcome if isinstance(outcome, Awaitable) else outcome

        monkeypatch.setattr(WebhookChannel, "send", send)

    return use


async def test_what_an_operator_must_repair_waits_and_goes_once_it_is_repaired(
    outbox: Outbox, send: Callable[[Send], None]
) -> None:
    blocked = Retry("address-blocked", "ops points to an address", standing=Standing.MISCONFIGURED)
    repaired = asyncio.Event()
    send(lambda message: Sent(204) if repaired.is_set() else blocked)
    destination = outbox.destination("ops")
    ids = [outbox.plan(destination) for _ in range(6)]
    with structlog.testing.capture_logs() as logs:
        async with dispatching(outbox.url):
            await until(lambda: outbox.state(destination).get("hold_reason") == "misconfigured")
            await asyncio.sleep(0.2)
            assert {outbox.row(id)["status"] for id in ids} == {"queued"}
            assert sum(len(outbox.attempts(id)) for id in ids) <= 4  # what the window let begin
            repaired.set()
            outbox.db.execute("UPDATE destination_states SET hold_until = now()")
            outbox.announce()
            await until(lambda: all(outbox.row(id)["status"] == "sent" for id in ids))
    said = [log for log in logs if log["event"] == "a destination is held, its messages wait"]
    assert [(log["log_level"], log["destination"], log["reason"]) for log in said] == [
        ("error", "ops", "misconfigured")
    ]
    assert "TOCSIN_OUTBOUND_ALLOW" in said[0]["remedy"]


async def test_mail_server_trouble_is_probed_and_lets_a_test_through(
    outbox: Outbox, send: Callable[[Send], None]
) -> None:
    down = Retry("mail-server-busy", "ops: the mail server said 421", standing=Standing.DOWN)
    send(lambda message: Sent() if message.event_type is EventType.TEST else down)
    destination = outbox.destination("ops")
    outbox.plan(destination)
    async with dispatching(outbox.url):
        await until(lambda: outbox.state(destination).get("hold_reason") == "failing")
        state = outbox.state(destination)
        assert 0 < (state["hold_until"] - state["updated_at"]).total_seconds() <= 5
        test = outbox.plan(destination, event=EventType.TEST)
        outbox.announce()
        await until(lambda: outbox.row(test)["status"] == "sent")


async def test_a_message_given_up_is_said_once_with_what_to_do(
    outbox: Outbox, send: Callable[[Send], None]
) -> None:
    send(lambda message: Failed("refused", "ops refused the message (400).", 400))
    id = outbox.plan(outbox.destination("ops"), severity=Severity.HIGH)
    with structlog.testing.capture_logs() as logs:
        async with dispatching(outbox.url):
            await until(lambda: outbox.row(id)["status"] == "failed")
    (said,) = [log for log in logs if log["event"] == "gave up a message"]
    assert (said["log_level"], said["destination"], said["code"]) == ("error", "ops", "refused")
    assert said["remedy"].endswith(f"tocsin delivery retry {id}")


async def test_what_expired_behind_a_hold_is_said_once_for_all(outbox: Outbox) -> None:
    destination = outbox.destination("ops")
    for _ in range(3):
        outbox.plan(destination, created_at=NOON)
    outbox.db.execute(
        "INSERT INTO destination_states (alert_destination_id, hold_until, hold_reason)"
        " VALUES (%s, now() + interval '1 hour', 'failing') ON CONFLICT (alert_destination_id)"
        " DO UPDATE SET hold_until = excluded.hold_until, hold_reason = excluded.hold_reason",
        [destination],
    )
    counted = ("tocsin_alert_deliveries_finished_total", {"channel": "webhook", "status": "failed"})
    before = REGISTRY.get_sample_value(*counted) or 0.0
    with structlog.testing.capture_logs() as logs:
        async with dispatching(outbox.url):
            await until(lambda: outbox.pending() == 0)
    assert REGISTRY.get_sample_value(*counted) == before + 3
    (said,) = [log for log in logs if log["event"].startswith("gave up messages")]
    assert (said["log_level"], said["destination"], said["count"]) == ("error", "ops", 3)
