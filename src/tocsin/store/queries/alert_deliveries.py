"""Alert deliveries and the attempts to make them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from tocsin.model import AlertDeliveryStatus, EventType, Reason
from tocsin.store.database import DatabaseSession
from tocsin.store.deletion import name_in_history
from tocsin.store.paging import PageRequest, RowPage, any_of, equal, fetch_page, within
from tocsin.store.tables import (
    AlertDelivery,
    AlertDeliveryAlert,
    AlertDeliveryAttempt,
    AlertDestination,
    AlertGroup,
    AlertRule,
)


async def page_of_alert_deliveries(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    status: Sequence[AlertDeliveryStatus],
    alert_id: UUID | None,
    alert_destination_id: UUID | None,
    alert_rule_id: UUID | None,
    carried_by: UUID | None,
    tenant_id: UUID | None,
    event_type: EventType | None,
    reason: Reason | None,
    since: datetime | None,
    until: datetime | None,
) -> RowPage[AlertDelivery]:
    """The times are those of planning."""
    table = AlertDelivery
    statement = select(table).where(
        table.workspace_id == workspace_id,
        *any_of(table.status, status),
        *equal(
            (table.alert_id, alert_id),
            (table.alert_destination_id, alert_destination_id),
            (table.alert_rule_id, alert_rule_id),
            (table.carried_by, carried_by),
            (table.tenant_id, tenant_id),
            (table.event_type, event_type),
            (table.reason, reason),
        ),
        *within(table.created_at, since, until),
    )
    return await fetch_page(session, statement, request, key=table.id, list_name="alert-deliveries")


async def attempts_at(
    session: DatabaseSession, delivery_ids: Collection[UUID]
) -> Sequence[AlertDeliveryAttempt]:
    """The attempts at these deliveries; those at one are in order."""
    table = AlertDeliveryAttempt
    statement = select(table).where(table.alert_delivery_id.in_(delivery_ids))
    return (await session.scalars(statement.order_by(table.number))).all()


async def listed_by(session: DatabaseSession, delivery_id: UUID) -> Sequence[AlertDeliveryAlert]:
    """The alerts that a message about several lists, in its order."""
    table = AlertDeliveryAlert
    statement = select(table).where(table.alert_delivery_id == delivery_id)
    return (await session.scalars(statement.order_by(table.place))).all()


async def group_times(
    session: DatabaseSession, rows: Iterable[AlertDelivery]
) -> dict[UUID, datetime]:
    """When those of these deliveries will be sent that wait for others, by group."""
    waiting = {
        row.group_id
        for row in rows
        if row.group_id is not None
        and row.status is AlertDeliveryStatus.DEFERRED
        and row.carried_by is None
    }
    if not waiting:
        return {}
    table = AlertGroup
    found = await session.execute(
        select(table.id, table.next_at).where(table.id.in_(waiting), table.next_at.is_not(None))
    )
    return {row.id: row.next_at for row in found}


@dataclass(frozen=True, slots=True)
class AddressedDelivery:
    """`destination_name` is None if the destination is gone, `rule_name` for a test. The names of
    what was deleted say so."""

    delivery: AlertDelivery
    destination_name: str | None
    rule_name: str | None
    rule_is_deleted: bool


async def deliveries_of_alert(
    session: DatabaseSession, alert_id: UUID, most: int
) -> list[AddressedDelivery]:
    """The oldest, at most so many."""
    found = await session.execute(
        select(
            AlertDelivery,
            AlertDestination.name,
            AlertDestination.deleted_at,
            AlertRule.name,
            AlertRule.deleted_at,
        )
        .outerjoin(AlertDestination, AlertDestination.id == AlertDelivery.alert_destination_id)
        .outerjoin(AlertRule, AlertRule.id == AlertDelivery.alert_rule_id)
        .where(AlertDelivery.alert_id == alert_id)
        .order_by(AlertDelivery.id)
        .limit(most)
    )
    return [
        AddressedDelivery(
            delivery,
            name_in_history(destination, destination_deleted_at),
            name_in_history(rule, rule_deleted_at),
            rule_deleted_at is not None,
        )
        for delivery, destination, destination_deleted_at, rule, rule_deleted_at in found
    ]


async def read_delivery(session: DatabaseSession, delivery_id: UUID) -> AlertDelivery:
    """One that is known to be there."""
    return await session.get_one(AlertDelivery, delivery_id)
