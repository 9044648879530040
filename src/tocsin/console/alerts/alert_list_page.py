"""The list of alerts. Its address is its state: a query, a label to group by, where the page begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tocsin.console.alerts.alert_acts import act_on_several, undo_offered
from tocsin.console.alerts.alert_addresses import USUAL, list_address
from tocsin.console.alerts.alert_facets import read_facets, show_facets
from tocsin.console.alerts.alert_rows import Row, read_rows
from tocsin.console.alerts.assignees import read_assignees
from tocsin.console.alerts.bulk_pages import under_way
from tocsin.console.alerts.completion import complete
from tocsin.console.alerts.sounds import CHOICES, sound_of
from tocsin.console.alerts.view_pages import read_tabs
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import AlertStatus, Role, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.resources.alert_query import read_query, split, without
from tocsin.resources.bulk_actions import MOST_ALERTS
from tocsin.store.queries.alert_counts import Count, count_alerts
from tocsin.store.queries.alert_list import ListPlace
from tocsin.store.queries.alert_search import narrowed

PAGE_ROWS = 50
_ALL_LIVE = AlertFilter(frozenset(each for each in AlertStatus if each.is_live))


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/alerts", opened(context, _show), methods=["GET"]),
        Route("/alerts/facets", opened(context, show_facets), methods=["GET"]),
        Route("/alerts/complete", opened(context, complete), methods=["GET"]),
        Route("/alerts/jump", opened(context, _jump), methods=["GET"]),
        Route(
            "/alerts/act",
            opened(context, act_on_several, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


async def _show(call: Call) -> Response:
    params = call.request.query_params
    query = params.get("q", USUAL)[:1_000]
    group_by = params.get("group", "")[:60]
    asked = read_query(query, call.now)
    after = _place(params.get("after", ""))
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        wanted = await narrowed(session, workspace_id, asked)
        rows = await read_rows(session, call, wanted, PAGE_ROWS + 1, after)
        total = Count(0) if asked.faults else await count_alerts(session, workspace_id, wanted)
        open_count = total
        if asked != _ALL_LIVE:
            open_count = await count_alerts(session, workspace_id, _ALL_LIVE)
        views = await read_tabs(session, call, query, group_by)
        doing = await under_way(session, workspace_id)
        facets = await read_facets(session, call, query) if "facets" in params else None
        over = Count(0)
        if not rows and not asked.faults and not asked.names_owner:
            ended = replace(asked, statuses=frozenset({AlertStatus.RESOLVED, AlertStatus.CLOSED}))
            ended = await narrowed(session, workspace_id, ended)
            over = await count_alerts(session, workspace_id, ended)
    more = None
    if len(rows) > PAGE_ROWS:
        rows = rows[:PAGE_ROWS]
        last = rows[-1].alert
        more = list_address(q=query, group=group_by, after=f"{last.severity.value}.{last.id}")
    return page(
        "alerts.html",
        call.frame("alerts", open_count.number),
        HTTPStatus.OK,
        query=query,
        terms=split(query),
        group_by=group_by,
        groups=_grouped(rows, group_by),
        total=total.words,
        views=views,
        may_share=call.may(Role.RESPONDER),
        flat_address=list_address(q=query),
        group_address=list_address(q=query, group=group_by or _best_label(rows)),
        group_label=group_by or _best_label(rows),
        facets=facets,
        facets_address=f"/alerts/facets?{urlencode({'q': query})}",
        narrow_address=list_address(q=query, group=group_by, facets="1"),
        faults=asked.faults,
        more=more,
        over=over.words,
        over_address=list_address(q=(without(query, "status") + " status:resolved,closed").strip()),
        is_first_page=after is None,
        sound=sound_of(call.visitor.preferences, query),
        sounds=CHOICES,
        undo=undo_offered(params, q=query),
        may_act=call.may(Role.RESPONDER),
        assignees=read_assignees(call) if call.may(Role.RESPONDER) else (),
        is_of_over=asked.is_of_over,
        has_any=bool(rows),
        is_cut=total.number > MOST_ALERTS,
        most_in_bulk=f"{MOST_ALERTS:,}",
        under_way=doing,
    )


def _grouped(rows: Sequence[Row], label: str) -> list[tuple[str | None, list[Row]]]:
    """Under each value of the label, in the order of the worst of each; what has none comes last."""
    if not label:
        return [(None, list(rows))]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.alert.labels.get(label, ""), []).append(row)
    named = [(value, of_value) for value, of_value in groups.items() if value]
    rest = [(f"no {label}", groups[""])] if "" in groups else []
    return [*named, *rest]


def _best_label(rows: Sequence[Row]) -> str:
    """The label that most of these have, with few values: what a reader would group by."""
    values: dict[str, set[str]] = {}
    having: dict[str, int] = {}
    for row in rows:
        for name, value in row.alert.labels.items():
            values.setdefault(name, set()).add(value)
            having[name] = having.get(name, 0) + 1
    fit = [name for name in values if 1 < len(values[name]) < max(2, having[name])]
    return max(fit, key=lambda name: (having[name], -len(values[name])), default="host")


def _place(text: str) -> ListPlace | None:
    severity, _, alert_id = text.partition(".")
    try:
        return ListPlace(Severity(severity), UUID(alert_id))
    except ValueError:
        return None


async def _jump(call: Call) -> Response:
    """Alerts by their words, for the command menu."""
    words = tuple(call.request.query_params.get("q", "")[:100].replace("\0", "").split()[:5])
    wanted = AlertFilter(
        statuses=frozenset(each for each in AlertStatus if each.is_live), words=words
    )
    async with call.context.reading() as session:
        wanted = await narrowed(session, call.visitor.workspace_id, wanted)
        rows = await read_rows(session, call, wanted, 6)
    icons = {
        Severity.CRITICAL: "flame",
        Severity.HIGH: "triangle-alert",
        Severity.MEDIUM: "diamond",
        Severity.LOW: "chevron-down",
        Severity.INFO: "info",
    }
    return JSONResponse(
        [
            {
                "id": str(row.alert.id),
                "title": row.alert.title,
                "note": row.where,
                "icon": icons[row.alert.severity],
            }
            for row in rows
        ],
        headers={"Cache-Control": "no-store"},
    )


def snooze_ends(now: datetime) -> list[tuple[str, datetime]]:
    """What one usually snoozes for."""
    return [
        ("30 min", now + timedelta(minutes=30)),
        ("2 h", now + timedelta(hours=2)),
        ("8 h", now + timedelta(hours=8)),
        ("1 day", now + timedelta(days=1)),
    ]
