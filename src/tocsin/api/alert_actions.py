"""What a person does to an alert. Each is on its timeline and in the audit log, and what is pending
to destinations is planned in the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from tocsin.alerts.actions import Acted, ActionNotAllowed, AlertNotFound
from tocsin.api.alerts import AlertOut
from tocsin.api.auth import Responder
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.problem_answers import ApiProblem, not_found
from tocsin.model import Action, Fault, utc_now
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, Note, Time, example
from tocsin.resources.owned import owned
from tocsin.store.tables import Alert

router = APIRouter(prefix="/alerts/{alert_id:uuid}", tags=["alerts"], route_class=JsonRoute)


class OptionalNote(Input):
    note: Annotated[Note | None, Field(description="Kept in the timeline")] = None

    model_config = example({"note": "Looking into it"})


class Acknowledgement(OptionalNote):
    until: Annotated[Time | None, Field(description="Then it is open again; not in the past")] = (
        None
    )

    model_config = example({"note": "Looking into it"})


class RequiredNote(Input):
    note: Note

    model_config = example({"note": "The disk was full"})


class Snooze(Input):
    minutes: Annotated[int | None, Field(ge=1, le=525_600, description="From now on")] = None
    until: Annotated[Time | None, Field(description="Instead of `minutes`; not in the past")] = None
    note: Annotated[Note | None, Field(description="Kept in the timeline")] = None

    model_config = example({"minutes": 60})

    def end(self, now: datetime) -> datetime:
        """When it ends.

        Raises:
            InvalidRequest: it says so not at all, twice, or of a time that is over.
        """
        if (self.minutes is None) == (self.until is None):
            raise InvalidRequest([Fault("", "one_of", "say either minutes or until, and not both")])
        if self.until is None:
            return now + timedelta(minutes=self.minutes or 0)
        if self.until <= now:
            raise InvalidRequest([Fault("/until", "not_in_future", "lies in the past")])
        return self.until


_PARTICIPLES = {
    Action.ACKNOWLEDGE: "acknowledged",
    Action.UNACKNOWLEDGE: "opened by taking an acknowledgement back",
    Action.RESOLVE: "resolved",
    Action.CLOSE: "closed",
    Action.REOPEN: "reopened",
    Action.NOTE: "noted",
    Action.SNOOZE: "snoozed",
    Action.UNSNOOZE: "unsnoozed",
}


async def _act(
    context: ApiContext,
    caller: Responder,
    alert_id: UUID,
    action: Action,
    note: str | None = None,
    until: datetime | None = None,
) -> AlertOut:
    outcome = await context.actions.act(
        caller.workspace_id, alert_id, action, caller.actor, utc_now(), note, until
    )
    if isinstance(outcome, AlertNotFound):
        raise not_found("alert")
    if isinstance(outcome, ActionNotAllowed):
        raise ApiProblem(
            "transition-not-allowed",
            f"The alert is {outcome.status.value}; it cannot be {_PARTICIPLES[action]}.",
        )
    if not isinstance(outcome, Acted):
        raise ApiProblem(
            "open-alert-exists",
            "Its source has reported the same problem again since, and that alert is still open.",
        )
    async with context.reading() as session:
        return AlertOut.model_validate(await owned(session, Alert, caller, alert_id))


def _note(body: OptionalNote | None) -> str | None:
    return None if body is None else body.note


@router.post("/snooze", responses=problems("transition-not-allowed"))
async def snooze_alert(context: Context, caller: Responder, alert_id: Id, body: Snooze) -> AlertOut:
    """Nobody is notified of it for a while. What is still open and unsent when it ends is sent. It ends
    early when the severity rises or the alert is reopened."""
    until = body.end(utc_now())
    return await _act(context, caller, alert_id, Action.SNOOZE, body.note, until)


@router.post("/unsnooze", responses=problems("transition-not-allowed"))
async def unsnooze_alert(
    context: Context, caller: Responder, alert_id: Id, body: OptionalNote | None = None
) -> AlertOut:
    """Ends a snooze now; what it held is sent."""
    return await _act(context, caller, alert_id, Action.UNSNOOZE, _note(body))


@router.post("/acknowledge", responses=problems("transition-not-allowed"))
async def acknowledge_alert(
    context: Context, caller: Responder, alert_id: Id, body: Acknowledgement | None = None
) -> AlertOut:
    """Somebody is on it, so that nobody is paged any more. When the acknowledgement expires, by `until`
    or the policy's `ack_timeout_minutes`, it is open again; acknowledging again is for longer."""
    until = None if body is None else body.until
    if until is not None and until <= utc_now():
        raise InvalidRequest([Fault("/until", "not_in_future", "lies in the past")])
    return await _act(context, caller, alert_id, Action.ACKNOWLEDGE, _note(body), until)


@router.post("/unacknowledge", responses=problems("transition-not-allowed"))
async def unacknowledge_alert(
    context: Context, caller: Responder, alert_id: Id, body: OptionalNote | None = None
) -> AlertOut:
    """Nobody is on it after all: it is open again, and its escalation starts over."""
    return await _act(context, caller, alert_id, Action.UNACKNOWLEDGE, _note(body))


@router.post("/resolve", responses=problems("transition-not-allowed"))
async def resolve_alert(
    context: Context, caller: Responder, alert_id: Id, body: OptionalNote | None = None
) -> AlertOut:
    return await _act(context, caller, alert_id, Action.RESOLVE, _note(body))


@router.post("/reopen", responses=problems("transition-not-allowed", "open-alert-exists"))
async def reopen_alert(
    context: Context, caller: Responder, alert_id: Id, body: OptionalNote | None = None
) -> AlertOut:
    """Only a resolved alert can be reopened."""
    return await _act(context, caller, alert_id, Action.REOPEN, _note(body))


@router.post("/close", responses=problems("transition-not-allowed"))
async def close_alert(
    context: Context, caller: Responder, alert_id: Id, body: OptionalNote | None = None
) -> AlertOut:
    """Closed is final: what its source reports after this is a new alert."""
    return await _act(context, caller, alert_id, Action.CLOSE, _note(body))


@router.post("/note")
async def note_on_alert(
    context: Context, caller: Responder, alert_id: Id, body: RequiredNote
) -> AlertOut:
    """Puts a note on its timeline; nothing else changes."""
    return await _act(context, caller, alert_id, Action.NOTE, body.note)
