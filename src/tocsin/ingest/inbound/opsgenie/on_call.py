"""Opsgenie's actions about who is paged: escalate, assign, add a responder. What Tocsin has no
counterpart for is said in the status of the request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tocsin.alerts.actions import Acted
from tocsin.alerts.on_call_actions import (
    NobodyPaged,
    NothingEscalates,
    OnCallActions,
    OnCallOutcome,
)
from tocsin.ingest.inbound.base import Door
from tocsin.ingest.sources.kit.reading import object_of, text_of
from tocsin.model import Actor
from tocsin.oncall.contacts import Unreachable
from tocsin.store.database import reading
from tocsin.store.queries.escalations import escalations_of
from tocsin.store.queries.users import find_user_by_email
from tocsin.store.tables import Alert

VERBS: Final = ("escalate", "assign", "responders")

_NO_POLICY: Final = "No escalation policy is running for this alert; a rule of Tocsin names it"
_ONLY_USERS: Final = "Tocsin pages people for a single alert, not teams, schedules or escalations"


async def ask(
    verb: str, body: Mapping[str, Any], alert: Alert, door: Door, actor: Actor, at: datetime
) -> str | None:
    """Why it was not done; None if it was."""
    actions = OnCallActions(door.actions)
    workspace_id, note = alert.workspace_id, text_of(body.get("note"))
    if verb == "escalate":
        wanted = text_of(object_of(body.get("escalation")).get("name"))
        if wanted is not None and not await _runs(wanted, alert, door):
            return f"The escalation policy {wanted[:100]!r} is not the one that runs for this alert"
        return _why_not(await actions.escalate(workspace_id, alert.id, actor, at))
    who = object_of(body.get("owner" if verb == "assign" else "responder"))
    if verb == "responders" and (text_of(who.get("type")) or "user").lower() != "user":
        return _ONLY_USERS
    name = text_of(who.get("username")) or text_of(who.get("id")) or ""
    user_id = await _user(name, door)
    if user_id is None:
        return _unknown(name)
    if verb == "assign":
        outcome = await actions.assign(workspace_id, alert.id, actor, at, user_id, note)
    else:
        outcome = await actions.add_responders(workspace_id, alert.id, actor, at, [user_id], note)
    return _why_not(outcome, name)


async def _runs(wanted: str, alert: Alert, door: Door) -> bool:
    """Whether a policy of that name is one of those that run for the alert."""
    book = await door.on_call(alert.workspace_id)
    async with reading(door.engine) as session:
        histories = await escalations_of(session, alert.id)
    names = [
        policy.name
        for each in histories
        if each.escalation.state.is_live
        and (policy := book.policies.get(each.escalation.escalation_policy_id)) is not None
    ]
    return wanted.lower() in (name.lower() for name in names)


async def _user(name: str, door: Door) -> UUID | None:
    """Whom a mail address or an id names; whether they are a member is looked at later."""
    if "@" in name:
        async with reading(door.engine) as session:
            found = await find_user_by_email(session, name)
        return None if found is None else found.id
    try:
        return UUID(name)
    except ValueError:
        return None


def _unknown(name: str) -> str:
    return f"No member of the workspace is called {name[:100]!r}"


def _why_not(outcome: OnCallOutcome, name: str = "") -> str | None:
    """`name`: how the request called who was to be paged."""
    match outcome:
        case Acted():
            return None
        case NobodyPaged(people=(person,)):
            removed = person.why is Unreachable.USER_REMOVED
            return _unknown(name) if removed else person.words
        case NothingEscalates():
            return _NO_POLICY
        case _:
            return "The alert is acknowledged or closed"
