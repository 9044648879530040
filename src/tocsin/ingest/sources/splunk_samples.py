"""Webhooks as Splunk sends them; that of a second search tells of the end."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    at = int(event.now.timestamp())
    sid = f"scheduler__admin__search__{event.number('search') % 10**12:x}_at_{at}_1"
    name = f"Recovered: {event.summary}" if ended else event.summary
    row = {
        "_time": str(at),
        "_raw": event.scene.detail,
        "host": event.host,
        "source": f"/var/log/{event.scene.service}.log",
        "sourcetype": "syslog",
        "index": "main",
        "severity": event.scene.severity,
        "tocsin_id": f"{event.scene.name}/{event.n}",
        "tocsin_status": "resolved" if ended else "firing",
        "_si": ["splunk-1", "main"],
    }
    return {"User-Agent": "Splunk/9.4"}, {
        "sid": sid,
        "search_name": name,
        "app": "search",
        "owner": "admin",
        "results_link": f"https://splunk.example.com/app/search/@go?sid={quote(sid)}",
        "result": row,
    }
