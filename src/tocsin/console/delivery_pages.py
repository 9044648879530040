"""Deliveries: every message that was to go out, what became of it, and what one does about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.render import go, page
from tocsin.explain.wording import WAIT_WORDS
from tocsin.model import AlertDeliveryStatus, Role
from tocsin.resources import deliveries, recording
from tocsin.resources.deliveries import CancelOutcome, NoSuchDelivery, RetryOutcome, StateRefuses
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import BadCursor, PageRequest
from tocsin.store.queries.alert_deliveries import (
    attempts_at,
    group_times,
    page_of_alert_deliveries,
)
from tocsin.store.queries.destination_states import standings
from tocsin.store.queries.destinations import names_of_destinations
from tocsin.store.tables import AlertDelivery

_ROWS = 50
_CHANGES: dict[str, tuple[Callable[..., Awaitable[RetryOutcome | CancelOutcome]], str]] = {
    "retry": (deliveries.retry, "retried"),
    "cancel": (deliveries.cancel, "canceled"),
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/deliveries", opened(context, _list), methods=["GET"]),
        Route("/deliveries/{id:uuid}", opened(context, _show), methods=["GET"]),
        Route(
            "/deliveries/{id:uuid}/change",
            opened(context, _change, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


async def _list(call: Call) -> Response:
    params = call.request.query_params
    wanted = {each.value: each for each in AlertDeliveryStatus}.get(params.get("status", ""))
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        try:
            found = await page_of_alert_deliveries(
                session,
                workspace_id,
                PageRequest(_ROWS, params.get("after")),
                status=[] if wanted is None else [wanted],
                alert_id=None,
                alert_destination_id=None,
                alert_rule_id=None,
                carried_by=None,
                tenant_id=None,
                event_type=None,
                reason=None,
                since=None,
                until=None,
            )
        except BadCursor:
            return go("/deliveries")
        names = await names_of_destinations(
            session, workspace_id, {row.alert_destination_id for row in found.rows}
        )
        waits = await _waits(session, found.rows, call.now)
    return page(
        "deliveries.html",
        call.frame("deliveries"),
        rows=[
            (row, names.get(row.alert_destination_id, "deleted"), waits.get(row.id))
            for row in found.rows
        ],
        statuses=[each.value for each in AlertDeliveryStatus],
        wanted="" if wanted is None else wanted.value,
        more=found.next_cursor,
    )


async def _show(call: Call) -> Response:
    delivery_id: UUID = call.request.path_params["id"]
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, AlertDelivery, workspace_id, delivery_id)
        if row is None:
            return absent("delivery", ("/deliveries", "All deliveries"))
        attempts = await attempts_at(session, [delivery_id])
        names = await names_of_destinations(session, workspace_id, {row.alert_destination_id})
        waits = await _waits(session, [row], call.now)
    return page(
        "delivery.html",
        call.frame("deliveries"),
        row=row,
        destination=names.get(row.alert_destination_id, "deleted"),
        attempts=attempts,
        wait=waits.get(row.id),
        may_act=call.may(Role.RESPONDER),
    )


@dataclass(frozen=True, slots=True)
class ShownWait:
    """What keeps a message that is due, in words (empty: what its row says), and until when."""

    words: str
    until: datetime


async def _waits(
    session: DatabaseSession, rows: Sequence[AlertDelivery], now: datetime
) -> dict[UUID, ShownWait]:
    """By message; none of one that waits for nothing, or only for a time of its own."""
    known = await standings(session, {row.alert_destination_id for row in rows})
    gathered = await group_times(session, rows)
    found: dict[UUID, ShownWait] = {}
    for row in rows:
        standing = known.get(row.alert_destination_id)
        wait = None if standing is None else standing.keeps(row, now)
        if row.group_id in gathered and row.carried_by is None:
            found[row.id] = ShownWait("", gathered[row.group_id])
        elif wait is not None:
            found[row.id] = ShownWait(WAIT_WORDS[wait.reason], wait.until)
    return found


async def _change(call: Call) -> Response:
    delivery_id: UUID = call.request.path_params["id"]
    here = f"/deliveries/{delivery_id}"
    chosen = _CHANGES.get((await call.form()).get("act", ""))
    if chosen is None:
        return go(here)
    change, action = chosen
    async with call.context.writing() as session:
        outcome = await change(session, call.visitor.workspace_id, delivery_id)
        if isinstance(outcome, NoSuchDelivery):
            return absent("delivery", ("/deliveries", "All deliveries"))
        if isinstance(outcome, StateRefuses):
            return go(here, outcome.message)
        recording.record(
            session, call.visitor.principal, action, "alert_delivery", delivery_id, call.now
        )
    return go(here, f"{action.capitalize()}.")
