"""What a person does to alerts from a page: to one, to those that are ticked, or to all of the list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.responses import Response

from tocsin.alerts.actions import Acted, ActionNotAllowed, ActionOutcome, AlertNotFound
from tocsin.alerts.on_call_actions import NothingEscalates, OnCallActions, StepMovedOn
from tocsin.console.alerts import bulk_pages
from tocsin.console.alerts.alert_people import ASSIGN, HELP, NOBODY, ask_to_help, assign
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call
from tocsin.model import Action
from tocsin.store.queries.alert_list import taken_by

MOST_AT_ONCE = 200
MOST_UNDONE = 50
"""As many as a page of the list has."""

_SNOOZE_MINUTES = 120
_DONE = {
    Action.ACKNOWLEDGE: "acknowledged",
    Action.UNACKNOWLEDGE: "open again",
    Action.RESOLVE: "resolved",
    Action.CLOSE: "closed",
    Action.REOPEN: "reopened",
    Action.NOTE: "noted",
    Action.SNOOZE: "snoozed",
    Action.UNSNOOZE: "looked at again",
}
_UNDONE_BY = {
    Action.ACKNOWLEDGE: Action.UNACKNOWLEDGE,
    Action.RESOLVE: Action.REOPEN,
    Action.SNOOZE: Action.UNSNOOZE,
}
UNDOES = frozenset(each.value for each in _UNDONE_BY.values())
"""What an address may offer as a way back."""


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
    person, note = form.get("user_id", ""), form.get("note", "").strip()[:10_000] or None
    if form.get("act") == HELP:
        return go(back, await ask_to_help(call, alert_id, person, note))
    if form.get("act") == ASSIGN:
        _, why_not = await assign(call, alert_id, person, note)
        return go(back, why_not or ("Nobody's any more." if person == NOBODY else "Assigned."))
    wish = _wish(form, call.now)
    if wish is None:
        return go(back)
    outcome = await _act(call, alert_id, wish)
    said = _words(outcome, wish)
    taken = None
    if isinstance(outcome, Acted) and wish.action is Action.ACKNOWLEDGE:
        taken = await _who_has_it(call, alert_id)
    values = {}
    if isinstance(outcome, Acted) and outcome.is_changed and taken is None:
        values = _way_back(wish, [str(alert_id)])
    query = f"?{urlencode(values)}" if values else ""
    return go((_back(call) or back) + query, taken or said)


async def act_on_several(call: Call) -> Response:
    """Each by itself, so that one that cannot be acted on does not keep back the others."""
    fields = await call.fields()
    form = dict(fields)
    if form.get("scope") == "all":
        return await bulk_pages.begin(call, form)
    ids = _read_ids([each for name, each in fields if name == "id"])
    wish = _wish(form, call.now)
    tally = _Tally()
    values = {"q": form.get("q", ""), "group": form.get("group", "")}
    said = ""
    if not ids:
        said = "Nothing was ticked, and nothing was changed."
    elif form.get("act") == ASSIGN:
        person = form.get("user_id", "")
        if not person:
            said = "Say to whom; nothing was changed."
        else:
            for alert_id in ids:
                tally.count(alert_id, *await assign(call, alert_id, person))
            said = tally.words("given to nobody" if person == NOBODY else "assigned")
    elif wish is not None:
        for alert_id in ids:
            outcome = await _act(call, alert_id, wish)
            tally.count(alert_id, outcome, _words(outcome, wish))
        said = tally.words(_DONE[wish.action])
        values |= _way_back(wish, tally.changed)
    kept = {name: value for name, value in values.items() if value}
    return go(f"/alerts?{urlencode(kept)}", said)


@dataclass(slots=True)
class _Tally:
    """What became of several."""

    done: int = 0
    changed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def count(self, alert_id: UUID, outcome: object, words: str) -> None:
        if not isinstance(outcome, Acted):
            self.refused.append(words)
            return
        self.done += 1
        if outcome.is_changed:
            self.changed.append(str(alert_id))

    def words(self, done: str) -> str:
        words = f"{self.done} {done}"
        if self.refused:
            first = self.refused[0]
            words += f"; {len(self.refused)} not: {first[0].lower()}{first[1:]}"
        return words if words.endswith(".") else f"{words}."


def _read_ids(texts: Iterable[str]) -> list[UUID]:
    found = []
    for text in dict.fromkeys(texts):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found[:MOST_AT_ONCE]


def _way_back(wish: Wish, changed: Sequence[str]) -> dict[str, str]:
    """What the address says of how to take it back."""
    undone_by = _UNDONE_BY.get(wish.action)
    if undone_by is None or not changed:
        return {}
    return {"undo": undone_by.value, "undo_ids": ",".join(changed[:MOST_UNDONE])}


def undo_offered(params: Mapping[str, str], **kept: str) -> dict[str, Any] | None:
    """The form that takes back what the address says was done; `kept` goes with it."""
    ids, action = params.get("undo_ids", ""), params.get("undo", "")
    if not ids or action not in UNDOES:
        return None
    listed = ids.split(",")[:MOST_UNDONE]
    if not kept:
        return {"address": f"/alerts/{listed[0]}/act", "fields": [("act", action)]}
    fields = [*(("id", each) for each in listed), ("act", action), *kept.items()]
    return {"address": "/alerts/act", "fields": fields}


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


def _back(call: Call) -> str | None:
    """The page of ours where the button stood, if it was Home; else that of the alert."""
    referer = urlsplit(call.request.headers.get("referer", ""))
    same = referer.netloc == call.request.headers.get("host")
    return "/" if same and referer.path == "/" else None
