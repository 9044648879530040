"""Who else is to look at an alert: it is assigned to somebody, or somebody is asked to help."""

from __future__ import annotations

from uuid import UUID

from tocsin.alerts.actions import Acted, ActionNotAllowed, AlertNotFound
from tocsin.alerts.on_call_actions import NobodyPaged, OnCallActions, OnCallOutcome
from tocsin.console.getting_in.door import Call

ASSIGN = "assign"
HELP = "help"
NOBODY = "nobody"
"""To whom a form assigns what is to be nobody's."""

_NO_SUCH_PERSON = "Say whom; nothing was changed."


async def assign(
    call: Call, alert_id: UUID, person: str, note: str | None = None
) -> tuple[object, str]:
    """What became of it, and why not in words."""
    try:
        user_id = None if person == NOBODY else UUID(person)
    except ValueError:
        return None, _NO_SUCH_PERSON
    visitor = call.visitor
    outcome = await OnCallActions(call.context.actions).assign(
        visitor.workspace_id, alert_id, visitor.actor, call.now, user_id, note
    )
    return outcome, _why_not(outcome, "assigned")


async def ask_to_help(call: Call, alert_id: UUID, person: str, note: str | None) -> str:
    """What is said of it."""
    try:
        user_id = UUID(person)
    except ValueError:
        return _NO_SUCH_PERSON
    visitor = call.visitor
    outcome = await OnCallActions(call.context.actions).add_responders(
        visitor.workspace_id, alert_id, visitor.actor, call.now, [user_id], note
    )
    return _why_not(outcome, "helped with") or "Asked to help: a page is on its way."


def _why_not(outcome: OnCallOutcome, done: str) -> str:
    """Empty: it was done."""
    match outcome:
        case Acted():
            return ""
        case ActionNotAllowed(status=status):
            return f"It is {status.value.lower()}; it cannot be {done}."
        case AlertNotFound():
            return "That alert is gone."
        case NobodyPaged(people=(person_meant,)):
            return f"{person_meant.words}."
        case _:
            return f"It cannot be {done} as it is."
