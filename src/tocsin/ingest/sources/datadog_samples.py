"""Webhooks as Datadog sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    triggered = event.kind == TRIGGER
    transition = "Triggered" if triggered else "Recovered"
    scope = f"host:{event.host}"
    title = f"[{transition} on {{{scope}}}] {event.summary}"
    event_id = str(event.number(f"event-{event.kind}") % 10**19)
    priority = {"critical": "P1", "high": "P2", "warning": "P3", "low": "P4"}
    document = {
        "id": event_id,
        "title": title,
        "text_only_body": event.scene.detail,
        "event_type": "query_alert_monitor",
        "date": str(int(event.now.timestamp() * 1000)),
        "link": f"https://app.datadoghq.com/event/event?id={event_id}",
        "hostname": event.host,
        "tags": f"monitor,{scope},service:{event.scene.service},team:{event.scene.team},env:prod",
        "aggreg_key": f"{event.number('aggregation'):032x}"[-32:],
        "org_name": "Example",
        "alert_id": str(event.number("monitor") % 10**8),
        "alert_cycle_key": str(event.number("cycle") % 10**19),
        "alert_title": title,
        "alert_transition": transition,
        "alert_type": "error" if triggered else "success",
        "alert_status": f"system.load.1 over {scope} was > 8 on average during the last 5m",
        "alert_priority": priority.get(event.scene.severity, "P5"),
        "alert_metric": "system.load.1",
        "alert_query": "avg(last_5m):avg:system.load.1{env:prod} by {host} > 8",
        "alert_scope": scope,
    }
    return {"User-Agent": "Datadog/Webhook"}, document
