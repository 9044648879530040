"""Uptime Kuma, notification of the kind webhook, request body "Preset - application/json"; the other
preset has the same in a field of a form, the method GET its members as fields of the address.

Reference: louislam/uptime-kuma, server/notification-providers/webhook.js. Kuma signs nothing, but sends
headers of the user's, and repeats nothing that failed.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    present,
    require_object,
    require_text,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_objects
from tocsin.ingest.sources.kit.template import first_text, nested, nested_object, title_or
from tocsin.model import Severity, Signal, SignalKind

_DOWN: Final = "0"
_UP: Final = "1"
# Not known yet, or not looked at for the time being.
_NO_PROBLEM: Final = frozenset(("2", "3"))
_SEVERITY_TAGS: Final = ("severity", "priority")
_METADATA: Final = ("url", "hostname", "port", "type", "description", "interval", "pathName")
# `[Shop][https://shop.example.com/] … certificate … will expire in 7 days`
_NAME: Final = re.compile(r"\[([^\]]{1,200})\]")
_DOMAIN: Final = re.compile(r"Domain name (\S{1,253}) will expire\b")
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


class UptimeKuma(BaseSource):
    type: ClassVar[str] = "uptime_kuma"
    title: ClassVar[str] = "Uptime Kuma"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = _document(payload)
        beat, monitor = _beat(document), nested_object(document.get("monitor"))
        if beat is None:
            return _notice(document)
        if not isinstance(beat, dict):
            raise InvalidPayload([wrong_type("/heartbeat", "an object", beat)])
        status = text_of(beat.get("status"))
        if status in _NO_PROBLEM:
            return []
        external_id = require_text(
            first_text(monitor.get("id"), beat.get("monitorID"), beat.get("monitor_id")),
            "/monitor/id",
            "the monitor's id is required",
        )
        flags: list[str] = []
        title = title_or(f"Uptime Kuma monitor {external_id}", flags, monitor.get("name"))
        if status not in (_DOWN, _UP):
            flags.append("unknown_status")
        kind = SignalKind.RESOLVE if status == _UP else SignalKind.TRIGGER
        labels = _labels(monitor)
        severity = first_text(*(labels.get(name) for name in _SEVERITY_TAGS))
        at = moment(_in_utc(beat.get("time")), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=severity_of(severity, flags),
                description=first_text(beat.get("msg"), document.get("msg")),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=labels,
                metadata=present(
                    {
                        **{name: monitor.get(name) for name in _METADATA},
                        "ping": beat.get("ping"),
                        "retries": beat.get("retries"),
                    }
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if _beat(_document(payload)) is None:
            return "a test of the notification"
        return "the monitor is pending or under maintenance"


def _document(payload: Any) -> dict[str, Any]:
    """The body; sent as a form it is JSON in the field `data`."""
    document = require_object(payload, "an Uptime Kuma webhook")
    return nested_object(document.get("data")) or document


def _beat(document: dict[str, Any]) -> Any:
    beat = nested(document.get("heartbeat"))
    return None if isinstance(beat, str) and beat.strip().lower() in ("", "null") else beat


def _notice(document: dict[str, Any]) -> list[Signal]:
    """A message about no heartbeat: a test, or a certificate or a domain name that will expire, which
    nothing ends."""
    message = text_of(document.get("msg"))
    if message is None:
        hint = "expected heartbeat, monitor and msg; see docs/sources/uptime_kuma.md"
        raise InvalidPayload([required("/heartbeat", hint)])
    if message.endswith("Testing"):
        return []
    # Said again with fewer days each time: one alert all the same.
    external_id, title, labels = None, message, {}
    if (found := _DOMAIN.match(message)) is not None:
        external_id, title = f"domain:{found[1]}", f"Domain name {found[1]} expires"
        labels = {"domain": found[1]}
    elif (found := _NAME.match(message)) is not None:
        labels = {"monitor": found[1]}
        if "certificate" in message.lower():
            external_id, title = f"certificate:{found[1]}", f"Certificate of {found[1]} expires"
    return [
        make_signal(
            SignalKind.TRIGGER,
            external_id,
            title,
            flags=[] if external_id else ["no_external_id"],
            severity=Severity.MEDIUM,
            description=message,
            labels=labels,
        )
    ]


def _in_utc(value: Any) -> Any:
    """Kuma writes UTC without saying so, whatever the zone of its server."""
    text = text_of(value)
    return f"{text}Z" if text and _ZONE.search(text) is None else value


def _labels(monitor: dict[str, Any]) -> dict[str, str]:
    labels = labels_of_objects(monitor.get("tags"), "name")
    for name in ("type", "hostname"):
        if text := text_of(monitor.get(name)):
            labels.setdefault("host" if name == "hostname" else name, text)
    return labels
