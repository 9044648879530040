"""The requests of the push services, and what they answer.

ntfy: docs.ntfy.sh/publish (publish as JSON; action buttons; a sequence id makes a later message take the
place of an earlier one). Pushover: pushover.net/api and /api/receipts (priority 2 rings until somebody
acknowledges, or `expire`; the answer has a receipt). Web Push: RFC 8030, and what the push services of
browsers answer beyond it: 404 or 410 is a subscription that is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from tocsin.delivery.channels.kit import web_push
from tocsin.delivery.channels.kit.escape import cut
from tocsin.delivery.channels.kit.http import encode
from tocsin.delivery.channels.kit.loudness import Loudness
from tocsin.delivery.channels.kit.push_notice import PushNotice, cut_bytes
from tocsin.delivery.outbound import Answer

PUSHOVER = "https://api.pushover.net"
RETRY_SECONDS = 60
"""Between two rings of an emergency; Pushover takes 30 and more."""
WEB_PUSH_SECONDS = 3_600
"""How long a push service keeps a message for a browser that is away: later it would be no news."""

_NTFY_PRIORITIES = {
    Loudness.WAKES: 5,
    Loudness.HIGH: 4,
    Loudness.NORMAL: 3,
    # No sound, no vibration.
    Loudness.QUIET: 2,
}
_PUSHOVER_PRIORITIES = {
    Loudness.WAKES: 2,
    Loudness.HIGH: 1,
    Loudness.NORMAL: 0,
    # No sound.
    Loudness.QUIET: -1,
}
_URGENCIES = {
    Loudness.WAKES: "high",
    Loudness.HIGH: "high",
    Loudness.NORMAL: "normal",
    Loudness.QUIET: "low",
}
_SHORTER = (2_000, 1_500, 1_000, 500, 200)
"""Bytes of text, for a message to a browser."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Posting:
    """One request, ready to be sent."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def ntfy(topic_url: str, token: str | None, notice: PushNotice) -> Posting:
    base, _, topic = topic_url.rstrip("/").rpartition("/")
    actions: list[dict[str, Any]] = []
    if notice.acknowledge:
        actions.append(
            {
                "action": "http",
                "label": "Acknowledge",
                "url": notice.acknowledge,
                "method": "POST",
                "headers": dict(_FORM),
                "body": urlencode({"code": notice.code}),
                "clear": True,
            }
        )
    if notice.look is not None:
        actions.append({"action": "view", "label": notice.look.name, "url": notice.look.url})
    if notice.open:
        actions.append({"action": "view", "label": "Open", "url": notice.open})
    document: dict[str, Any] = {
        "topic": topic,
        "title": cut(notice.title, 250),
        "message": cut_bytes(notice.body, 1_500),
        "priority": _NTFY_PRIORITIES[notice.loudness],
        "tags": ["rotating_light"] if notice.loudness > Loudness.NORMAL else [],
        "sequence_id": notice.subject,
        "actions": actions,
    }
    if notice.open:
        document["click"] = notice.open
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return Posting(f"{base}/", encode(document), headers)


def is_published(answer: Answer) -> bool:
    """Whether ntfy has it: it answers with the message. A web page in its place does not."""
    return answer.status == 200 and isinstance(_document(answer).get("id"), str)


@dataclass(frozen=True, slots=True)
class PushoverAccount:
    base_url: str
    token: str = field(repr=False)
    user: str = field(repr=False)
    device: str | None = None
    expire_seconds: int = 3_600


def pushover(
    account: PushoverAccount, notice: PushNotice, at: datetime, callback: str | None
) -> Posting:
    fields: dict[str, Any] = {
        "token": account.token,
        "user": account.user,
        "title": cut(notice.title, 250),
        "message": cut(notice.body, 1_024),
        "priority": _PUSHOVER_PRIORITIES[notice.loudness],
        "timestamp": int(at.timestamp()),
    }
    if account.device:
        fields["device"] = account.device
    if notice.open is not None and len(notice.open) <= 512:
        fields |= {"url": notice.open, "url_title": "Open in Tocsin"}
    if notice.loudness is Loudness.WAKES:
        fields |= {"retry": RETRY_SECONDS, "expire": account.expire_seconds}
        if callback:
            fields["callback"] = callback
    return Posting(
        f"{account.base_url}/1/messages.json", urlencode(fields, errors="replace").encode(), _FORM
    )


def pushover_silence(account: PushoverAccount, receipt: str) -> Posting:
    """Stop what rings."""
    return Posting(
        f"{account.base_url}/1/receipts/{receipt}/cancel.json",
        urlencode({"token": account.token}).encode(),
        _FORM,
    )


def is_taken(answer: Answer) -> bool:
    return answer.status == 200 and _document(answer).get("status") == 1


def receipt_of(answer: Answer) -> str | None:
    receipt = _document(answer).get("receipt")
    if not isinstance(receipt, str) or len(receipt) > 64:
        return None
    return receipt if receipt.isascii() and receipt.isalnum() else None


_PUSHOVER_WORDS = {
    "token": "the application's token is not one of Pushover",
    "user": "the user key is not one of Pushover, or has no device",
    "device": "the device is not one of that user",
}


def pushover_refusal(answer: Answer) -> str:
    """Which of what was entered it does not take, by the names it gives back; not its words."""
    said = _document(answer)
    return next(
        (words for name, words in _PUSHOVER_WORDS.items() if name in said), "no reason given"
    )


def to_browser(
    endpoint: str,
    browser: web_push.Browser,
    key: web_push.VapidKey,
    subject: str,
    notice: PushNotice,
    at: datetime,
) -> Posting:
    return Posting(
        endpoint,
        web_push.encrypt(browser_payload(notice), browser),
        {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(WEB_PUSH_SECONDS),
            "Urgency": _URGENCIES[notice.loudness],
            # What waits for a browser that is away is replaced by what is said of it later.
            "Topic": web_push.encode(notice.subject.encode())[:32],
            "Authorization": key.authorization(endpoint, subject, at),
        },
    )


def browser_payload(notice: PushNotice) -> bytes:
    """What the console's service worker shows (docs/channels/push.md), as JSON."""
    actions: list[dict[str, str]] = []
    if notice.acknowledge and notice.code:
        actions.append(
            {
                "action": "acknowledge",
                "title": "Acknowledge",
                "url": notice.acknowledge,
                "code": notice.code,
            }
        )
    if notice.open:
        actions.append({"action": "open", "title": "Open", "url": notice.open})
    document: dict[str, Any] = {
        "id": str(notice.id),
        "tag": notice.subject,
        "title": cut_bytes(notice.title, 400),
        "body": "",
        "silent": notice.loudness is Loudness.QUIET,
        "requireInteraction": notice.loudness is Loudness.WAKES,
        "actions": actions,
    }
    for limit in _SHORTER:
        whole = _json(document | {"body": cut_bytes(notice.body, limit)})
        if len(whole) <= web_push.PAYLOAD_LIMIT:
            return whole
    return _json(document)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _document(answer: Answer) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
