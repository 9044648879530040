from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import canonicalize

import pytest
from twilio.twiml.voice_response import Gather, VoiceResponse

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import twiml
from tocsin.delivery.channels.registry import validate_config
from tocsin.delivery.channels.voice import VoiceChannel, VoiceConfig
from tocsin.delivery.outcome import Retry, Sent, Standing
from tocsin.message import Changes, Message
from tocsin.model import AlertStatus, EventType, Secret
from tocsin.settings import TwilioAccount

PLACE = f"https://hub.example/callbacks/twilio/voice/{samples.DELIVERY_ID}"


async def call(
    message: Message | None = None, callbacks: str | None = "https://hub.example", **config: Any
) -> dict[str, str]:
    taken = receivers.answer(201, '{"sid": "CA1", "status": "queued"}')
    async with receivers.http(taken) as it, services.outbound() as out:
        outcome = await VoiceChannel(Parts(out, callbacks=callbacks)).send(
            message or samples.message(),
            VoiceConfig(to="+15550100001", base_url=it.url, **services.TWILIO, **config),
            samples.links_for,
            {},
        )
        assert isinstance(outcome, Sent)
        assert outcome.confirmed is False
        [request] = it.received
        assert request.path == f"/2010-04-01/Accounts/{services.ACCOUNT_SID}/Calls.json"
        return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def as_twilio_writes(said: str, choices: str) -> str:
    response = VoiceResponse()
    gather = Gather(action=PLACE, input="dtmf", method="POST", num_digits=1, timeout=10)
    for pause in (True, False):
        gather.say(said, language="en-US")
        gather.say(choices, language="en-US")
        if pause:
            gather.pause(length=2)
    response.append(gather)
    response.say("No key was pressed. Goodbye.", language="en-US")
    response.hangup()
    return canonicalize(str(response))


async def test_it_reads_severity_and_title_and_asks_for_a_key() -> None:
    form = await call()

    assert (form["To"], form["From"]) == ("+15550100001", "+15550100000")
    assert form["Timeout"] == "30"
    assert form["StatusCallback"] == f"{PLACE}/ended"
    assert canonicalize(form["Twiml"]) == as_twilio_writes(
        "Tocsin. CRITICAL: Disk /var almost full on db1. prometheus-production, Acme Ltd.",
        "Press 4 to acknowledge, 6 to escalate, 8 to resolve.",
    )


async def test_a_test_asks_to_be_confirmed() -> None:
    form = await call(samples.message(EventType.TEST))

    assert "Tocsin can reach on-call" in form["Twiml"]
    assert "Press 4 to confirm that you hear this." in form["Twiml"]


async def test_what_is_acknowledged_can_be_resolved_and_what_is_over_asks_for_nothing() -> None:
    about = samples.alert(status=AlertStatus.ACKNOWLEDGED)
    acknowledged = await call(samples.message(EventType.ACKNOWLEDGED, about))
    over = await call(samples.message(EventType.RESOLVED))

    assert "Press 8 to resolve." in acknowledged["Twiml"]
    assert "Press" not in over["Twiml"]
    assert "Gather" not in over["Twiml"]


async def test_without_a_public_url_it_only_speaks() -> None:
    form = await call(callbacks=None)

    assert "Gather" not in form["Twiml"]
    assert "StatusCallback" not in form


async def test_a_code_is_read_digit_by_digit() -> None:
    form = await call(samples.message(note="Your code is 042137."))

    assert "Your code is 0, 4, 2, 1, 3, 7." in form["Twiml"]


@pytest.mark.parametrize("text", [samples.HOSTILE, samples.HUGE, "&" * 5_000, "<\x01\uffff>" * 400])
async def test_the_worst_title_is_still_twiml(text: str) -> None:
    alerts = [samples.hostile(text) for _ in range(12)]
    for message in (samples.message(about=alerts[0]), samples.several(alerts)):
        form = await call(message)
        assert len(form["Twiml"]) <= twiml.LIMIT
        canonicalize(form["Twiml"])


async def test_the_installations_messaging_service_cannot_call() -> None:
    account = TwilioAccount("https://x.example", services.ACCOUNT_SID, Secret("x"), "MG" + "0" * 32)
    async with services.outbound() as out:
        outcome = await VoiceChannel(Parts(out, twilio=account)).send(
            samples.message(), VoiceConfig(to="+15550100001"), samples.links_for, {}
        )

    assert isinstance(outcome, Retry)
    assert outcome.standing is Standing.MISCONFIGURED


def test_calls_come_from_a_number() -> None:
    document = {**services.document("voice", "https://api.example"), "sender": "MG" + "0" * 32}
    faults = validate_config("voice", document)

    assert isinstance(faults, list)
    assert [fault.pointer for fault in faults] == ["/sender"]


async def test_pages_in_one_call_are_counted_and_a_key_is_for_those_listed() -> None:
    alerts = [samples.alert(title=f"Disk {number} is full") for number in range(10)]
    pages = samples.several(
        alerts,
        event_type=EventType.PAGES,
        title="14 alerts, 12 critical",
        changes=Changes(new=14, open=14),
        more=4,
    )

    said = (await call(pages))["Twiml"]

    assert "CRITICAL: 14 alerts, 12 critical." in said
    assert "Press 4 to acknowledge the first 10, 6 to escalate" in said
    few = (await call(samples.several(alerts[:3], event_type=EventType.PAGES)))["Twiml"]
    assert "Press 4 to acknowledge all, 6 to escalate" in few
