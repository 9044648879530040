"""ntfy, Pushover and Web Push; what is sent to a browser is opened by the library of its kind."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from py_vapid import Vapid02

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import web_push
from tocsin.delivery.channels.kit.loudness import Loudness, loudness
from tocsin.delivery.channels.push import PushChannel, PushConfig
from tocsin.delivery.channels.registry import ValidConfig, validate_config
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.message import Message
from tocsin.model import AlertStatus, EventType, Severity

TOPIC = "a-topic-that-nobody-guesses"
TOKEN, USER = "a" * 30, "u" * 30
NTFY = receivers.answer(200, '{"id": "sPs71M8A2T", "event": "message"}')
PUSHOVER = receivers.answer(200, '{"status": 1, "request": "r", "receipt": "rcpt0123456789"}')
KEY = web_push.VapidKey.of(web_push.VapidKey.new_secret())


class FakeBrowser:
    """What a browser keeps of a subscription, and how it opens a message."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"

    @property
    def keys(self) -> dict[str, str]:
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        return {
            "p256dh": urlsafe_b64encode(point).decode(),
            "auth": urlsafe_b64encode(self.auth).rstrip(b"=").decode(),
        }

    def open(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(
            body, private_key=self.private, auth_secret=self.auth, version="aes128gcm"
        )
        document: dict[str, Any] = json.loads(plain)
        return document


async def push(
    handler: receivers.Handler,
    service: str,
    message: Message | None = None,
    vapid: web_push.VapidKey | None = KEY,
    **config: Any,
) -> tuple[Outcome, list[receivers.Received]]:
    async with receivers.http(handler) as it, services.outbound() as out:
        url = f"{it.url}/{TOPIC}" if service == "ntfy" else f"{it.url}/push/v1/x"
        document = {"service": service, "url": it.url if service == "pushover" else url, **config}
        valid = validate_config("push", document)
        assert isinstance(valid, ValidConfig), valid

        async def key() -> web_push.VapidKey | None:
            return vapid

        parts = Parts(
            out, mail_from="Hub <hub@x.example>", callbacks="https://hub.example", vapid=key
        )
        outcome = await PushChannel(parts).send(
            message or samples.message(), valid.config, samples.links_for, {}
        )
        return outcome, it.received


async def test_ntfy_wakes_and_has_buttons() -> None:
    outcome, [request] = await push(NTFY, "ntfy", token="tk_0123456789")

    assert isinstance(outcome, Sent)
    assert request.path == "/"
    assert request.headers["Authorization"] == "Bearer tk_0123456789"
    assert json.loads(request.body) == {
        "topic": TOPIC,
        "title": "CRITICAL: Disk /var almost full on db1",
        "message": "prometheus-production, Acme Ltd\n"
        "97 % used, 1.2 GiB free.\nGrowing by 40 MiB an hour.",
        "priority": 5,
        "tags": ["rotating_light"],
        "sequence_id": samples.ALERT_ID.hex[-8:],
        "click": "https://hub.example/alerts/1",
        "actions": [
            {
                "action": "http",
                "label": "Acknowledge",
                "url": "https://hub.example/a/ack-7?x=1&y=2",
                "method": "POST",
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
                "body": "code=4821",
                "clear": True,
            },
            {"action": "view", "label": "Open", "url": "https://hub.example/alerts/1"},
        ],
    }


async def test_pushover_rings_until_somebody_acknowledges() -> None:
    outcome, [request] = await push(PUSHOVER, "pushover", token=TOKEN, user=USER, device="phone")

    assert isinstance(outcome, Sent)
    assert outcome.progress == {"ringing": "rcpt0123456789"}
    assert request.path == "/1/messages.json"
    fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert fields == {
        "token": TOKEN,
        "user": USER,
        "device": "phone",
        "title": "CRITICAL: Disk /var almost full on db1",
        "message": "prometheus-production, Acme Ltd\n"
        "97 % used, 1.2 GiB free.\nGrowing by 40 MiB an hour.",
        "priority": "2",
        "retry": "60",
        "expire": "3600",
        "timestamp": str(int(samples.AT.timestamp())),
        "url": "https://hub.example/alerts/1",
        "url_title": "Open in Tocsin",
        "callback": f"https://hub.example/callbacks/pushover/{samples.DELIVERY_ID}"
        "/ack-7%3Fx%3D1%26y%3D2/4821",
    }


async def test_pushover_is_called_off_by_its_receipt() -> None:
    async with (
        receivers.http(receivers.answer(200, '{"status": 1}')) as it,
        services.outbound() as out,
    ):
        config = PushConfig(service="pushover", url=it.url, token=TOKEN, user=USER)
        channel = PushChannel(Parts(out))
        assert await channel.call_off(config, {"ringing": "rcpt1"})
        assert it.received[0].path == "/1/receipts/rcpt1/cancel.json"
        assert parse_qs(it.received[0].body.decode()) == {"token": [TOKEN]}
        assert await channel.call_off(config, {})
        assert len(it.received) == 1
    for status, is_done in ((404, True), (400, True), (429, False), (503, False)):
        async with receivers.http(receivers.answer(status)) as it, services.outbound() as out:
            config = PushConfig(service="pushover", url=it.url, token=TOKEN, user=USER)
            assert await PushChannel(Parts(out)).call_off(config, {"ringing": "r"}) is is_done


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"status":0,"user":"invalid","errors":["x"]}', "the user key"),
        ('{"status":0,"token":"invalid"}', "the application's token"),
        ("<html>", "no reason"),
    ],
)
async def test_pushover_says_what_of_a_config_is_wrong(body: str, says: str) -> None:
    outcome, _ = await push(receivers.answer(400, body), "pushover", token=TOKEN, user=USER)

    assert isinstance(outcome, Failed)
    assert says in outcome.message


async def test_a_browser_can_read_what_is_sent_to_it() -> None:
    browser = FakeBrowser()
    outcome, [request] = await push(receivers.answer(201), "web", **browser.keys)

    assert isinstance(outcome, Sent)
    assert outcome.confirmed is False
    assert request.headers["Content-Encoding"] == "aes128gcm"
    assert request.headers["Urgency"] == "high"
    assert request.headers["TTL"] == "3600"
    assert len(request.headers["Topic"]) <= 32
    assert browser.open(request.body) == {
        "id": str(samples.DELIVERY_ID),
        "tag": samples.ALERT_ID.hex[-8:],
        "title": "CRITICAL: Disk /var almost full on db1",
        "body": "prometheus-production, Acme Ltd\n"
        "97 % used, 1.2 GiB free.\nGrowing by 40 MiB an hour.",
        "silent": False,
        "requireInteraction": True,
        "actions": [
            {
                "action": "acknowledge",
                "title": "Acknowledge",
                "url": "https://hub.example/a/ack-7?x=1&y=2",
                "code": "4821",
            },
            {"action": "open", "title": "Open", "url": "https://hub.example/alerts/1"},
        ],
    }


async def test_who_sends_is_proved_as_the_push_service_checks_it() -> None:
    _, [request] = await push(receivers.answer(201), "web", **FakeBrowser().keys)

    authorization = request.headers["Authorization"]
    assert Vapid02.verify(authorization)
    token, key = authorization.removeprefix("vapid t=").split(",k=")
    assert key == KEY.public
    claims = json.loads(web_push.decode(token.split(".")[1]))
    assert claims["aud"] == f"http://{request.headers['Host']}"
    assert claims["sub"] == "mailto:hub@x.example"
    assert claims["exp"] <= int((samples.AT + timedelta(hours=24)).timestamp())
    head, body, signature = token.split(".")
    assert not Vapid02.verify(f"vapid t={head}.{body}.{signature[::-1]},k={key}")


@given(st.binary(max_size=3_000))
def test_every_message_opens_again(plain: bytes) -> None:
    browser = FakeBrowser()
    keys = browser.keys
    body = web_push.encrypt(plain, web_push.Browser.of(keys["p256dh"], keys["auth"]))

    opened = http_ece.decrypt(
        body, private_key=browser.private, auth_secret=browser.auth, version="aes128gcm"
    )

    assert opened == plain
    assert len(body) <= 4_096


@pytest.mark.parametrize("text", [samples.HOSTILE, samples.HUGE, "火" * 5_000, '"\\' * 3_000])
async def test_the_worst_fits_and_stays_text(text: str) -> None:
    browser = FakeBrowser()
    message = samples.message(about=samples.hostile(text))
    _, [web] = await push(receivers.answer(201), "web", message, **browser.keys)
    _, [ntfy] = await push(NTFY, "ntfy", message)
    _, [pushover] = await push(PUSHOVER, "pushover", message, token=TOKEN, user=USER)

    assert len(web.body) <= 4_096
    assert browser.open(web.body)["actions"][0]["code"] == "4821"
    assert len(json.loads(ntfy.body)["message"].encode()) <= 4_096
    fields = parse_qs(pushover.body.decode())
    assert len(fields["message"][0]) <= 1_024
    assert len(fields["title"][0]) <= 250


@pytest.mark.parametrize(
    ("status", "outcome", "disables"),
    [
        (404, Failed, True),
        (410, Failed, True),
        (403, Failed, False),
        (413, Failed, False),
        (429, Retry, False),
        (500, Retry, False),
    ],
)
async def test_what_push_services_answer(status: int, outcome: type, disables: bool) -> None:
    got, _ = await push(receivers.answer(status), "web", **FakeBrowser().keys)

    assert isinstance(got, outcome)
    assert getattr(got, "disables_destination", False) is disables


async def test_without_its_key_web_push_waits() -> None:
    got, received = await push(receivers.answer(201), "web", vapid=None, **FakeBrowser().keys)

    assert isinstance(got, Retry)
    assert got.standing is Standing.MISCONFIGURED
    assert received == []


@pytest.mark.parametrize("service", ["ntfy", "pushover"])
async def test_a_web_page_is_no_answer_of_a_push_service(service: str) -> None:
    more = {} if service == "ntfy" else {"token": TOKEN, "user": USER}
    for body in ("<html>", "[" * 4_000, "[]"):
        outcome, _ = await push(receivers.answer(200, body), service, **more)
        assert isinstance(outcome, Retry)
        assert outcome.code == "answer-unexpected"


QUIET = [
    samples.message(EventType.RESOLVED),
    samples.message(EventType.CLOSED, samples.alert(status=AlertStatus.CLOSED)),
    samples.message(EventType.ACKNOWLEDGED, samples.alert(status=AlertStatus.ACKNOWLEDGED)),
    samples.message(EventType.SETTLED, samples.alert(status=AlertStatus.RESOLVED)),
    samples.message(EventType.TRIGGERED, samples.alert(status=AlertStatus.RESOLVED)),
    samples.several([samples.alert(status=AlertStatus.RESOLVED)] * 2),
    samples.several([samples.alert(status=AlertStatus.ACKNOWLEDGED)] * 2),
]


@pytest.mark.parametrize("message", QUIET, ids=range(len(QUIET)))
async def test_what_is_over_never_makes_a_sound(message: Message) -> None:
    browser = FakeBrowser()
    _, [ntfy] = await push(NTFY, "ntfy", message)
    _, [pushover] = await push(PUSHOVER, "pushover", message, token=TOKEN, user=USER)
    outcome, [web] = await push(receivers.answer(201), "web", message, **browser.keys)

    assert json.loads(ntfy.body)["priority"] == 2
    assert parse_qs(pushover.body.decode())["priority"] == ["-1"]
    assert b"retry" not in pushover.body
    assert browser.open(web.body)["silent"] is True
    assert web.headers["Urgency"] == "low"
    assert isinstance(outcome, Sent)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (Severity.CRITICAL, Loudness.WAKES),
        (Severity.HIGH, Loudness.WAKES),
        (Severity.MEDIUM, Loudness.HIGH),
        (Severity.LOW, Loudness.NORMAL),
        (Severity.INFO, Loudness.NORMAL),
    ],
)
def test_what_is_open_is_as_loud_as_it_is_severe(severity: Severity, expected: Loudness) -> None:
    about = samples.alert(severity=severity)
    assert loudness(samples.message(about=about)) is expected
    assert loudness(samples.message(EventType.REMINDER, about)) is expected
    assert loudness(samples.several([about], severity=severity)) is expected
    assert loudness(samples.message(EventType.TEST)) is Loudness.NORMAL


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"service": "ntfy"}, "needs url"),
        ({"service": "ntfy", "url": "https://ntfy.sh/"}, "must end in the topic"),
        ({"service": "ntfy", "url": "https://ntfy.sh/a/b"}, "must end in the topic"),
        ({"service": "ntfy", "url": "https://ntfy.sh/a", "user": USER}, "does not take"),
        ({"service": "pushover", "token": TOKEN}, "needs user"),
        ({"service": "web", "url": "https://x.example/1"}, "needs p256dh, auth"),
        (
            {"service": "web", "url": "https://x.example/1", "p256dh": "AAAA", "auth": "AAAA"},
            "as the browser gave them",
        ),
    ],
)
def test_what_is_missing_is_said(document: dict[str, Any], says: str) -> None:
    faults = validate_config("push", document)

    assert isinstance(faults, list)
    assert says in faults[0].message


def test_a_kept_token_goes_to_no_other_server() -> None:
    first = validate_config(
        "push", {"service": "ntfy", "url": "https://a.example/t", "token": TOKEN}
    )
    assert isinstance(first, ValidConfig)
    moved = {"service": "ntfy", "url": "https://b.example/t", "token": "[redacted]"}

    faults = validate_config("push", moved, stored=first.config)

    assert isinstance(faults, list)
    assert faults[0].pointer == "/token"


def test_a_secret_of_the_key_is_not_shown() -> None:
    assert "private" not in repr(KEY)
    assert UUID(int=0) != KEY


@pytest.mark.parametrize("service", ["pushover", "web"])
@pytest.mark.parametrize(
    ("handler", "outcome", "standing"),
    [
        (receivers.answer(429, Retry_After="7"), Retry, Standing.THROTTLED),
        (receivers.answer(503), Retry, Standing.FAILING),
        (receivers.answer(302, Location="/elsewhere"), Failed, None),
        (receivers.answer(403, f"no {TOKEN}"), Failed, None),
    ],
)
async def test_faults_of_a_service_are_told_apart(
    service: str, handler: receivers.Handler, outcome: type, standing: Standing | None
) -> None:
    more = FakeBrowser().keys if service == "web" else {"token": TOKEN, "user": USER}
    got, received = await push(handler, service, **more)

    assert isinstance(got, outcome)
    assert getattr(got, "standing", None) is standing
    assert len(received) == 1
    for secret in (TOKEN, USER, "127.0.0.1", "push/v1"):
        assert secret not in repr(got)
    if standing is Standing.THROTTLED:
        assert isinstance(got, Retry)
        assert got.retry_after == 7.0
