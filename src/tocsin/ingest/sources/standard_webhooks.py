"""Anything signed per Standard Webhooks (or Svix): envelope `{type, timestamp, data}`.

The specification has no vocabulary for alerts: an event is one if its dotted type names an alert,
an incident or the like, or if its data carries a severity. Tocsin's own outgoing messages
(`event_type`, `alert`) are understood as well, so that one hub can feed another.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.sources.base import BaseSource, Context, Preset
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.fields import HAPPENED, STATUS, signal_from_fields
from tocsin.ingest.sources.kit.kinds import KINDS
from tocsin.ingest.sources.kit.reading import present, require_object, text_of, wrong_type
from tocsin.model import Fault, Signal, SignatureFormat, SignedContent

_SUBJECTS: Final = frozenset(
    ("alert", "alerts", "alarm", "incident", "incidents", "problem", "monitor", "check", "outage")
)
_TITLES: Final = ("summary", "name", "message")
# Of an alert that another hub tells of; its id is unique there, its external_id need not be.
_OWN: Final = ("id", "title", "description", "severity", "labels", "metadata", "triggered_at")


class StandardWebhooks(BaseSource):
    type: ClassVar[str] = "standard_webhooks"
    title: ClassVar[str] = "Standard Webhooks"
    preset: ClassVar[Preset] = Preset(
        signature_header="webhook-signature",
        signature_format=SignatureFormat.BASE64,
        signature_prefix="v1,",
        signed_content=SignedContent.ID_TIMESTAMP_BODY,
        timestamp_header="webhook-timestamp",
        id_header="webhook-id",
        secret_encoding="standard_webhooks",  # noqa: S106 - the name of an encoding
    )
    key_headers: ClassVar[tuple[str, ...]] = ("webhook-id", "svix-id")
    takes_mapping: ClassVar[bool] = True

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        if context.mapping is not None:
            return context.mapping.signals(payload, context)
        event_type, fields, pointer = _envelope(require_object(payload, "the body"))
        words = event_type.lower().replace("_", ".").replace("-", ".").split(".")
        if words[-1] == "test" or ("severity" not in fields and _SUBJECTS.isdisjoint(words)):
            return []
        if words[-1] in KINDS:
            # What happened outranks the state the data happens to show.
            for name in STATUS:
                fields.pop(name, None)
            fields["status"] = words[-1]
        if not any(fields.get(name) is not None for name in HAPPENED):
            fields["timestamp"] = payload.get("timestamp") or payload.get("created_at")
        if fields.get("title") is None:
            found = (text_of(fields.get(name)) for name in _TITLES)
            fields["title"] = next((text for text in found if text), None)
        if event_type:
            fields.setdefault("event_type", event_type)
        return [signal_from_fields(fields, context, pointer, fallback_title=event_type or "Alert")]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if context.mapping is not None:
            return "the integration's mapping finds no alert in it, or says to ignore it"
        return f"the event type {_envelope(payload)[0][:100]} is not an alert"


def _envelope(payload: dict[str, Any]) -> tuple[str, dict[str, Any], str]:
    """The event's type, a copy of its data, and where in the payload the data is."""
    own = "event_type" in payload and "alert" in payload
    type_name, data_name = ("event_type", "alert") if own else ("type", "data")
    event_type, data = payload.get(type_name), payload.get(data_name)
    faults: list[Fault] = []
    if event_type is not None and not isinstance(event_type, str):
        faults.append(wrong_type(f"/{type_name}", "a string", event_type))
    if data is not None and not isinstance(data, dict):
        faults.append(wrong_type(f"/{data_name}", "an object", data))
    if event_type is None and data is None:
        message = "a Standard Webhooks envelope has `type`, `timestamp` and `data`"
        faults.append(Fault("", "required", message))
    if faults:
        raise InvalidPayload(faults)
    data = data or {}
    fields = present({name: data.get(name) for name in _OWN}) if own else dict(data)
    return event_type or "", fields, f"/{data_name}"
