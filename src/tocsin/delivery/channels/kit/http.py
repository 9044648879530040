"""What the channels over HTTP share: posting JSON, and what an answer means for the next attempt.

Nothing of an answer's text is repeated here: it would let people who configure
destinations read what is behind the guard. A channel whose service is known picks out what it knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from tocsin.delivery.outbound import Answer, NoAnswer
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing

LONGEST_WAIT = 3_600.0
"""Seconds; a service that asks for more is asked again after this long all the same."""

# 409 and 425 are how a receiver says that it is still busy with the first try.
_TRY_AGAIN = frozenset({408, 409, 425, 429})


def encode(document: Any) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 cannot hold, becomes `?`."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        pass
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def digest(*parts: str) -> str:
    """A name for a secret that gives nothing away: what shares a URL shares its rate."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from 1 to `LONGEST_WAIT` that the answer asks for: a number or an HTTP date
    (RFC 9110, section 10.2.3). None if it asks for nothing or nonsense."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        # "-0000" and a missing zone parse as naive; HTTP dates are always GMT.
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    if seconds != seconds:  # NaN compares unequal to itself
        return None
    return min(max(seconds, 1.0), LONGEST_WAIT)


def unanswered(name: str, answer: NoAnswer) -> Outcome:
    """The outcome where no answer came."""
    message = f"{name} {answer.message}."
    if answer.is_blocked:
        return Retry(answer.code, message, standing=Standing.MISCONFIGURED)
    if answer.permanent:
        return Failed(answer.code, message)
    return Retry(answer.code, message)


def judge(name: str, answer: Answer, now: datetime) -> Outcome:
    """What a status means where the service has no say of its own."""
    status = answer.status
    if 200 <= status < 300:
        return Sent(status)
    if 300 <= status < 400:
        return Failed(
            "redirected",
            f"{name} answered with a redirect ({status}), which is never followed; enter the "
            "address that it leads to.",
            status,
        )
    wait = retry_after(answer.headers, now)
    if status == 429:
        return Retry(
            "throttled",
            f"{name} asked to be sent less (429).",
            status,
            retry_after=wait,
            standing=Standing.THROTTLED,
        )
    if status in _TRY_AGAIN or status >= 500:
        return Retry(
            "server-error" if status >= 500 else "busy",
            f"{name} answered {status}; it will be tried again.",
            status,
            retry_after=wait,
            # 503 with a time is a service that says when it will be back, to everyone.
            standing=Standing.THROTTLED if status == 503 and wait else Standing.FAILING,
        )
    if status == 410:
        return Failed("gone", f"{name} is gone (410).", status, disables_destination=True)
    if status in (401, 403):
        return Failed("unauthorized", f"{name} refused our credentials ({status}).", status)
    return Failed("refused", f"{name} refused the message ({status}).", status)
