"""Opsgenie's Heartbeat API: pings, what is known of a heartbeat, and how one is made and changed. A name
is that of a heartbeat of the workspace, or its slug; what is changed is of the integration's tenant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tocsin.heartbeats.beat import Ping, PingKind
from tocsin.heartbeats.pings import HeartbeatName, IncomingPing, PingRefusal
from tocsin.heartbeats.schedule import LONGEST
from tocsin.ingest.inbound.base import Door, HeartbeatView, Request
from tocsin.ingest.inbound.opsgenie.answers import Answering
from tocsin.ingest.inbound.ping_forms import BODY_LIMIT
from tocsin.ingest.replies import Reply
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.opsgenie import PRIORITY_OF
from tocsin.model import Fault, iso
from tocsin.store.database import reading
from tocsin.store.queries.heartbeats import (
    ShownHeartbeatState,
    heartbeat_called,
    heartbeats_with_status,
    shown_state,
)
from tocsin.store.tables import Heartbeat, HeartbeatStatus

PONG: Final = "PONG - Heartbeat received"
MOST: Final = 1_000
"""In a list."""

_TEXTS: Final = (
    ("name", "name", 200),
    ("description", "description", 10_000),
    ("alertMessage", "alert_title", 130),
)
"""What it is called there and here, and how long it may be."""
_SECONDS: Final = {"minutes": 60, "hours": 3_600, "days": 86_400}
_UNITS: Final = sorted(_SECONDS.items(), key=lambda each: -each[1])
_REFUSED: Final[Mapping[PingRefusal, tuple[int, str, dict[str, str]]]] = {
    PingRefusal.UNAVAILABLE: (503, "The database cannot be reached", {"retry_after": "2"}),
    PingRefusal.OVERLOADED: (429, "You are making too many requests!", {"retry_after": "2"}),
    PingRefusal.FAULT: (500, "This is a fault of the server's", {}),
}


async def ping(
    name: str, request: Request, door: Door, sender: Sender, answering: Answering
) -> Reply | None:
    """The answer to a ping; None: nothing here has that name."""
    async with reading(door.engine) as session:
        row = await heartbeat_called(session, sender.entry.workspace_id, name)
    if row is None:
        return None
    said, _ = clean_text(request.body[:BODY_LIMIT].decode("utf-8", "replace"), BODY_LIMIT)
    # By whatever method: its clients use all of them.
    incoming = IncomingPing(
        HeartbeatName(id=row.id.bytes),
        Ping(PingKind.SUCCESS),
        request.received_at,
        "Opsgenie",
        said or None,
    )
    answer = await door.ping(incoming)
    if answer is PingRefusal.UNKNOWN:
        return None
    if isinstance(answer, PingRefusal):
        status, message, headers = _REFUSED[answer]
        return answering.refused(status, message, **headers)
    return answering.accepted(PONG)


async def one(
    name: str, request: Request, door: Door, sender: Sender, answering: Answering
) -> Reply:
    async with reading(door.engine) as session:
        row = await heartbeat_called(session, sender.entry.workspace_id, name)
        found = [] if row is None else await heartbeats_with_status(session, [row.id])
    if not found:
        return _unknown(name, answering)
    return answering.found(_shown(*found[0], request.received_at))


async def all_of_them(request: Request, door: Door, sender: Sender, answering: Answering) -> Reply:
    async with reading(door.engine) as session:
        found = await heartbeats_with_status(
            session, workspace_id=sender.entry.workspace_id, most=MOST
        )
    shown = [_shown(row, status, request.received_at) for row, status in found]
    return answering.found({"heartbeats": shown})


async def create(
    body: dict[str, Any], request: Request, door: Door, sender: Sender, answering: Answering
) -> Reply:
    wish, errors = _wish(body)
    for name in ("name", "interval", "intervalUnit"):
        if body.get(name) is None:
            errors.setdefault(name, f"{name} can not be empty.")
    if errors:
        return answering.unprocessable(errors)
    wish |= {"kind": "interval", "grace_seconds": _grace(wish["period_seconds"])}
    enabled = body.get("enabled") is not False
    made = await door.heartbeats.create(sender, wish, enabled, request.received_at)
    if made is None:
        return answering.refused(409, f"Heartbeat with name [{wish['name']}] already exists")
    if isinstance(made, list):
        return answering.unprocessable(_named(made))
    return answering.done(201, "Created", _meta(made, request.received_at))


async def change(
    name: str,
    body: dict[str, Any],
    request: Request,
    door: Door,
    sender: Sender,
    answering: Answering,
    *,
    result: str = "Updated",
) -> Reply:
    """`body`: what is to be changed, as Opsgenie calls it."""
    wish, errors = _wish({**body, "name": None})
    if errors:
        return answering.unprocessable(errors)
    if "period_seconds" in wish:
        wish |= {"kind": "interval", "expressions": []}
    enabled = body.get("enabled")
    changed = await door.heartbeats.change(
        sender, name, wish, enabled if isinstance(enabled, bool) else None, request.received_at
    )
    if changed is None:
        return _unknown(name, answering)
    if isinstance(changed, list):
        return answering.unprocessable(_named(changed))
    return answering.done(200, result, _meta(changed, request.received_at))


async def delete(
    name: str, request: Request, door: Door, sender: Sender, answering: Answering
) -> Reply:
    gone = await door.heartbeats.delete(sender, name, request.received_at)
    if gone is None:
        return _unknown(name, answering)
    return answering.done(200, "Deleted", _meta(gone, request.received_at))


def _unknown(name: str, answering: Answering) -> Reply:
    return answering.refused(404, f"Heartbeat with name [{name[:200]}] does not exist")


def _grace(period_seconds: int) -> int:
    """Opsgenie has none, and pages for a second; a tenth of the period is what a job may be late."""
    return min(max(60, period_seconds // 10), int(LONGEST.total_seconds()))


def _wish(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What is asked for, in our own fields; and what is wrong with it, by the field's name there."""
    wish: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for given, own, most in _TEXTS:
        if (value := body.get(given)) is None:
            continue
        if not isinstance(value, str) or len(value) > most or (own == "name" and not value.strip()):
            errors[given] = f"{given} must be a text of at most {most} characters."
        elif value:
            wish[own] = value
    if (interval := body.get("interval")) is not None or body.get("intervalUnit") is not None:
        unit = _SECONDS.get(str(body.get("intervalUnit") or "").lower())
        if type(interval) is not int or interval < 1:
            errors["interval"] = "interval must be a number, 1 at least."
        elif unit is None:
            errors["intervalUnit"] = "intervalUnit must be one of [minutes, hours, days]."
        else:
            wish["period_seconds"] = interval * unit
    if (priority := body.get("alertPriority")) is not None:
        severity = next((own for own, theirs in PRIORITY_OF.items() if theirs == priority), None)
        if severity is None:
            errors["alertPriority"] = "alertPriority must be one of [P1, P2, P3, P4, P5]."
        else:
            wish["severity"] = severity.value
    if (tags := body.get("alertTags")) is not None:
        if not isinstance(tags, list) or len(tags) > 20:
            errors["alertTags"] = "alertTags must be a list of at most 20 texts."
        else:
            wish["labels"] = labels_of_tags(tags)
    if body.get("enabled") is not None and not isinstance(body["enabled"], bool):
        errors["enabled"] = "enabled must be true or false."
    return wish, errors


def _named(faults: list[Fault]) -> dict[str, str]:
    """Faults of our own fields by what Opsgenie calls them."""
    theirs = {own: given for given, own, _ in _TEXTS} | {
        "period_seconds": "interval",
        "severity": "alertPriority",
        "labels": "alertTags",
    }
    return {
        theirs.get(name := fault.pointer.strip("/").partition("/")[0], name): fault.message
        for fault in faults
    }


def _meta(view: HeartbeatView, now: datetime) -> dict[str, Any]:
    shown = _shown(view.row, view.status, now)
    return {name: shown[name] for name in ("name", "enabled", "expired")}


def _tags(labels: Mapping[str, str]) -> list[str]:
    return [name if value == "true" else f"{name}:{value}" for name, value in labels.items()]


def _shown(row: Heartbeat, status: HeartbeatStatus, now: datetime) -> dict[str, Any]:
    state = shown_state(row, status, now)
    return {
        "name": row.name,
        "description": row.description or "",
        **_interval(row.period_seconds),
        "enabled": state is not ShownHeartbeatState.PAUSED,
        "expired": state is ShownHeartbeatState.DOWN,
        **({} if status.last_ping_at is None else {"lastPingTime": iso(status.last_ping_at)}),
        "ownerTeam": {},
        "alertTags": _tags(row.labels),
        "alertPriority": PRIORITY_OF[row.severity],
        "alertMessage": row.alert_title or f"{row.name} missed its heartbeat",
    }


def _interval(seconds: int | None) -> dict[str, Any]:
    """None for a schedule that Opsgenie has no words for."""
    if seconds is None:
        return {}
    for unit, length in _UNITS:
        if seconds % length == 0:
            return {"interval": seconds // length, "intervalUnit": unit}
    return {"interval": -(-seconds // 60), "intervalUnit": "minutes"}
