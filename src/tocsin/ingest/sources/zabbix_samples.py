"""Webhooks as Zabbix sends them by the media type of our documentation."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_NUMBERS: Final = {"critical": "5", "high": "4", "warning": "2", "low": "1"}
_NAMES: Final = ("Not classified", "Information", "Warning", "Average", "High", "Disaster")


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    number = _NUMBERS.get(event.scene.severity, "1")
    ended = event.kind == RESOLVE
    updated = event.kind == ACKNOWLEDGE
    tags = [
        {"tag": "service", "value": event.scene.service},
        {"tag": "team", "value": event.scene.team},
    ]
    return {"User-Agent": "Zabbix"}, {
        "event_id": str(event.number("event") % 10**9),
        "event_name": event.summary,
        "event_source": "0",
        "event_value": "0" if ended else "1",
        "event_update_status": "1" if updated else "0",
        "event_update_action": "acknowledged" if updated else "",
        "event_ack_status": "Yes" if updated else "No",
        "event_nseverity": number,
        "event_severity": _NAMES[int(number)],
        "event_date": f"{event.started_at:%Y.%m.%d}",
        "event_time": f"{event.started_at:%H:%M:%S}",
        "event_timestamp": str(int(event.started_at.timestamp())),
        "event_update_timestamp": (
            str(int(event.now.timestamp())) if updated else "{EVENT.UPDATE.TIMESTAMP}"
        ),
        "event_recovery_timestamp": (
            str(int(event.now.timestamp())) if ended else "{EVENT.RECOVERY.TIMESTAMP}"
        ),
        "event_tags": msgspec.json.encode(tags).decode(),
        "event_opdata": "",
        "alert_message": event.scene.detail,
        "host_name": event.host,
        "host_group": "Linux servers",
        "host_ip": "192.0.2.10",
        "trigger_id": str(event.number("trigger") % 10**6),
    }
