"""Replaying a webhook that is on record: who may, and the line of it in the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.ingest.received_webhook import RefusalOutcome
from tocsin.model import Role
from tocsin.resources import recording
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import WebhookDelivery

NOBODY_KNOWS_WHO = "Nobody knows who sent this: it failed verification."


def was_rejected(delivery: WebhookDelivery) -> bool:
    """Whether nobody knows who sent it: then only an admin may do it again, and says so."""
    return delivery.outcome == RefusalOutcome.REJECTED


def may_replay(caller: Principal, delivery: WebhookDelivery, *, accept_unverified: bool) -> bool:
    return not was_rejected(delivery) or (accept_unverified and caller.role is Role.ADMIN)


def record_replay(
    session: DatabaseSession,
    caller: Principal,
    delivery: WebhookDelivery,
    answer: dict[str, Any],
    now: datetime,
) -> None:
    """`answer` is what became of it."""
    webhook_delivery_id: UUID = delivery.id
    recording.record(
        session,
        caller,
        "replayed",
        "webhook_delivery",
        webhook_delivery_id,
        now,
        after={
            "delivery_id": answer["delivery_id"],
            "status": answer["status"],
            "accept_unverified": was_rejected(delivery),
        },
    )
