"""What services call back about: the destination behind it, and what was sent to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update

from tocsin.model import Actor, AlertDeliveryStatus, EventType
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.tables import AlertDelivery, AlertDestination, Membership, User

# What was handed over, or may have been: an attempt whose end nobody knows rings a phone, too.
_SENT = (AlertDeliveryStatus.SENT, AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class CallingDestination:
    """A destination as who answers a callback needs it. `user_name` is whose contact method it is."""

    id: UUID
    workspace_id: UUID
    name: str
    type: str
    config: dict[str, Any]
    secret_config: bytes | None
    user_id: UUID | None
    user_name: str | None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message that was sent to a destination. `alert_id` None: a test, or about several. `step` is
    the one of an escalation that a page belongs to, from 1."""

    id: UUID
    alert_id: UUID | None
    event_type: str
    step: int | None = None

    @property
    def subject_id(self) -> UUID:
        """What links and codes name it by."""
        return self.id if self.alert_id is None else self.alert_id


def _destinations(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    table = AlertDestination
    columns = (
        table.id,
        table.workspace_id,
        table.name,
        table.type,
        table.config,
        table.secret_config,
        table.user_id,
        User.name.label("user_name"),
    )
    return (
        select(*columns)
        .outerjoin(User, User.id == table.user_id)
        .where(table.deleted_at.is_(None), *conditions)
    )


async def find_sent(
    session: DatabaseSession, delivery_id: UUID
) -> tuple[CallingDestination, SentMessage] | None:
    """A message by its id, and where it went, as far as that is still there."""
    message = (
        await session.execute(
            select(
                AlertDelivery.id,
                AlertDelivery.alert_id,
                AlertDelivery.event_type,
                AlertDelivery.alert_destination_id,
                AlertDelivery.detail["escalation"]["step"].as_integer().label("step"),
            ).where(AlertDelivery.id == delivery_id)
        )
    ).one_or_none()
    if message is None:
        return None
    query = _destinations(AlertDestination.id == message.alert_destination_id)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    step = None if message.step is None else message.step + 1
    sent = SentMessage(message.id, message.alert_id, message.event_type, step)
    return CallingDestination(**row._mapping), sent


async def destinations_of_phone(
    session: DatabaseSession, type: str, number: str, most: int
) -> list[CallingDestination]:
    """Those of the type that reach this phone, of every workspace."""
    table = AlertDestination
    query = _destinations(
        table.type == type, table.type.in_(("sms", "voice")), table.config["to"].astext == number
    )
    rows = await session.execute(query.order_by(table.id).limit(most))
    return [CallingDestination(**row._mapping) for row in rows]


async def sent_since(
    session: DatabaseSession, destination: CallingDestination, since: datetime, most: int
) -> list[SentMessage]:
    """What was sent to it, newest first, without tests and without what another message carried."""
    table = AlertDelivery
    query = (
        select(table.id, table.alert_id, table.event_type)
        .where(
            table.workspace_id == destination.workspace_id,
            table.alert_destination_id == destination.id,
            table.event_type != EventType.TEST.value,
            table.created_at >= since,
            table.status.in_(_SENT),
            table.attempt_count > 0,
            table.carried_by.is_(None),
        )
        .order_by(table.created_at.desc())
        .limit(most)
    )
    return [SentMessage(**row._mapping) for row in await session.execute(query)]


async def disable(
    session: DatabaseSession,
    destinations: Sequence[CallingDestination],
    actor: Actor,
    because: str,
    now: datetime,
) -> list[CallingDestination]:
    """Turns off those that are on, with an audit entry each; returns them."""
    done = []
    for each in destinations:
        turned_off = await session.execute(
            update(AlertDestination)
            .where(AlertDestination.id == each.id, AlertDestination.is_enabled)
            .values(is_enabled=False, updated_at=now)
        )
        if not turned_off.rowcount:  # type: ignore[attr-defined]
            continue
        audit_events.record(
            session,
            workspace_id=each.workspace_id,
            actor=actor,
            action="disabled",
            object_type="alert_destination",
            object_id=each.id,
            now=now,
            before={"is_enabled": True},
            after={"is_enabled": False, "because": because},
        )
        done.append(each)
    return done


@dataclass(frozen=True, slots=True)
class ActingMember:
    id: UUID
    name: str
    role: str


async def member_of(
    session: DatabaseSession, workspace_id: UUID, email: str
) -> ActingMember | None:
    """The active member of the workspace with this mail address, in either case."""
    row = (
        await session.execute(
            select(User.id, User.name, Membership.role)
            .join(Membership, Membership.user_id == User.id)
            .where(
                func.lower(User.email) == email.lower(),
                User.deleted_at.is_(None),
                User.is_active,
                Membership.workspace_id == workspace_id,
            )
        )
    ).one_or_none()
    return None if row is None else ActingMember(**row._mapping)
