"""Google Cloud Monitoring, notification channel of the kind webhook: one incident.

It can send Basic credentials (webhook_basicauth) or a token in the address (webhook_tokenauth); it signs
nothing. A channel of the kind Pub/Sub says the same in the message of a push subscription.
"""

from __future__ import annotations

import base64
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import first_text, nested_object, title_or
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

_METADATA: Final = (
    "url",
    "condition_name",
    "observed_value",
    "threshold_value",
    "resource",
    "resource_display_name",
    "resource_type_display_name",
    "metric",
    "scoping_project_id",
)


class GcpMonitoring(BaseSource):
    type: ClassVar[str] = "gcp_monitoring"
    title: ClassVar[str] = "Google Cloud Monitoring"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.BASIC, signature_header="Authorization"
    )

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = _document(payload)
        incident = _incident(document)
        if _is_test(document):
            return []
        external_id = require_text(
            incident.get("incident_id"), "/incident/incident_id", "the incident's id is required"
        )
        flags: list[str] = []
        documentation = object_of(incident.get("documentation"))
        title = title_or(
            "Google Cloud Monitoring incident",
            flags,
            incident.get("policy_name"),
            incident.get("condition_name"),
            documentation.get("subject"),
        )
        kind = kind_of_state(text_of(incident.get("state")), flags)
        started = moment(incident.get("started_at"), context, flags)
        happened = started
        if kind is not SignalKind.TRIGGER:
            happened = moment(incident.get("ended_at"), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=_severity(incident, flags),
                description=_description(incident, documentation),
                triggered_at=started,
                occurred_at=happened,
                labels=_labels(incident),
                metadata=present({name: incident.get(name) for name in _METADATA}),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "a test notification of the channel"

    def delivery_key(self, payload: Any) -> str | None:
        """A pushed message has a number, the same on each attempt."""
        message = object_of(object_of(payload).get("message"))
        return first_text(message.get("messageId"), message.get("message_id"))


def _document(payload: Any) -> dict[str, Any]:
    document = require_object(payload, "a webhook of Google Cloud Monitoring")
    data = object_of(document.get("message")).get("data")
    if "incident" in document or not isinstance(data, str):
        return document
    try:
        return nested_object(base64.b64decode(data, validate=True).decode())
    except ValueError:
        return document


def _incident(document: dict[str, Any]) -> dict[str, Any]:
    incident = document.get("incident")
    if not isinstance(incident, dict):
        raise InvalidPayload([wrong_type("/incident", "an object", incident)])
    return incident


def _is_test(document: dict[str, Any]) -> bool:
    """The console's button sends an incident that is never closed."""
    version = text_of(document.get("version")) or ""
    return version.lower() == "test"


def _severity(incident: dict[str, Any], flags: list[str]) -> Severity | None:
    """That of the policy, which may say "No severity"; then a user label `severity` of the policy."""
    word = text_of(incident.get("severity"))
    if word is None or word.lower() == "no severity":
        word = text_of(object_of(incident.get("policy_user_labels")).get("severity"))
    return severity_of(word, flags)


def _description(incident: dict[str, Any], documentation: dict[str, Any]) -> str | None:
    written = first_text(documentation.get("content"), incident.get("documentation"))
    texts = (text_of(incident.get("summary")), written)
    return "\n\n".join(text for text in texts if text) or None


def _labels(incident: dict[str, Any]) -> dict[str, Any]:
    resource = object_of(incident.get("resource"))
    return present(
        {
            "project": text_of(incident.get("scoping_project_id")),
            "resource_type": text_of(resource.get("type")),
            **object_of(object_of(incident.get("metric")).get("labels")),
            **object_of(resource.get("labels")),
            **object_of(incident.get("policy_user_labels")),
        }
    )
