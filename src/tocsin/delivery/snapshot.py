"""From the row to the message: what was planned, read back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.message import AlertView, Message, Named
from tocsin.model import AlertStatus, EventType, Severity
from tocsin.store.delivery_queue import Claimed


class PayloadError(Exception):
    """The stored payload is not one that this program wrote."""


def read_message(claimed: Claimed, *, workspace: Named, destination_name: str) -> Message:
    """`workspace` stands in where the payload names none.

    Raises:
        PayloadError: what is missing or wrong; it holds no value of the payload.
    """
    payload = claimed.payload
    try:
        return Message(
            id=claimed.id,
            event_type=EventType(claimed.event_type),
            created_at=claimed.created_at,
            attempt=claimed.attempt_count,
            workspace=_named(payload.get("workspace")) or workspace,
            tenant=_named(payload.get("tenant")),
            rule=_named(payload.get("rule")),
            alert=_alert(payload.get("alert")),
            destination_name=destination_name,
            actor=payload.get("actor"),
            note=payload.get("note"),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise PayloadError(f"the stored payload cannot be read ({type(error).__name__})") from None


def _named(document: Mapping[str, Any] | None) -> Named | None:
    if document is None:
        return None
    return Named(UUID(document["id"]), document["name"], document.get("slug"))


def _alert(document: Mapping[str, Any] | None) -> AlertView | None:
    if document is None:
        return None
    return AlertView(
        id=UUID(document["id"]),
        title=document["title"],
        description=document["description"],
        severity=Severity(document["severity"]),
        status=AlertStatus(document["status"]),
        source=document["source"],
        integration_id=UUID(document["integration_id"]),
        tenant_id=UUID(document["tenant_id"]),
        external_id=document["external_id"],
        triggered_at=datetime.fromisoformat(document["triggered_at"]),
        acknowledged_at=_time(document["acknowledged_at"]),
        resolved_at=_time(document["resolved_at"]),
        closed_at=_time(document["closed_at"]),
        labels=document["labels"],
        metadata=document["metadata"],
        occurrence_count=document["occurrence_count"],
        last_received_at=datetime.fromisoformat(document["last_received_at"]),
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
