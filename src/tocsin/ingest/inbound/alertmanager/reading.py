"""What clients read: alerts, groups, receivers, status."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from importlib.metadata import version
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.ingest.inbound.alertmanager import answers
from tocsin.ingest.inbound.alertmanager.matching import QueryMatcher, shown_labels
from tocsin.ingest.inbound.base import Door, Request
from tocsin.ingest.replies import Reply
from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint
from tocsin.ingest.sources.prometheus import RESOLVE_TIMEOUT
from tocsin.model import EventType, utc_now
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable
from tocsin.routing.subject import Subject
from tocsin.store.database import reading
from tocsin.store.queries.live_alerts import live_alerts

MOST_ALERTS: Final = 10_000
"""Clients know no pages; of more, the newest are shown."""

NOBODY: Final = "tocsin"
"""The receiver of alerts that no rule sends anywhere."""

API_VERSION: Final = "0.34.0"
"""Of the Alertmanager whose API this is; amtool compares it with its own."""

_STARTED: Final = utc_now()
_CONFIGURATION: Final = f"route:\n  receiver: {NOBODY}\nreceivers:\n  - name: {NOBODY}\n"
_TRUTHS: Final = {
    **dict.fromkeys(("true", "1", "t", "T", "TRUE", "True"), True),
    **dict.fromkeys(("false", "0", "f", "F", "FALSE", "False"), False),
}
_SHOWS: Final = ("active", "silenced", "inhibited", "unprocessed", "muted")


class _Refused(Exception):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply


async def read(
    request: Request, what: str, door: Door, caller: Principal, integration_id: UUID | None
) -> Reply:
    """Answer a GET of what follows `/api/v2/`."""
    if what not in ("alerts", "alerts/groups", "receivers", "status"):
        return answers.not_found()
    if request.method not in ("GET", "HEAD"):
        return answers.not_allowed(request.method, "GET")
    if what == "status":
        return answers.ok(_status())
    table = await door.routing(caller.workspace_id)
    if what == "receivers":
        names = sorted({each.name for each in table.destinations.values()} | {NOBODY})
        return answers.ok([{"name": name} for name in names])
    try:
        wanted = _wanted(request)
    except _Refused as error:
        return error.reply
    async with reading(door.engine) as session:
        rows = await live_alerts(
            session, caller.workspace_id, integration_id=integration_id, most=MOST_ALERTS
        )
    judge = Judge()
    shown = [_shown(row, table, judge, request.received_at) for row in rows]
    found = sorted(filter(wanted, shown), key=itemgetter("fingerprint"))
    return answers.ok(found if what == "alerts" else _groups(found, request))


def _wanted(request: Request) -> Callable[[dict[str, Any]], bool]:
    """Which alerts a query asks for."""
    flags = dict.fromkeys(_SHOWS, True)
    matchers: list[QueryMatcher] = []
    receiver = None
    for name, value in request.query:
        if name in flags:
            if value not in _TRUTHS:
                message = f'{name} in query must be of type boolean: "{value}"'
                raise _Refused(answers.refused(422, message, answers.Code.TYPE))
            flags[name] = _TRUTHS[value]
        elif name == "filter":
            try:
                matchers.append(QueryMatcher.read(value))
            except ValueError as error:
                raise _Refused(answers.said(400, str(error))) from None
        elif name == "receiver":
            receiver = _receiver(value)

    def is_wanted(alert: dict[str, Any]) -> bool:
        status = alert["status"]
        if not flags["active"] and status["state"] == "active":
            return False
        if not flags["silenced"] and status["silencedBy"]:
            return False
        if not flags["muted"] and status["mutedBy"]:
            return False
        if receiver is not None and not any(receiver(each["name"]) for each in alert["receivers"]):
            return False
        return all(matcher.matches(alert["labels"]) for matcher in matchers)

    return is_wanted


def _receiver(pattern: str) -> Callable[[str], bool]:
    try:
        matcher = QueryMatcher("name", "=~", pattern)
    except ValueError as error:
        message = f"failed to parse receiver param: {error}"
        raise _Refused(answers.said(400, message)) from None
    return lambda name: matcher.matches({"name": name})


def _shown(row: Any, table: RoutingTable, judge: Judge, now: datetime) -> dict[str, Any]:
    subject = Subject(
        tenant_id=row.tenant_id,
        integration_id=row.integration_id,
        external_id=row.external_id,
        title=row.title,
        severity=row.severity,
        source=row.source,
        type=row.type,
        labels=row.labels,
    )
    silenced = [
        str(silence.id)
        for silence in table.silences
        if silence.is_active(now) and silence.covers(subject, judge)
    ]
    snoozed = row.snoozed_until is not None and row.snoozed_until > now
    muted = [f"snoozed by {row.snoozed_by}"] if snoozed else []
    labels = shown_labels(row)
    annotations = row.details.get("annotations")
    if not isinstance(annotations, dict) or not annotations:
        described = {"summary": row.title, "description": row.description}
        annotations = {name: text for name, text in described.items() if text}
    ends = row.lease_ends_at or now + RESOLVE_TIMEOUT
    generator = row.details.get("generatorURL")
    return {
        "annotations": {name: str(text) for name, text in annotations.items()},
        "endsAt": answers.time_text(max(ends, now + timedelta(seconds=1))),
        "fingerprint": labels_fingerprint(labels),
        "receivers": [{"name": name} for name in _receivers(subject, table, judge)],
        "startsAt": answers.time_text(row.triggered_at),
        "status": {
            "inhibitedBy": [],
            "mutedBy": muted,
            "silencedBy": silenced,
            "state": "suppressed" if silenced or muted else "active",
        },
        "updatedAt": answers.time_text(row.updated_at),
        "generatorURL": generator if isinstance(generator, str) else "",
        "labels": labels,
    }


def _receivers(subject: Subject, table: RoutingTable, judge: Judge) -> list[str]:
    rules = table.listening.get(EventType.TRIGGERED)
    found = {
        table.destinations[destination_id].name
        for rule in (rules.may_match(subject) if rules is not None else ())
        if rule.matches(subject, judge)
        for destination_id in rule.destination_ids
        if destination_id in table.destinations
    }
    return sorted(found) or [NOBODY]


def _groups(alerts: Iterable[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """One group for each receiver and alert name."""
    receiver = request.first("receiver")
    wanted = None if receiver is None else _receiver(receiver)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for alert in alerts:
        for each in alert["receivers"]:
            if wanted is None or wanted(each["name"]):
                key = alert["labels"].get("alertname", ""), each["name"]
                groups.setdefault(key, []).append(alert)
    return [
        {
            "alerts": members,
            "labels": {"alertname": name} if name else {},
            "receiver": {"name": to},
        }
        for (name, to), members in sorted(groups.items(), key=itemgetter(0))
    ]


def _status() -> dict[str, Any]:
    return {
        "cluster": {"name": "", "peers": [], "status": "disabled"},
        "config": {"original": _CONFIGURATION},
        "uptime": answers.time_text(_STARTED),
        "versionInfo": {
            "branch": "tocsin",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": re.sub(r"[^\w.+-]", "", version("tocsin")),
            "version": API_VERSION,
        },
    }
