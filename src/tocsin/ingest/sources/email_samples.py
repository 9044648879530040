"""Mails as the documents that are made of them."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    is_over = event.kind == RESOLVE
    state = "RECOVERY" if is_over else "PROBLEM"
    check = f"{event.scene.name} {event.host} no. {event.n}"
    address = "monitor@tools.example.com"
    return {}, {
        "message_id": f"<{event.uuid('email')}.{event.kind}@tools.example.com>",
        "sender": address,
        "from": address,
        "from_name": "Monitor",
        "subject": f"{state}: {check} is {'OK' if is_over else 'CRITICAL'}",
        "date": format_datetime(event.now),
        "text": f"{event.summary}\n\n{event.scene.detail}",
    }
