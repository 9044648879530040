"""Opsgenie's Heartbeat API: pings, and what is known of a heartbeat. A name is that of a heartbeat of
the workspace, or its slug."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tocsin.heartbeats.beat import Ping, PingKind
from tocsin.heartbeats.pings import HeartbeatName, IncomingPing, PingRefusal
from tocsin.ingest.inbound.base import Door, Request
from tocsin.ingest.inbound.opsgenie.answers import Answering
from tocsin.ingest.inbound.ping_forms import BODY_LIMIT
from tocsin.ingest.replies import Reply
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.ingest.sources.opsgenie import PRIORITY_OF
from tocsin.model import iso
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

_UNITS: Final = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
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
        return answering.refused(404, f"Heartbeat with name [{name[:200]}] does not exist")
    return answering.found(_shown(*found[0], request.received_at))


async def all_of_them(request: Request, door: Door, sender: Sender, answering: Answering) -> Reply:
    async with reading(door.engine) as session:
        found = await heartbeats_with_status(
            session, workspace_id=sender.entry.workspace_id, most=MOST
        )
    shown = [_shown(row, status, request.received_at) for row, status in found]
    return answering.found({"heartbeats": shown})


def _shown(row: Heartbeat, status: HeartbeatStatus, now: datetime) -> dict[str, Any]:
    state = shown_state(row, status, now)
    return {
        "name": row.name,
        "description": "",
        **_interval(row.period_seconds),
        "enabled": state is not ShownHeartbeatState.PAUSED,
        "expired": state is ShownHeartbeatState.DOWN,
        **({} if status.last_ping_at is None else {"lastPingTime": iso(status.last_ping_at)}),
        "ownerTeam": {},
        "alertTags": [],
        "alertPriority": PRIORITY_OF[row.severity],
        "alertMessage": f"{row.name} missed its heartbeat",
    }


def _interval(seconds: int | None) -> dict[str, Any]:
    """None for a schedule that Opsgenie has no words for."""
    if seconds is None:
        return {}
    for unit, length in _UNITS:
        if seconds % length == 0:
            return {"interval": seconds // length, "intervalUnit": unit}
    return {"interval": -(-seconds // 60), "intervalUnit": "minutes"}
