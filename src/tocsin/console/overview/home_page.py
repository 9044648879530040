"""Home: what waits for me, what else is open, and whether everything that should work does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.alerts.alert_acts import undo_offered
from tocsin.console.alerts.alert_rows import Row, read_rows
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import clock, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.on_call.schedule_pages import on_call_now
from tocsin.console.overview.first_steps import read_first_steps
from tocsin.console.overview.health_strip import read_health
from tocsin.console.overview.severity_counts import severity_line
from tocsin.explain.row_notes import ChipKind
from tocsin.model import AlertStatus, Role, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_counts import Count, SeverityCount
from tocsin.store.queries.alert_totals import Hour, last_activity
from tocsin.store.queries.paged_alerts import alerts_paging

_MINE = 5
_OTHERS = 12
_LIVE = frozenset(each for each in AlertStatus if each.is_live)


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/", opened(context, _show), methods=["GET"])]


async def _show(call: Call) -> Response:
    workspace_id = call.visitor.workspace_id
    me = call.visitor.user_id
    async with call.context.reading() as session:
        paging = await alerts_paging(session, workspace_id, me, _MINE)
        my_rows = await _read_mine(session, call, paging)
        others = AlertFilter(_LIVE, not_taken_by=me)
        rows = await read_rows(session, call, others, _OTHERS + len(paging))
        by_severity = await call.context.severities.read(session, workspace_id, call.now)
        hours = await call.context.hours.read(session, workspace_id, call.now)
        directory = call.context.senders.feed.current
        duty = await call.context.duty.read(session, workspace_id, directory, call.now)
        health = await read_health(session, workspace_id, duty, call.now)
        last = await last_activity(session, workspace_id)
        on_call = await on_call_now(session, workspace_id, call.now)
        first_steps = await read_first_steps(session, call)
    total = sum(each.live.number for each in by_severity)
    rows = [row for row in rows if row.alert.id not in paging][:_OTHERS]
    is_new = last is None and bool(first_steps)
    return page(
        "home.html",
        call.frame("home", total),
        mine=my_rows,
        others=rows,
        total=total,
        heading="Nothing sends here yet" if is_new else _heading(my_rows, by_severity, total),
        lead="Three steps, and alerts reach somebody." if is_new else _lead(call, rows, total),
        is_new=is_new,
        health=health,
        severities=[severity_line(each) for each in by_severity],
        counted=Count(total).words,
        bars=bars(hours),
        on_call=on_call,
        first_steps=first_steps,
        last=last,
        is_quiet=total == 0,
        may_act=call.may(Role.RESPONDER),
        undo=undo_offered(call.request.query_params),
    )


async def _read_mine(session: DatabaseSession, call: Call, paging: Sequence[UUID]) -> list[Row]:
    """What pages whoever looks, and then what they have taken on."""
    taken = AlertFilter(frozenset({AlertStatus.ACKNOWLEDGED}), taken_by=call.visitor.user_id)
    rows = await read_rows(session, call, taken, _MINE)
    if not paging:
        return rows
    unanswered = AlertFilter(frozenset({AlertStatus.OPEN}), ids=tuple(map(str, paging)))
    return [*await read_rows(session, call, unanswered, _MINE), *rows]


def _heading(mine: Sequence[Row], by_severity: Sequence[SeverityCount], total: int) -> str:
    if not total:
        return "All quiet"
    pages = sum(row.alert.status is AlertStatus.OPEN for row in mine)
    if pages:
        return (
            "One page waits for your answer"
            if pages == 1
            else f"{pages} pages wait for your answer"
        )
    nobody_has = total - sum(each.acknowledged.number for each in by_severity)
    if mine:
        return "One alert is yours" if len(mine) == 1 else f"{len(mine)} alerts are yours"
    if nobody_has > 0:
        return "One alert is with nobody" if nobody_has == 1 else "Nobody has these yet"
    return "Everything open is in somebody's hands"


def _lead(call: Call, others: Sequence[Row], total: int) -> str:
    local = clock(call.now, call.visitor.timezone)
    day = f"{call.now:%A} {call.now.day} {call.now:%B}"
    if not total:
        return f"{day}, {local}. Nothing is open."
    held = sum(row.note.chip.kind is ChipKind.HELD for row in others)
    parts = [f"{Count(total).words} open" if total != 1 else "one open"]
    if held and total <= _OTHERS:
        parts.append(f"{held} of these held back")
    return f"{day}, {local}. {', '.join(parts)}."


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart, in units of its drawing (24 × 60)."""

    x: int
    parts: tuple[tuple[str, float, float], ...]
    """Colour, top and height."""
    words: str


def bars(hours: Sequence[Hour]) -> list[Bar]:
    """The most critical on top."""
    highest = max((sum(hour.counts.values()) for hour in hours), default=0) or 1
    made = []
    for index, hour in enumerate(hours):
        bottom = 60.0
        parts = []
        for colour, severities in (
            ("medium", (Severity.INFO, Severity.LOW, Severity.MEDIUM)),
            ("high", (Severity.HIGH,)),
            ("critical", (Severity.CRITICAL,)),
        ):
            count = sum(hour.counts.get(each, 0) for each in severities)
            if count:
                height = max(2.0, 58 * count / highest)
                bottom -= height
                parts.append((colour, round(bottom, 1), round(height, 1)))
        total = sum(hour.counts.values())
        made.append(Bar(index, tuple(parts), f"{hour.begins_at:%H:%M} UTC: {total} new"))
    return made
