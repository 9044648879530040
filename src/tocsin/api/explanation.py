"""Why was I (not) told: what is on record about one alert, told as a story."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.explain.facts import (
    AlertFacts,
    AttemptFacts,
    ChangeFacts,
    DeliveryFacts,
    WebhookFacts,
)
from tocsin.explain.story import Record, explain
from tocsin.model import AlertEventKind, EventType, Reason, utc_now
from tocsin.resources.fields import Id, JsonObject, Output, Time
from tocsin.resources.owned import owned
from tocsin.routing.subject import Subject
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDeliveryAttempt,
    AlertDestination,
    AlertEvent,
    AlertRule,
    Configuration,
    Integration,
    WebhookDelivery,
)

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=JsonRoute)

_REPEATS_TOLD = 100
_OTHERS_TOLD = 1_000


class AnswerOut(Output):
    destination_id: Annotated[Id | None, Field(description="Null: nobody was owed anything")]
    destination_name: str | None
    was_told: bool
    words: str


class StepOut(Output):
    at: Time
    cause: Literal["webhook_delivery", "action"]
    webhook_delivery: JsonObject | None
    words: str
    changes: Annotated[
        list[JsonObject],
        Field(
            description="What it did to the alert, each with every rule's verdict and the alert "
            "deliveries owed because of it, each of these with its attempts"
        ),
    ]


class ExplanationOut(Output):
    alert: JsonObject
    answers: Annotated[list[AnswerOut], Field(description="Per destination, in plain words")]
    steps: Annotated[list[StepOut], Field(description="What came in, in order of time")]
    repeats_left_out: Annotated[
        int, Field(description=f"Of many repetitions the newest {_REPEATS_TOLD} are told")
    ]


@router.get("/{alert_id:uuid}/explain")
async def explain_alert(context: Context, caller: Viewer, alert_id: Id) -> ExplanationOut:
    """From webhook delivery to alert, each rule's verdict with the matcher that decided, each
    alert delivery and attempt."""
    async with context.reading() as session:
        alert = await owned(session, Alert, caller, alert_id)
        changes, left_out = await _changes(session, alert_id)
        record = Record(
            alert=await _alert(session, alert),
            webhooks=await _webhooks(session, alert, changes),
            changes=changes,
            deliveries=await _deliveries(session, alert_id),
            rules_changed_at={
                row.id: row.updated_at
                for row in await session.execute(
                    select(AlertRule.id, AlertRule.updated_at).where(
                        AlertRule.workspace_id == caller.workspace_id
                    )
                )
            },
        )
        version = (await session.execute(select(Configuration.version))).scalar_one()
    snapshot = await context.configuration.refresh(version)
    story = explain(record, snapshot.routing[caller.workspace_id], utc_now())
    return ExplanationOut(**story, repeats_left_out=left_out)


async def _alert(session: AsyncSession, alert: Alert) -> AlertFacts:
    source_type = await session.scalar(
        select(Integration.type).where(Integration.id == alert.integration_id)
    )
    return AlertFacts(
        subject=Subject(
            alert_id=alert.id,
            tenant_id=alert.tenant_id,
            integration_id=alert.integration_id,
            external_id=alert.external_id,
            title=alert.title,
            severity=alert.severity,
            source=alert.source,
            type=source_type or "",
            labels=alert.labels,
        ),
        status=alert.status,
        triggered_at=alert.triggered_at,
        created_at=alert.created_at,
        occurrence_count=alert.occurrence_count,
    )


async def _changes(session: AsyncSession, alert_id: UUID) -> tuple[list[ChangeFacts], int]:
    """The timeline, and how many repetitions are left out of it."""
    of_alert = select(AlertEvent).where(AlertEvent.alert_id == alert_id)
    is_repeat = AlertEvent.kind == AlertEventKind.REPEATED.value
    others = (
        await session.scalars(
            of_alert.where(~is_repeat).order_by(AlertEvent.id).limit(_OTHERS_TOLD)
        )
    ).all()
    repeats = (
        await session.scalars(
            of_alert.where(is_repeat).order_by(AlertEvent.id.desc()).limit(_REPEATS_TOLD)
        )
    ).all()
    count = await session.scalar(
        select(func.count()).where(AlertEvent.alert_id == alert_id, is_repeat)
    )
    changes = [
        ChangeFacts(
            id=row.id,
            kind=AlertEventKind(row.kind),
            at=row.at,
            actor=row.actor,
            webhook_delivery_id=row.webhook_delivery_id,
            detail=row.detail,
        )
        for row in (*others, *repeats)
    ]
    return changes, (count or 0) - len(repeats)


async def _webhooks(
    session: AsyncSession, alert: Alert, changes: list[ChangeFacts]
) -> list[WebhookFacts]:
    """What led to the changes, and the repetitions of these that were dropped as duplicates."""
    table = WebhookDelivery
    columns = (
        table.id,
        table.created_at,
        table.status_code,
        table.outcome,
        table.error_message,
        table.flags,
        table.duplicate_of_id,
        table.replay_of_id,
        table.content_fingerprint,
    )
    ids = {change.webhook_delivery_id for change in changes if change.webhook_delivery_id}
    causes = (await session.execute(select(*columns).where(table.id.in_(ids)))).all()
    duplicates = (
        await session.execute(
            select(*columns)
            .where(
                table.integration_id == alert.integration_id,
                # The fingerprint is there for the index: a duplicate has that of its first.
                table.content_fingerprint.in_({row.content_fingerprint for row in causes}),
                table.duplicate_of_id.in_(ids),
            )
            .order_by(table.created_at.desc())
            .limit(_REPEATS_TOLD)
        )
    ).all()
    return [
        WebhookFacts(
            id=row.id,
            source=alert.source,
            created_at=row.created_at,
            status_code=row.status_code,
            outcome=row.outcome,
            error_message=row.error_message,
            flags=tuple(row.flags),
            duplicate_of_id=row.duplicate_of_id,
            replay_of_id=row.replay_of_id,
        )
        for row in (*causes, *duplicates)
    ]


async def _deliveries(session: AsyncSession, alert_id: UUID) -> list[DeliveryFacts]:
    rows = (
        await session.execute(
            select(AlertDelivery, AlertDestination.name)
            .outerjoin(AlertDestination, AlertDestination.id == AlertDelivery.alert_destination_id)
            .where(AlertDelivery.alert_id == alert_id)
            .order_by(AlertDelivery.id)
            .limit(_OTHERS_TOLD)
        )
    ).all()
    attempts: dict[UUID, list[AttemptFacts]] = {}
    for attempt in await session.scalars(
        select(AlertDeliveryAttempt).where(
            AlertDeliveryAttempt.alert_delivery_id.in_([row.id for row, _ in rows])
        )
    ):
        attempts.setdefault(attempt.alert_delivery_id, []).append(
            AttemptFacts(
                number=attempt.number,
                started_at=attempt.started_at,
                duration_ms=attempt.duration_ms,
                outcome=attempt.outcome,
                http_status=attempt.http_status,
                error_code=attempt.error_code,
                message=attempt.message,
            )
        )
    return [
        DeliveryFacts(
            id=row.id,
            destination_id=row.alert_destination_id,
            destination_name=name,
            event_type=EventType(row.event_type),
            status=row.status,
            reason=Reason(row.reason),
            rule_id=row.alert_rule_id,
            created_at=row.created_at,
            send_after=row.send_after,
            sent_at=row.sent_at,
            attempt_count=row.attempt_count,
            last_error_code=row.last_error_code,
            last_error_message=row.last_error_message,
            detail=row.detail,
            attempts=tuple(attempts.get(row.id, ())),
        )
        for row, name in rows
    ]
