"""Anything signed per Standard Webhooks (or Svix): envelope `{type, timestamp, data}`.

The specification has no vocabulary for alerts: an event is one if its dotted type names an alert,
an incident or the like, or if its data carries a severity. Senders differ in the envelope too:
the type has several names, and the data may stand below the type (incident.io) or beside it.
Tocsin's own outgoing messages (`event_type`, `alert`) are understood as well, so that one hub can
feed another.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import KINDS
from tocsin.ingest.sources.kit.reading import (
    object_of,
    pointer_to,
    present,
    require_object,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import HAPPENED, STATUS, signal_from_fields
from tocsin.model import Fault, Signal, SignatureFormat, SignedContent

_SUBJECTS: Final = frozenset(
    ("alert", "alerts", "alarm", "incident", "incidents", "problem", "monitor", "check", "outage")
)
_TYPES: Final = ("type", "event_type", "eventType")
_TITLES: Final = ("summary", "name", "message")
# What some senders give as an object with a name.
_NAMED: Final = ("severity", *STATUS)
# incident.io: the category of an incident's status once nobody need be alerted any more.
_OVER: Final = frozenset(("closed", "canceled", "declined", "merged", "learning"))
_VERSION: Final = re.compile(r"[._-]?v[0-9]+$")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_HINT: Final = "; for a payload of another form give the integration a mapping"
# Of an alert that another hub sends; its id is unique there, its external_id need not be.
_OWN: Final = ("id", "title", "description", "severity", "labels", "metadata", "triggered_at")


class StandardWebhooks(BaseSource):
    type: ClassVar[str] = "standard_webhooks"
    title: ClassVar[str] = "Standard Webhooks"
    preset: ClassVar[Scheme] = Scheme(
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
    takes_kinds: ClassVar[bool] = True

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        if context.mapping is not None:
            return context.mapping.signals(payload, context)
        event_type, fields, pointer = _envelope(require_object(payload, "the body"))
        words = _words(event_type)
        known = context.kinds.keys() | KINDS.keys() if context.kinds else KINDS.keys()
        if not _is_alert(event_type, words, fields, known):
            return []
        _add_state(words, fields, known)
        if not any(fields.get(name) is not None for name in HAPPENED):
            fields["timestamp"] = (
                payload.get("timestamp") or payload.get("created_at") or fields.get("updated_at")
            )
        if fields.get("title") is None:
            found = (text_of(fields.get(name)) for name in _TITLES)
            fields["title"] = next((text for text in found if text), None)
        if event_type:
            fields.setdefault("event_type", event_type)
        try:
            signal = signal_from_fields(
                fields, context, pointer, fallback_title=event_type or "Alert"
            )
        except InvalidPayload as error:
            raise InvalidPayload([_hinted(fault) for fault in error.faults]) from None
        if signal is None:
            return []
        if signal.external_id is None and "no_external_id" not in signal.flags:
            signal.flags = (*signal.flags, "no_external_id")
        return [signal]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if context.mapping is not None:
            return "the integration's mapping finds no alert in it, or says to ignore it"
        return f"the event type {_envelope(payload)[0][:100]} is not an alert"


def _envelope(payload: dict[str, Any]) -> tuple[str, dict[str, Any], str]:
    """The event's type, a copy of its data, and where in the payload the data is."""
    own = "event_type" in payload and "alert" in payload
    data_name = "alert" if own else "data"
    type_name = next((name for name in _TYPES if payload.get(name) is not None), "type")
    event_type, data = payload.get(type_name), payload.get(data_name)
    if data is None and isinstance(event_type, str) and event_type in payload:
        data_name, data = event_type, payload[event_type]
    faults: list[Fault] = []
    if event_type is not None and not isinstance(event_type, str):
        faults.append(_hinted(wrong_type(pointer_to(type_name), "a string", event_type)))
    if data is not None and not isinstance(data, dict):
        faults.append(_hinted(wrong_type(pointer_to(data_name), "an object", data)))
    if event_type is None and data is None:
        message = "a Standard Webhooks envelope has `type`, `timestamp` and `data`"
        faults.append(_hinted(Fault("", "required", message)))
    if faults:
        raise InvalidPayload(faults)
    if own:
        return event_type or "", present({name: (data or {}).get(name) for name in _OWN}), "/alert"
    if data is None:
        return event_type or "", {k: v for k, v in payload.items() if k != type_name}, ""
    return event_type or "", dict(data), pointer_to(data_name)


def _words(event_type: str) -> list[str]:
    """`public_incident.incidentCreated_v2` as its words, the version left out."""
    return [word.lower() for word in _WORDS.findall(_VERSION.sub("", event_type[:200]))]


def _is_alert(
    event_type: str, words: list[str], fields: dict[str, Any], known: AbstractSet[str]
) -> bool:
    if words and words[-1] == "test":
        return False
    if "severity" in fields:
        return True
    *subject, verb = _words(event_type.rpartition(".")[2]) or _words(event_type) or [""]
    # `incident.follow_up_created` is about the follow-up, not about the incident.
    return not _SUBJECTS.isdisjoint(subject if subject and verb in known else words)


def _add_state(words: list[str], fields: dict[str, Any], known: AbstractSet[str]) -> None:
    """Put what the event asks for into `status`."""
    for name in _NAMED:
        if isinstance(value := fields.get(name), dict):
            fields[name] = text_of(value.get("name"))
    if words and words[-1] in known:
        # What happened outranks the state the data happens to show.
        for name in STATUS:
            fields.pop(name, None)
        fields["status"] = words[-1]
    elif fields.get("status") is None:
        status = object_of(fields.get("incident_status"))
        word = text_of(status.get("category")) or text_of(status.get("name"))
        if word is not None:
            fields["status"] = "resolved" if word.lower() in _OVER else word


def _hinted(fault: Fault) -> Fault:
    return Fault(fault.pointer, fault.code, fault.message + _HINT)
