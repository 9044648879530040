"""What a person does about who is paged: the next step now, somebody else, somebody more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.alerts.actions import (
    Acted,
    ActionNotAllowed,
    Actions,
    AlertNotFound,
    audited,
)
from tocsin.alerts.alert_case import AskedPerson, ForcedStep
from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import Actor, AlertEventKind, AlertStatus, EscalationState
from tocsin.oncall.contacts import Unreachable, unreachable
from tocsin.store import arrays
from tocsin.store.pipe import Call, Row
from tocsin.store.statements import prepared

_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class NothingEscalates:
    """No escalation of the alert is live."""


@dataclass(frozen=True, slots=True)
class StepMovedOn:
    """It has gone on since somebody looked at it. `step` is the one it is at, from 1."""

    step: int


@dataclass(frozen=True, slots=True)
class UnreachablePerson:
    """`place`: which of those who were to be paged it is, from 0."""

    place: int
    user_id: UUID
    name: str
    why: Unreachable

    @property
    def words(self) -> str:
        """Who it is, and what to do."""
        match self.why:
            case Unreachable.USER_REMOVED:
                return f"{self.user_id} is no member of this workspace"
            case Unreachable.USER_DISABLED:
                return (
                    f"{self.name} is disabled, and no page would reach them: an admin enables them, "
                    "or ask somebody else"
                )
            case Unreachable.NO_CONTACT:
                return (
                    f"{self.name} has no contact method that is verified and enabled, and no page "
                    "would reach them: they add one on their own page, or ask somebody else"
                )


@dataclass(frozen=True, slots=True)
class NobodyPaged:
    """No page would reach these of the people who were to be paged, so nothing was done for anybody."""

    people: tuple[UnreachablePerson, ...]

    @property
    def words(self) -> str:
        return f"{'; '.join(each.words for each in self.people)}. Nothing was done."


OnCallOutcome = (
    Acted | AlertNotFound | ActionNotAllowed | NothingEscalates | StepMovedOn | NobodyPaged
)

_Does = Callable[[AlertTransaction, StoredAlert], Awaitable[OnCallOutcome | Sequence[Call]]]
"""Says why not, or what to write besides."""


@dataclass(slots=True)
class OnCallActions:
    """By the connection of `Actions`, in the same kind of transaction."""

    actions: Actions

    async def escalate(
        self,
        workspace_id: UUID,
        alert_id: UUID,
        actor: Actor,
        now: datetime,
        from_step: int | None = None,
    ) -> OnCallOutcome:
        """Take the next step at once. `from_step` (from 1) is the one that the person sees: if it is
        not the one any more, nothing is done.

        Raises:
            Unreachable: the database cannot be reached; nothing was done.
        """

        async def escalate(
            transaction: AlertTransaction, stored: StoredAlert
        ) -> OnCallOutcome | Sequence[Call]:
            if stored.state.status is not AlertStatus.OPEN:
                return ActionNotAllowed(stored.state.status)
            live = await _live(transaction, alert_id)
            if not live:
                return NothingEscalates()
            if from_step is not None and all(row.step + 1 != from_step for row in live):
                return StepMovedOn(max(row.step for row in live) + 1)
            document = actor.document()
            transaction.look_at_escalations(stored, ForcedStep(_json(document), document))
            said = {"from_step": max(row.step for row in live) + 1}
            return [_audit(stored, actor, AlertEventKind.ESCALATED, said, now)]

        return await self._do(workspace_id, alert_id, now, escalate)

    async def assign(
        self,
        workspace_id: UUID,
        alert_id: UUID,
        actor: Actor,
        now: datetime,
        user_id: UUID | None,
        note: str | None = None,
        also: Sequence[Call] = (),
    ) -> OnCallOutcome:
        """Make it somebody's own, and page them; None: nobody's any more. `also` is written with it.

        Raises:
            Unreachable: the database cannot be reached; nothing was done.
        """

        async def assign(
            transaction: AlertTransaction, stored: StoredAlert
        ) -> OnCallOutcome | Sequence[Call]:
            if not stored.state.status.is_live:
                return ActionNotAllowed(stored.state.status)
            said: dict[str, Any] = {"user_id": None if user_id is None else str(user_id)}
            if note:
                said["note"] = note
            if user_id is not None:
                book = _book(transaction, workspace_id)
                if refused := _nobody_paged(book, [user_id]):
                    return refused
                said["name"] = book.name(user_id)
                asked = f"{actor.name} has assigned it to you."
                _page(transaction, stored, user_id, asked, note, {"assigned_by": actor.document()})
            _happened(transaction, stored, AlertEventKind.ASSIGNED, said, actor)
            assigned = {"id": alert_id.bytes, "user_id": _one(user_id), "now": now}
            return [
                (prepared("assign_alert"), assigned),
                _audit(stored, actor, AlertEventKind.ASSIGNED, said, now),
                *also,
            ]

        return await self._do(workspace_id, alert_id, now, assign)

    async def add_responders(
        self,
        workspace_id: UUID,
        alert_id: UUID,
        actor: Actor,
        now: datetime,
        user_ids: Sequence[UUID],
        note: str | None = None,
    ) -> OnCallOutcome:
        """Page people to help, though somebody may have taken it on; all of them or none.

        Raises:
            Unreachable: the database cannot be reached; nothing was done.
        """

        async def add(
            transaction: AlertTransaction, stored: StoredAlert
        ) -> OnCallOutcome | Sequence[Call]:
            if not stored.state.status.is_live:
                return ActionNotAllowed(stored.state.status)
            book = _book(transaction, workspace_id)
            if refused := _nobody_paged(book, user_ids):
                return refused
            people = list(dict.fromkeys(user_ids))
            for user_id in people:
                asked = f"{actor.name} asks you to help."
                _page(transaction, stored, user_id, asked, note, {"asked_by": actor.document()})
            names = [{"user_id": str(each), "name": book.name(each)} for each in people]
            said: dict[str, Any] = {"responders": names} | ({"note": note} if note else {})
            _happened(transaction, stored, AlertEventKind.RESPONDERS_ADDED, said, actor)
            added = {
                "alert_id": alert_id.bytes,
                "user_ids": arrays.uuids([each.bytes for each in people]),
                "by": arrays.text(_json(actor.document())),
                "now": now,
            }
            return [
                (prepared("add_responders"), added),
                _audit(stored, actor, AlertEventKind.RESPONDERS_ADDED, said, now),
            ]

        return await self._do(workspace_id, alert_id, now, add)

    async def _do(
        self, workspace_id: UUID, alert_id: UUID, now: datetime, does: _Does
    ) -> OnCallOutcome:
        budgets = MatchingBudgets()
        while True:
            async with self.actions.connected() as pipe:
                asked = {"id": alert_id.bytes, "workspace_id": workspace_id.bytes}
                (found,) = await pipe.run((prepared("find_alert_key"), asked))
                if not found:
                    return AlertNotFound()
                keys = [
                    AlertKey(row.integration_id.bytes, row.external_id)
                    for row in found
                    if row.external_id is not None
                ]
                transaction = AlertTransaction(pipe, self.actions.feed, now, budgets)
                _, alerts = await transaction.begin(keys, alert_ids=[alert_id.bytes])
                stored = alerts.get(alert_id.bytes)
                done = AlertNotFound() if stored is None else await does(transaction, stored)
                if not isinstance(done, Sequence):
                    await transaction.rollback()
                    return done
                assert stored is not None
                await transaction.plan()
                if not budgets.overdrawn:
                    await transaction.commit(*done)
                    return Acted(stored.state.status)
                await transaction.rollback()
            # Without the connection: people of other workspaces need it.
            await budgets.settle(now)


async def _live(transaction: AlertTransaction, alert_id: UUID) -> list[Row]:
    asked = {"ids": arrays.uuids([alert_id.bytes])}
    rows = await transaction.run((prepared("read_escalations"), asked))
    return [row for row in rows if EscalationState(row.state).is_live]


def _book(transaction: AlertTransaction, workspace_id: UUID) -> OnCallBook:
    return transaction.directory.on_call.get(workspace_id, OnCallBook())


def _nobody_paged(book: OnCallBook, user_ids: Sequence[UUID]) -> NobodyPaged | None:
    """Why these are not paged; None: a page reaches each of them."""
    people = tuple(
        UnreachablePerson(place, user_id, book.name(user_id), why)
        for place, user_id in enumerate(user_ids)
        if (why := unreachable(book.people.get(user_id))) is not None
    )
    return NobodyPaged(people) if people else None


def _page(
    transaction: AlertTransaction,
    stored: StoredAlert,
    user_id: UUID,
    asked: str,
    note: str | None,
    detail: dict[str, Any],
) -> None:
    words = f"{asked} {note}" if note else asked
    transaction.escalating.ask(stored, AskedPerson(user_id, words, detail))


def _happened(
    transaction: AlertTransaction,
    stored: StoredAlert,
    kind: AlertEventKind,
    said: dict[str, Any],
    actor: Actor,
) -> None:
    transaction.move(
        stored,
        kind,
        None,
        was_live=True,
        actor_name=actor.name,
        actor_json=_json(actor.document()),
        detail=said,
    )


def _one(id: UUID | None) -> arrays.Array:
    """An id that may be none."""
    return arrays.optional_uuids([None if id is None else id.bytes])


def _audit(
    stored: StoredAlert, actor: Actor, kind: AlertEventKind, said: dict[str, Any], now: datetime
) -> Call:
    status = stored.state.status
    alert_id = UUID(bytes=stored.state.id)
    return audited(stored.workspace_id, alert_id, actor, kind, status, status, said, now)
