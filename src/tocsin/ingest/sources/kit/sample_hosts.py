"""What Nagios and its relatives notify of, for their samples."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_TYPES: Final = {TRIGGER: "PROBLEM", ACKNOWLEDGE: "ACKNOWLEDGEMENT", RESOLVE: "RECOVERY"}
_STATES: Final = {"critical": "CRITICAL", "high": "CRITICAL"}


def notification(event: SampleEvent) -> dict[str, Any]:
    """The fields that the scripts of our pages send."""
    ended = event.kind == RESOLVE
    updated = event.kind == ACKNOWLEDGE
    state = "OK" if ended else _STATES.get(event.scene.severity, "WARNING")
    changed = event.now if ended else event.started_at
    return {
        "notificationtype": _TYPES[event.kind],
        "hostname": event.host,
        "hostaddress": f"192.0.2.{event.n % 250 + 1}",
        "hoststate": "UP",
        # One host has several services of one kind; the number tells the samples apart.
        "servicedesc": f"{event.scene.name} {event.n}",
        "servicestate": state,
        "serviceoutput": f"{state} - {event.summary}",
        "longserviceoutput": event.scene.detail,
        "lastservicestatechange": str(int(changed.timestamp())),
        "timet": str(int(event.now.timestamp())),
        "notificationauthor": "ada" if updated else "",
        "notificationcomment": "I am on it" if updated else "",
        "servicenotesurl": f"https://runbooks.example.com/{event.scene.service}",
    }
