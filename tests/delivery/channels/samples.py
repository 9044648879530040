"""Messages to send: an ordinary alert, a test, and a sender's worst."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from tocsin.message import AlertView, Changes, Group, Links, Message, Named, NoticeContent
from tocsin.model import AlertStatus, EventType, Severity

AT = datetime(2026, 11, 21, 20, 58, 15, tzinfo=UTC)
ALERT_ID = UUID("01939c1e-0000-7000-8000-0000000000a1")
WORKSPACE_ID = UUID("01939c1e-0000-7000-8000-0000000000e1")
DELIVERY_ID = UUID("01939c1e-0000-7000-8000-0000000000d1")

HOSTILE = (
    "<!channel> <@U123> @everyone <script>alert(1)</script> **bold** [win](https://evil.example) "
    "{{DATE(2026-01-01T00:00:00Z)}} &lt; =?utf-8?q?=0ABcc:_evil@example.com?= "
    "\u202egnp.exe\u202c\u200b\x07 line\r\nBcc: evil@example.com\r\n\u2028end \ud800"
)
HUGE = "A" * 100_000


def alert(**changes: Any) -> AlertView:
    values: dict[str, Any] = {
        "id": ALERT_ID,
        "workspace_id": WORKSPACE_ID,
        "title": "Disk /var almost full on db1",
        "description": "97 % used, 1.2 GiB free.\nGrowing by 40 MiB an hour.",
        "severity": Severity.CRITICAL,
        "status": AlertStatus.OPEN,
        "source": "prometheus-production",
        "integration_id": UUID("01939c1e-0000-7000-8000-0000000000c1"),
        "tenant_id": UUID("01939c1e-0000-7000-8000-0000000000b1"),
        "external_id": "disk-var-db1",
        "triggered_at": AT,
        "acknowledged_at": None,
        "resolved_at": None,
        "closed_at": None,
        "labels": {"host": "db1", "mountpoint": "/var", "team": "orders"},
        "metadata": {"value": 0.97},
        "occurrence_count": 1,
        "last_received_at": AT,
        "created_at": AT,
        "updated_at": AT,
    }
    return AlertView(**{**values, **changes})


def hostile(text: str = HOSTILE) -> AlertView:
    return alert(
        title=text,
        description=text,
        source=text[:200],
        external_id=text[:500],
        labels={f"{index}{text[:80]}": text[:2_000] for index in range(40)},
    )


NOTICE = NoticeContent(
    title="Primary, Mon 8 Jun 09:00 (Europe/Vienna)",
    text="Your shift begins in 1 h, and ends Mon 15 Jun 09:00. Ann is on call before.",
)


def message(
    event: EventType = EventType.TRIGGERED,
    about: AlertView | None = None,
    **changes: Any,
) -> Message:
    if event in (EventType.GROUP, EventType.STORM, EventType.PAGES):
        return several([about] if about else [alert()], event_type=event, **changes)
    is_test = event is EventType.TEST or event.is_notice
    if event.is_notice:
        changes.setdefault("notice", NOTICE)
    about = about or alert()
    if event is EventType.RESOLVED:
        about = alert(status=AlertStatus.RESOLVED, resolved_at=AT + timedelta(minutes=12))
    values: dict[str, Any] = {
        "id": DELIVERY_ID,
        "event_type": event,
        "created_at": AT + timedelta(seconds=1),
        "attempt": 1,
        "at": AT,
        "workspace": Named(WORKSPACE_ID, "Operations", "ops"),
        "tenant": None if is_test else Named(about.tenant_id, "Acme Ltd", "acme"),
        "rule": None
        if is_test
        else Named(UUID("01939c1e-0000-7000-8000-0000000000f1"), "All critical"),
        "alert": None if is_test else about,
        "destination_name": "on-call",
        "actor": None,
    }
    return Message(**{**values, **changes})


def several(alerts: list[AlertView], **changes: Any) -> Message:
    """A message about these; `changes` may be of its group, too."""
    live = [each for each in alerts if each.status.is_live]
    group: dict[str, Any] = {
        "id": UUID("01939c1e-0000-7000-8000-0000000000aa"),
        "title": "team=orders",
        "severity": (live or alerts)[0].severity,
        "since": AT,
        "changes": Changes(new=len(live), ended=len(alerts) - len(live), open=len(live)),
        "labels": {"team": "orders"},
    }
    group |= {name: changes.pop(name) for name in group.keys() | {"more"} if name in changes}
    first = message(about=alerts[0])
    return structs.replace(
        first,
        event_type=changes.pop("event_type", EventType.GROUP),
        alert=None,
        group=Group(**group),
        alerts=tuple(alerts),
        **changes,
    )


def links_for(reader: str) -> Links:
    return Links(
        alert="https://hub.example/alerts/1",
        acknowledge=f"https://hub.example/a/ack-{len(reader)}?x=1&y=2",
        resolve=f"https://hub.example/a/resolve-{len(reader)}?x=1&y=2",
        code="4821",
        reply_code="7305",
    )
