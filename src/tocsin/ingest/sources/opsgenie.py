"""Opsgenie's Alert API, as its senders speak it. What the path says is put beside the body:

    {"action": "acknowledge", "alias": "disk-full", "body": {"user": "ada"}}

A body alone, with a `message`, is the creation of an alert. Reference: opsgenie/opsgenie-oas,
definitions/alert.yaml and paths/alert.yaml; opsgenie/opsgenie-go-sdk-v2.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal
from tocsin.ingest.sources.kit.reading import (
    json_type,
    object_of,
    pointer_to,
    present,
    require_object,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.model import AuthScheme, Fault, Severity, Signal, SignalKind

CREATE: Final = "create"
KINDS: Final = {
    CREATE: SignalKind.TRIGGER,
    "acknowledge": SignalKind.ACKNOWLEDGE,
    "unacknowledge": SignalKind.UNACKNOWLEDGE,
    "close": SignalKind.RESOLVE,
    "delete": SignalKind.RESOLVE,
    "message": SignalKind.UPDATE,
    "description": SignalKind.UPDATE,
    "priority": SignalKind.UPDATE,
    "add_tags": SignalKind.UPDATE,
    "remove_tags": SignalKind.UPDATE,
    "add_details": SignalKind.UPDATE,
    "remove_details": SignalKind.UPDATE,
}
"""What an action of the API asks for; every other one changes no alert by a signal."""

PRIORITIES: Final = {
    "P1": Severity.CRITICAL,
    "P2": Severity.HIGH,
    "P3": Severity.MEDIUM,
    "P4": Severity.LOW,
    "P5": Severity.INFO,
}
PRIORITY_OF: Final = {severity: priority for priority, severity in PRIORITIES.items()}
LABELS: Final = ("entity", "source")
_METADATA: Final = ("responders", "visibleTo", "actions", "user", "note")


class Opsgenie(BaseSource):
    type: ClassVar[str] = "opsgenie"
    title: ClassVar[str] = "Opsgenie Alert API"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN, signature_header="Authorization", signature_prefix="GenieKey "
    )
    counts_copies: ClassVar[bool] = True
    found_by_key: ClassVar[bool] = True
    address: ClassVar[str] = "/opsgenie"

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a request")
        action = document.get("action")
        if action is None:
            return [_create(document, text_of(document.get("alias")))]
        kind = KINDS.get(action) if isinstance(action, str) else None
        if kind is None:
            return []
        body = document.get("body")
        if body is not None and not isinstance(body, dict):
            raise InvalidPayload([wrong_type("/body", "an object", body)])
        alias = text_of(document.get("alias"))
        if kind is SignalKind.TRIGGER:
            return [_create(object_of(body), alias)]
        if alias is None:
            raise InvalidPayload([required("/alias", "the alias of the alert is required")])
        return [_change(kind, alias, document, object_of(body))]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        action = text_of(object_of(payload).get("action")) or "without a name"
        reason = text_of(object_of(payload).get("reason"))
        return reason or f"the action {action[:50]} opens, changes or ends no alert"


def _create(body: dict[str, Any], alias: str | None) -> Signal:
    faults = [
        wrong_type(pointer_to(name), "a string", body[name])
        for name in ("message", "alias", "description", "priority", "entity", "source", "note")
        if not isinstance(body.get(name), (str, type(None)))
    ]
    message = text_of(body.get("message"))
    if message is None and not faults:
        faults.append(required("/message", "Message can not be empty."))
    priority = body.get("priority")
    if isinstance(priority, str):
        # A client that leaves it to a template may have none, or one in small letters.
        priority = priority.strip().upper() or None
    if isinstance(priority, str) and priority not in PRIORITIES and not faults:
        faults.append(Fault("/priority", "unknown-priority", "must be one of P1 to P5"))
    if faults:
        raise InvalidPayload(faults)
    tags, details = body.get("tags"), object_of(body.get("details"))
    flags: list[str] = []
    return make_signal(
        SignalKind.TRIGGER,
        alias,
        message or "",
        flags=flags,
        severity=_severity(priority, flags),
        description=text_of(body.get("description")),
        labels=present(
            {
                **labels_of(tags if isinstance(tags, list) else [], details),
                **{name: text_of(body.get(name)) for name in LABELS},
            }
        ),
        metadata=present(
            {**{name: body.get(name) for name in _METADATA}, "tags": tags, "details": details}
        ),
    )


def labels_of(tags: list[Any], details: dict[str, Any]) -> dict[str, str | None]:
    """What rules can match on."""
    return {**labels_of_tags(tags), **{name: _text(value) for name, value in details.items()}}


def _change(kind: SignalKind, alias: str, document: dict[str, Any], body: dict[str, Any]) -> Signal:
    """`labels` and `metadata` of the document are those of the alert once it is done."""
    flags: list[str] = []
    message = text_of(body.get("message")) or text_of(document.get("message"))
    title = message or f"Opsgenie alert {alias}"
    return make_signal(
        kind,
        alias,
        title,
        flags=flags,
        severity=_severity(body.get("priority"), flags),
        description=text_of(body.get("description")),
        labels=object_of(document.get("labels")),
        metadata=object_of(document.get("metadata")),
    )


def _severity(priority: Any, flags: list[str]) -> Severity | None:
    known = PRIORITIES.get(priority) if isinstance(priority, str) else None
    return known or severity_of(priority, flags)


def _text(value: Any) -> str | None:
    """Details are texts; other values are kept as people would write them."""
    text = text_of(value)
    if text is None and isinstance(value, (bool, dict, list)):
        return str(value).lower() if isinstance(value, bool) else json_type(value)
    return text
