"""One alert: what it is, who has it, what happens next, and everything that happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tocsin.alerts.on_call_book import OnCallBook
from tocsin.console.alerts.alert_acts import act_on_one, undo_offered
from tocsin.console.alerts.alert_links import links_of
from tocsin.console.alerts.alert_list_page import snooze_ends
from tocsin.console.alerts.assignees import assignees
from tocsin.console.alerts.escalation_panel import EscalationPanel, read_panel
from tocsin.console.alerts.notified_or_not import notified_or_not, without_name
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import clock, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.explain.load import load
from tocsin.explain.row_notes import RowNote, row_note
from tocsin.explain.story import explain
from tocsin.model import AlertStatus, Role
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.store import workspace_rows
from tocsin.store.queries.alert_counts import count_alerts
from tocsin.store.queries.alert_list import (
    ListedAlert,
    find_listed,
    latest_deliveries,
    list_alerts,
    taken_by,
)
from tocsin.store.queries.alert_search import narrowed
from tocsin.store.queries.configuration_version import configuration_version
from tocsin.store.queries.escalations import responders_of
from tocsin.store.tables import Alert
from tocsin.turns import at_once_aside


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/alerts/{id:uuid}", opened(context, _show), methods=["GET"]),
        Route("/alerts/{id:uuid}.md", opened(context, _as_markdown), methods=["GET"]),
        Route(
            "/alerts/{id:uuid}/act",
            opened(context, act_on_one, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    kind: str
    """signal, decision, message or note: what the filter above the timeline shows."""
    icon: str
    tone: str
    head: str
    body: str = ""
    quote: str = ""
    attempts: tuple[Mapping[str, Any], ...] = ()


async def _show(call: Call) -> Response:
    found = await _story(call)
    if found is None:
        return absent(call, "alert", ("/alerts", "All alerts"))
    alert, story = found.alert, found.story
    params = call.request.query_params
    shown = params.get("show", "all")
    entries = timeline(story)
    return page(
        "alert.html",
        call.frame("alerts", found.open_count),
        alert=alert,
        listed=found.listed,
        note=found.note,
        panel=found.panel,
        assigned_to=found.assigned_to,
        helpers=found.helpers,
        assignees=assignees(found.book) if call.may(Role.RESPONDER) else (),
        links=links_of(alert.labels, alert.metadata_),
        notified_or_not=notified_or_not(story),
        entries=[each for each in entries if shown in ("all", each.kind)],
        tabs=[
            (kind, words, sum(kind in ("all", each.kind) for each in entries), kind == shown)
            for kind, words in (
                ("all", "All"),
                ("signal", "Signals"),
                ("decision", "Decisions"),
                ("message", "Messages"),
                ("note", "Notes"),
            )
        ],
        related=found.related,
        snoozes=snooze_ends(call.now),
        is_open=alert.status is AlertStatus.OPEN,
        is_live=alert.status.is_live,
        is_snoozed=alert.snoozed_until is not None and alert.snoozed_until > call.now,
        is_resolved=alert.status is AlertStatus.RESOLVED,
        may_act=call.may(Role.RESPONDER),
        may_configure=call.may(Role.ADMIN),
        undo=undo_offered(params),
    )


@dataclass(frozen=True, slots=True)
class AlertStory:
    """All that the page of one alert shows."""

    alert: Alert
    story: dict[str, Any]
    listed: ListedAlert
    note: RowNote
    related: list[ListedAlert]
    open_count: int
    panel: EscalationPanel | None
    helpers: Sequence[str]
    """Who was asked to help, in the order in which they were."""
    book: OnCallBook

    @property
    def assigned_to(self) -> str | None:
        user_id = self.alert.assigned_to
        return None if user_id is None else self.book.name(user_id)


_ALL_LIVE = AlertFilter(frozenset(each for each in AlertStatus if each.is_live))


async def _story(call: Call) -> AlertStory | None:
    alert_id: UUID = call.request.path_params["id"]
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        alert = await workspace_rows.find(session, Alert, workspace_id, alert_id)
        if alert is None:
            return None
        record, _ = await load(session, alert)
        version = await configuration_version(session)
        listed = await find_listed(session, workspace_id, alert_id)
        taken = await taken_by(session, [alert_id])
        deliveries = await latest_deliveries(session, [alert_id])
        like = await narrowed(session, workspace_id, _like(alert))
        related = await list_alerts(session, workspace_id, like, 6)
        counts = await count_alerts(session, workspace_id, _ALL_LIVE)
    if listed is None:
        return None
    directory = await call.context.senders.feed.refresh(version)
    table = directory.routing[workspace_id]
    book = directory.on_call.get(workspace_id, OnCallBook())
    async with call.context.reading() as session:
        panel = await read_panel(session, alert, book, table)
        helpers = [each.name for each in await responders_of(session, alert_id)]
    story = await at_once_aside(explain, record, table, call.now)
    note = row_note(listed, deliveries, taken.get(alert_id), call.now)
    others = [each for each in related if each.id != alert_id][:5]
    return AlertStory(alert, story, listed, note, others, counts.number, panel, helpers, book)


def _like(alert: Alert) -> AlertFilter:
    """Live ones of the same host, cluster or service; else of the same source."""
    for name in ("host", "instance", "hostname", "cluster", "service", "job"):
        if value := alert.labels.get(name):
            same = TextCondition(name, Comparison.IS, (value.replace("*", "?"),), is_label=True)
            return AlertFilter(statuses=_ALL_LIVE.statuses, conditions=(same,))
    same = TextCondition("source", Comparison.IS, (alert.source,))
    return AlertFilter(statuses=_ALL_LIVE.statuses, conditions=(same,))


_CHANGE_ICONS = {
    "triggered": ("radio", "bad"),
    "reopened": ("radio", "bad"),
    "repeated": ("radio", ""),
    "severity_changed": ("triangle-alert", "bad"),
    "acknowledged": ("check", "accent"),
    "unacknowledged": ("timer", "bad"),
    "resolved": ("circle-check", "ok"),
    "closed": ("circle-check", "ok"),
    "noted": ("pencil", ""),
    "snoozed": ("alarm-clock", ""),
    "unsnoozed": ("alarm-clock", ""),
    "escalated": ("phone-outgoing", "accent"),
    "escalation_held": ("pause", ""),
    "escalation_resumed": ("play", ""),
    "escalation_exhausted": ("circle-x", "bad"),
    "assigned": ("user", "accent"),
    "responders_added": ("users", "accent"),
    "flapping": ("activity", ""),
    "settled": ("activity", "ok"),
}
_IN_TWO = frozenset(
    {"escalated", "escalation_held", "escalation_resumed", "escalation_exhausted", "flapping"}
)
"""Changes whose words are a sentence and its reasons, with a colon in between."""
_DELIVERY_ICONS = {
    "sent": ("send", "ok"),
    "failed": ("circle-x", "bad"),
    "queued": ("clock", "accent"),
    "deferred": ("clock", ""),
    "suppressed": ("bell-off", ""),
    "canceled": ("circle-slash", ""),
}


def timeline(story: Mapping[str, Any]) -> list[Entry]:
    """Newest first: what came in and what was done, what the rules said, what was sent."""
    entries: list[Entry] = []
    for step in story["steps"]:
        if step["cause"] == "webhook_delivery" and not step["changes"]:
            entries.append(Entry(_at(step["at"]), "signal", "radio", "", _capital(step["words"])))
        for change in step["changes"]:
            entries += _of_change(change)
    ordered = sorted(enumerate(entries), key=lambda each: (each[1].at, each[0]), reverse=True)
    return [entry for _, entry in ordered]


def _of_change(change: Mapping[str, Any]) -> list[Entry]:
    at = _at(change["at"])
    icon, tone = _CHANGE_ICONS.get(change["kind"], ("info", ""))
    note = change["detail"].get("note", "")
    is_note = change["kind"] == "noted"
    by = change["actor"].get("name", "")
    head, body = f"{by} noted", ""
    if not is_note:
        head, body = (
            _parted(change["words"]) if change["kind"] in _IN_TWO else (change["words"], "")
        )
    entry = Entry(at, "note" if is_note else "signal", icon, tone, _capital(head), body, note)
    entries = [entry]
    if change["rules"]:
        entries.append(_of_rules(at, change["rules"]))
    for delivery in change["deliveries"]:
        sign, state = _DELIVERY_ICONS.get(delivery["status"], ("send", ""))
        when = delivery["sent_at"] or delivery["created_at"]
        entries.append(
            Entry(
                _at(when),
                "message",
                sign,
                state,
                delivery["destination_name"] or "A destination since deleted",
                without_name(delivery),
                attempts=tuple(delivery["attempts"]),
            )
        )
    return entries


def _of_rules(at: datetime, rules: Sequence[Mapping[str, Any]]) -> Entry:
    matched = [rule["rule_name"] for rule in rules if rule["matched"]]
    others = [f"{rule['rule_name']}: {rule['words']}" for rule in rules if not rule["matched"]]
    head = f"{len(matched)} of {len(rules)} rules match"
    if matched:
        head += f": {', '.join(matched)}"
    return Entry(at, "decision", "route", "", head, "; ".join(others))


def _parted(words: str) -> tuple[str, str]:
    """What happened, and the rest of the sentence."""
    head, _, body = words.partition(": ")
    return head, body


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


async def _as_markdown(call: Call) -> Response:
    """For a post-mortem: the facts and the timeline, oldest first, times in the reader's zone."""
    found = await _story(call)
    if found is None:
        return absent(call, "alert", ("/alerts", "All alerts"))
    alert, story = found.alert, found.story
    zone = call.visitor.timezone
    lines = [
        f"# {alert.title}",
        "",
        f"- Severity: {alert.severity.value}",
        f"- Status: {alert.status.value}",
        f"- Source: {alert.source}",
        f"- Since: {alert.triggered_at:%Y-%m-%d} {clock(alert.triggered_at, zone, '%H:%M:%S')} {zone}",
        f"- Id: {alert.id}",
        "",
        "| When | What |",
        "|---|---|",
    ]
    for entry in reversed(timeline(story)):
        said = " ".join(each for each in (entry.head, entry.body, entry.quote) if each)
        cell = said.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {clock(entry.at, zone, '%H:%M:%S')} | {cell} |")
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/markdown")
