"""What passes between the dispatcher and a channel, with a channel that answers by a script."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.support.outbox import Outbox, dispatching, until
from tocsin.delivery.channels.webhook import WebhookChannel
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent
from tocsin.message import Links, Message
from tocsin.model import EventType, Severity, uuid7


class Script:
    """Outcomes to give, one after the other, and what was asked for meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.messages: list[Message] = []
        self.progress: list[dict[str, Any]] = []
        self.links: list[Links] = []

        async def send(
            channel: WebhookChannel, message: Message, config: Any, links_for: Any, progress: Any
        ) -> Outcome:
            self.messages.append(message)
            self.progress.append(dict(progress))
            self.links.append(links_for("ana@example.com"))
            outcome = self.outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(WebhookChannel, "send", send)


async def delivered(outbox: Outbox, id: Any) -> dict[str, Any]:
    async with dispatching(outbox.url):
        await until(lambda: outbox.row(id)["status"] in ("sent", "failed"))
    return outbox.row(id)


async def test_progress_is_kept_between_attempts(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail's recipients that have it already must not get it twice."""
    script = Script(
        monkeypatch,
        Retry("greylisted", "later", 451, progress={"done": ["a@example.com"]}),
        Retry("timeout", "no answer"),
        Sent(250, progress={"done": ["a@example.com", "b@example.com"]}),
    )
    id = outbox.plan(outbox.destination("ops"))

    row = await delivered(outbox, id)
    first = {"done": ["a@example.com"]}
    assert script.progress == [{}, first, first]
    assert row["progress"] == {"done": ["a@example.com", "b@example.com"]}
    assert [message.attempt for message in script.messages] == [1, 2, 3]
    assert {message.id for message in script.messages} == {id}


async def test_accepted_is_not_confirmed(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    Script(monkeypatch, Sent(202, "accepted; the flow may still drop it", confirmed=False))
    id = outbox.plan(outbox.destination("ops"))

    row = await delivered(outbox, id)
    assert row["status"] == "sent"
    assert row["detail"]["confirmed"] is False
    assert outbox.attempts(id)[0]["message"] == "accepted; the flow may still drop it"


async def test_sent_with_a_flaw_says_so(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    Script(monkeypatch, Sent(250, "1 of 2 recipients refused", code="recipient-refused"))
    id = outbox.plan(outbox.destination("ops"))

    row = await delivered(outbox, id)
    assert (row["status"], row["last_error_code"]) == ("sent", "recipient-refused")
    assert row["last_error_message"] == "1 of 2 recipients refused"


async def test_a_channels_own_fault_is_tried_again_and_reveals_nothing(
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "https://example.com/hook/s3cr3t"
    Script(monkeypatch, ValueError(secret), Sent(204))
    id = outbox.plan(outbox.destination("ops"))

    row = await delivered(outbox, id)
    assert row["status"] == "sent"
    (first, _) = outbox.attempts(id)
    assert (first["outcome"], first["error_code"]) == ("retry", "internal-error")
    assert "s3cr3t" not in str(outbox.attempts(id)) + str(row)

    captured = capsys.readouterr()
    assert "s3cr3t" not in captured.out + captured.err + caplog.text


async def test_a_message_says_the_alert_as_it_was_planned(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(monkeypatch, Sent(204))
    alert = uuid7()
    destination = outbox.destination("ops")
    id = outbox.plan(destination, alert, severity=Severity.CRITICAL)

    await delivered(outbox, id)
    (message,) = script.messages
    assert message.event_type is EventType.TRIGGERED
    assert message.alert is not None
    assert (message.alert.id, message.alert.severity) == (alert, Severity.CRITICAL)
    assert message.alert.labels == {"host": "db1", "mount": "/var"}
    assert message.tenant is not None
    assert message.rule is not None
    assert message.workspace.name == "Operations"
    assert message.destination_name == "ops"
    (links,) = script.links
    assert links.alert.startswith("https://tocsin.example.com/")
    assert "/a/" in (links.acknowledge or "")
    assert "/a/" in (links.resolve or "")
    assert len(links.code or "") == 4


async def test_who_learns_that_it_is_over_has_nothing_to_act_on(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(monkeypatch, Sent(204))
    id = outbox.plan(outbox.destination("ops"), event=EventType.RESOLVED)

    await delivered(outbox, id)
    (links,) = script.links
    assert (links.acknowledge, links.resolve, links.code) == (None, None, None)


async def test_an_unreadable_payload_fails_alone(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    Script(monkeypatch, Sent(204))
    destination = outbox.destination("ops")
    bad, good = outbox.plan(destination), outbox.plan(destination)
    outbox.db.execute(
        'UPDATE alert_deliveries SET payload = \'{"alert": {"id": 7}}\' WHERE id = %s', [bad]
    )

    async with dispatching(outbox.url):
        await until(lambda: outbox.pending() == 0)
    assert outbox.row(good)["status"] == "sent"
    assert outbox.row(bad)["last_error_code"] == "payload-unreadable"


async def test_it_is_counted(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"channel": "webhook", **labels}) or 0.0

    before = {
        outcome: value("tocsin_delivery_attempts_total", outcome=outcome)
        for outcome in ("sent", "retry", "failed")
    }
    latencies = value("tocsin_delivery_latency_seconds_count")
    Script(monkeypatch, Sent(204), Retry("refused", "no"), Sent(204), Failed("gone", "gone", 404))
    destination = outbox.destination("ops")

    for _ in range(3):
        await delivered(outbox, outbox.plan(destination))

    after = {
        outcome: value("tocsin_delivery_attempts_total", outcome=outcome) - before[outcome]
        for outcome in before
    }
    assert after == {"sent": 2, "retry": 1, "failed": 1}
    # Only what was sent at its first attempt says how fast we are.
    assert value("tocsin_delivery_latency_seconds_count") - latencies == 1
