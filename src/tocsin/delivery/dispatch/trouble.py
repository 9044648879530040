"""Log lines about destinations in trouble, each with what to do about it.

What a line says of an attempt is what is on record: no URL and no secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import structlog

from tocsin.model import HoldReason
from tocsin.store.delivery_queue import Claimed, ExpiredMessage, HeldDestination

log = structlog.get_logger(__name__)

_REMEDIES = {
    "mail-not-set-up": "set TOCSIN_SMTP_URL and TOCSIN_MAIL_FROM and restart; its messages wait",
    "twilio-not-set-up": "set TOCSIN_TWILIO_URL and TOCSIN_TWILIO_FROM and restart, or give the "
    "destination an account of its own; its messages wait",
    "web-push-not-set-up": "start with the TOCSIN_SECRET_KEY that encrypted the key for Web Push; its "
    "messages wait",
    "address-blocked": "allow its network with TOCSIN_OUTBOUND_ALLOW and restart, or give the "
    "destination another URL; its messages wait",
    "secret-unreadable": "start with the TOCSIN_SECRET_KEY that encrypted it, or save the "
    "destination with its secrets again; its messages wait",
    "apprise-not-installed": "install the extra (pip install 'tocsin[apprise]') and restart; its "
    "messages wait",
    "channel-missing": "start a version that has this type of destination, or disable it; its "
    "messages wait",
    "configuration-invalid": "save the destination again; its messages wait",
}
_BY_REASON = {
    HoldReason.THROTTLED: "it asked to be sent less, and is left alone for as long as it asked; if "
    "that happens often, let fewer rules name it",
    HoldReason.FAILING: "it is probed at least once a minute, and its messages wait; what it says: "
    "tocsin destination test NAME",
    HoldReason.MISCONFIGURED: "fix it as its last error says; its messages wait",
}


def say_held(held: HeldDestination, code: str | None, said: str | None) -> None:
    """`code` and `said` are of the attempt that held it."""
    reason = HoldReason(held.reason)
    say = log.error if reason is HoldReason.MISCONFIGURED else log.warning
    say(
        "a destination is held, its messages wait",
        destination=held.name,
        workspace=held.workspace,
        destination_id=str(held.id),
        reason=reason.value,
        code=code,
        said=said,
        remedy=_REMEDIES.get(code or "", _BY_REASON[reason]),
    )


def say_given_up(claimed: Claimed, destination: str, code: str | None, said: str | None) -> None:
    log.error(
        "gave up a message",
        destination=destination,
        alert_delivery_id=str(claimed.id),
        alert_id=None if claimed.alert_id is None else str(claimed.alert_id),
        event_type=claimed.event_type,
        attempts=claimed.attempt_count,
        code=code,
        said=said,
        remedy=f"fix the destination, then: tocsin delivery retry {claimed.id}",
    )


def say_expired(expired: Iterable[ExpiredMessage]) -> None:
    """Of messages that waited for a day where nothing moved."""
    counts: dict[tuple[UUID, str], int] = {}
    for each in expired:
        key = each.alert_destination_id, each.name
        counts[key] = counts.get(key, 0) + 1
    for (id, name), count in counts.items():
        log.error(
            "gave up messages that waited for too long",
            destination=name,
            destination_id=str(id),
            count=count,
            remedy="fix the destination, then queue them again: tocsin delivery retry-failed",
        )


def say_disabled(destination: str, id: UUID, code: str, said: str) -> None:
    log.warning(
        "disabled a destination that is gone for good",
        destination=destination,
        destination_id=str(id),
        code=code,
        said=said,
        remedy="give it a new address, then: tocsin destination enable NAME",
    )
