"""Single rows of a workspace: looked up, added, written, deleted. What belongs to another workspace,
or was deleted, does not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, inspect, select
from sqlalchemy.exc import IntegrityError

from tocsin.model import REDACTED
from tocsin.store.database import DatabaseSession
from tocsin.store.deletion import mark_deleted
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDestination,
    AlertRule,
    ApiKey,
    Base,
    BulkAction,
    CalendarFeed,
    Heartbeat,
    Integration,
    IntegrationToken,
    Invitation,
    ShiftSwap,
    StoredInhibitionRule,
    StoredOverride,
    StoredPolicy,
    StoredSchedule,
    StoredSilence,
    StoredWindow,
    Tenant,
)
from tocsin.store.tables.base import Deletable

OwnedRow = TypeVar(
    "OwnedRow",
    Alert,
    AlertDelivery,
    AlertDestination,
    AlertRule,
    ApiKey,
    BulkAction,
    CalendarFeed,
    Heartbeat,
    Integration,
    IntegrationToken,
    ShiftSwap,
    Invitation,
    StoredInhibitionRule,
    StoredOverride,
    StoredPolicy,
    StoredSchedule,
    StoredSilence,
    StoredWindow,
    Tenant,
)


class NameTaken(Exception):
    """Another row of this kind has the same value in `field`: `name`, `slug`, or a token."""

    def __init__(self, kind: str, field: str, value: str) -> None:
        super().__init__(f"another {kind} has the {field} {value!r}")
        self.kind = kind
        self.field = field
        self.value = value


def called(table: type[Base]) -> str:
    """As people say it: `alert_rules` holds alert rules, each an alert rule."""
    if table is ApiKey:
        return "API key"
    name: str = table.__tablename__
    singular = name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
    return singular.replace("_", " ")


async def find(
    session: DatabaseSession,
    table: type[OwnedRow],
    workspace_id: UUID,
    row_id: UUID,
    *,
    lock: bool = False,
) -> OwnedRow | None:
    """The row of this id, if it is of the workspace; with `lock` it is locked until the commit."""
    statement = select(table).where(table.id == row_id, *_present(table, workspace_id))
    return await session.scalar(statement.with_for_update() if lock else statement)


async def known_ids(
    session: DatabaseSession, table: type[OwnedRow], workspace_id: UUID, ids: Collection[UUID]
) -> set[UUID]:
    """Those of the ids that name rows of the workspace."""
    found = await session.scalars(
        select(table.id).where(*_present(table, workspace_id), table.id.in_(ids))
    )
    return set(found)


def _present(table: type[OwnedRow], workspace_id: UUID) -> list[ColumnElement[bool]]:
    conditions = [table.workspace_id == workspace_id]
    if issubclass(table, Deletable):
        conditions.append(table.deleted_at.is_(None))
    if table is AlertDestination:
        # Somebody's contact method is no destination of the workspace, and never named as one.
        conditions.append(AlertDestination.user_id.is_(None))
    return conditions


async def add(session: DatabaseSession, row: Base) -> None:
    """Inserts a row.

    Raises:
        NameTaken: its name or slug is another's.
    """
    session.add(row)
    await write(session, row)


async def write(session: DatabaseSession, row: Base) -> None:
    """Writes what was changed of a row.

    Raises:
        NameTaken: its name or slug is another's.
    """
    with _naming(row):
        await session.flush()


async def delete(session: DatabaseSession, row: Base, now: datetime) -> None:
    """Deletes a row; one that history may mention is marked, and hidden from all but history."""
    if isinstance(row, Deletable):
        mark_deleted(row, now)
    else:
        await session.delete(row)
    await session.flush()


def is_changed(session: DatabaseSession, row: Base) -> bool:
    """Whether anything of it differs from what is stored."""
    return session.is_modified(row)


@contextmanager
def _naming(row: Base) -> Iterator[None]:
    table = type(row)
    # Read before the write: after a failed one the row cannot be read.
    names = {field: inspect(row).dict.get(field) for field in ("name", "slug")}
    try:
        yield
    except IntegrityError as error:
        diagnostics = getattr(error.orig, "diag", None)
        constraint = getattr(diagnostics, "constraint_name", None)
        for field, value in names.items():
            unique = f"uq_{table.__tablename__}_workspace_id_{field}"
            if constraint in (unique, f"uq_{table.__tablename__}_{field}"):
                raise NameTaken(called(table), field, str(value)) from None
        if constraint == "uq_heartbeats_token_digest":
            raise NameTaken(called(table), "ping_token", REDACTED) from None
        raise
