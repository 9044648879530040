"""Alerts: list, search, read, and their timelines. What a person does to one: alert_actions.py."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import AlertEventKind, AlertStatus, Severity
from tocsin.resources.fields import NO_NUL, Id, JsonObject, Labels, Output, Time
from tocsin.resources.owned import owned
from tocsin.store.queries.alerts import page_of_alerts, page_of_timeline
from tocsin.store.queries.inhibition_standings import MOST_SHOWN, inhibition_standing
from tocsin.store.tables import Alert

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=JsonRoute)


class AlertOut(Output):
    id: Id
    workspace_id: Id
    tenant_id: Id
    integration_id: Id
    title: str
    description: str | None
    severity: Severity
    status: AlertStatus
    source: Annotated[str, Field(description="The name of the integration")]
    external_id: Annotated[str | None, Field(description="The monitoring tool's own id")]
    triggered_at: Annotated[Time, Field(description="When it fired, by the payload")]
    acknowledged_at: Time | None
    resolved_at: Time | None
    closed_at: Time | None
    snoozed_until: Annotated[
        Time | None,
        Field(description="Until then nobody is notified of it; it may lie in the past"),
    ]
    snoozed_by: str | None
    assigned_to: Annotated[Id | None, Field(description="A user")]
    acknowledged_by: Annotated[
        Id | None, Field(description="The user who did, where that is known")
    ]
    acknowledged_until: Annotated[Time | None, Field(description="Then it is open again")]
    flapping_since: Annotated[
        Time | None, Field(description="It keeps coming and going; null: it does not, any more")
    ]
    metadata_: Annotated[JsonObject, Field(serialization_alias="metadata")]
    labels: Labels
    occurrence_count: int
    last_received_at: Time
    last_signal_at: Annotated[
        Time, Field(description="The sender's time of the newest signal applied")
    ]
    created_at: Time
    updated_at: Time


class InhibitionOut(Output):
    alert_id: Id
    title: str
    rule_id: Id
    rule_name: str
    since: Time
    ended_at: Annotated[
        Time | None,
        Field(description="The alert that holds is over, and holds for a time of grace"),
    ]


class InhibitionStandingOut(Output):
    inhibited_by: Annotated[list[InhibitionOut], Field(description="What holds this alert")]
    inhibits: Annotated[
        list[InhibitionOut], Field(description=f"What it holds back, {MOST_SHOWN} at most")
    ]
    inhibits_count: int


class AlertDetailOut(AlertOut):
    inhibition: InhibitionStandingOut


def _labels(texts: list[str]) -> list[str]:
    if not all(text.partition("=")[0] and text.partition("=")[1] for text in texts):
        raise ValueError("must read NAME=VALUE")
    return texts


class AlertQuery(PageQuery):
    status: Annotated[list[AlertStatus], Field(default_factory=list, description="Any of these")]
    severity: Annotated[list[Severity], Field(default_factory=list, description="Any of these")]
    integration_id: Id | None = None
    tenant_id: Id | None = None
    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=NO_NUL,
            description="Text in title, description, source or external_id, in any case",
        ),
    ] = None
    external_id: Annotated[
        str | None, Field(max_length=1_000, pattern=NO_NUL, description="The tool's own id, whole")
    ] = None
    source: Annotated[
        str | None, Field(max_length=200, pattern=NO_NUL, description="The integration's name")
    ] = None
    label: Annotated[
        list[Annotated[str, Field(max_length=2_000, pattern=NO_NUL)]],
        Field(
            default_factory=list,
            max_length=20,
            description="`NAME=VALUE`, once for each label that it must have",
        ),
        AfterValidator(_labels),
    ]
    since: Annotated[Time | None, Field(description="Triggered then or later")] = None
    until: Annotated[Time | None, Field(description="Triggered before")] = None
    is_flapping: Annotated[
        bool | None, Field(description="Whether it keeps coming and going now")
    ] = None


class AlertEventOut(Output):
    id: Id
    alert_id: Id
    kind: AlertEventKind
    at: Time
    actor: Annotated[dict[str, str], Field(description="kind, name and, if there is one, id")]
    webhook_delivery_id: Id | None
    detail: JsonObject


@router.get("")
async def list_alerts(
    context: Context, caller: Viewer, query: Annotated[AlertQuery, Query()]
) -> Page[AlertOut]:
    async with context.reading() as session:
        page = await page_of_alerts(
            session,
            caller.workspace_id,
            query.request(),
            status=query.status,
            severity=query.severity,
            integration_id=query.integration_id,
            tenant_id=query.tenant_id,
            text=query.q,
            external_id=query.external_id,
            source=query.source,
            labels=dict(text.partition("=")[::2] for text in query.label),
            since=query.since,
            until=query.until,
            flapping=query.is_flapping,
        )
    return shown(page, AlertOut.model_validate)


@router.get("/{alert_id:uuid}")
async def get_alert(context: Context, caller: Viewer, alert_id: Id) -> AlertDetailOut:
    """With what it holds back, and by what it is held."""
    async with context.reading() as session:
        alert = AlertOut.model_validate(await owned(session, Alert, caller, alert_id))
        standing = await inhibition_standing(session, alert_id)
    inhibition = InhibitionStandingOut.model_validate(standing)
    return AlertDetailOut(**dict(alert), inhibition=inhibition)


@router.get("/{alert_id:uuid}/timeline")
async def get_alert_timeline(
    context: Context, caller: Viewer, alert_id: Id, query: Annotated[PageQuery, Query()]
) -> Page[AlertEventOut]:
    """What happened to it, in the order in which it happened (oldest first)."""
    async with context.reading() as session:
        await owned(session, Alert, caller, alert_id)
        page = await page_of_timeline(session, alert_id, query.request())
    return shown(page, AlertEventOut.model_validate)
