"""The audit log: who did what to which object, written in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tocsin.model import Actor, uuid7
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page, within
from tocsin.store.tables import AuditEvent


def record(
    session: DatabaseSession,
    *,
    workspace_id: UUID,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: UUID | None,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Adds one row to the session's transaction.

    `action` is a verb in the past (`created`, `updated`, `rotated-secret`), `object_type` the
    resource's name in the singular (`integration`). `before` and `after` must be JSON documents
    that hold no secret: what the API would answer never does.
    """
    session.add(
        AuditEvent(
            id=uuid7(),
            workspace_id=workspace_id,
            at=now,
            actor=actor.document(),
            action=action,
            object_type=object_type,
            object_id=object_id,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
        )
    )


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two states of one object, as it was and as it is."""
    names = [name for name in after if before.get(name) != after[name] and name != "updated_at"]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


async def page_of_audit_events(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    object_type: str | None,
    object_id: UUID | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
) -> RowPage[AuditEvent]:
    statement = select(AuditEvent).where(
        AuditEvent.workspace_id == workspace_id,
        *equal(
            (AuditEvent.object_type, object_type),
            (AuditEvent.object_id, object_id),
            (AuditEvent.action, action),
        ),
        *within(AuditEvent.at, since, until),
    )
    return await fetch_page(
        session, statement, request, key=AuditEvent.id, list_name="audit-events"
    )
