"""Alert deliveries: the messages for destinations, what became of them, and every attempt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import AlertDeliveryStatus, EventType, Reason, WaitReason, utc_now
from tocsin.resources.fields import Id, JsonObject, Output, Time
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_deliveries import (
    attempts_at,
    group_times,
    listed_by,
    page_of_alert_deliveries,
)
from tocsin.store.queries.destination_states import standings
from tocsin.store.tables import AlertDelivery

router = APIRouter(prefix="/alert-deliveries", tags=["alert-deliveries"], route_class=JsonRoute)


_NO_ALERT = "Null for tests and notices of schedules, and only for them"


class WaitOut(Output):
    reason: Annotated[
        WaitReason,
        Field(description="`rate`: so many may go in a time, and have gone; else why it is held"),
    ]
    until: Annotated[Time, Field(description="When it may go, or is tried next")]


class AlertDeliveryOut(Output):
    id: Annotated[Id, Field(description="Also the id that receivers see")]
    workspace_id: Id
    tenant_id: Annotated[Id | None, Field(description=_NO_ALERT)]
    alert_rule_id: Annotated[
        Id | None,
        Field(
            description="Null for tests, for notices of schedules, and for pages that a person asked "
            "for where no rule did"
        ),
    ]
    alert_destination_id: Id
    alert_id: Annotated[
        Id | None,
        Field(
            description="Null for messages about several alerts, for tests and for notices of schedules"
        ),
    ]
    event_type: EventType
    status: AlertDeliveryStatus
    send_after: Time | None
    sent_at: Time | None
    attempt_count: int
    last_error_code: str | None
    last_error_message: str | None
    payload: Annotated[JsonObject, Field(description="What was said; never a secret")]
    reason: Annotated[str, Field(description="Why it exists, waits, or was not sent")]
    detail: Annotated[JsonObject, Field(description="What decided, and every rule that named it")]
    carried_by: Annotated[
        Id | None, Field(description="The alert delivery about several alerts that says this, too")
    ]
    give_up_at: Annotated[Time | None, Field(description="No attempt is made after this")]
    waits_for: Annotated[
        WaitOut | None,
        Field(description="Of one that is due: what of its destination keeps it waiting"),
    ] = None
    created_at: Time
    updated_at: Time


class AttemptOut(Output):
    number: int
    started_at: Time
    duration_ms: int
    outcome: str
    http_status: int | None
    error_code: str | None
    message: str | None


class ListedAlertOut(Output):
    alert_id: Id
    place: Annotated[int, Field(description="From 0 on, in the order in which it shows them")]


class AlertDeliveryWithAttempts(AlertDeliveryOut):
    attempts: list[AttemptOut]
    alerts: Annotated[
        list[ListedAlertOut],
        Field(description="Those that a message about several lists; `payload` says how many more"),
    ]


class AlertDeliveryQuery(PageQuery):
    status: Annotated[
        list[AlertDeliveryStatus], Field(default_factory=list, description="Any of these")
    ]
    alert_id: Id | None = None
    alert_destination_id: Id | None = None
    alert_rule_id: Id | None = None
    carried_by: Annotated[
        Id | None, Field(description="What this message about several alerts says")
    ] = None
    tenant_id: Id | None = None
    event_type: EventType | None = None
    reason: Reason | None = None
    since: Annotated[Time | None, Field(description="Made then or later")] = None
    until: Annotated[Time | None, Field(description="Made before")] = None


@router.get("")
async def list_alert_deliveries(
    context: Context, caller: Viewer, query: Annotated[AlertDeliveryQuery, Query()]
) -> Page[AlertDeliveryOut]:
    async with context.reading() as session:
        page = await page_of_alert_deliveries(
            session,
            caller.workspace_id,
            query.request(),
            status=query.status,
            alert_id=query.alert_id,
            alert_destination_id=query.alert_destination_id,
            alert_rule_id=query.alert_rule_id,
            carried_by=query.carried_by,
            tenant_id=query.tenant_id,
            event_type=query.event_type,
            reason=query.reason,
            since=query.since,
            until=query.until,
        )
        show = await _showing(session, page.rows)
    return shown(page, show)


async def _showing(
    session: DatabaseSession, rows: Sequence[AlertDelivery]
) -> Callable[[AlertDelivery], AlertDeliveryOut]:
    """How to show these."""
    known = await standings(session, {row.alert_destination_id for row in rows})
    gathered = await group_times(session, rows)
    now = utc_now()

    def show(row: AlertDelivery) -> AlertDeliveryOut:
        standing = known.get(row.alert_destination_id)
        wait = None if standing is None else standing.keeps(row, now)
        out = AlertDeliveryOut.model_validate(row)
        if row.group_id in gathered and row.carried_by is None:
            out.send_after = gathered[row.group_id]
        out.waits_for = None if wait is None else WaitOut(reason=wait.reason, until=wait.until)
        return out

    return show


async def read_alert_delivery(
    session: DatabaseSession, caller: Principal, delivery_id: UUID
) -> AlertDeliveryWithAttempts:
    """One of the workspace.

    Raises:
        NotInWorkspace: there is none.
    """
    row = await owned(session, AlertDelivery, caller, delivery_id)
    attempts = await attempts_at(session, [delivery_id])
    return AlertDeliveryWithAttempts(
        **(await _showing(session, [row]))(row).model_dump(),
        attempts=[AttemptOut.model_validate(attempt) for attempt in attempts],
        alerts=[
            ListedAlertOut.model_validate(each) for each in await listed_by(session, delivery_id)
        ],
    )


@router.get("/{alert_delivery_id:uuid}")
async def get_alert_delivery(
    context: Context, caller: Viewer, alert_delivery_id: Id
) -> AlertDeliveryWithAttempts:
    async with context.reading() as session:
        return await read_alert_delivery(session, caller, alert_delivery_id)
