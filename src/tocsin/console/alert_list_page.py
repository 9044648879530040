"""The list of alerts. Its address is its state: a query, a label to group by, where the page begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tocsin.console.alert_acts import act_on_several
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, opened
from tocsin.console.query_language import read_query, split, without
from tocsin.console.render import page
from tocsin.explain.row_notes import RowNote, row_note
from tocsin.model import AlertStatus, Role, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_list import (
    MOST_COUNTED,
    FacetCount,
    ListedAlert,
    ListPlace,
    count_alerts,
    count_by,
    latest_deliveries,
    list_alerts,
    live_escalations,
    taken_by,
)

PAGE_ROWS = 50
USUAL = "status:open,acknowledged"
_FACETS = (
    ("severity", "Severity"),
    ("status", "Status"),
    ("tenant", "Tenant"),
    ("source", "Source"),
)
_FACET_VALUES = 8
_HOST_LABELS = ("host", "instance", "hostname", "service", "device", "node", "pod")
_VIEWS = (
    ("Open", USUAL),
    ("Unowned", "status:open"),
    ("Critical", f"{USUAL} severity:critical"),
    ("Held", f"{USUAL} held:yes"),
    ("Over today", "status:resolved,closed age<24h"),
)


@dataclass(frozen=True, slots=True)
class Row:
    alert: ListedAlert
    note: RowNote
    where: str
    """Tenant, source and what it is about, in one line."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    words: str
    count: int
    is_chosen: bool
    address: str


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/alerts", opened(context, _show), methods=["GET"]),
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
    wanted = read_query(query, call.now)
    after = _place(params.get("after", ""))
    async with call.context.reading() as session:
        rows = await read_rows(session, call, wanted, PAGE_ROWS + 1, after)
        total = await count_alerts(session, call.visitor.workspace_id, wanted)
        usual = read_query(USUAL, call.now)
        open_count = await count_alerts(session, call.visitor.workspace_id, usual)
        facets = [] if call.is_renewal else await _facets(session, call, query, wanted)
        over = 0
        if not rows:
            ended = replace(
                wanted, statuses=frozenset({AlertStatus.RESOLVED, AlertStatus.CLOSED}), faults=()
            )
            over = await count_alerts(session, call.visitor.workspace_id, ended)
    more = None
    if len(rows) > PAGE_ROWS:
        rows = rows[:PAGE_ROWS]
        last = rows[-1].alert
        more = _address(q=query, group=group_by, after=f"{last.severity.value}.{last.id}")
    return page(
        "alerts.html",
        call.frame("alerts", open_count),
        HTTPStatus.OK,
        query=query,
        terms=split(query),
        group_by=group_by,
        groups=_grouped(rows, group_by),
        total=_counted(total),
        views=[(name, _address(q=each, group=group_by), each == query) for name, each in _VIEWS],
        flat_address=_address(q=query),
        group_address=_address(q=query, group=group_by or _best_label(rows)),
        group_label=group_by or _best_label(rows),
        facets=facets,
        faults=wanted.faults,
        more=more,
        over=_counted(over),
        over_address=_address(q=(without(query, "status") + " status:resolved,closed").strip()),
        is_first_page=after is None,
        undo=_undo(params),
        may_act=call.may(Role.RESPONDER),
    )


async def read_rows(
    session: DatabaseSession,
    call: Call,
    wanted: AlertFilter,
    limit: int,
    after: ListPlace | None = None,
) -> list[Row]:
    """The rows with what each says of itself."""
    if wanted.faults:
        return []
    alerts = await list_alerts(session, call.visitor.workspace_id, wanted, limit, after)
    ids = [alert.id for alert in alerts]
    taken = await taken_by(session, ids)
    escalations = await live_escalations(session, ids)
    of_alert: dict[UUID, list[Any]] = {}
    for delivery in await latest_deliveries(session, ids):
        of_alert.setdefault(delivery.alert_id, []).append(delivery)
    return [
        Row(
            alert,
            row_note(
                alert,
                of_alert.get(alert.id, ()),
                taken.get(alert.id),
                call.now,
                escalations.get(alert.id),
            ),
            " · ".join(_where(alert)),
        )
        for alert in alerts
    ]


def _where(alert: ListedAlert) -> list[str]:
    host = next((alert.labels[name] for name in _HOST_LABELS if alert.labels.get(name)), None)
    return [each for each in (alert.tenant, alert.source, host) if each]


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


async def _facets(
    session: DatabaseSession, call: Call, query: str, wanted: AlertFilter
) -> list[tuple[str, str, list[FacetValue]]]:
    workspace_id = call.visitor.workspace_id
    if wanted.faults:
        return []
    found = []
    for name, words in (
        ("severity", "Severity"),
        ("status", "Status"),
        ("tenant", "Tenant"),
        ("source", "Source"),
    ):
        rest = without(query, name)
        others = read_query(rest, call.now)
        if name == "severity":
            counts = await count_by(session, workspace_id, others, name, 5)
            values = _of_all([each.value for each in Severity], counts)
            chosen = {each.value for each in wanted.severities}
        elif name == "status":
            counts = await count_by(session, workspace_id, others, name, 4)
            values = _of_all([each.value for each in AlertStatus], counts)
            chosen = {each.value for each in wanted.statuses}
        else:
            values = await count_by(session, workspace_id, others, name, _FACET_VALUES)
            chosen = {
                value
                for each in wanted.conditions
                if each.name == name and not each.negated
                for value in each.values
            }
            if len(values) < 2 and not chosen:
                continue
        found.append((name, words, [_facet(name, each, chosen, rest) for each in values]))
    return found


def _of_all(names: Sequence[str], counts: Sequence[FacetCount]) -> list[FacetCount]:
    known = {each.value: each.count for each in counts}
    return [FacetCount(name, known.get(name, 0)) for name in names]


def _facet(name: str, each: FacetCount, chosen: set[str], rest: str) -> FacetValue:
    is_chosen = each.value in chosen
    after = chosen - {each.value} if is_chosen else chosen | {each.value}
    shown = name in ("severity", "status")
    values = ",".join(sorted(value.lower() if shown else value for value in after))
    term = f"{name}:{values}" if values else ""
    if " " in term:
        term = f'"{term}"'
    return FacetValue(
        value=each.value,
        words=each.value.capitalize() if shown else each.value,
        count=each.count,
        is_chosen=is_chosen,
        address=_address(q=f"{rest} {term}".strip()),
    )


def _address(**values: str) -> str:
    kept = {name: value for name, value in values.items() if value or name == "q"}
    return f"/alerts?{urlencode(kept)}"


def _place(text: str) -> ListPlace | None:
    severity, _, alert_id = text.partition(".")
    try:
        return ListPlace(Severity(severity), UUID(alert_id))
    except ValueError:
        return None


def _counted(count: int) -> str:
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def _undo(params: Mapping[str, str]) -> dict[str, Any] | None:
    ids, action = params.get("undo_ids", ""), params.get("undo", "")
    if not ids or action not in ("reopen", "unsnooze"):
        return None
    fields = [("id", each) for each in ids.split(",")[:100]]
    return {
        "address": "/alerts/act",
        "fields": [*fields, ("act", action), ("q", params.get("q", USUAL))],
    }


async def _jump(call: Call) -> Response:
    """Alerts by their words, for the command menu."""
    words = tuple(call.request.query_params.get("q", "")[:100].replace("\0", "").split()[:5])
    wanted = AlertFilter(
        statuses=frozenset(each for each in AlertStatus if each.is_live), words=words
    )
    async with call.context.reading() as session:
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
