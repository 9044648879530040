"""What a person does to alert deliveries: retry, cancel, retry all that failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.alert_deliveries import AlertDeliveryWithAttempts, read_alert_delivery
from tocsin.api.auth import Responder
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.problem_answers import ApiProblem, not_found
from tocsin.model import iso, utc_now
from tocsin.resources import deliveries as control
from tocsin.resources import recording
from tocsin.resources.fields import Id, Input, Output, Time, example
from tocsin.resources.owned import require
from tocsin.store.tables import AlertDestination

router = APIRouter(prefix="/alert-deliveries", tags=["alert-deliveries"], route_class=JsonRoute)

_BEFORE_ANY = datetime(2000, 1, 1, tzinfo=UTC)


class BulkRetryIn(Input):
    """What failed from `since` to before `until`."""

    since: Time
    until: Annotated[Time | None, Field(description="Null: now")] = None
    destination_id: Annotated[Id | None, Field(description="Null: all destinations")] = None

    model_config = example({"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"})


class BulkRetryOut(Output):
    retried: Annotated[int, Field(description="How many are queued again")]


@router.post("/retry", responses=problems("not-found"))
async def retry_alert_deliveries(
    context: Context, caller: Responder, body: BulkRetryIn
) -> BulkRetryOut:
    """Queues again all that failed in a window, at destinations that are switched on; the ids stay,
    so that receivers which had one after all can drop it."""
    now = utc_now()
    until = body.until or now
    async with context.writing() as session:
        if body.destination_id is not None:
            await require(session, AlertDestination, caller, body.destination_id, "/destination_id")
        count = await control.bulk_retry(
            session,
            caller.workspace_id,
            max(body.since, _BEFORE_ANY),
            until,
            body.destination_id,
        )
        if count:
            recording.record(
                session,
                caller,
                "retried",
                "alert_destination",
                body.destination_id,
                now,
                after={"since": iso(body.since), "until": iso(until), "retried": count},
            )
    return BulkRetryOut(retried=count)


_Change = Callable[..., Awaitable[control.RetryOutcome | control.CancelOutcome]]


async def _change(
    context: ApiContext,
    caller: Responder,
    delivery_id: UUID,
    change: _Change,
    *,
    action: str,
    refused_as: str,
) -> AlertDeliveryWithAttempts:
    """`action` is what the audit log calls it; `refused_as` the problem if the delivery's state
    does not admit it."""
    async with context.writing() as session:
        outcome = await change(session, caller.workspace_id, delivery_id)
        if isinstance(outcome, control.NoSuchDelivery):
            raise not_found("alert delivery")
        if isinstance(outcome, control.StateRefuses):
            is_about_destination = outcome.code == "destination-disabled"
            raise ApiProblem(outcome.code if is_about_destination else refused_as, outcome.message)
        recording.record(session, caller, action, "alert_delivery", delivery_id, utc_now())
        return await read_alert_delivery(session, caller, delivery_id)


@router.post(
    "/{alert_delivery_id:uuid}/retry",
    responses=problems("not-retryable", "destination-disabled"),
)
async def retry_alert_delivery(
    context: Context, caller: Responder, alert_delivery_id: Id
) -> AlertDeliveryWithAttempts:
    """Queues one that failed or was canceled again, under the same id, for a day more."""
    return await _change(
        context,
        caller,
        alert_delivery_id,
        control.retry,
        action="retried",
        refused_as="not-retryable",
    )


@router.post("/{alert_delivery_id:uuid}/cancel", responses=problems("not-cancelable"))
async def cancel_alert_delivery(
    context: Context, caller: Responder, alert_delivery_id: Id
) -> AlertDeliveryWithAttempts:
    """Cancels one that waits and is not being sent at this moment."""
    return await _change(
        context,
        caller,
        alert_delivery_id,
        control.cancel,
        action="canceled",
        refused_as="not-cancelable",
    )
