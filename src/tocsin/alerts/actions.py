"""What a person does to an alert: the same transaction as for a webhook, and an audit entry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.alerts.alert_case import NewAcknowledgement
from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.correlate import AlertState
from tocsin.alerts.directory import DirectoryFeed
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import (
    TRANSITIONS,
    Action,
    Actor,
    AlertEventKind,
    AlertStatus,
    EventType,
    iso,
    uuid7_bytes,
)
from tocsin.routing.subject import ActiveSnooze
from tocsin.store import arrays
from tocsin.store.failures import Conflict, Unreachable
from tocsin.store.pipe import PING, Call, Pipe
from tocsin.store.statements import prepared

_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Move:
    to: AlertStatus
    kind: AlertEventKind
    event_type: EventType
    only_from: AlertStatus | None = None
    """The only status that this may start from, where others lead to `to` as well."""

    def is_allowed(self, before: AlertStatus) -> bool:
        return self.to in TRANSITIONS[before] and self.only_from in (None, before)


_MOVES: Mapping[Action, _Move] = {
    Action.ACKNOWLEDGE: _Move(
        AlertStatus.ACKNOWLEDGED, AlertEventKind.ACKNOWLEDGED, EventType.ACKNOWLEDGED
    ),
    Action.RESOLVE: _Move(AlertStatus.RESOLVED, AlertEventKind.RESOLVED, EventType.RESOLVED),
    Action.CLOSE: _Move(AlertStatus.CLOSED, AlertEventKind.CLOSED, EventType.CLOSED),
    Action.REOPEN: _Move(
        AlertStatus.OPEN, AlertEventKind.REOPENED, EventType.TRIGGERED, AlertStatus.RESOLVED
    ),
    Action.UNACKNOWLEDGE: _Move(
        AlertStatus.OPEN,
        AlertEventKind.UNACKNOWLEDGED,
        EventType.TRIGGERED,
        AlertStatus.ACKNOWLEDGED,
    ),
}
_KINDS: Mapping[Action, AlertEventKind] = {
    **{action: move.kind for action, move in _MOVES.items()},
    Action.NOTE: AlertEventKind.NOTED,
    Action.SNOOZE: AlertEventKind.SNOOZED,
    Action.UNSNOOZE: AlertEventKind.UNSNOOZED,
}


@dataclass(frozen=True, slots=True)
class Acted:
    """It is done, and committed with the notifications it makes; or the alert had that state, and
    nothing changed."""

    status: AlertStatus
    is_changed: bool = True


@dataclass(frozen=True, slots=True)
class AlertNotFound:
    """No such alert in this workspace."""


@dataclass(frozen=True, slots=True)
class ActionNotAllowed:
    """The alert's state does not admit it."""

    status: AlertStatus


@dataclass(frozen=True, slots=True)
class OpenAlertExists:
    """It cannot be reopened: its key has a newer alert that is still live."""


ActionOutcome = Acted | AlertNotFound | ActionNotAllowed | OpenAlertExists


@dataclass(slots=True)
class Actions:
    """One per process, with a connection of its own: people are few and must not wait for batches."""

    url: str
    feed: DirectoryFeed
    _pipe: Pipe | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def act(
        self,
        workspace_id: UUID,
        alert_id: UUID,
        action: Action,
        actor: Actor,
        now: datetime,
        note: str | None = None,
        until: datetime | None = None,
        also: Sequence[Call] = (),
    ) -> ActionOutcome:
        """Change the alert, put it on its timeline and into the audit log, notify destinations. A
        snooze lasts `until`, and an acknowledgement may. `also` is written with it, if anything is.

        Raises:
            Unreachable: the database cannot be reached; nothing was done.
        """
        budgets = MatchingBudgets()
        while True:
            try:
                async with self.connected() as pipe:
                    outcome = await self._act(
                        pipe, budgets, workspace_id, alert_id, action, actor, now, note, until, also
                    )
            except Conflict:
                return OpenAlertExists()
            if outcome is not None:
                return outcome
            # Without the connection: people of other workspaces need it.
            await budgets.settle(now)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Pipe]:
        """The connection, to oneself. After any error it is closed, and with it whatever transaction
        and locks it held."""
        async with self._turn:
            try:
                yield await self._live_pipe()
            except BaseException:
                await self.close()
                raise

    async def _live_pipe(self) -> Pipe:
        pipe = self._pipe
        if pipe is not None and pipe.is_usable:
            # It may have died since somebody last used it, and that was long ago.
            with contextlib.suppress(Unreachable):
                await pipe.run((PING, {}))
                return pipe
        await self.close()
        self._pipe = await Pipe.open(self.url, options="-c timezone=UTC")
        return self._pipe

    async def close(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            await pipe.close()

    async def _act(
        self,
        pipe: Pipe,
        budgets: MatchingBudgets,
        workspace_id: UUID,
        alert_id: UUID,
        action: Action,
        actor: Actor,
        now: datetime,
        note: str | None,
        until: datetime | None,
        also: Sequence[Call],
    ) -> ActionOutcome | None:
        """None: nothing is done, for there is matching to `settle` first."""
        asked = {"id": alert_id.bytes, "workspace_id": workspace_id.bytes}
        (found,) = await pipe.run((prepared("find_alert_key"), asked))
        if not found:
            return AlertNotFound()
        keys = [
            AlertKey(row.integration_id.bytes, row.external_id)
            for row in found
            if row.external_id is not None
        ]
        transaction = AlertTransaction(pipe, self.feed, now, budgets)
        _, alerts = await transaction.begin(keys, alert_ids=[alert_id.bytes])
        stored = alerts.get(alert_id.bytes)
        if stored is None:
            await transaction.rollback()
            return AlertNotFound()
        before = stored.state.status
        move = _move_of(stored, action, until)
        if (answer := _answered(stored.state, action, move, now)) is not None:
            await transaction.rollback()
            return answer
        if action in (Action.SNOOZE, Action.UNSNOOZE):
            stored.state.snooze = None if until is None else ActiveSnooze(until, actor.name)
        if move is not None:
            _moved(stored.state, action, move.to, now)
        if action is Action.ACKNOWLEDGE:
            transaction.escalating.acknowledge(stored, NewAcknowledgement(actor.id, until))
        kind = _KINDS[action]
        said = {} if until is None else {"until": iso(until)}
        if note:
            said["note"] = note
        transaction.move(
            stored,
            kind,
            None if move is None else move.event_type,
            was_live=before.is_live,
            actor_name=actor.name,
            actor_json=_json(actor.document()),
            detail=said,
            by=actor.id,
        )
        await transaction.plan()
        if budgets.overdrawn:
            await transaction.rollback()
            return None
        after = stored.state.status
        await transaction.commit(
            audited(workspace_id, alert_id, actor, kind, before, after, said, now), *also
        )
        return Acted(after)


def _move_of(stored: StoredAlert, action: Action, until: datetime | None) -> _Move | None:
    """The change of status; None: it stays, as where an acknowledgement is renewed."""
    renews = (
        action is Action.ACKNOWLEDGE
        and stored.state.status is AlertStatus.ACKNOWLEDGED
        and (until is not None or stored.entry.on_call is not None)
    )
    return None if renews else _MOVES.get(action)


def _answered(
    alert: AlertState, action: Action, move: _Move | None, now: datetime
) -> ActionOutcome | None:
    """The answer where nothing is to be done: it is so already, or must not be."""
    before = alert.status
    if move is not None and move.to is before:
        return Acted(before, is_changed=False)
    if move is not None and not move.is_allowed(before):
        return ActionNotAllowed(before)
    if action in (Action.SNOOZE, Action.UNSNOOZE) and not before.is_live:
        return ActionNotAllowed(before)
    if action is Action.UNSNOOZE and not _is_snoozed(alert, now):
        return Acted(before, is_changed=False)
    return None


def _is_snoozed(alert: AlertState, now: datetime) -> bool:
    return alert.snooze is not None and alert.snooze.until > now


def _moved(alert: AlertState, action: Action, to: AlertStatus, now: datetime) -> None:
    alert.status = to
    if action is Action.UNACKNOWLEDGE:
        # A snooze stays: it is another wish.
        alert.acknowledged_at = None
    elif to is AlertStatus.OPEN:
        alert.acknowledged_at = alert.resolved_at = alert.snooze = None
    elif to is AlertStatus.ACKNOWLEDGED:
        alert.acknowledged_at = now
    elif to is AlertStatus.RESOLVED:
        alert.resolved_at = now
    else:
        alert.closed_at = now


def audited(
    workspace_id: UUID,
    alert_id: UUID,
    actor: Actor,
    kind: AlertEventKind,
    before: AlertStatus,
    after: AlertStatus,
    said: Mapping[str, Any],
    now: datetime,
) -> Call:
    """What puts it into the audit log."""
    return (
        prepared("add_audit_event"),
        {
            "id": uuid7_bytes(),
            "workspace_id": workspace_id.bytes,
            "now": now,
            "actor": arrays.text(_json(actor.document())),
            "action": arrays.text(kind.value),
            "object_type": arrays.text("alert"),
            "object_id": alert_id.bytes,
            "before": arrays.text(_json({"status": before.value})),
            "after": arrays.text(_json({"status": after.value, **said})),
        },
    )
