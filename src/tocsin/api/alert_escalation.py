"""Who is paged for an alert, and what a person does about it: the next step now, somebody else,
somebody more."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from tocsin.alerts.actions import Acted, ActionNotAllowed, AlertNotFound
from tocsin.alerts.on_call_actions import (
    NobodyPaged,
    NothingEscalates,
    OnCallActions,
    OnCallOutcome,
    StepMovedOn,
    UnreachablePerson,
)
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.api.alerts import AlertOut
from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.problem_answers import ApiProblem, not_found
from tocsin.explain.escalation_standing import next_step
from tocsin.explain.load import subject_of
from tocsin.model import EscalationState, Fault, utc_now
from tocsin.oncall.contacts import Unreachable
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, JsonObject, Note, Output, Time, example
from tocsin.resources.owned import owned
from tocsin.store.queries.escalations import escalations_of, responders_of
from tocsin.store.queries.integrations import integration_type
from tocsin.store.tables import Alert

router = APIRouter(prefix="/alerts/{alert_id:uuid}", tags=["alerts"], route_class=JsonRoute)

MOST_RESPONDERS = 20
"""Asked at once."""


class EscalateIn(Input):
    from_step: Annotated[
        int | None,
        Field(ge=0, description="The step that you see, from 1: if it is over, nothing is done"),
    ] = None

    model_config = example({"from_step": 1})


class AssignIn(Input):
    user_id: Annotated[Id | None, Field(description="null: unassigned")]
    note: Annotated[Note | None, Field(description="Shown in the page")] = None

    model_config = example({"user_id": "0199b4a2-0000-7000-8000-0000000000aa"})


class RespondersIn(Input):
    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_RESPONDERS)]
    note: Annotated[Note | None, Field(description="Shown in the page")] = None

    model_config = example(
        {"user_ids": ["0199b4a2-0000-7000-8000-0000000000aa"], "note": "Is it the network?"}
    )


class ResponderOut(Output):
    user_id: Id
    name: str
    added_at: Time
    added_by: dict[str, str]


class PolicyNamed(Output):
    id: Id
    name: str
    version: int


class EscalationOut(Output):
    id: Id
    policy: PolicyNamed
    rule_id: Annotated[Id, Field(description="The rule that named the policy")]
    round: Annotated[int, Field(description="How often this alert has begun the policy")]
    state: EscalationState
    reason: Annotated[str | None, Field(description="Why it is held, stopped or exhausted")]
    loop: Annotated[int, Field(description="How often all steps had been taken before")]
    step: Annotated[int, Field(description="The one taken last, from 1; 0: none yet")]
    started_at: Time
    step_due_at: Annotated[Time | None, Field(description="When the wait of that step ends")]
    next_at: Annotated[Time | None, Field(description="When it is looked at again")]
    held_since: Time | None
    steps: Annotated[
        list[JsonObject],
        Field(description="Those taken, with whom each reached, whom it did not, and why"),
    ]
    next: Annotated[
        JsonObject | None,
        Field(description="What comes next, and whom it reaches if nothing changes until then"),
    ]


class AlertEscalationOut(Output):
    alert_id: Id
    state: Annotated[
        EscalationState | None, Field(description="Of the newest; null: there never was one")
    ]
    assigned_to: Id | None
    acknowledged_by: Id | None
    acknowledged_until: Annotated[Time | None, Field(description="Then it is open again")]
    responders: list[ResponderOut]
    escalations: Annotated[list[EscalationOut], Field(description="Newest first")]


@router.get("/escalation")
async def get_escalation_of_alert(
    context: Context, caller: Viewer, alert_id: Id
) -> AlertEscalationOut:
    """Who is paged for it, who was, who comes next and when."""
    directory = await context.senders.feed.look()
    book = directory.on_call.get(caller.workspace_id, OnCallBook())
    table = directory.routing[caller.workspace_id]
    async with context.reading() as session:
        alert = await owned(session, Alert, caller, alert_id)
        type = await integration_type(session, alert.integration_id)
        subject = subject_of(alert, type or "")
        shown = []
        for each in await escalations_of(session, alert_id):
            row = each.escalation
            policy = book.policy(row.escalation_policy_id, row.policy_version)
            shown.append(
                EscalationOut(
                    id=row.id,
                    policy=PolicyNamed(
                        id=row.escalation_policy_id,
                        name=_name(book, row.escalation_policy_id)
                        if policy is None
                        else policy.name,
                        version=row.policy_version,
                    ),
                    rule_id=row.alert_rule_id,
                    round=row.round,
                    state=row.state,
                    reason=row.reason,
                    loop=row.loop,
                    step=row.step + 1,
                    started_at=row.started_at,
                    step_due_at=row.step_due_at,
                    next_at=row.next_at,
                    held_since=row.held_since,
                    steps=[{"at": step.at, **step.detail} for step in each.steps],
                    next=await next_step(session, row, subject, book, table),
                )
            )
        responders = await responders_of(session, alert_id)
    return AlertEscalationOut(
        alert_id=alert_id,
        state=shown[0].state if shown else None,
        assigned_to=alert.assigned_to,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_until=alert.acknowledged_until,
        responders=[ResponderOut.model_validate(each) for each in responders],
        escalations=shown,
    )


def _name(book: OnCallBook, policy_id: UUID) -> str:
    policy = book.policies.get(policy_id)
    return "an escalation policy since deleted" if policy is None else policy.name


@router.post("/escalate", responses=problems("transition-not-allowed", "step-moved-on"))
async def escalate_alert(
    context: Context, caller: Responder, alert_id: Id, body: EscalateIn | None = None
) -> AlertOut:
    """Takes the next step of its escalation policy now, whatever holds it."""
    outcome = await OnCallActions(context.actions).escalate(
        caller.workspace_id,
        alert_id,
        caller.actor,
        utc_now(),
        None if body is None else body.from_step,
    )
    return await _shown(context, caller, alert_id, outcome, "escalated")


@router.post("/assign", responses=problems("transition-not-allowed"))
async def assign_alert(
    context: Context, caller: Responder, alert_id: Id, body: AssignIn
) -> AlertOut:
    """Assigns it to somebody, and pages them. Its escalation goes on until they acknowledge. Whoever no
    page would reach is refused."""
    outcome = await OnCallActions(context.actions).assign(
        caller.workspace_id, alert_id, caller.actor, utc_now(), body.user_id, body.note
    )
    return await _shown(context, caller, alert_id, outcome, "assigned")


@router.post("/responders", responses=problems("transition-not-allowed"))
async def add_responders_to_alert(
    context: Context, caller: Responder, alert_id: Id, body: RespondersIn
) -> AlertOut:
    """Pages people to help, though somebody may have acknowledged it. If no page would reach one of
    them, nobody is paged, and the answer says whom and why."""
    outcome = await OnCallActions(context.actions).add_responders(
        caller.workspace_id, alert_id, caller.actor, utc_now(), body.user_ids, body.note
    )
    return await _shown(context, caller, alert_id, outcome, "given responders", many=True)


def _fault(pointer: str, person: UnreachablePerson) -> Fault:
    code = "not-found" if person.why is Unreachable.USER_REMOVED else person.why.replace("_", "-")
    return Fault(pointer, code, person.words)


async def _shown(
    context: ApiContext,
    caller: Responder,
    alert_id: UUID,
    outcome: OnCallOutcome,
    done: str,
    *,
    many: bool = False,
) -> AlertOut:
    """`many`: the request named a list of people."""
    match outcome:
        case AlertNotFound():
            raise not_found("alert")
        case ActionNotAllowed(status=status):
            raise ApiProblem(
                "transition-not-allowed", f"The alert is {status.value}; it cannot be {done}."
            )
        case NothingEscalates():
            raise ApiProblem("step-moved-on", "No escalation of this alert is running.")
        case StepMovedOn(step=step):
            raise ApiProblem("step-moved-on", f"It is at step {step} by now. Nothing was done.")
        case NobodyPaged(people=people):
            raise InvalidRequest(
                [_fault(f"/user_ids/{each.place}" if many else "/user_id", each) for each in people]
            )
        case Acted():
            pass
    async with context.reading() as session:
        return AlertOut.model_validate(await owned(session, Alert, caller, alert_id))
