"""Members of workspaces as those who page them need them: contact methods, rules, quiet hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import AlertDestination, Membership, NotificationRule, User


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A member of one workspace. `contact_methods` are rows of `id, type, name, is_enabled,
    verified_at`, oldest first; `notification_rules` of `urgency, delay_seconds, contact_method_id`, in
    their order."""

    id: UUID
    workspace_id: UUID
    name: str
    email: str
    timezone: str
    is_active: bool
    role: str
    quiet_hours: list[dict[str, Any]] | None
    shift_notices: dict[str, Any] | None = None
    contact_methods: list[Any] = field(default_factory=list)
    notification_rules: list[Any] = field(default_factory=list)


async def load_people(
    session: DatabaseSession | AsyncConnection, workspace_id: UUID, user_ids: Collection[UUID]
) -> Mapping[UUID, PersonRow]:
    """Those of these users that are members of the workspace, disabled ones too, by their id."""
    ids = list(user_ids)
    found = await _load(
        session,
        members=(Membership.workspace_id == workspace_id) & Membership.user_id.in_(ids),
        methods=(AlertDestination.workspace_id == workspace_id) & AlertDestination.user_id.in_(ids),
        rules=(NotificationRule.workspace_id == workspace_id) & NotificationRule.user_id.in_(ids),
    )
    return found.get(workspace_id, {})


async def load_all_people(
    session: DatabaseSession | AsyncConnection,
) -> Mapping[UUID, Mapping[UUID, PersonRow]]:
    """Every member of every workspace: by workspace, then by user."""
    return await _load(
        session,
        members=true(),
        methods=AlertDestination.user_id.is_not(None),
        rules=true(),
    )


async def _load(
    session: DatabaseSession | AsyncConnection,
    *,
    members: ColumnElement[bool],
    methods: ColumnElement[bool],
    rules: ColumnElement[bool],
) -> dict[UUID, dict[UUID, PersonRow]]:
    found: dict[UUID, dict[UUID, PersonRow]] = {}
    users = (
        select(
            User.id,
            Membership.workspace_id,
            User.name,
            User.email,
            User.timezone,
            User.is_active,
            Membership.role,
            User.quiet_hours,
            User.shift_notices,
        )
        .join(Membership, Membership.user_id == User.id)
        .where(members, User.deleted_at.is_(None))
    )
    for row in await session.execute(users):
        found.setdefault(row.workspace_id, {})[row.id] = PersonRow(*row)
    table = AlertDestination
    contact_methods = (
        select(
            table.workspace_id,
            table.user_id,
            table.id,
            table.type,
            table.name,
            table.is_enabled,
            table.verified_at,
        )
        .where(methods, table.deleted_at.is_(None))
        .order_by(table.id)
    )
    for row in await session.execute(contact_methods):
        if person := found.get(row.workspace_id, {}).get(row.user_id):
            person.contact_methods.append(row)
    notification_rules = (
        select(
            NotificationRule.workspace_id,
            NotificationRule.user_id,
            NotificationRule.urgency,
            NotificationRule.delay_seconds,
            NotificationRule.contact_method_id,
            NotificationRule.says_end,
        )
        .where(rules)
        .order_by(NotificationRule.urgency, NotificationRule.position)
    )
    for row in await session.execute(notification_rules):
        if person := found.get(row.workspace_id, {}).get(row.user_id):
            person.notification_rules.append(row)
    return found
