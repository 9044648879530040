"""What a person does to alerts from a page: to one, or to those that are ticked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.responses import Response

from tocsin.alerts.actions import Acted, ActionNotAllowed, ActionOutcome, AlertNotFound
from tocsin.alerts.on_call_actions import NothingEscalates, OnCallActions, StepMovedOn
from tocsin.console.door import Call
from tocsin.console.render import go
from tocsin.model import Action
from tocsin.store.queries.alert_list import taken_by

MOST_AT_ONCE = 200

_SNOOZE_MINUTES = 120
_DONE = {
    Action.ACKNOWLEDGE: "acknowledged",
    Action.RESOLVE: "resolved",
    Action.CLOSE: "closed",
    Action.REOPEN: "reopened",
    Action.NOTE: "noted",
    Action.SNOOZE: "snoozed",
    Action.UNSNOOZE: "looked at again",
}
_UNDONE_BY = {Action.RESOLVE: Action.REOPEN, Action.SNOOZE: Action.UNSNOOZE}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form asks for."""

    action: Action
    note: str | None
    until: datetime | None


async def act_on_one(call: Call) -> Response:
    alert_id: UUID = call.request.path_params["id"]
    form = await call.form()
    back = f"/alerts/{alert_id}"
    if form.get("act") == "escalate":
        return go(back, await _escalate(call, alert_id, form.get("from_step", "")))
    wish = _wish(form, call.now)
    if wish is None:
        return go(back)
    outcome = await _act(call, alert_id, wish)
    said = _words(outcome, wish)
    if isinstance(outcome, Acted) and wish.action is Action.ACKNOWLEDGE:
        said = await _who_has_it(call, alert_id) or said
    values = {}
    undone_by = _UNDONE_BY.get(wish.action)
    if isinstance(outcome, Acted) and undone_by is not None:
        values["undo"] = undone_by.value
    query = f"?{urlencode(values)}" if values else ""
    return go((_back(call) or back) + query, said)


async def act_on_several(call: Call) -> Response:
    """Each by itself, so that one that cannot be acted on does not keep back the others."""
    fields = await call.fields()
    form = dict(fields)
    ids = list(dict.fromkeys(each for name, each in fields if name == "id"))[:MOST_AT_ONCE]
    wish = _wish(form, call.now)
    done: list[str] = []
    refused: list[str] = []
    if wish is not None:
        for text in ids:
            try:
                alert_id = UUID(text)
            except ValueError:
                continue
            outcome = await _act(call, alert_id, wish)
            if isinstance(outcome, Acted):
                done.append(text)
            else:
                refused.append(_words(outcome, wish))
    said = ""
    values = {"q": form.get("q", ""), "group": form.get("group", "")}
    if wish is not None:
        said = _summary(len(done), refused, wish)
        undone_by = _UNDONE_BY.get(wish.action)
        if done and undone_by is not None:
            values |= {"undo": undone_by.value, "undo_ids": ",".join(done[:50])}
    kept = {name: value for name, value in values.items() if value}
    return go(f"/alerts?{urlencode(kept)}", said)


async def _escalate(call: Call, alert_id: UUID, seen: str) -> str:
    """Takes the next step now, if the escalation is still at the one that was seen."""
    from_step = int(seen) if seen.isdecimal() and len(seen) < 4 else None
    outcome = await OnCallActions(call.context.actions).escalate(
        call.visitor.workspace_id, alert_id, call.visitor.actor, call.now, from_step
    )
    match outcome:
        case Acted():
            return "Escalated."
        case StepMovedOn(step=step):
            return f"It had gone on to step {step} meanwhile; nothing was done."
        case NothingEscalates():
            return "No policy pages anybody for it just now."
        case _:
            return "It cannot be escalated as it is."


async def _act(call: Call, alert_id: UUID, wish: Wish) -> ActionOutcome:
    visitor = call.visitor
    return await call.context.actions.act(
        visitor.workspace_id, alert_id, wish.action, visitor.actor, call.now, wish.note, wish.until
    )


async def _who_has_it(call: Call, alert_id: UUID) -> str | None:
    """Of two who acknowledge at once, the second reads who was first; None if it is who asks."""
    async with call.context.reading() as session:
        taken = (await taken_by(session, [alert_id])).get(alert_id)
    if taken is None or taken.actor.get("id") == str(call.visitor.user_id):
        return None
    return f"{taken.actor.get('name', 'Somebody')} has it already; nothing was changed."


def _wish(form: Mapping[str, str], now: datetime) -> Wish | None:
    try:
        action = Action(form.get("act", ""))
    except ValueError:
        return None
    note = form.get("note", "").strip()[:10_000] or None
    if action is Action.NOTE and note is None:
        return None
    until = None
    if action is Action.SNOOZE:
        minutes = form.get("minutes", "")
        wanted = int(minutes) if minutes.isdecimal() and len(minutes) < 7 else _SNOOZE_MINUTES
        until = now + timedelta(minutes=min(max(wanted, 1), 525_600))
    return Wish(action, note, until)


def _words(outcome: ActionOutcome, wish: Wish) -> str:
    if isinstance(outcome, Acted):
        return f"{_DONE[wish.action].capitalize()}."
    if isinstance(outcome, AlertNotFound):
        return "That alert is gone."
    if isinstance(outcome, ActionNotAllowed):
        return f"It is {outcome.status.value.lower()}; it cannot be {_DONE[wish.action]}."
    return "Its source has reported the same problem again, and that alert is open."


def _summary(done: int, refused: list[str], wish: Wish) -> str:
    words = f"{done} {_DONE[wish.action]}"
    if refused:
        words += f"; {len(refused)} not: {refused[0][0].lower()}{refused[0][1:]}"
    return words if words.endswith(".") else f"{words}."


def _back(call: Call) -> str | None:
    """The page of ours where the button stood, if it was Home; else that of the alert."""
    referer = urlsplit(call.request.headers.get("referer", ""))
    same = referer.netloc == call.request.headers.get("host")
    return "/" if same and referer.path == "/" else None
