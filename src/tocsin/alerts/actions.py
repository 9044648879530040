"""What a person does to an alert: the same locks, states and planning as for a webhook."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from tocsin.alerts.alert_key import alert_lock, problem_lock
from tocsin.alerts.changes import AlertDetails, Event, concerns_anyone
from tocsin.alerts.correlate import AlertState
from tocsin.alerts.directory import Configuration
from tocsin.alerts.planning import Planning
from tocsin.model import (
    TRANSITIONS,
    Actor,
    AlertEventKind,
    AlertStatus,
    EventType,
    Severity,
    uuid7_bytes,
)
from tocsin.store import arrays
from tocsin.store.pipe import BEGIN, COMMIT, PING, ROLLBACK, Pipe
from tocsin.store.statements import prepared

_json = msgspec.json.Encoder().encode


class Action(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class _Move:
    to: AlertStatus
    kind: AlertEventKind
    event_type: EventType


_MOVES: Mapping[Action, _Move] = {
    Action.ACKNOWLEDGE: _Move(
        AlertStatus.ACKNOWLEDGED, AlertEventKind.ACKNOWLEDGED, EventType.ACKNOWLEDGED
    ),
    Action.RESOLVE: _Move(AlertStatus.RESOLVED, AlertEventKind.RESOLVED, EventType.RESOLVED),
    Action.CLOSE: _Move(AlertStatus.CLOSED, AlertEventKind.CLOSED, EventType.CLOSED),
    Action.REOPEN: _Move(AlertStatus.OPEN, AlertEventKind.REOPENED, EventType.TRIGGERED),
}


@dataclass(frozen=True, slots=True)
class Acted:
    """It is done, and committed with what is owed to destinations."""

    status: AlertStatus


@dataclass(frozen=True, slots=True)
class NotFound:
    """No such alert in this workspace."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The alert's state does not admit it."""

    status: AlertStatus


@dataclass(frozen=True, slots=True)
class OpenAlertExists:
    """It cannot be reopened: its problem has a newer alert that is still live."""


Outcome = Acted | NotFound | NotAllowed | OpenAlertExists


@dataclass(slots=True)
class Actions:
    """One per process, with a connection of its own: people are few and must not wait for batches."""

    url: str
    configuration: Configuration
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
    ) -> Outcome:
        """Change the alert, put it on its timeline and into the audit log, plan what is owed.

        Raises:
            psycopg.OperationalError: the database cannot be reached; nothing was done.
        """
        try:
            async with self.connected() as pipe:
                return await self._act(pipe, workspace_id, alert_id, action, actor, now, note)
        except psycopg.errors.UniqueViolation:
            return OpenAlertExists()

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
            with contextlib.suppress(psycopg.OperationalError):
                await pipe.run((PING, {}))
                return pipe
        await self.close()
        self._pipe = await Pipe.open(self.url, options="-c timezone=UTC")
        return self._pipe

    async def close(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            with contextlib.suppress(psycopg.Error):
                await pipe.close()

    async def _act(
        self,
        pipe: Pipe,
        workspace_id: UUID,
        alert_id: UUID,
        action: Action,
        actor: Actor,
        now: datetime,
        note: str | None,
    ) -> Outcome:
        asked = {"id": alert_id.bytes, "workspace_id": workspace_id.bytes}
        (found,) = await pipe.run((prepared("read_alert"), asked))
        if found[0][1] is None:
            return NotFound()
        integration_id, external_id = found[0][2], found[0][14]
        lock = (
            alert_lock(alert_id.bytes)
            if external_id is None
            else problem_lock(integration_id.bytes, external_id)
        )
        _, _, _, found = await pipe.run(
            (BEGIN, {}),
            (prepared("lock_configuration"), {}),
            (prepared("lock_problems"), {"problems": arrays.bigints([lock])}),
            (prepared("read_alert"), asked),
        )
        row = found[0]
        status = None if row[1] is None else AlertStatus(row[4])
        move = _MOVES.get(action)
        if status is None or (move is not None and move.to not in TRANSITIONS[status]):
            await pipe.run((ROLLBACK, {}))
            return NotFound() if status is None else NotAllowed(status)
        alert = _state(alert_id, row, status)
        planning = Planning()
        if move is not None:
            alert = _moved(alert, move.to, now)
            await self._plan(pipe, planning, alert, move, row, actor, now)
        await pipe.run(
            *_writes(workspace_id, alert_id, actor, status, alert, move, note, now),
            *(
                (prepared(name), parameters)
                for name, parameters in planning.statements(now)
                if parameters is not None
            ),
            (COMMIT, {}),
        )
        return Acted(alert.status)

    async def _plan(
        self,
        pipe: Pipe,
        planning: Planning,
        alert: AlertState,
        move: _Move,
        row: tuple[Any, ...],
        actor: Actor,
        now: datetime,
    ) -> None:
        snapshot = self.configuration.snapshot
        if snapshot.version != row[0]:
            snapshot = await self.configuration.refresh(row[0])
        entry = snapshot.integrations[row[2]]
        if not concerns_anyone(entry, move.event_type):
            return
        await planning.plan(
            pipe,
            [
                Event(
                    event_type=move.event_type,
                    alert=alert,
                    entry=entry,
                    actor=actor.name,
                    details=AlertDetails(*row[11:18]),
                    closed_at=now if move.to is AlertStatus.CLOSED else None,
                    is_old=True,
                )
            ],
            snapshot,
            now,
        )


def _state(alert_id: UUID, row: tuple[Any, ...], status: AlertStatus) -> AlertState:
    return AlertState(
        id=alert_id.bytes,
        severity=Severity(row[3]),
        status=status,
        triggered_at=row[5],
        last_signal_at=row[6],
        last_received_at=row[7],
        occurrence_count=row[8],
        acknowledged_at=row[9],
        resolved_at=row[10],
    )


def _moved(alert: AlertState, to: AlertStatus, now: datetime) -> AlertState:
    alert.status = to
    if to is AlertStatus.OPEN:
        alert.acknowledged_at = alert.resolved_at = None
    elif to is AlertStatus.ACKNOWLEDGED:
        alert.acknowledged_at = now
    elif to is AlertStatus.RESOLVED:
        alert.resolved_at = now
    return alert


def _writes(
    workspace_id: UUID,
    alert_id: UUID,
    actor: Actor,
    before: AlertStatus,
    alert: AlertState,
    move: _Move | None,
    note: str | None,
    now: datetime,
) -> list[tuple[Any, Mapping[str, Any]]]:
    actor_json = arrays.text(_json(actor.document()))
    kind = AlertEventKind.NOTED if move is None else move.kind
    writes: list[tuple[Any, Mapping[str, Any]]] = []
    if move is not None:
        writes.append(
            (
                prepared("move_alert"),
                {
                    "id": alert_id.bytes,
                    "status": arrays.text(alert.status.value),
                    "acknowledged_at": arrays.time(alert.acknowledged_at),
                    "resolved_at": arrays.time(alert.resolved_at),
                    "closed_at": arrays.time(now if move.to is AlertStatus.CLOSED else None),
                    "now": now,
                },
            )
        )
    writes.append(
        (
            prepared("add_alert_event"),
            {
                "id": uuid7_bytes(),
                "alert_id": alert_id.bytes,
                "kind": arrays.text(kind.value),
                "now": now,
                "actor": actor_json,
                "detail": arrays.text(_json({"note": note} if note else {})),
            },
        )
    )
    writes.append(
        (
            prepared("add_audit_event"),
            {
                "id": uuid7_bytes(),
                "workspace_id": workspace_id.bytes,
                "now": now,
                "actor": actor_json,
                "action": arrays.text(kind.value),
                "object_type": arrays.text("alert"),
                "object_id": alert_id.bytes,
                "before": arrays.text(_json({"status": before.value})),
                "after": arrays.text(
                    _json({"status": alert.status.value, **({"note": note} if note else {})})
                ),
            },
        )
    )
    return writes
