"""Webhooks as Nagios sends them by the script of our documentation."""

from __future__ import annotations

from typing import Any

from tocsin.ingest.sources.kit.sample_events import SampleEvent
from tocsin.ingest.sources.kit.sample_hosts import KINDS, notification

__all__ = ["KINDS", "sample"]


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    return {"User-Agent": "curl/8.14.1"}, notification(event)
