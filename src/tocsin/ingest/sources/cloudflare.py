"""Cloudflare Notifications, destination of the kind webhook: one alert of a notification policy.

What depends on one thing (a health check, a tunnel, a pool) says how that thing is now, and is one
alert for each of them; all else begins and ends under a correlation id. The secret comes as it is in
`cf-webhook-auth`.

Reference: cloudflare/cloudflare-docs, notifications/reference/webhook-payload-schema.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple

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
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import AuthScheme, Signal, SignalKind

_TEST: Final = "this is a test message sent from https://cloudflare.com"
_EVENTS: Final = {
    "ALERT_STATE_EVENT_START": SignalKind.TRIGGER,
    "ALERT_STATE_EVENT_END": SignalKind.RESOLVE,
}


class _Thing(NamedTuple):
    """Where the data of an alert says which thing it is about, and how it is."""

    id: str
    name: str
    statuses: tuple[str, ...]


_THINGS: Final = (
    _Thing("health_check_id", "health_check_name", ("new_status", "new_health_status")),
    _Thing("tunnel_id", "tunnel_name", ("new_status", "tunnel_status")),
    _Thing("pool_id", "pool_name", ("new_health", "new_status")),
)
# The word at the end of a status, which may be all of it: TUNNEL_STATUS_TYPE_HEALTHY.
_STATUSES: Final = {
    "healthy": SignalKind.RESOLVE,
    "unhealthy": SignalKind.TRIGGER,
    "degraded": SignalKind.TRIGGER,
    "down": SignalKind.TRIGGER,
    "critical": SignalKind.TRIGGER,
}
_STARTS: Final = ("status_change_time", "start_time", "alert_start_time")
_NAMES: Final = ("target_hostname", "hostnames", "zone_name", "target_ip")
_LABELS: Final = {
    "zone_name": "zone",
    "account_name": "account",
    "target_hostname": "host",
    "target_ip": "host",
    "origin_ip": "host",
}


class Cloudflare(BaseSource):
    type: ClassVar[str] = "cloudflare"
    title: ClassVar[str] = "Cloudflare"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN, signature_header="cf-webhook-auth"
    )

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Cloudflare notification")
        data = document.get("data")
        if data is not None and not isinstance(data, dict):
            raise InvalidPayload([wrong_type("/data", "an object", data)])
        if _is_test(document):
            return []
        alert_type = text_of(document.get("alert_type"))
        if alert_type is None and text_of(document.get("text")) is None:
            raise InvalidPayload([required("/alert_type", "the type of the alert is required")])
        details = object_of(data)
        flags: list[str] = []
        thing = next((each for each in _THINGS if text_of(details.get(each.id))), None)
        kind = _kind(document, details, thing, flags)
        external_id = _external_id(document, details, thing)
        if external_id is None:
            flags.append("no_external_id")
        sent = moment(document.get("ts"), context, flags)
        begun = moment(first_text(*(details.get(name) for name in _STARTS)), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                _title(document, details, thing, flags),
                flags=flags,
                severity=severity_of(details.get("severity"), flags),
                description=text_of(document.get("text")),
                triggered_at=(begun or sent) if kind is SignalKind.TRIGGER else None,
                occurred_at=sent or begun,
                labels=_labels(details, alert_type),
                metadata=_metadata(document, details),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "a test of the destination"


def _is_test(document: dict[str, Any]) -> bool:
    return _TEST in (text_of(document.get("text")) or "").lower()


def _kind(
    document: dict[str, Any], details: dict[str, Any], thing: _Thing | None, flags: list[str]
) -> SignalKind:
    if thing is not None:
        status = first_text(*(details.get(name) for name in thing.statuses)) or ""
        if (kind := _STATUSES.get(status.lower().rpartition("_")[2])) is not None:
            return kind
    event = text_of(document.get("alert_event"))
    if event is not None and event not in _EVENTS:
        flags.append("unknown_status")
    return _EVENTS.get(event or "", SignalKind.TRIGGER)


def _external_id(
    document: dict[str, Any], details: dict[str, Any], thing: _Thing | None
) -> str | None:
    if thing is not None:
        return f"{thing.id.removesuffix('_id')}:{text_of(details.get(thing.id))}"
    if (correlation := text_of(document.get("alert_correlation_id"))) is not None:
        return correlation
    # What has no end is one alert for each policy and zone.
    parts = (document.get("alert_type"), document.get("policy_id"), details.get("zone_name"))
    if text_of(parts[0]) is None:
        return None
    return ":".join(text for part in parts if (text := text_of(part)))


def _title(
    document: dict[str, Any], details: dict[str, Any], thing: _Thing | None, flags: list[str]
) -> str:
    policy = title_or(
        text_of(document.get("alert_type")) or "Cloudflare notification",
        flags,
        document.get("policy_name"),
        document.get("name"),
    )
    names = _NAMES if thing is None else (thing.name, *_NAMES)
    about = first_text(*(details.get(name) for name in names))
    return f"{policy}: {about}" if about else policy


def _labels(details: dict[str, Any], alert_type: str | None) -> dict[str, str]:
    labels = present({"alert_type": alert_type})
    for name, label in _LABELS.items():
        if (text := text_of(details.get(name))) is not None:
            labels.setdefault(label, text)
    return labels


def _metadata(document: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    own = ("account_id", "policy_id", "alert_event", "alert_correlation_id")
    return present(
        {
            **{name: text_of(document.get(name)) for name in own},
            "url": first_text(details.get("dashboard_link"), details.get("rule_link")),
            "data": details,
        }
    )
