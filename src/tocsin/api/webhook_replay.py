"""Replaying a webhook delivery that is on record, through today's mapping."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.auth import Responder
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.problem_answers import RETRY_AFTER_SECONDS, ApiProblem, not_found
from tocsin.ingest.received_webhook import Declined
from tocsin.ingest.replay import Truncated, WebhookNotFound, replay
from tocsin.model import Severity, SignalKind, utc_now
from tocsin.resources.fields import Flag, Id, Input, JsonObject, Output, Time, example
from tocsin.resources.webhook_replays import NOBODY_KNOWS_WHO, may_replay, record_replay
from tocsin.store.queries.webhook_deliveries import find_webhook_delivery

router = APIRouter(prefix="/webhook-deliveries", tags=["webhook-deliveries"], route_class=JsonRoute)


class ReplayIn(Input):
    dry_run: Annotated[
        Flag, Field(description="Show what it would give; nothing is kept or sent")
    ] = False
    accept_unverified: Annotated[
        Flag,
        Field(
            description="An admin accepts a delivery that failed verification; on record in "
            "the audit log"
        ),
    ] = False

    model_config = example({"dry_run": True})


class AlertStatusOut(Output):
    alert_id: Id
    status: str


class SignalOut(Output):
    kind: SignalKind
    external_id: str | None
    title: str
    description: str | None
    severity: Severity
    triggered_at: Time
    labels: dict[str, str]
    metadata: JsonObject


class FaultOut(Output):
    pointer: str
    code: str
    message: str


class DifferenceOut(Output):
    alert_id: Id
    field: str
    stored: Any
    now: Any


class ReplayOut(Output):
    dry_run: bool
    delivery_id: Annotated[Id | None, Field(description="The new delivery; null for a dry run")]
    outcome_before: str
    status: Annotated[str, Field(description="What became of it this time, or would")]
    status_code: Annotated[int, Field(description="What its sender would be answered")]
    detail: str | None
    errors: list[FaultOut]
    alerts: list[AlertStatusOut]
    signals: Annotated[list[SignalOut], Field(description="Normalised by today's mapping")]
    differences: Annotated[
        list[DifferenceOut], Field(description="Against the alerts it touched before")
    ]


@router.post(
    "/{webhook_delivery_id:uuid}/replay",
    responses=problems("payload-truncated", "not-replayable", "overloaded"),
)
async def replay_webhook_delivery(
    context: Context, caller: Responder, webhook_delivery_id: Id, body: ReplayIn | None = None
) -> ReplayOut:
    """Takes it in again; it does not count as a duplicate. Times stay those of the first reception."""
    asked = body or ReplayIn()
    dry_run = asked.dry_run
    now = utc_now()
    async with context.reading() as session:
        stored = await find_webhook_delivery(session, caller.workspace_id, webhook_delivery_id)
        if stored is None:
            raise not_found("webhook delivery")
        may = may_replay(caller, stored.delivery, accept_unverified=asked.accept_unverified)
        if not dry_run and not may:
            raise ApiProblem(
                "not-replayable",
                f"{NOBODY_KNOWS_WHO} dry_run shows what it says; "
                "an admin who knows where it is from sets accept_unverified.",
            )
        outcome = await replay(
            await session.connection(),
            context.senders,
            context.lanes,
            context.actions,
            workspace_id=caller.workspace_id,
            webhook_delivery_id=webhook_delivery_id,
            dry_run=dry_run,
            now=now,
        )
    if isinstance(outcome, WebhookNotFound):
        raise not_found("webhook delivery")
    if isinstance(outcome, Truncated):
        raise ApiProblem(
            "payload-truncated", "Only the beginning of its body was kept; it cannot be done again."
        )
    if isinstance(outcome.answer, Declined) and outcome.answer.status_code == 503:
        raise ApiProblem(
            outcome.answer.problem,
            outcome.answer.detail,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    document = outcome.document()
    if outcome.webhook_delivery_id is not None:
        async with context.writing() as session:
            record_replay(session, caller, stored.delivery, document, now)
    return ReplayOut.model_validate(document)
