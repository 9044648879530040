"""Bulk actions: what is asked of all alerts of a filter, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.model.bulk_actions import BulkKind, BulkOutcome, BulkState
from tocsin.store.bulk_news import CHANNEL
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, any_of, fetch_page
from tocsin.store.queries.alert_conditions import array_of_ids
from tocsin.store.queries.alert_list import listing
from tocsin.store.tables import Alert, BulkAction, BulkActionAlert, Workspace

UNFINISHED: Final = (BulkState.RUNNING, BulkState.CANCELING)
_ADDED_AT_ONCE = 2_000
_FORGOTTEN_AT_ONCE = 2


async def ids_of(
    session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter, most: int
) -> Sequence[UUID]:
    """The ids of the alerts of a list, in its order."""
    listed = listing(workspace_id, wanted, most)
    return (await session.scalars(listed.with_only_columns(Alert.id))).all()


async def add_bulk_action(
    session: DatabaseSession, row: BulkAction, alert_ids: Sequence[UUID]
) -> None:
    """With its alerts, which are worked through from the commit on."""
    session.add(row)
    await session.flush()
    for begin in range(0, len(alert_ids), _ADDED_AT_ONCE):
        some = alert_ids[begin : begin + _ADDED_AT_ONCE]
        ids = func.unnest(array_of_ids([str(each) for each in some]))
        given = ids.table_valued("alert_id", with_ordinality="place").render_derived()
        await session.execute(
            insert(BulkActionAlert).from_select(
                ["bulk_action_id", "place", "alert_id"],
                select(literal(row.id), literal(begin) + given.c.place, given.c.alert_id),
            )
        )
    await session.execute(text(f"NOTIFY {CHANNEL}"))


async def add_undo(session: DatabaseSession, row: BulkAction) -> bool:
    """`row` undoes what another changed and nobody has taken over since; False: it was undone before.
    `alert_count` is set here."""
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError:
        return False
    before, own = BulkActionAlert, row.actor.get("id")
    still_ours = or_(
        Alert.acknowledged_by.is_(None),
        Alert.acknowledged_by == (None if own is None else UUID(own)),
    )
    if row.kind == BulkKind.UNSNOOZE:
        still_ours = Alert.snoozed_by == row.actor["name"]
    await session.execute(
        insert(BulkActionAlert).from_select(
            ["bulk_action_id", "place", "alert_id"],
            select(literal(row.id), before.place, before.alert_id)
            .join(Alert, Alert.id == before.alert_id)
            .where(
                before.bulk_action_id == row.undo_of,
                before.outcome == BulkOutcome.CHANGED,
                Alert.workspace_id == row.workspace_id,
                still_ours,
            ),
        )
    )
    added = select(func.count()).where(BulkActionAlert.bulk_action_id == row.id)
    row.alert_count = await session.scalar(added) or 0
    await session.flush()
    await session.execute(text(f"NOTIFY {CHANNEL}"))
    return True


async def count_unfinished(session: DatabaseSession, workspace_id: UUID) -> int:
    """Until the commit nobody else counts them, who might add another."""
    await session.execute(
        select(Workspace.id).where(Workspace.id == workspace_id).with_for_update(key_share=True)
    )
    statement = select(func.count()).where(
        BulkAction.workspace_id == workspace_id, BulkAction.state.in_(UNFINISHED)
    )
    return await session.scalar(statement) or 0


async def unfinished(session: DatabaseSession, workspace_id: UUID) -> Sequence[BulkAction]:
    """Those that are being done, oldest first."""
    statement = (
        select(BulkAction)
        .where(BulkAction.workspace_id == workspace_id, BulkAction.state.in_(UNFINISHED))
        .order_by(BulkAction.id)
    )
    return (await session.scalars(statement)).all()


async def page_of_bulk_actions(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest, states: Sequence[BulkState]
) -> RowPage[BulkAction]:
    statement = select(BulkAction).where(
        BulkAction.workspace_id == workspace_id, *any_of(BulkAction.state, states)
    )
    return await fetch_page(
        session, statement, request, key=BulkAction.id, list_name="bulk-actions"
    )


async def undone_by(session: DatabaseSession, bulk_action_id: UUID) -> UUID | None:
    """What undoes it, if anything does."""
    return await session.scalar(select(BulkAction.id).where(BulkAction.undo_of == bulk_action_id))


@dataclass(frozen=True, slots=True)
class BulkAlert:
    """What became of one alert of a bulk action. Without a title, the alert is gone."""

    alert_id: UUID
    title: str | None
    severity: Severity | None
    status: AlertStatus | None
    outcome: str | None
    reason: str


async def page_of_bulk_alerts(
    session: DatabaseSession,
    bulk_action_id: UUID,
    request: PageRequest,
    outcomes: Sequence[BulkOutcome],
) -> RowPage[BulkAlert]:
    """With `outcomes`, only those that have one of them."""
    of = BulkActionAlert
    statement = select(of).where(of.bulk_action_id == bulk_action_id, *any_of(of.outcome, outcomes))
    page = await fetch_page(
        session, statement, request, key=of.alert_id, list_name="bulk-action-alerts"
    )
    known = {
        row.id: row
        for row in await session.execute(
            select(Alert.id, Alert.title, Alert.severity, Alert.status).where(
                Alert.id.in_([each.alert_id for each in page.rows])
            )
        )
    }
    return RowPage([_with(each, known.get(each.alert_id)) for each in page.rows], page.next_cursor)


def _with(row: BulkActionAlert, alert: Any) -> BulkAlert:
    if alert is None:
        return BulkAlert(row.alert_id, None, None, None, row.outcome, row.reason)
    return BulkAlert(
        row.alert_id, alert.title, alert.severity, alert.status, row.outcome, row.reason
    )


async def cancel_bulk_action(session: DatabaseSession, bulk_action_id: UUID) -> bool:
    """Whether there was anything left to do."""
    canceled = await session.scalar(
        update(BulkAction)
        .where(BulkAction.id == bulk_action_id, BulkAction.state == BulkState.RUNNING)
        .values(state=BulkState.CANCELING)
        .returning(BulkAction.id)
    )
    await session.execute(text(f"NOTIFY {CHANNEL}"))
    return canceled is not None


async def forget_oldest(session: DatabaseSession, workspace_id: UUID, kept: int) -> None:
    """Of those that are over only the newest `kept` stay; what was done stays in the audit log. A few at
    once: each has many rows."""
    oldest = (
        select(BulkAction.id)
        .where(BulkAction.workspace_id == workspace_id, BulkAction.state.not_in(UNFINISHED))
        .order_by(BulkAction.id.desc())
        .offset(kept)
        .limit(_FORGOTTEN_AT_ONCE)
    )
    await session.execute(delete(BulkAction).where(BulkAction.id.in_(oldest)))
