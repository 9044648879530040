"""Webhooks as Honeycomb sends them about a trigger."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    group = {"Group": {"host": event.host}, "Result": 41 + event.n % 50}
    place = f"https://ui.honeycomb.io/example/datasets/{event.scene.service}"
    headers = {"X-Honeycomb-Webhook-Delivery-ID": event.uuid("delivery")}
    return headers, {
        "version": "v0.1.0",
        "id": f"{event.number('trigger'):x}"[:11],
        "name": event.summary,
        "trigger_description": event.scene.detail,
        "status": "OK" if ended else "TRIGGERED",
        "summary": f"{'Resolved' if ended else 'Triggered'}: {event.summary}",
        "description": "Current value is greater than the threshold value (40)",
        "operator": "greater than",
        "threshold": 40,
        "result_url": f"{place}/result/{event.n}",
        "result_groups": [group],
        "result_groups_triggered": [] if ended else [group],
        "trigger_url": f"{place}/triggers/{event.n}",
        "is_test": False,
    }
