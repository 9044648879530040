"""Webhooks as Alertmanager sends them."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.ingest.sources.kit.sample_groups import group, labels_of

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    url = f"http://prometheus.example.com:9090/graph?g0.expr={event.scene.name}"
    document = group(event, labels_of(event), {"generatorURL": url})
    document |= {"externalURL": "http://alertmanager.example.com:9093", "version": "4"}
    return {"User-Agent": "Alertmanager/0.28.1"}, document
