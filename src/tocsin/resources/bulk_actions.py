"""One action on all alerts of a filter: what it may be, who may ask, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.model import AlertStatus, Fault, Severity, iso, uuid7
from tocsin.model.bulk_actions import UNDONE_BY, BulkKind, BulkOutcome, BulkState
from tocsin.resources import recording
from tocsin.resources.alert_query import LONGEST, read_query
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import (
    NO_NUL,
    Id,
    Input,
    JsonObject,
    Note,
    Output,
    Time,
    example,
)
from tocsin.resources.members import require_member
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import bulk_actions as stored
from tocsin.store.queries.alert_search import narrowed
from tocsin.store.tables import BulkAction

MOST_ALERTS = 10_000
"""Of one bulk action, as many as a list counts; it says where there were more."""
MOST_AT_ONCE = 5
"""Of one workspace, that are not over."""
MOST_KEPT = 200
"""Of one workspace, that are over; the audit log has what was done."""


class BulkActionIn(Input):
    kind: BulkKind
    query: Annotated[
        str,
        StringConstraints(strict=True, min_length=1, max_length=LONGEST, pattern=NO_NUL),
        Field(description="As in the query bar of the list of alerts: `status:open host:db*`"),
    ]
    note: Annotated[
        Note | None, Field(description="Kept in the timeline of each; `note` needs one")
    ] = None
    minutes: Annotated[
        int | None, Field(ge=1, le=525_600, description="To snooze, from now on")
    ] = None
    until: Annotated[
        Time | None,
        Field(description="To snooze, instead of `minutes`; an acknowledgement may have one"),
    ] = None
    user_id: Annotated[Id | None, Field(description="To assign: to whom; null: unassigned")] = None

    model_config = example({"kind": "acknowledge", "query": "status:open host:db*"})


class BulkActionOut(Output):
    id: Id
    workspace_id: Id
    kind: BulkKind
    query: str
    actor: Annotated[dict[str, str], Field(description="Who asked for it")]
    wish: Annotated[JsonObject, Field(description="`note`, `until` and `user_id`, as asked")]
    state: BulkState
    alert_count: Annotated[int, Field(description="Alerts that matched when it was asked for")]
    has_more: Annotated[
        bool, Field(description=f"More than {MOST_ALERTS:,} matched; the rest is left alone")
    ]
    changed_count: int
    unchanged_count: Annotated[int, Field(description="They had that state already")]
    refused_count: Annotated[
        int, Field(description="Their state did not admit it, or they are gone")
    ]
    undo_of: Annotated[Id | None, Field(description="The bulk action that this one takes back")]
    created_at: Time
    finished_at: Time | None

    @property
    def settled_count(self) -> int:
        return self.changed_count + self.unchanged_count + self.refused_count


class BulkAlertOut(Output):
    alert_id: Id
    title: Annotated[str | None, Field(description="null: the alert is gone")]
    severity: Severity | None
    status: Annotated[AlertStatus | None, Field(description="As it is now")]
    outcome: Annotated[BulkOutcome | None, Field(description="null: not yet")]
    reason: Annotated[str, Field(description="Why it was refused, for people")]


@dataclass(frozen=True, slots=True)
class StillRunning:
    """What is still being done cannot be undone."""

    words: str = "It is still being done; cancel it first, or wait."


@dataclass(frozen=True, slots=True)
class NotUndoable:
    """Nothing takes it back; `words` say why."""

    words: str


def show(row: BulkAction) -> BulkActionOut:
    return BulkActionOut.model_validate(row)


def may_undo(row: BulkAction | BulkActionOut) -> bool:
    """Whether its kind, its state and what it changed admit it; it may have been undone before."""
    return (
        BulkKind(row.kind) in UNDONE_BY
        and row.undo_of is None
        and BulkState(row.state).is_over
        and row.changed_count > 0
    )


async def create(
    session: DatabaseSession, caller: Principal, body: BulkActionIn, now: datetime
) -> BulkAction:
    """Keeps which alerts match now; they are worked through from the commit on. What comes in later
    is not among them, for nobody has seen it.

    Raises:
        InvalidRequest: the query cannot be read, the wish says too little or too much, or there are
            too many at once.
        MissingReference: to be assigned to somebody who is no member.
    """
    wish = _wish(body, now)
    if body.user_id is not None:
        await require_member(session, caller, body.user_id, "/user_id")
    asked = read_query(body.query, now)
    if asked.faults:
        raise InvalidRequest([Fault("/query", "query", each) for each in asked.faults])
    if await stored.count_unfinished(session, caller.workspace_id) >= MOST_AT_ONCE:
        message = (
            f"{MOST_AT_ONCE} bulk actions of this workspace are still being done; wait for one"
        )
        raise InvalidRequest([Fault("", "too_many", message)])
    wanted = await narrowed(session, caller.workspace_id, asked)
    ids = await stored.ids_of(session, caller.workspace_id, wanted, MOST_ALERTS + 1)
    row = _row(caller, body.kind, body.query, wish, now)
    row.alert_count, row.has_more = min(len(ids), MOST_ALERTS), len(ids) > MOST_ALERTS
    if not ids:
        row.state, row.finished_at = BulkState.DONE.value, now
    await stored.forget_oldest(session, caller.workspace_id, MOST_KEPT)
    await stored.add_bulk_action(session, row, ids[:MOST_ALERTS])
    _record(session, caller, row, now)
    return row


def _wish(body: BulkActionIn, now: datetime) -> dict[str, Any]:
    faults = []
    kind = body.kind
    if kind is BulkKind.NOTE and body.note is None:
        faults.append(Fault("/note", "missing", "say what to note"))
    if (body.minutes is not None) and (kind is not BulkKind.SNOOZE or body.until is not None):
        faults.append(Fault("/minutes", "one_of", "is for a snooze, instead of until"))
    if body.until is not None and kind not in (BulkKind.SNOOZE, BulkKind.ACKNOWLEDGE):
        faults.append(Fault("/until", "not_for", "is for a snooze or an acknowledgement"))
    if kind is BulkKind.SNOOZE and body.minutes is None and body.until is None:
        faults.append(Fault("", "one_of", "say either minutes or until, and not both"))
    if body.until is not None and body.until <= now:
        faults.append(Fault("/until", "not_in_future", "lies in the past"))
    if "user_id" in body.model_fields_set and kind is not BulkKind.ASSIGN:
        faults.append(Fault("/user_id", "not_for", "is for assign"))
    if faults:
        raise InvalidRequest(faults)
    wish: dict[str, Any] = {}
    if body.note is not None:
        wish["note"] = body.note
    until = body.until
    if body.minutes is not None:
        until = now + timedelta(minutes=body.minutes)
    if until is not None:
        wish["until"] = iso(until)
    if kind is BulkKind.ASSIGN:
        wish["user_id"] = None if body.user_id is None else str(body.user_id)
    return wish


async def cancel(
    session: DatabaseSession, caller: Principal, bulk_action_id: UUID, now: datetime
) -> BulkAction:
    """Stops it after the alert under way. Of one that is over nothing is left to stop.

    Raises:
        NotInWorkspace: there is none.
    """
    row = await owned(session, BulkAction, caller, bulk_action_id)
    if await stored.cancel_bulk_action(session, bulk_action_id):
        recording.record(
            session,
            caller,
            "canceled",
            "bulk_action",
            bulk_action_id,
            now,
            after={"settled_count": show(row).settled_count},
        )
    await session.refresh(row)
    return row


async def undo(
    session: DatabaseSession, caller: Principal, bulk_action_id: UUID, now: datetime
) -> BulkAction | StillRunning | NotUndoable:
    """Takes back what it changed, by a bulk action of its own. What somebody else has taken over since
    stays as it is.

    Raises:
        NotInWorkspace: there is none.
    """
    before = await owned(session, BulkAction, caller, bulk_action_id)
    kind = BulkKind(before.kind)
    if not BulkState(before.state).is_over:
        return StillRunning()
    if before.undo_of is not None:
        return NotUndoable("It takes back another itself.")
    if kind not in UNDONE_BY:
        return NotUndoable(f"Nothing takes back `{kind.value}`.")
    if not before.changed_count:
        return NotUndoable("It changed nothing.")
    row = _row(caller, UNDONE_BY[kind], before.query, {}, now)
    row.undo_of = before.id
    if not await stored.add_undo(session, row):
        return NotUndoable("It has been undone already.")
    _record(session, caller, row, now)
    return row


def _row(
    caller: Principal, kind: BulkKind, query: str, wish: dict[str, Any], now: datetime
) -> BulkAction:
    return BulkAction(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        kind=kind.value,
        query=query,
        actor=caller.actor.document(),
        wish=wish,
        state=BulkState.RUNNING.value,
        alert_count=0,
        has_more=False,
        changed_count=0,
        unchanged_count=0,
        refused_count=0,
        undo_of=None,
        created_at=now,
        finished_at=None,
    )


def _record(session: DatabaseSession, caller: Principal, row: BulkAction, now: datetime) -> None:
    document = show(row).document()
    kept = ("kind", "query", "wish", "alert_count", "has_more", "undo_of")
    recording.record(
        session,
        caller,
        "created",
        "bulk_action",
        row.id,
        now,
        after={name: document[name] for name in kept},
    )
