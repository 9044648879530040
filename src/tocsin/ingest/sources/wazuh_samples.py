"""Webhooks as Wazuh sends them by the script of our documentation: an agent that goes and comes."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    at = event.now if ended else event.started_at
    what = "Wazuh agent started." if ended else "Wazuh agent disconnected."
    return {"User-Agent": "curl/8.14.1"}, {
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000+0000",
        "rule": {
            "level": 3,
            "description": what,
            "id": "503" if ended else "504",
            "firedtimes": event.n + 1,
            "groups": ["wazuh"],
        },
        "agent": {"id": f"{event.n:03}", "name": event.host, "ip": "192.0.2.1"},
        "manager": {"name": "wazuh-1"},
        "id": f"{int(at.timestamp())}.{event.n}",
        "full_log": f"wazuh: {what} '{event.host}->any'.",
        "decoder": {"name": "wazuh"},
        "location": "wazuh-monitord",
    }
