"""Alertmanager's answers, as its clients read them: an object for what its schema refuses, a string for
what it refuses itself, and these headers on everything."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from tocsin.ingest.received_webhook import Declined
from tocsin.ingest.replies import Reply

HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"Accept, Authorization, Content-Type, Origin"),
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (b"access-control-expose-headers", b"Date"),
)
_JSON: Final = (b"content-type", b"application/json")
_AUTHENTICATE: Final = (b"www-authenticate", b'Basic realm="tocsin"')

_encode = msgspec.json.Encoder().encode


class Code:
    """Of go-openapi's errors; those from 600 on are sent as 422."""

    TYPE: Final = 601
    REQUIRED: Final = 602
    TOO_FEW: Final = 612


def ok(document: Any = None) -> Reply:
    """200 with a document, or with nothing."""
    if document is None:
        return Reply(200, HEADERS, b"")
    return Reply(200, (_JSON, *HEADERS), _encode(document))


def said(status: int, message: str) -> Reply:
    """A refusal that is a JSON string."""
    return Reply(status, (_JSON, *HEADERS), _encode(message))


def refused(status: int, message: str, code: int | None = None) -> Reply:
    """A refusal that is an object, as the schema's own are."""
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON, *HEADERS)
    if status == 401:
        headers = (*headers, _AUTHENTICATE)
    elif status == 503:
        headers = (*headers, (b"retry-after", b"2"))
    document = {"code": status if code is None else code, "message": message}
    return Reply(status, headers, _encode(document))


def not_found() -> Reply:
    return refused(404, "path was not found")


def not_allowed(method: str, *allowed: str) -> Reply:
    reply = refused(405, f"method {method} is not allowed, but [{','.join(allowed)}] are")
    return Reply(
        reply.status, (*reply.headers, (b"allow", ", ".join(allowed).encode())), reply.body
    )


def declined(answer: Declined) -> Reply:
    """What the road of webhooks declined."""
    if answer.problem == "invalid-payload":
        fault = answer.faults[0]
        where = "alerts" + fault["pointer"].replace("/", ".")
        if fault["code"] == "required":
            return refused(422, f"{where} in body is required", Code.REQUIRED)
        if fault["code"] == "invalid":
            return said(400, "; ".join(each["message"] for each in answer.faults))
        return refused(400, f'parsing alerts body from "", because {where}: {fault["message"]}')
    return refused(answer.status_code, answer.detail)


def time_text(at: datetime) -> str:
    """RFC 3339 with three decimals, as every one of its times has."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
