"""Whether everybody whom an escalation policy can reach would be woken."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.escalation_forecasts import ForecastTarget, NamedOut, ahead_of, shown_target
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.explain.escalation_forecast import Ahead
from tocsin.explain.policy_readiness import WEEKS, readiness, unready_words
from tocsin.model import utc_now
from tocsin.oncall.readiness import PersonReadiness
from tocsin.resources.fields import Id, Output, Time
from tocsin.store.queries.rules import rules_naming_policy

router = APIRouter(
    prefix="/escalation-policies", tags=["escalation-policies"], route_class=JsonRoute
)

_MOST_RULES = 20


class ReachedByOut(Output):
    step: Annotated[int, Field(description="From 0")]
    target: ForecastTarget
    next_at: Annotated[
        Time | None,
        Field(description="Of a schedule: when their next shift begins; now, if it has begun"),
    ]


class PersonReadinessOut(Output):
    user: NamedOut
    is_ready: bool
    reached_by: list[ReachedByOut]
    usable_contact_methods: Annotated[int, Field(description="Verified and enabled")]
    first_page_seconds: Annotated[
        int | None, Field(description="After a step begins, at high urgency; null: never")
    ]
    last_page_at: Annotated[
        Time | None, Field(description="When the last page of an alert arrived; null: none has")
    ]
    warning: str | None


class GapOut(Output):
    schedule: str
    starts_at: Time
    ends_at: Time


class PolicyReadinessOut(Output):
    policy: NamedOut
    is_ready: Annotated[bool, Field(description="There is no warning")]
    people: list[PersonReadinessOut]
    gaps: Annotated[
        list[GapOut], Field(description="When a schedule without fallback names nobody; four weeks")
    ]
    warnings: Annotated[list[str], Field(description="What may leave somebody asleep")]
    notes: Annotated[list[str], Field(description="What is worth knowing")]
    alert_rules: Annotated[list[str], Field(description="Rules that name it")]


@router.get("/{escalation_policy_id:uuid}/readiness", responses=problems("preview-rate-limited"))
async def read_policy_readiness(
    context: Context, caller: Viewer, escalation_policy_id: Id
) -> PolicyReadinessOut:
    """For everybody it can reach in the next four weeks: do they have a verified contact method, does a
    page go out within five minutes, and when did the last one arrive?"""
    now = utc_now()
    ahead = await ahead_of(context, caller, escalation_policy_id, now, WEEKS)
    async with context.reading() as session:
        rules = await rules_naming_policy(
            session, caller.workspace_id, escalation_policy_id, _MOST_RULES
        )
        with context.previews.turn(caller.key_id):
            found = await readiness(session, ahead, now, rules)
    return PolicyReadinessOut(
        policy=NamedOut(id=ahead.policy.id, name=ahead.policy.name),
        is_ready=found.is_ready,
        people=[_person(ahead, each) for each in found.people],
        gaps=[GapOut.model_validate(gap) for gap in found.gaps],
        warnings=list(found.warnings),
        notes=list(found.notes),
        alert_rules=list(rules),
    )


def _person(ahead: Ahead, found: PersonReadiness) -> PersonReadinessOut:
    first = found.first_page
    return PersonReadinessOut(
        user=NamedOut(id=found.user_id, name=ahead.book.name(found.user_id)),
        is_ready=found.unready is None,
        reached_by=[
            ReachedByOut(
                step=each.step, target=shown_target(ahead, each.target), next_at=each.next_at
            )
            for each in found.reached_by
        ],
        usable_contact_methods=found.usable_contacts,
        first_page_seconds=None if first is None else int(first.total_seconds()),
        last_page_at=None if found.last_page is None else found.last_page.at,
        warning=unready_words(ahead, found),
    )
