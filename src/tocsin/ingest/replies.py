"""What a sender of a webhook is answered: always JSON, always whole, and sent here only."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from msgspec import Struct

from tocsin.ingest.received_webhook import Accepted, Declined, Webhook
from tocsin.model import Fault
from tocsin.problems import MEDIA_TYPE, problem_body

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
SendReply = Callable[[int, bytes, bytes], None]
"""Sends a status, header lines besides the length, and a body, all at once."""

PREFIX = "/webhooks/"

_JSON = ((b"content-type", b"application/json"),)
_JSON_LINES = b"content-type: application/json\r\n"
_PROBLEM = (b"content-type", MEDIA_TYPE.encode())
_IS_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_encode = msgspec.json.Encoder().encode


class Reply(Struct, frozen=True):
    """`headers` go beside the length."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    async def send(self, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status, "headers": self._headers()}
        )
        await send({"type": "http.response.body", "body": self.body})

    def hand_to(self, send: SendReply) -> None:
        if self.headers is _JSON:
            send(self.status, _JSON_LINES, self.body)
        else:
            send(self.status, b"".join([b"%b: %b\r\n" % each for each in self.headers]), self.body)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"content-length", b"%d" % len(self.body)), *self.headers]


def accepted(webhook: Webhook, answer: Accepted) -> Reply:
    alerts = [{"alert_id": _text(alert), "status": status} for alert, status in answer.alerts]
    body = _encode(
        {
            "delivery_id": _text(webhook.id),
            "status": answer.status,
            "alert_id": alerts[0]["alert_id"] if len(alerts) == 1 else None,
            "alerts": alerts,
        }
    )
    return Reply(answer.status_code, _JSON, body)


def declined(identifier: str, answer: Declined) -> Reply:
    """`identifier` is the part of the path where the integration's id belongs. The path may hold a
    secret, so nothing of it but an id is named."""
    body = problem_body(
        answer.problem,
        answer.detail,
        f"{PREFIX}{identifier if _IS_ID(identifier) else ''}",
        [Fault(**fault) for fault in answer.faults],
    )
    return Reply(answer.status_code, (_PROBLEM, *answer.headers), body)


def _text(id_bytes: bytes) -> str:
    digits = id_bytes.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
