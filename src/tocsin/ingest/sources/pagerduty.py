"""PagerDuty V3 webhooks (outbound): one event about one incident.

The secret is PagerDuty's and is used as literal text although it looks like base64
(developer-docs, docs/webhooks/04-Signatures.md). A 4xx makes PagerDuty drop the webhook, and three
in a row disable the subscription, so that every event type is accepted, most of them ignored.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.ingest.sources.kit.template import title_or
from tocsin.model import Fault, Severity, Signal, SignalKind

_KINDS: Final = {
    "incident.triggered": SignalKind.TRIGGER,
    "incident.reopened": SignalKind.TRIGGER,
    "incident.unacknowledged": SignalKind.UNACKNOWLEDGE,
    "incident.priority_updated": SignalKind.UPDATE,
    "incident.service_updated": SignalKind.UPDATE,
    "incident.acknowledged": SignalKind.ACKNOWLEDGE,
    "incident.resolved": SignalKind.RESOLVE,
}
_METADATA: Final = ("number", "html_url", "urgency", "incident_key", "resolve_reason", "status")
_REFERENCES: Final = ("service", "escalation_policy", "priority")
_URGENCIES: Final = {"high": Severity.HIGH, "low": Severity.LOW}


class PagerDuty(BaseSource):
    type: ClassVar[str] = "pagerduty"
    title: ClassVar[str] = "PagerDuty (V3 webhooks)"
    preset: ClassVar[Scheme] = Scheme(
        signature_header="X-PagerDuty-Signature", signature_prefix="v1="
    )
    key_headers: ClassVar[tuple[str, ...]] = ("x-webhook-id",)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        event, data = _event(payload)
        kind = _KINDS.get(event["event_type"])
        if kind is None:
            return []
        flags: list[str] = []
        external_id = require_text(
            data.get("id"), "/event/data/id", "the incident's id is required"
        )
        title = title_or(
            f"PagerDuty incident {text_of(data.get('number')) or external_id}",
            flags,
            data.get("title"),
        )
        occurred = moment(event.get("occurred_at"), context, flags)
        names = {name: text_of(object_of(data.get(name)).get("summary")) for name in _REFERENCES}
        metadata = {name: data.get(name) for name in _METADATA}
        for name in ("assignees", "teams"):
            metadata[name] = _summaries(data.get(name))
        metadata["event_type"] = event["event_type"]
        metadata["agent"] = text_of(object_of(event.get("agent")).get("summary"))
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=_severity(names["priority"], data.get("urgency"), flags),
                triggered_at=moment(data.get("created_at"), context, flags) or occurred,
                occurred_at=occurred,
                labels=present({**names, "urgency": text_of(data.get("urgency"))}),
                metadata=present({**metadata, **names}),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        event_type = text_of(object_of(object_of(payload).get("event")).get("event_type"))
        return f"the event type {(event_type or '')[:100]} opens, changes or ends no alert"

    def delivery_key(self, payload: Any) -> str | None:
        return text_of(object_of(object_of(payload).get("event")).get("id"))


def _event(payload: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    event = require_object(payload, "a PagerDuty V3 webhook").get("event")
    if not isinstance(event, dict):
        raise InvalidPayload(
            [
                required("/event", "the event of a PagerDuty V3 webhook is required")
                if event is None
                else wrong_type("/event", "an object", event)
            ]
        )
    faults: list[Fault] = []
    if not isinstance(event.get("event_type"), str):
        faults.append(
            required("/event/event_type", "an event type such as incident.triggered is required")
            if event.get("event_type") is None
            else wrong_type("/event/event_type", "a string", event["event_type"])
        )
    data = event.get("data")
    if data is not None and not isinstance(data, dict):
        faults.append(wrong_type("/event/data", "an object", data))
    if faults:
        raise InvalidPayload(faults)
    return event, data or {}


def _severity(priority: str | None, urgency: Any, flags: list[str]) -> Severity | None:
    """A priority's name is the account's own choice; one that says nothing leaves it to urgency."""
    if priority is not None:
        severity, doubtful = parse_severity(priority.partition(" ")[0])
        if not doubtful:
            return severity
        flags.append("unknown_severity")
    return _URGENCIES.get((text_of(urgency) or "").lower())


def _summaries(references: Any) -> list[str]:
    if not isinstance(references, list):
        return []
    names = (text_of(object_of(reference).get("summary")) for reference in references[:50])
    return [name for name in names if name]
