"""Webhook deliveries: every attempt of a sender to reach us, with what was sent.

What to do with one again (replay) is in webhook_replay.py.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.api.problem_answers import not_found
from tocsin.resources.fields import Id, Output, Time
from tocsin.store.queries.webhook_deliveries import (
    alert_ids_of_webhook,
    find_webhook_delivery,
    page_of_webhook_deliveries,
)

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
    flags: Annotated[
        list[str],
        Field(
            description="What was doubtful, and accepted all the same; spooled: it was received while "
            "the database was away, and committed at processed_at"
        ),
    ]
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


@router.get("")
async def list_webhook_deliveries(
    context: Context, caller: Viewer, query: Annotated[WebhookDeliveryQuery, Query()]
) -> Page[WebhookDeliverySummary]:
    """Without headers and bodies; read one for these."""
    async with context.reading() as session:
        page = await page_of_webhook_deliveries(
            session,
            caller.workspace_id,
            query.request(),
            integration_id=query.integration_id,
            status_code=query.status_code,
            outcome=query.outcome,
            alert_id=query.alert_id,
            since=query.since,
            until=query.until,
        )
    return shown(page, WebhookDeliverySummary.model_validate)


@router.get("/{webhook_delivery_id:uuid}", response_model=WebhookDeliveryOut)
async def get_webhook_delivery(
    context: Context, caller: Viewer, webhook_delivery_id: Id
) -> Response:
    async with context.reading() as session:
        stored = await find_webhook_delivery(session, caller.workspace_id, webhook_delivery_id)
        if stored is None:
            raise not_found("webhook delivery")
        alert_ids = await alert_ids_of_webhook(session, webhook_delivery_id)
    document = {
        **WebhookDeliverySummary.model_validate(stored.delivery).document(),
        "headers": stored.delivery.headers,
        "alert_ids": [str(alert_id) for alert_id in alert_ids],
    }
    # The body's own text goes in as it is.
    text = json.dumps(document)[:-1] + ', "raw_payload": ' + stored.body + "}"
    return Response(text.encode("utf-8"), media_type="application/json")
