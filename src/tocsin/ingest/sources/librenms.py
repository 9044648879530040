"""LibreNMS, alert transport of the kind API: the body is a template of the user's. Read is the one of
our page (docs/sources/librenms.md), as a form or as JSON.

Reference: librenms/librenms, LibreNMS/Alert/Transport/Api.php, LibreNMS/Enum/AlertState.php,
doc/Alerting/Templates.md.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import filled, first_text
from tocsin.model import Signal, SignalKind

_STANDING: Final = re.compile(r"\{\{.*\}\}", re.DOTALL)
_STATES: Final = {
    "0": SignalKind.RESOLVE,
    "1": SignalKind.TRIGGER,
    "2": SignalKind.ACKNOWLEDGE,
    "3": SignalKind.TRIGGER,  # worse
    "4": SignalKind.UPDATE,  # better, and still bad
    "5": SignalKind.UPDATE,  # other things are bad now
}
_LABELS: Final = {
    "ip": "address",
    "os": "os",
    "type": "device_type",
    "location": "location",
}
_METADATA: Final = (
    "sysName",
    "hardware",
    "device_id",
    "uid",
    "elapsed",
    "alert_notes",
    "rule",
    "transport_name",
)


class LibreNMS(BaseSource):
    type: ClassVar[str] = "librenms"
    title: ClassVar[str] = "LibreNMS"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a LibreNMS notification"), _STANDING)
        external_id = require_text(
            first_text(values.get("id"), values.get("alert_id")),
            "/id",
            "the alert's id is required; see the template in docs/sources/librenms.md",
        )
        flags: list[str] = []
        kind = _kind(text_of(values.get("state")), flags)
        host = first_text(values.get("hostname"), values.get("sysName"))
        at = moment(values.get("timestamp"), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                _title(values, host, external_id, flags),
                flags=flags,
                severity=None
                if kind is SignalKind.RESOLVE
                else severity_of(values.get("severity"), flags),
                description=text_of(values.get("msg")),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=_labels(values, host),
                metadata=present(
                    {
                        **{name: text_of(values.get(name)) for name in _METADATA},
                        "runbook_url": text_of(values.get("proc")),
                    }
                ),
            )
        ]


def _kind(state: str | None, flags: list[str]) -> SignalKind:
    kind = _STATES.get(state or "")
    return kind_of_state(state, flags) if kind is None else kind


def _title(values: dict[str, Any], host: str | None, external_id: str, flags: list[str]) -> str:
    """The rule and its host: LibreNMS' own title says the state too, which changes."""
    if (name := text_of(values.get("name"))) is not None:
        return f"{name} on {host}" if host else name
    title = text_of(values.get("title"))
    if title is None:
        flags.append("title_missing")
    return title or f"LibreNMS alert {external_id}"


def _labels(values: dict[str, Any], host: str | None) -> dict[str, Any]:
    named = {label: text_of(values.get(name)) for name, label in _LABELS.items()}
    return present({"host": host, "rule": text_of(values.get("name")), **named})
