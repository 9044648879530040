"""Webhook deliveries: every attempt of a sender to reach us."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, select, union
from sqlalchemy.orm import aliased, defer

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page, within
from tocsin.store.tables import AlertEvent, Integration, WebhookDelivery


async def page_of_webhook_deliveries(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    integration_id: UUID | None,
    status_code: int | None,
    outcome: str | None,
    alert_id: UUID | None,
    since: datetime | None,
    until: datetime | None,
) -> RowPage[WebhookDelivery]:
    """Without headers and bodies."""
    own = _own(workspace_id).where(*equal((Integration.id, integration_id)))
    # As values, not as a subquery: the planner then knows how common each of them is, and so
    # whether to walk back through all deliveries or to sort those of a quiet integration.
    integration_ids = (await session.scalars(own)).all()
    statement = deliveries_through(integration_ids, alert_id).where(
        *equal((WebhookDelivery.status_code, status_code), (WebhookDelivery.outcome, outcome)),
        *within(WebhookDelivery.created_at, since, until),
    )
    return await fetch_page(
        session, statement, request, key=WebhookDelivery.id, list_name="webhook-deliveries"
    )


def deliveries_through(
    integration_ids: Sequence[UUID], alert_id: UUID | None
) -> Select[WebhookDelivery]:
    """The deliveries to these integrations, or those of them that concern one alert."""
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.integration_id.in_(integration_ids))
        .options(defer(WebhookDelivery.raw_payload, raiseload=True))
        .options(defer(WebhookDelivery.headers, raiseload=True))
    )
    if alert_id is None:
        return statement
    return statement.where(_concerns(alert_id))


def _concerns(alert_id: UUID) -> ColumnElement[bool]:
    # One that carried several alerts names none itself; their timelines name it. Two look-ups
    # made one: with `or` neither index serves, and all deliveries are read.
    through_events = select(AlertEvent.webhook_delivery_id).where(
        AlertEvent.alert_id == alert_id, AlertEvent.webhook_delivery_id.is_not(None)
    )
    same = aliased(WebhookDelivery)
    by_itself = select(same.id).where(same.alert_id == alert_id)
    return WebhookDelivery.id.in_(union(through_events, by_itself))


def _own(workspace_id: UUID) -> Select[UUID]:
    return select(Integration.id).where(Integration.workspace_id == workspace_id)


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """`body` is the text as it came: parsed and written again, repeated names, long numbers and
    spelling would change."""

    delivery: WebhookDelivery
    body: str


async def find_webhook_delivery(
    session: DatabaseSession, workspace_id: UUID, delivery_id: UUID
) -> StoredWebhook | None:
    """A delivery of the workspace and its body as text."""
    found = (
        await session.execute(
            select(WebhookDelivery, cast(WebhookDelivery.raw_payload, Text))
            .where(
                WebhookDelivery.id == delivery_id,
                WebhookDelivery.integration_id.in_(_own(workspace_id)),
            )
            .options(defer(WebhookDelivery.raw_payload, raiseload=True))
        )
    ).one_or_none()
    if found is None:
        return None
    delivery, body = found
    return StoredWebhook(delivery, body)


async def alert_ids_of_webhook(session: DatabaseSession, delivery_id: UUID) -> Sequence[UUID]:
    """All alerts that it created or changed."""
    found = await session.scalars(
        select(AlertEvent.alert_id)
        .where(AlertEvent.webhook_delivery_id == delivery_id)
        .distinct()
        .order_by(AlertEvent.alert_id)
    )
    return found.all()


@dataclass(frozen=True, slots=True)
class WebhookOutline:
    """A delivery without headers and body."""

    id: UUID
    created_at: datetime
    status_code: int
    outcome: str
    error_message: str | None
    flags: list[str]
    processed_at: datetime
    duplicate_of_id: UUID | None
    replay_of_id: UUID | None
    content_fingerprint: str


async def webhooks_and_duplicates(
    session: DatabaseSession, integration_id: UUID, ids: Collection[UUID], most_duplicates: int
) -> list[WebhookOutline]:
    """These deliveries, and the newest of the repetitions of them that were dropped."""
    table = WebhookDelivery
    outline = select(*(getattr(table, each.name) for each in fields(WebhookOutline)))
    named = (await session.execute(outline.where(table.id.in_(ids)))).all()
    duplicates = await session.execute(
        outline.where(
            table.integration_id == integration_id,
            # The fingerprint is there for the index: a duplicate has that of its first.
            table.content_fingerprint.in_({row.content_fingerprint for row in named}),
            table.duplicate_of_id.in_(ids),
        )
        .order_by(table.created_at.desc())
        .limit(most_duplicates)
    )
    return [WebhookOutline(**row._mapping) for row in (*named, *duplicates)]
