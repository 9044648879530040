"""What every channel must do, whatever is behind it: one suite over all of them."""

from __future__ import annotations

import json
import logging
import re
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels.registry import CHANNELS
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.model import EventType

KINDS = list(CHANNELS)
# Mail servers do not say how long to wait, and Apprise does not say.
# A phone: there is room for the most important, and no links are followed.
SHORT = ("sms", "voice", "push")
TELLS_WHEN = [kind for kind in KINDS if kind not in ("email", "apprise")]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _decoded(received: receivers.Received) -> str:
    if received.headers["Content-Type"] == "application/x-www-form-urlencoded":
        return "\n".join(value for _, value in parse_qsl(received.body.decode()))
    return received.body.decode()


def said(attempt: services.Attempt) -> str:
    """All that was said to the service, decoded as far as a reader's program would."""
    texts = [_decoded(received) for received in attempt.received]
    for _, _, mail in attempt.mails:
        parsed = message_from_bytes(mail)
        texts += [f"{name}: {value}" for name, value in parsed.items()]
        texts += [
            part.get_payload(decode=True).decode()  # type: ignore[union-attr]
            for part in parsed.walk()
            if not part.is_multipart()
        ]
    return "\n".join(texts)


EXPECTED: dict[str, type[Outcome]] = {
    "ok": Sent,
    "refused": Failed,
    "throttled": Retry,
    "throttled-date": Retry,
    "broken": Retry,
    "silent": Retry,
    "garbage": Retry,
    "redirect": Failed,
    "nobody": Retry,
    "wrong-certificate": Retry,
}


@pytest.mark.parametrize("behaviour", services.BEHAVIOURS)
async def test_each_behaviour_has_its_outcome_and_gives_nothing_away(
    kind: str, behaviour: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    attempt = await services.attempt(kind, behaviour)

    outcome = attempt.outcome
    assert isinstance(outcome, EXPECTED[behaviour]), outcome
    assert services.SECRET not in repr(outcome) + caplog.text
    assert "127.0.0.1" not in repr(outcome)
    assert str(attempt.port) not in repr(outcome)
    if not isinstance(outcome, Sent):
        assert outcome.message.startswith("on-call")
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", outcome.code)
    if behaviour == "redirect":
        assert len(attempt.received) <= 1
        assert not attempt.mails
    if isinstance(outcome, Failed):
        assert not outcome.disables_destination


@pytest.mark.parametrize("kind", TELLS_WHEN)
@pytest.mark.parametrize(("behaviour", "seconds"), [("throttled", 7.0), ("throttled-date", 90.0)])
async def test_a_throttled_destination_waits_as_long_as_it_was_asked_to(
    kind: str, behaviour: str, seconds: float
) -> None:
    outcome = (await services.attempt(kind, behaviour)).outcome

    assert outcome.retry_after == seconds
    assert outcome.standing is Standing.THROTTLED
    assert outcome.http_status == 429


@pytest.mark.parametrize("event", list(EventType))
async def test_each_event_says_what_happened(kind: str, event: EventType) -> None:
    attempt = await services.attempt(kind, message=samples.message(event))

    assert isinstance(attempt.outcome, Sent)
    text = said(attempt)
    if kind == "pagerduty" and event not in (EventType.TRIGGERED, EventType.TEST):
        return  # PagerDuty gets a key and a verb
    if event is EventType.TEST:
        assert "test" in text.lower()
        return
    if event.is_notice:
        assert samples.NOTICE.title in text
        assert "Your shift begins in 1 h" in text
        assert "acknowledge" not in text.lower()
        return
    assert "Disk /var almost full on db1" in text
    assert "prometheus-production" in text
    assert "Acme Ltd" in text
    if kind not in SHORT:
        assert "orders" in text
    assert "critical" in text.lower()


async def test_times_are_in_utc_and_in_the_destinations_zone(kind: str) -> None:
    text = said(await services.attempt(kind, timezone="America/New_York"))

    if kind not in SHORT and kind != "webhook":  # programs get UTC
        assert "2026-11-21 15:58:15 EST" in text
        assert "2026-11-21 20:58:15 UTC" in text


async def test_readers_get_their_links_and_the_code(kind: str) -> None:
    text = said(await services.attempt(kind))

    if kind == "sms":
        assert "7305" in text
    elif kind == "voice":
        assert "https://hub.example/callbacks/" in text
    elif kind not in ("webhook", "pagerduty"):
        assert "https://hub.example/a/ack-" in text
        assert "4821" in text


@pytest.mark.parametrize("text", [samples.HOSTILE, samples.HUGE], ids=["hostile", "huge"])
async def test_a_senders_worst_goes_out_and_stays_text(kind: str, text: str) -> None:
    attempt = await services.attempt(kind, message=samples.message(about=samples.hostile(text)))

    assert isinstance(attempt.outcome, Sent)
    if kind == "webhook":
        return  # a program gets the sender's text as it is (test_webhook.py has its limit)
    whole = said(attempt)
    assert len(whole) < 130_000
    if kind == "teams":
        # Places of ours where a long word may be broken; the sender's own are in short ones, too.
        assert "egnp.exe\u200b" not in whole
        whole = whole.replace("\u200b", "")
    for unwanted in "\u202e\u202c\u200b\x07\u2028\r":
        assert unwanted not in whole.replace("\r\n", "\n")
    for received in attempt.received:
        if received.headers["Content-Type"].startswith("application/json"):
            json.loads(received.body)


async def test_the_same_message_is_the_same_to_the_receiver_at_every_attempt(kind: str) -> None:
    """Receivers can drop a repeat: what identifies the message does not change."""

    def identity(attempt: services.Attempt) -> list[Any]:
        if kind == "email":
            return [message_from_bytes(mail)["Message-ID"] for _, _, mail in attempt.mails]
        if kind == "webhook":
            return [received.headers["webhook-id"] for received in attempt.received]
        if kind == "pagerduty":
            return [json.loads(received.body)["dedup_key"] for received in attempt.received]
        return [received.body for received in attempt.received]

    first = identity(await services.attempt(kind))
    second = identity(await services.attempt(kind, message=samples.message(attempt=2)))

    assert first == second != []
