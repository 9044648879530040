"""Alerts, notes and requests as Opsgenie shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.opsgenie import PRIORITY_OF
from tocsin.model import AlertStatus, iso
from tocsin.store.queries.sent_alerts import RecordedRequest
from tocsin.store.tables import Alert, AlertEvent

COUNT_LIMIT: Final = 100
"""Opsgenie counts no further; Tocsin does."""

_DONE: Final = {
    "create": "Created alert",
    "acknowledge": "Acknowledged alert",
    "unacknowledge": "Unacknowledged alert",
    "close": "Closed alert",
    "delete": "Deleted alert",
    "message": "Updated message",
    "description": "Updated description",
    "priority": "Updated priority",
    "note": "Added note",
    "snooze": "Snoozed alert",
    "escalate": "Escalated alert to next",
    "assign": "Assigned alert",
    "responders": "Added responder",
    "add_tags": "Added tags",
    "remove_tags": "Removed tags",
    "add_details": "Added details",
    "remove_details": "Removed details",
}
_ACTIONS: Final = {
    "note": "AddNote",
    "escalate": "EscalateToNext",
    "assign": "AssignOwnership",
    "responders": "AddResponder",
    "unacknowledge": "UnAcknowledge",
    "add_tags": "AddTags",
    "remove_tags": "RemoveTags",
    "add_details": "AddDetails",
    "remove_details": "RemoveDetails",
}


def tiny_id(alert: Alert) -> str:
    """A short number; hardly ever that of another alert."""
    return str(int.from_bytes(alert.id.bytes[-4:]))


def alert_shown(alert: Alert, sender: Sender, now: datetime) -> dict[str, Any]:
    """An alert as lists have it."""
    metadata: Mapping[str, Any] = alert.metadata_
    tags = metadata.get("tags")
    snoozed = alert.snoozed_until is not None and alert.snoozed_until > now
    over = alert.resolved_at or alert.closed_at
    report = {
        name: int((at - alert.triggered_at).total_seconds() * 1000)
        for name, at in (("ackTime", alert.acknowledged_at), ("closeTime", over))
        if at is not None
    }
    return {
        "id": str(alert.id),
        "tinyId": tiny_id(alert),
        "alias": alert.external_id or str(alert.id),
        "message": alert.title,
        "status": "open" if alert.status.is_live else "closed",
        "acknowledged": alert.status is AlertStatus.ACKNOWLEDGED,
        "isSeen": alert.status is AlertStatus.ACKNOWLEDGED,
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [],
        "snoozed": snoozed,
        **({"snoozedUntil": iso(alert.snoozed_until)} if snoozed and alert.snoozed_until else {}),
        "count": min(alert.occurrence_count, COUNT_LIMIT),
        "lastOccurredAt": iso(alert.last_received_at),
        "createdAt": iso(alert.created_at),
        "updatedAt": iso(alert.updated_at),
        "source": alert.labels.get("source", ""),
        "owner": "",
        "priority": PRIORITY_OF[alert.severity],
        "responders": [],
        "integration": {"id": str(sender.id), "name": sender.entry.name, "type": "API"},
        "report": report,
    }


def whole_alert(alert: Alert, sender: Sender, now: datetime) -> dict[str, Any]:
    """An alert by itself."""
    details, actions = alert.metadata_.get("details"), alert.metadata_.get("actions")
    return {
        **alert_shown(alert, sender, now),
        "actions": actions if isinstance(actions, list) else [],
        "entity": alert.labels.get("entity", ""),
        "description": alert.description or "",
        "details": {name: str(text) for name, text in details.items()}
        if isinstance(details, dict)
        else {},
    }


def log_shown(event: AlertEvent) -> dict[str, Any]:
    """An entry of the timeline."""
    note = event.detail.get("note")
    return {
        "log": event.kind.replace("_", " ") + (f": {note}" if note else ""),
        "type": "system",
        "owner": event.actor.get("name", ""),
        "createdAt": iso(event.at),
        "offset": str(event.id),
    }


def note_shown(event: AlertEvent) -> dict[str, Any]:
    return {
        "note": str(event.detail.get("note", "")),
        "owner": event.actor.get("name", ""),
        "createdAt": iso(event.at),
        "offset": str(event.id),
    }


def request_shown(request: RecordedRequest, sender: Sender) -> dict[str, Any]:
    """What became of a request."""
    document = request.payload if isinstance(request.payload, dict) else {}
    action = str(document.get("action") or "create")
    alert_id = request.alert_id or document.get("alertId")
    done = request.outcome not in ("invalid", "rejected", "failed") and alert_id is not None
    return {
        "success": done,
        "isSuccess": done,
        "action": _ACTIONS.get(action, action.title()),
        "processedAt": iso(request.processed_at),
        "integrationId": str(sender.id),
        "status": _DONE.get(action, action) if done else request.reason or "Alert does not exist",
        "alertId": str(alert_id) if done else "",
        "alias": str(document.get("alias") or "") if done else "",
    }


def wanted_by(query: str) -> Callable[[dict[str, Any]], bool] | None:
    """Which alerts a query asks for: `status:open AND priority:P1`. None: it is of another form."""
    conditions: list[tuple[str, str, bool]] = []
    is_negated = False
    for word in query.split():
        if word.upper() == "AND":
            continue
        if word.upper() == "NOT":
            is_negated = True
            continue
        name, separator, value = word.partition(":")
        if not separator:
            name, separator, value = word.partition("=")
        field = {"tag": "tags"}.get(name, name)
        if not separator or field not in (
            "status",
            "priority",
            "tags",
            "alias",
            "message",
            "source",
        ):
            return None
        conditions.append((field, value.strip('"*'), not is_negated))
        is_negated = False

    def is_wanted(alert: dict[str, Any]) -> bool:
        for field, value, expected in conditions:
            held = alert[field]
            if field == "tags":
                hit = value in held
            elif field == "message":
                hit = held.lower().startswith(value.lower())
            else:
                hit = held.lower() == value.lower()
            if hit is not expected:
                return False
        return True

    return is_wanted
