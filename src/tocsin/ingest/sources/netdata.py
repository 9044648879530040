"""Netdata: alerts of Netdata Cloud and of an Agent, and nodes that Netdata Cloud no longer reaches.

Netdata Cloud has a form of its own; an Agent sends what the function of our page
(docs/sources/netdata.md) says, under the names of alarm-notify.sh. Both send a bearer token.

Reference: netdata/netdata, integrations/cloud-notifications and health/notifications/alarm-notify.sh.
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
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import first_text
from tocsin.model import Severity, Signal, SignalKind

_STATUSES: Final = {
    "warning": SignalKind.TRIGGER,
    "critical": SignalKind.TRIGGER,
    "clear": SignalKind.RESOLVE,
    # What was measured is gone, and its alarm with it.
    "removed": SignalKind.RESOLVE,
}
# Nothing is known yet.
_UNKNOWN: Final = frozenset(("undefined", "uninitialized"))
# Netdata Cloud said `alarm` before it said `alert`; an Agent says `name`.
_NAMES: Final = ("alert", "alarm", "name")
_NODE: Final = ("host", "hostname", "node")
_LABELS: Final = {
    "chart": "chart",
    "context": "context",
    "family": "family",
    "class": "class",
    "space": "space",
    "roles": "roles",
}
_METADATA: Final = {
    "value_string": "value",
    "old_status": "old_status",
    "duration": "duration",
    "src": "defined_in",
    "Rooms": "rooms",
    "additional_active_critical_alerts": "other_critical_alerts",
    "additional_active_warning_alerts": "other_warning_alerts",
}


class Netdata(BaseSource):
    type: ClassVar[str] = "netdata"
    title: ClassVar[str] = "Netdata"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Netdata notification")
        if _is_test(document):
            return []
        if "status" in document and document.keys().isdisjoint(_NAMES):
            return [_reachability(document)]
        name = first_text(*(document.get(each) for each in _NAMES))
        if name is None:
            message = "the name of the alert is required; see docs/sources/netdata.md"
            raise InvalidPayload([required("/alert", message)])
        status = (first_text(document.get("status"), document.get("severity")) or "").lower()
        if status in _UNKNOWN:
            return []
        return [_alert(document, name, status, context)]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if _is_test(object_of(payload)):
            return "a test of the webhook; the token to enter in Netdata is in this delivery's body"
        return "the alert has no state yet"

    def delivery_key(self, payload: Any) -> str | None:
        """An Agent's event has a number that is unique on its host."""
        document = object_of(payload)
        number, host = text_of(document.get("unique_id")), text_of(document.get("host"))
        return f"{host}/{number}" if number and host else None


def _is_test(document: dict[str, Any]) -> bool:
    return text_of(document.get("token")) is not None and document.keys().isdisjoint(_NAMES)


def _alert(document: dict[str, Any], name: str, status: str, context: Context) -> Signal:
    flags: list[str] = []
    if (kind := _STATUSES.get(status)) is None:
        flags.append("unknown_status")
        kind = SignalKind.TRIGGER
    node = first_text(*(document.get(each) for each in _NODE))
    chart = text_of(document.get("chart"))
    at = moment(first_text(document.get("when"), document.get("date")), context, flags)
    labels = {label: text_of(document.get(each)) for each, label in _LABELS.items()}
    metadata = {label: document.get(each) for each, label in _METADATA.items()}
    url = first_text(document.get("alert_url"), document.get("alarm_url"), document.get("goto_url"))
    texts = [text_of(document.get(each)) for each in ("message", "summary", "info", "value_string")]
    return make_signal(
        kind,
        # Netdata Cloud says no node, only the space that it is in.
        "/".join(part for part in (node or text_of(document.get("space")), chart, name) if part),
        f"{name} on {node}" if node else f"{name} of {chart}" if chart else name,
        flags=flags,
        severity=severity_of(status, []) if status in ("warning", "critical") else None,
        description="\n\n".join(dict.fromkeys(text for text in texts if text)) or None,
        triggered_at=at if kind is SignalKind.TRIGGER else None,
        occurred_at=at,
        labels=present({"alert": name, "host": node, **labels}),
        metadata=present({**metadata, "url": url}),
    )


def _reachability(document: dict[str, Any]) -> Signal:
    status = document.get("status")
    reachable = object_of(status).get("reachable")
    if not isinstance(reachable, bool):
        raise InvalidPayload([wrong_type("/status/reachable", "a boolean", reachable)])
    node = first_text(*(document.get(each) for each in _NODE))
    if node is None:
        raise InvalidPayload([required("/host", "the host is required")])
    return make_signal(
        SignalKind.RESOLVE if reachable else SignalKind.TRIGGER,
        f"{node}/reachability",
        f"{node} is unreachable",
        flags=[],
        severity=None if reachable else Severity.CRITICAL,
        description=text_of(document.get("message")),
        labels={"host": node},
        metadata=present({"url": text_of(document.get("url"))}),
    )
