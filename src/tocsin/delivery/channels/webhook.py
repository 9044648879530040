"""Webhook: a signed POST to a user's own receiver (Standard Webhooks 1.0.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate, Url
from tocsin.delivery.channels.kit.escape import cut
from tocsin.delivery.channels.kit.http import digest, encode, judge, unanswered
from tocsin.delivery.outbound import NoAnswer, shown
from tocsin.delivery.outcome import Outcome, Progress
from tocsin.message import Message
from tocsin.model import REDACTED

PREFIX = "whsec_"
BODY_LIMIT = 65_536
"""Bytes; beyond it an alert goes without its metadata and with a short description, and of several the
last ones do not go at all."""
_SHORT_DESCRIPTION = 1_000


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64, as the specification writes secrets."""
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` value: HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _is_secret(text: str) -> str:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise PydanticCustomError(
            "webhook-secret",
            "must be whsec_ and 24 to 64 bytes in base64; leave it out and one is made",
        )
    return text


class WebhookConfig(ChannelConfig):
    url: Url = Field(repr=False)
    secret: Annotated[str, AfterValidator(_is_secret)] = Field(
        default_factory=new_secret, repr=False
    )


class WebhookChannel:
    kind: ClassVar[str] = "webhook"
    config_model: ClassVar[type[ChannelConfig]] = WebhookConfig
    secret_fields: ClassVar = frozenset({"url", "secret"})
    # The receiver is the user's own: it says 429 if it is too much.
    rate: ClassVar = Rate(per_second=None, concurrency=16)

    def __init__(self, parts: Parts) -> None:
        self._outbound = parts.outbound

    @staticmethod
    def masked(config: WebhookConfig) -> dict[str, Any]:
        return {"url": shown(config.url), "secret": REDACTED}

    @staticmethod
    def bucket(config: WebhookConfig) -> str:
        return digest("webhook", config.url)

    async def send(
        self, message: Message, config: WebhookConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        body = render(message)
        headers = {**signed_headers(config.secret, message, body), **message.trace_headers}
        answer = await self._outbound.post(config.url, body, headers)
        if isinstance(answer, NoAnswer):
            return unanswered(message.destination_name, answer)
        return judge(message.destination_name, answer, message.at)


def signed_headers(secret: str, message: Message, body: bytes) -> dict[str, str]:
    """The id is the same at every attempt, so that the receiver can drop a repeat; time and
    signature are the attempt's, by the database's clock."""
    webhook_id, timestamp = str(message.id), int(message.at.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, webhook_id, timestamp, body),
    }


def render(message: Message) -> bytes:
    """The body. It is the same bytes at every attempt."""
    whole = message.document()
    body = encode(whole)
    alerts = [whole["alert"]] if whole["alert"] else whole.get("alerts", [])
    if len(body) <= BODY_LIMIT or not alerts:
        return body
    for alert in alerts:
        alert["metadata"] = {"shortened": True}
        alert["description"] = alert["description"] and cut(
            alert["description"], _SHORT_DESCRIPTION
        )
    body = encode(whole)
    if len(body) > BODY_LIMIT:
        for alert in alerts:
            alert["labels"] = {}
        body = encode(whole)
    while len(body) > BODY_LIMIT and len(alerts) > 1:
        whole["alerts"] = alerts = alerts[: len(alerts) // 2]
        whole["group"]["more"] = message.more_than(len(alerts))
        body = encode(whole)
    return body
