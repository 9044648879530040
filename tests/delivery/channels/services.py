"""Every kind of channel, each with a service behind it that behaves as a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from tests.delivery.channels import samples
from tests.support import certificates, receivers
from tocsin.delivery.channels.base import Channel, Parts
from tocsin.delivery.channels.pagerduty import PagerDutyChannel
from tocsin.delivery.channels.registry import CHANNELS, ValidConfig, validate_config
from tocsin.delivery.outbound import AddressPolicy, Outbound
from tocsin.delivery.outcome import Outcome
from tocsin.message import Message
from tocsin.model import Secret
from tocsin.settings import SmtpServer

SECRET = "S3CR3Tpath0123456789abcdefABCDEF"  # 32 letters and digits, as a routing key has
SECONDS, DATE = 7.0, "Sat, 21 Nov 2026 20:59:45 GMT"  # the date is 90 s after `samples.AT`

# How a service behaves; each channel gives its outcome (test_channels.py).
BEHAVIOURS = (
    "ok",
    "refused",
    "throttled",
    "throttled-date",
    "broken",
    "silent",
    "garbage",
    "redirect",
    "nobody",
    "wrong-certificate",
)
ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
TWILIO = {"account_sid": ACCOUNT_SID, "auth_token": SECRET, "sender": "+15550100000"}
_SUCCESS: Mapping[str, receivers.Handler] = {
    "webhook": receivers.answer(204),
    "teams": receivers.answer(202),
    "slack": receivers.answer(200, "ok"),
    "pagerduty": receivers.answer(
        202, '{"status":"success","message":"Event processed","dedup_key":"k"}'
    ),
    "apprise": receivers.answer(200),
    "sms": receivers.answer(201, '{"sid": "SM0123456789abcdef", "status": "queued"}'),
    "push": receivers.answer(200, '{"id": "sPs71M8A2T", "event": "message"}'),
    "voice": receivers.answer(201, '{"sid": "CA0123456789abcdef", "status": "queued"}'),
}


@dataclass
class Attempt:
    outcome: Outcome
    received: list[receivers.Received]
    mails: list[tuple[str, str, bytes]]
    port: int


def document(kind: str, base: str, **more: Any) -> dict[str, Any]:
    """A config whose secrets hold `SECRET`."""
    documents: Mapping[str, dict[str, Any]] = {
        "webhook": {"url": f"{base}/hook/{SECRET}?sig={SECRET}"},
        "teams": {"url": f"{base}/workflows/x?api-version=1&sig={SECRET}"},
        "slack": {"url": f"{base}/services/T0/B0/{SECRET}"},
        "email": {"recipients": ["ada@example.com"]},
        "pagerduty": {"routing_key": SECRET},
        "apprise": {"urls": [base.replace("http", "json", 1) + f"/{SECRET}?+X-Token={SECRET}"]},
        "push": {"service": "ntfy", "url": f"{base}/{SECRET}", "token": SECRET},
        "voice": {"to": "+15550100001", "base_url": base, **TWILIO},
        "sms": {"to": "+15550100001", "base_url": base, **TWILIO},
    }
    return {**documents[kind], **more}


def config(kind: str, base: str, **more: Any) -> Any:
    valid = validate_config(kind, document(kind, base, **more))
    assert isinstance(valid, ValidConfig), valid
    return valid.config


def make(kind: str, outbound: Outbound, base: str, port: int) -> Channel:
    parts = Parts(
        outbound=outbound,
        smtp=SmtpServer("127.0.0.1", port, False, True, None, None),
        mail_from="hub@hub.example",
        callbacks="https://hub.example",
        tls=certificates.client(),
    )
    if kind == "pagerduty":
        return PagerDutyChannel(parts, {"us": f"{base}/v2/enqueue"})
    return CHANNELS[kind](parts)


def outbound(timeout: float = 15.0) -> Outbound:
    policy = AddressPolicy.of([ip_network("127.0.0.0/8")])
    return Outbound(policy, timeout=timeout, ssl_context=certificates.client())


async def attempt(
    kind: str,
    behaviour: str = "ok",
    message: Message | None = None,
    progress: Mapping[str, Any] | None = None,
    **more: Any,
) -> Attempt:
    """Send one message to a service that behaves so."""
    serve = _mail if kind == "email" else _web
    async with (
        serve(kind, behaviour) as (base, port, received, mails),
        outbound(0.3 if behaviour == "silent" else 15.0) as out,
    ):
        channel = make(kind, out, base, port)
        if behaviour == "wrong-certificate" and kind == "email":
            channel._server = SmtpServer(  # type: ignore[attr-defined]
                "127.0.0.1", port, True, False, "hub", Secret(SECRET)
            )
        outcome = await channel.send(
            message or samples.message(),
            config(kind, base, **more),
            samples.links_for,
            progress or {},
        )
        return Attempt(outcome, received, mails, port)


Served = tuple[str, int, list[receivers.Received], list[tuple[str, str, bytes]]]


@asynccontextmanager
async def _web(kind: str, behaviour: str) -> AsyncIterator[Served]:
    success = _SUCCESS.get(kind, receivers.answer())
    handlers = {
        "ok": success,
        "refused": receivers.answer(400, f"no {SECRET}"),
        "throttled": receivers.answer(429, Retry_After=f"{SECONDS:g}"),
        "throttled-date": receivers.answer(429, Retry_After=DATE),
        "broken": receivers.answer(503, "<html>down</html>"),
        "redirect": receivers.answer(302, Location="/elsewhere"),
        "wrong-certificate": success,
    }
    if handler := handlers.get(behaviour):
        tls = certificates.server("other.test") if behaviour == "wrong-certificate" else None
        async with receivers.http(handler, tls=tls) as receiver:
            yield receiver.url, receiver.port, receiver.received, []
        return
    source = {
        "silent": lambda: receivers.raw(None),
        "garbage": lambda: receivers.raw(b"\x00\xff what is this\r\n\r\n", greets=kind == "email"),
        "nobody": receivers.nobody,
    }[behaviour]
    async with source() as port:
        yield f"http://127.0.0.1:{port}", port, [], []


@asynccontextmanager
async def _mail(kind: str, behaviour: str) -> AsyncIterator[Served]:
    replies = {
        "ok": "",
        "refused": "550 5.1.1 no such user",
        "throttled": "451 4.7.1 greylisted, come back later",
        "throttled-date": "450 4.7.1 greylisted, come back later",
        "broken": "421 4.3.2 shutting down",
        "redirect": "551 5.1.6 user not local; please try <evil@elsewhere.example>",
    }
    if (reply := replies.get(behaviour)) is not None:
        mailbox = receivers.Mailbox(refusals={"ada@example.com": reply} if reply else {})
        async with receivers.smtp(mailbox) as port:
            yield "", port, [], mailbox.taken
        return
    if behaviour == "wrong-certificate":
        mailbox = receivers.Mailbox()
        async with receivers.smtp(mailbox, implicit=certificates.server("other.test")) as port:
            yield "", port, [], mailbox.taken
        return
    async with _web(kind, behaviour) as served:
        yield served
