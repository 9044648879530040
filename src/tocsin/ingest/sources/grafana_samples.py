"""Webhooks as Grafana sends them."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.ingest.sources.kit.sample_groups import group, labels_of

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    labels = labels_of(event) | {"alertname": event.summary, "grafana_folder": event.scene.team}
    base = "https://grafana.example.com"
    uid = f"rule{event.number('rule') % 10**8}"
    alert = {
        "generatorURL": f"{base}/alerting/grafana/{uid}/view?orgId=1",
        "silenceURL": f"{base}/alerting/silence/new?alertmanager=grafana",
        "dashboardURL": f"{base}/d/{event.scene.service}",
        "panelURL": f"{base}/d/{event.scene.service}?viewPanel=2",
        "values": {"A": 90.5 + event.n % 9, "C": 1} if event.kind == TRIGGER else None,
        "orgId": 1,
        "ruleUID": uid,
    }
    state = ("FIRING", "alerting") if event.kind == TRIGGER else ("RESOLVED", "ok")
    document = group(event, labels, alert)
    document |= {
        "externalURL": f"{base}/",
        "version": "1",
        "orgId": 1,
        "title": f"[{state[0]}:1] {event.summary}",
        "state": state[1],
        "message": f"{event.summary}\n{event.scene.detail}",
    }
    return {"User-Agent": "Grafana"}, document
