"""Webhook deliveries: every attempt of a sender to reach us, with what was sent.

What to do with one again (replay) is in webhook_replay.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Select, Text, cast, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import not_found
from tocsin.resources.fields import Id, Output, Time
from tocsin.store.tables import AlertEvent, Integration, WebhookDelivery

router = APIRouter(prefix="/webhook-deliveries", tags=["webhook-deliveries"], route_class=JsonRoute)


Outcome = Literal[
    "created",
    "updated",
    "acknowledged",
    "resolved",
    "duplicate",
    "ignored",
    "invalid",
    "rejected",
    "failed",
]


class WebhookDeliverySummary(Output):
    id: Id
    integration_id: Id
    idempotency_key: str | None
    content_fingerprint: str
    status_code: Annotated[int, Field(description="The HTTP status answered")]
    outcome: Annotated[
        Outcome,
        Field(
            description="What was answered, or invalid (not understood), rejected (not verified), "
            "failed (our fault)"
        ),
    ]
    error_message: str | None
    flags: Annotated[list[str], Field(description="What was doubtful, and accepted all the same")]
    processed_at: Time
    alert_id: Id | None
    duplicate_of_id: Id | None
    replay_of_id: Id | None
    created_at: Time


class WebhookDeliveryOut(WebhookDeliverySummary):
    headers: Annotated[
        dict[str, Any], Field(description="Credentials and signatures are [redacted]")
    ]
    raw_payload: Annotated[
        Any, Field(description="The body as it came; one that is not JSON is a string")
    ]
    alert_ids: Annotated[
        list[Id], Field(description="All alerts it created or changed; it may carry several")
    ]


class WebhookDeliveryQuery(PageQuery):
    integration_id: Id | None = None
    status_code: Annotated[int | None, Field(ge=100, le=599)] = None
    outcome: Outcome | None = None
    alert_id: Id | None = None
    since: Annotated[Time | None, Field(description="Received then or later")] = None
    until: Annotated[Time | None, Field(description="Received before")] = None


def _own(workspace_id: UUID) -> Select[UUID]:
    return select(Integration.id).where(Integration.workspace_id == workspace_id)


def _filtered(
    integration_ids: Sequence[UUID], query: WebhookDeliveryQuery
) -> Select[WebhookDelivery]:
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.integration_id.in_(integration_ids))
        .options(defer(WebhookDelivery.raw_payload, raiseload=True))
        .options(defer(WebhookDelivery.headers, raiseload=True))
    )
    if query.status_code is not None:
        statement = statement.where(WebhookDelivery.status_code == query.status_code)
    if query.outcome is not None:
        statement = statement.where(WebhookDelivery.outcome == query.outcome)
    if query.alert_id is not None:
        # One that carried several alerts names none itself; their timelines name it. Two look-ups
        # made one: with `or` neither index serves, and all deliveries are read.
        through_events = select(AlertEvent.webhook_delivery_id).where(
            AlertEvent.alert_id == query.alert_id, AlertEvent.webhook_delivery_id.is_not(None)
        )
        same = aliased(WebhookDelivery)
        by_itself = select(same.id).where(same.alert_id == query.alert_id)
        statement = statement.where(WebhookDelivery.id.in_(union(through_events, by_itself)))
    if query.since is not None:
        statement = statement.where(WebhookDelivery.created_at >= query.since)
    if query.until is not None:
        statement = statement.where(WebhookDelivery.created_at < query.until)
    return statement


@router.get("")
async def list_webhook_deliveries(
    context: Context, caller: Viewer, query: Annotated[WebhookDeliveryQuery, Query()]
) -> Page[WebhookDeliverySummary]:
    """Without headers and bodies; read one for these."""
    own = _own(caller.workspace_id)
    if query.integration_id is not None:
        own = own.where(Integration.id == query.integration_id)
    async with context.reading() as session:
        # As values, not as a subquery: the planner then knows how common each of them is, and so
        # whether to walk back through all deliveries or to sort those of a quiet integration.
        rows, next_cursor = await fetch_page(
            session,
            _filtered((await session.scalars(own)).all(), query),
            key=WebhookDelivery.id,
            query=query,
            list_name="webhook-deliveries",
        )
    return Page(
        items=[WebhookDeliverySummary.model_validate(row) for row in rows],
        next_cursor=next_cursor,
    )


async def find_webhook_delivery(
    session: AsyncSession, workspace_id: UUID, delivery_id: UUID
) -> tuple[WebhookDelivery, str]:
    """A delivery of the workspace and its body as text.

    Raises:
        ApiProblem: `not-found`.
    """
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
        raise not_found("webhook delivery")
    return found[0], found[1]


@router.get("/{webhook_delivery_id:uuid}", response_model=WebhookDeliveryOut)
async def get_webhook_delivery(
    context: Context, caller: Viewer, webhook_delivery_id: Id
) -> Response:
    async with context.reading() as session:
        row, body = await find_webhook_delivery(session, caller.workspace_id, webhook_delivery_id)
        alert_ids = await session.scalars(
            select(AlertEvent.alert_id)
            .where(AlertEvent.webhook_delivery_id == row.id)
            .distinct()
            .order_by(AlertEvent.alert_id)
        )
        document = {
            **WebhookDeliverySummary.model_validate(row).document(),
            "headers": row.headers,
            "alert_ids": [str(alert_id) for alert_id in alert_ids],
        }
    # The body's own text goes in as it is: parsed and written anew, repeated names, long numbers
    # and spelling would not be what was sent.
    text = json.dumps(document)[:-1] + ', "raw_payload": ' + body + "}"
    return Response(text.encode("utf-8"), media_type="application/json")
