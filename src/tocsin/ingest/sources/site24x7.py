"""Site24x7, third-party integration "Webhooks": what became of one monitor, as JSON or as a form.

The secret stands in the address. Of its three times the one in ISO 8601 is read first, for problem and
recovery alike: they differ by some seconds, and a recovery must not come before its problem.

Reference: Site24x7's help on incident parameters; target/goalert, site24x7; payloads that others
published.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

_SEVERITIES: Final = {
    "down": Severity.CRITICAL,
    "critical": Severity.HIGH,
    "trouble": Severity.MEDIUM,
}
# Not looked at: neither good nor bad.
_NEITHER: Final = frozenset(("maintenance", "suspended", "discovery", "configurationerror"))
_TIMES: Final = ("INCIDENT_TIME_ISO", "OUTAGE_TIME_UNIX_FORMAT", "INCIDENT_TIME")
_LABELS: Final = {
    "MONITORTYPE": "monitor_type",
    "MONITOR_GROUPNAME": "monitor_groups",
    "ALARM_CATEGORY": "alarm_category",
    "BU_NAME": "business_unit",
}
_METADATA: Final = {
    "MONITORURL": "monitor_url",
    "MONITOR_DASHBOARD_LINK": "url",
    "RCA_LINK": "root_cause_url",
    "FAILED_LOCATIONS": "failed_locations",
    "OUTAGE_DURATION": "outage_duration",
    "TIMEZONE": "timezone",
    "POLLFREQUENCY": "poll_frequency",
    "FAILED_ATTRIBUTES": "failed_attributes",
}


class Site24x7(BaseSource):
    type: ClassVar[str] = "site24x7"
    title: ClassVar[str] = "Site24x7"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Site24x7 webhook")
        external_id = require_text(
            first_text(
                *(document.get(name) for name in ("MONITOR_ID", "MONITORID", "MONITORNAME"))
            ),
            "/MONITOR_ID",
            "the monitor's id or name is required; turn on Send Incident Parameters",
        )
        status = _status(document)
        if status in _NEITHER:
            return []
        flags: list[str] = []
        kind = SignalKind.TRIGGER
        if status not in _SEVERITIES:
            kind = kind_of_state(text_of(document.get("STATUS")), flags)
        at = moment(first_text(*(document.get(name) for name in _TIMES)), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title_or(f"Site24x7 monitor {external_id}", flags, document.get("MONITORNAME")),
                flags=flags,
                severity=_SEVERITIES.get(status),
                description=first_text(
                    document.get("INCIDENT_REASON"), document.get("INCIDENT_DETAILS")
                ),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=_labels(document),
                metadata=present({label: document.get(name) for name, label in _METADATA.items()}),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return f"the monitor is in {_status(object_of(payload))}, neither up nor down"


def _status(document: dict[str, Any]) -> str:
    word = text_of(document.get("STATUS")) or ""
    return "".join(filter(str.isalpha, word.lower()))[:40]


def _labels(document: dict[str, Any]) -> dict[str, str]:
    tags: list[Any] = []
    for name in ("TAGS", "GROUP_TAGS"):
        value = document.get(name)
        tags += value if isinstance(value, list) else (text_of(value) or "").split(",")
    labels = labels_of_tags(tags)
    for name, label in _LABELS.items():
        if (text := text_of(document.get(name))) is not None:
            labels.setdefault(label, text)
    return labels
