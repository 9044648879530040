"""Deliveries: every message that was to go out, what became of it, and what one does about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms.choices import destination_choices
from tocsin.console.frame.list_page import page_or_first
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.console.notifying.delivery_acts import (
    MOST_AT_ONCE,
    PERIODS,
    act_on_one,
    act_on_several,
    can_be_changed,
)
from tocsin.explain.wait_words import WAIT_WORDS
from tocsin.model import AlertDeliveryStatus, Reason, Role
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_deliveries import (
    attempts_at,
    group_times,
    page_of_alert_deliveries,
)
from tocsin.store.queries.destination_states import standings
from tocsin.store.queries.destinations import names_of_destinations
from tocsin.store.tables import AlertDelivery

_ROWS = 50
_REASONS: Mapping[str, str] = {
    Reason.RULE: "a rule names it",
    Reason.ESCALATION: "an escalation pages by it",
    Reason.PAGED_BEFORE: "it paged before, so it says the end",
    Reason.FALLBACK: "as the fallback",
    Reason.RESOLVED_BEFORE_SENT: "over before it was sent",
    Reason.ACKNOWLEDGED_BEFORE_SENT: "acknowledged before it was sent",
    Reason.REOPENED_BEFORE_SENT: "open again before it was sent",
    Reason.SUPERSEDED: "a later message says how it stands",
    Reason.TRIGGER_NOT_SENT: "nothing had been sent of the beginning",
}
"""In a few words; the others say it by their names."""


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/deliveries", opened(context, _list), methods=["GET"]),
        Route("/deliveries/{id:uuid}", opened(context, _show), methods=["GET"]),
        Route(
            "/deliveries/{id:uuid}/change",
            opened(context, act_on_one, role=Role.RESPONDER),
            methods=["POST"],
        ),
        Route(
            "/deliveries/act",
            opened(context, act_on_several, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


async def _list(call: Call) -> Response:
    params = call.request.query_params
    wanted = {each.value: each for each in AlertDeliveryStatus}.get(params.get("status", ""))
    to = _id(params.get("to", ""))
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await page_or_first(
            _ROWS,
            params.get("after"),
            lambda request: page_of_alert_deliveries(
                session,
                workspace_id,
                request,
                status=[] if wanted is None else [wanted],
                alert_id=None,
                alert_destination_id=to,
                alert_rule_id=None,
                carried_by=None,
                tenant_id=None,
                event_type=None,
                reason=None,
                since=None,
                until=None,
            ),
        )
        names = await names_of_destinations(
            session, workspace_id, {row.alert_destination_id for row in found.rows}
        )
        waits = await _waits(session, found.rows, call.now)
        destinations = await destination_choices(session, workspace_id, [str(to)] if to else [])
    status = "" if wanted is None else wanted.value
    return page(
        "deliveries.html",
        call.frame("deliveries"),
        rows=[
            (row, names.get(row.alert_destination_id, "deleted"), waits.get(row.id))
            for row in found.rows
        ],
        tabs=[
            (each, _address(status=each, to=to))
            for each in ("", *(each.value for each in AlertDeliveryStatus))
        ],
        wanted=status,
        to="" if to is None else str(to),
        destinations=destinations,
        can_be_changed=can_be_changed,
        reasons=_REASONS,
        periods=PERIODS,
        most_at_once=MOST_AT_ONCE,
        older=_address(status=status, to=to, after=found.next_cursor) if found.next_cursor else "",
        may_act=call.may(Role.RESPONDER),
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _address(**parts: object) -> str:
    query = urlencode({name: str(value) for name, value in parts.items() if value})
    return f"/deliveries?{query}" if query else "/deliveries"


async def _show(call: Call) -> Response:
    delivery_id: UUID = call.request.path_params["id"]
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, AlertDelivery, workspace_id, delivery_id)
        if row is None:
            return absent(call, "delivery", ("/deliveries", "All deliveries"))
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
        reasons=_REASONS,
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
