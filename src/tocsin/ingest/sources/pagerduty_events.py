"""PagerDuty's Events API v2, as its senders speak it: one event on one alert.

Reference: PagerDuty/developer-docs, events-API-v2/02-Trigger-Events.md, and PagerDuty/api-schema,
reference/events-v2/openapiv3.json. The key is the member `routing_key` of the body.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, Final

import msgspec

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.model import AuthScheme, Fault, Severity, Signal, SignalKind

KINDS: Final = {
    "trigger": SignalKind.TRIGGER,
    "acknowledge": SignalKind.ACKNOWLEDGE,
    "resolve": SignalKind.RESOLVE,
}
_SEVERITIES: Final = {
    "critical": Severity.CRITICAL,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.INFO,
}
_LABELS: Final = ("source", "component", "group", "class")
_METADATA: Final = ("images", "links", "client", "client_url")

_sorted_json = msgspec.json.Encoder(order="sorted").encode


class PagerDutyEvents(BaseSource):
    type: ClassVar[str] = "pagerduty_events"
    title: ClassVar[str] = "PagerDuty Events API v2"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN,
        signature_header="X-Routing-Key",
        secret_encoding="routing_key",  # noqa: S106 - the name of an encoding
    )
    counts_copies: ClassVar[bool] = True
    found_by_key: ClassVar[bool] = True
    address: ClassVar[str] = "/v2/enqueue"

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        event = require_object(payload, "an event")
        action = event.get("event_action")
        kind = KINDS.get(action) if isinstance(action, str) else None
        if kind is None:
            raise InvalidPayload([_action_fault(action)])
        given = event.get("payload")
        if given is not None and not isinstance(given, dict):
            raise InvalidPayload([wrong_type("/payload", "an object", given)])
        about = object_of(given)
        flags: list[str] = []
        title = text_of(about.get("summary"))
        faults = []
        if kind is SignalKind.TRIGGER and title is None:
            faults.append(required("/payload/summary", "an event needs a summary"))
        key = text_of(event.get("dedup_key"))
        if key is None and kind is not SignalKind.TRIGGER:
            faults.append(required("/dedup_key", f"{action} needs the dedup_key of its alert"))
        if faults:
            raise InvalidPayload(faults)
        at = moment(about.get("timestamp"), context, flags)
        return [
            make_signal(
                kind,
                dedup_key(event),
                title or f"PagerDuty event {key}",
                flags=flags,
                severity=_severity(about, flags),
                triggered_at=at,
                occurred_at=at,
                labels=present({name: text_of(about.get(name)) for name in _LABELS}),
                metadata=present(
                    {
                        "custom_details": about.get("custom_details"),
                        **{name: event.get(name) for name in _METADATA},
                    }
                ),
            )
        ]


def dedup_key(event: dict[str, Any]) -> str:
    """The event's own, else one that the same event has again: a sender that repeats what it is not
    sure to have sent must not open a second alert."""
    if (key := text_of(event.get("dedup_key"))) is not None:
        return key
    words = {name: value for name, value in event.items() if name != "routing_key"}
    return hashlib.sha256(_sorted_json(words)).hexdigest()[:32]


def _severity(about: dict[str, Any], flags: list[str]) -> Severity | None:
    word = about.get("severity")
    if isinstance(word, str) and (known := _SEVERITIES.get(word.lower())):
        return known
    return severity_of(word, flags)


def _action_fault(action: Any) -> Fault:
    if not action:
        return required("/event_action", "trigger, acknowledge or resolve")
    if not isinstance(action, str):
        return wrong_type("/event_action", "a string", action)
    return Fault("/event_action", "unknown-action", "must be trigger, acknowledge or resolve")
