"""What a reply, a key or a button does: the same action as anywhere else, and a sentence that says what
became of it."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.alerts.actions import Acted, ActionNotAllowed, Actions
from tocsin.alerts.on_call_actions import NothingEscalates, OnCallActions, StepMovedOn
from tocsin.delivery.channels.kit.escape import one_line
from tocsin.message import SHOWN_ALERTS
from tocsin.model import Action, Actor, AlertStatus, utc_now
from tocsin.store.database import DatabaseSession, Engine, reading
from tocsin.store.queries.alerts import LinkedAlert, find_linked_alert, find_listed_alerts
from tocsin.store.queries.callbacks import CallingDestination, SentMessage

_TITLE = 80
_DONE = {Action.ACKNOWLEDGE: "Acknowledged", Action.RESOLVE: "Resolved"}
_STATES = {
    AlertStatus.OPEN: "open",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.RESOLVED: "resolved",
    AlertStatus.CLOSED: "closed",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """`is_done`: something was changed, or was so already. `text` is for the person."""

    is_done: bool
    text: str


async def alerts_of(
    session: DatabaseSession, destination: CallingDestination, message: SentMessage
) -> list[LinkedAlert]:
    """The alert of a message as it is now, or those that it lists; none for a test."""
    if message.alert_id is None:
        return await find_listed_alerts(session, message.id, destination.id, SHOWN_ALERTS)
    alert = await find_linked_alert(session, message.alert_id, destination.id)
    return [] if alert is None else [alert]


async def act(
    engine: Engine,
    actions: Actions,
    destination: CallingDestination,
    message: SentMessage,
    action: Action,
    actor: Actor,
) -> Answered:
    """Do it to the alert of a message, or to those that it lists."""
    async with reading(engine) as session:
        alerts = await alerts_of(session, destination, message)
    if not alerts:
        return Answered(False, "That alert is gone.")
    wanted = [alert for alert in alerts if _admits(alert.status, action)]
    changed = 0
    for alert in wanted:
        outcome = await actions.act(alert.workspace_id, alert.id, action, actor, utc_now())
        changed += isinstance(outcome, Acted)
    title = one_line(alerts[0].title, _TITLE) or "Untitled alert"
    if changed:
        what = title if len(alerts) == 1 else f"{changed} alerts, {title} first"
        return Answered(True, f"{_DONE[action]}: {what}.")
    async with reading(engine) as session:
        now = await alerts_of(session, destination, message) or alerts
    if len(now) > 1:
        return Answered(True, f"Nothing left to do: {len(now)} alerts, {title} first.")
    return Answered(True, f"Already {_STATES[now[0].status]}: {title}.")


async def escalate(
    engine: Engine,
    actions: Actions,
    destination: CallingDestination,
    message: SentMessage,
    actor: Actor,
) -> Answered:
    """Take the next step of what a page belongs to, unless it has gone on since."""
    async with reading(engine) as session:
        alerts = await alerts_of(session, destination, message)
    outcomes = [
        await OnCallActions(actions).escalate(
            alert.workspace_id, alert.id, actor, utc_now(), message.step
        )
        for alert in alerts
    ]
    if any(isinstance(outcome, Acted) for outcome in outcomes):
        return Answered(True, "Escalated: the next step is called.")
    match outcomes[:1]:
        case [StepMovedOn(step=step)]:
            return Answered(True, f"It has gone on already, to step {step}.")
        case [ActionNotAllowed(status=status)]:
            return Answered(True, f"Already {_STATES[status]}.")
        case [NothingEscalates()]:
            return Answered(False, "No escalation goes on for it.")
        case _:
            return Answered(False, "That alert is gone.")


def _admits(status: AlertStatus, action: Action) -> bool:
    return status is AlertStatus.OPEN if action is Action.ACKNOWLEDGE else status.is_live
