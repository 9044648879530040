"""Opsgenie, its outgoing integration of the kind Webhook: one action on one alert. For what sends *to*
Opsgenie this is not the source.

Reference: the payloads of the documentation ("Webhook integration") and of zulip/zulip,
zerver/webhooks/opsgenie. Opsgenie signs nothing, but sends headers of the user's.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import Signal, SignalKind

_KINDS: Final = {
    "create": SignalKind.TRIGGER,
    "acknowledge": SignalKind.ACKNOWLEDGE,
    "unacknowledge": SignalKind.UNACKNOWLEDGE,
    "close": SignalKind.RESOLVE,
    "delete": SignalKind.RESOLVE,
    "updatepriority": SignalKind.UPDATE,
    "updatemessage": SignalKind.UPDATE,
    "updatedescription": SignalKind.UPDATE,
}
_LABELS: Final = ("entity", "source", "team")
_METADATA: Final = ("alias", "tinyId", "username", "owner", "responders", "details", "note")


class OpsgenieWebhook(BaseSource):
    type: ClassVar[str] = "opsgenie_webhook"
    title: ClassVar[str] = "Opsgenie (outgoing webhooks)"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "an Opsgenie webhook")
        kind = _KINDS.get(_action(document))
        if kind is None:
            return []
        alert = document.get("alert")
        if not isinstance(alert, dict):
            raise InvalidPayload([wrong_type("/alert", "an object", alert)])
        external_id = require_text(
            first_text(alert.get("alertId"), alert.get("id")),
            "/alert/alertId",
            "the alert's id is required",
        )
        flags: list[str] = []
        title = title_or(
            f"Opsgenie alert {text_of(alert.get('tinyId')) or external_id}",
            flags,
            alert.get("message"),
        )
        created = moment(alert.get("createdAt"), context, flags)
        changed = moment(alert.get("updatedAt"), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=severity_of(alert.get("priority"), flags),
                description=text_of(alert.get("description")),
                triggered_at=created,
                occurred_at=created if kind is SignalKind.TRIGGER else changed,
                labels=_labels(alert),
                metadata=present(
                    {
                        **{name: alert.get(name) for name in _METADATA},
                        "action": text_of(document.get("action")),
                        "integration": text_of(document.get("integrationName")),
                    }
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        action = text_of(object_of(payload).get("action")) or "without a name"
        return f"the action {action[:50]} opens, changes or ends no alert"


def _action(document: dict[str, Any]) -> str:
    return (text_of(document.get("action")) or "").lower().replace(" ", "")


def _labels(alert: dict[str, Any]) -> dict[str, Any]:
    tags = alert.get("tags")
    own = {name: text_of(alert.get(name)) for name in _LABELS}
    details = object_of(alert.get("details"))
    return present({**labels_of_tags(tags if isinstance(tags, list) else ()), **details, **own})
