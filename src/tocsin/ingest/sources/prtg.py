"""PRTG, notification template with "Execute HTTP Action": the payload is a form of the user's. Read is
the one of our page (docs/sources/prtg.md), whose fields have the names of PRTG's placeholders.

PRTG sends no header of the user's, so the secret stands in the address.

Reference: Paessler's list of placeholders; notification scripts that others published.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import filled, first_text, title_or
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

_STANDING: Final = re.compile(r"%[a-z]+")
# `Down ended (now: Up)`; the other way round it reads `Up (was: Down)`.
_NOW: Final = re.compile(r"\(now: ?([^)]{1,100})\)", re.IGNORECASE)
_STATES: Final = {
    "up": SignalKind.RESOLVE,
    "down": SignalKind.TRIGGER,
    "warning": SignalKind.TRIGGER,
    "unusual": SignalKind.TRIGGER,
}
_MILD: Final = frozenset(("warning", "unusual"))
# Not looked at, or not known: neither good nor bad.
_NEITHER: Final = frozenset(("paused", "unknown", "collecting"))
# The more stars, the worse.
_PRIORITIES: Final = (
    Severity.INFO,
    Severity.LOW,
    Severity.MEDIUM,
    Severity.HIGH,
    Severity.CRITICAL,
)
# PRTG has two placeholders for each of these, and forms are named after either.
_SYNONYMS: Final = {
    "state": "status",
    "server": "device",
    "prio": "priority",
    "statesince": "since",
}
_LABELS: Final = {"device": "device", "group": "group", "probe": "probe", "host": "host"}
_METADATA: Final = (
    "status",
    "laststatus",
    "lastvalue",
    "since",
    "lastdown",
    "lastup",
    "down",
    "deviceid",
    "location",
    "commentssensor",
    "sitename",
)


class Prtg(BaseSource):
    type: ClassVar[str] = "prtg"
    title: ClassVar[str] = "PRTG"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = _values(require_object(payload, "a PRTG notification"))
        external_id = require_text(
            first_text(values.get("sensorid"), values.get("id")),
            "/sensorid",
            "the sensor's id is required; see the payload in docs/sources/prtg.md",
        )
        status = _status(values)
        if _first_word(status) in _NEITHER:
            return []
        flags: list[str] = []
        kind = _kind(status, flags)
        name = title_or(
            f"PRTG sensor {external_id}", flags, values.get("name"), values.get("sensor")
        )
        device = text_of(values.get("device"))
        at = moment(values.get("datetime"), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                f"{name} on {device}" if device else name,
                flags=flags,
                severity=None if kind is SignalKind.RESOLVE else _severity(values, status, flags),
                description=first_text(values.get("message"), values.get("lastmessage")),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=_labels(values),
                metadata=present(
                    {
                        **{each: text_of(values.get(each)) for each in _METADATA},
                        "url": first_text(values.get("linksensor"), values.get("linkdevice")),
                        "runbook_url": text_of(values.get("serviceurl")),
                    }
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        status = _status(_values(object_of(payload)))[:40]
        return f"the sensor is {status}, which is neither a problem nor its end"


def _values(document: dict[str, Any]) -> dict[str, Any]:
    values = filled(document, _STANDING)
    for other, name in _SYNONYMS.items():
        if other in values:
            values.setdefault(name, values[other])
    return values


def _status(values: dict[str, Any]) -> str:
    """The state that the sensor is in now."""
    status = (first_text(values.get("status"), values.get("laststatus")) or "")[:200]
    found = _NOW.search(status)
    return found[1].strip() if found else status


def _first_word(status: str) -> str:
    return re.split(r"[^a-z]", status.lower(), maxsplit=1)[0]


def _kind(status: str, flags: list[str]) -> SignalKind:
    if "acknowledged" in status.lower():
        return SignalKind.ACKNOWLEDGE
    if (kind := _STATES.get(_first_word(status))) is not None:
        return kind
    # Other languages, and what a threshold or a change says.
    found, doubtful = parse_kind(status or "unknown state")
    if doubtful or found is None:
        flags.append("unknown_status")
    return found or SignalKind.TRIGGER


def _severity(values: dict[str, Any], status: str, flags: list[str]) -> Severity | None:
    """By the sensor's stars; what only warns is MEDIUM at the most."""
    text = text_of(values.get("priority"))
    stars = len(text) if text and set(text) == {"*"} else None
    if text and text.isascii() and text.isdigit() and len(text) == 1:
        stars = int(text)
    if stars is None or not 1 <= stars <= len(_PRIORITIES):
        if text is not None:
            flags.append("unknown_severity")
        return Severity.MEDIUM if _first_word(status) in _MILD else None
    if _first_word(status) in _MILD:
        stars = min(stars, 3)
    return _PRIORITIES[stars - 1]


def _labels(values: dict[str, Any]) -> dict[str, str]:
    labels = labels_of_tags((text_of(values.get("tags")) or "").replace(",", " ").split())
    for name, label in _LABELS.items():
        if (text := text_of(values.get(name))) is not None:
            labels[label] = text
    return labels
