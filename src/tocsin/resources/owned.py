"""A row of the caller's own workspace. What belongs to another does not exist."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.access.api_keys import Principal
from tocsin.api.problems import ApiProblem, is_constraint, not_found
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDestination,
    AlertRule,
    Integration,
    Silence,
    Tenant,
)
from tocsin.store.tables.base import Base

Row = TypeVar(
    "Row", Alert, AlertDelivery, AlertDestination, AlertRule, Integration, Silence, Tenant
)


async def owned(session: AsyncSession, table: type[Row], caller: Principal, row_id: UUID) -> Row:
    """Raises:
    ApiProblem: `not-found`.
    """
    row = await find_owned(session, table, caller.workspace_id, row_id)
    if row is None:
        raise not_found(_called(table))
    return row


async def find_owned(
    session: AsyncSession, table: type[Row], workspace_id: UUID, row_id: UUID
) -> Row | None:
    return await session.scalar(
        select(table).where(table.id == row_id, table.workspace_id == workspace_id)
    )


def name_taken(error: IntegrityError, table: type[Base], name: str) -> Exception:
    """What to raise for an error that may be about the name: the problem, or the error itself."""
    if is_constraint(error, f"uq_{table.__tablename__}_workspace_id_name"):
        return ApiProblem("name-taken", f"Another {_called(table)} has the name {name!r}.")
    return error


def _called(table: type[Base]) -> str:
    """As people say it: `alert_rules` holds alert rules, each an alert rule."""
    name: str = table.__tablename__
    singular = name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
    return singular.replace("_", " ")
