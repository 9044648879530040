"""Zabbix, by a media type of the kind webhook: the body is what the media type's script makes of its
parameters. Read are those of our page (docs/sources/zabbix.md), which have the names that Zabbix's own
media types use.

The meaning of the macros is that of zabbix/zabbix, templates/media/pagerduty.
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
from tocsin.ingest.sources.kit.tags import labels_of_objects, labels_of_tags
from tocsin.ingest.sources.kit.template import filled, first_text, nested, title_or
from tocsin.model import Severity, Signal, SignalKind

# Macros that the place does not know stay as they are, those without a value read *UNKNOWN*.
_STANDING: Final = re.compile(r"\{[$#?]?[A-Z][^{}]*\}|\*UNKNOWN\*")
_SEVERITIES: Final = {
    "0": Severity.INFO,
    "1": Severity.INFO,
    "2": Severity.MEDIUM,
    "3": Severity.MEDIUM,
    "4": Severity.HIGH,
    "5": Severity.CRITICAL,
}
# {EVENT.SOURCE}: what discovery and autoregistration find has no recovery.
_WITHOUT_RECOVERY: Final = frozenset(("1", "2"))
_LABELS: Final = {"host_name": "host", "host_group": "host_group"}
_METADATA: Final = (
    "event_opdata",
    "event_severity",
    "event_source",
    "event_update_action",
    "event_update_message",
    "event_update_user",
    "host_ip",
    "trigger_id",
    "trigger_description",
    "alert_subject",
)


class Zabbix(BaseSource):
    type: ClassVar[str] = "zabbix"
    title: ClassVar[str] = "Zabbix"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = _values(payload)
        if not values:
            return []
        external_id = require_text(
            values.get("event_id"),
            "/event_id",
            "the parameter event_id, {EVENT.ID}, is required; see docs/sources/zabbix.md",
        )
        flags: list[str] = []
        title = title_or(
            f"Zabbix event {external_id}",
            flags,
            values.get("event_name"),
            values.get("alert_subject"),
        )
        kind = _kind(values, flags)
        started = _time(values, "event", context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=_severity(values, flags),
                description=text_of(values.get("alert_message")),
                triggered_at=started,
                occurred_at=_happened(kind, values, started, context, flags),
                labels=_labels(values),
                metadata=present(
                    {
                        **{name: values.get(name) for name in _METADATA},
                        "event_url": first_text(values.get("event_url"), _page(values)),
                    }
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "not the form of Tocsin's media type; see the parameters in docs/sources/zabbix.md"


def _values(payload: Any) -> dict[str, Any]:
    """What the macros say; nothing if the script is another than ours."""
    values = filled(require_object(payload, "a Zabbix webhook"), _STANDING)
    return values if any(name.startswith("event_") for name in values) else {}


def _kind(values: dict[str, Any], flags: list[str]) -> SignalKind:
    source = text_of(values.get("event_source")) or "0"
    value = text_of(values.get("event_value"))
    if source in _WITHOUT_RECOVERY:
        return SignalKind.TRIGGER
    if value not in ("0", "1"):
        # {EVENT.STATUS} says the same as a word: PROBLEM, OK or RESOLVED.
        kind = kind_of_state(text_of(values.get("event_status")), flags)
    else:
        kind = SignalKind.RESOLVE if value == "0" else SignalKind.TRIGGER
    if kind is not SignalKind.TRIGGER:
        return kind
    if text_of(values.get("event_update_status")) != "1":
        return SignalKind.TRIGGER
    action = (text_of(values.get("event_update_action")) or "").lower()
    if "unacknowledged" in action:
        return SignalKind.UNACKNOWLEDGE
    is_acknowledged = (text_of(values.get("event_ack_status")) or "").lower() == "yes"
    if is_acknowledged and ("acknowledged" in action or not action):
        return SignalKind.ACKNOWLEDGE
    return SignalKind.UPDATE


def _severity(values: dict[str, Any], flags: list[str]) -> Severity | None:
    number = text_of(values.get("event_nseverity")) or ""
    return _SEVERITIES.get(number) or severity_of(values.get("event_severity"), flags)


def _time(values: dict[str, Any], what: str, context: Context, flags: list[str]) -> Any:
    """The seconds since 1970 where this Zabbix has the macro, else its date and time, which are in
    the zone of its server."""
    if (stamp := values.get(f"{what}_timestamp")) is not None:
        return moment(stamp, context, flags)
    date = text_of(values.get(f"{what}_date"))
    time = text_of(values.get(f"{what}_time"))
    return moment(f"{date} {time}", context, flags) if date and time else None


def _happened(
    kind: SignalKind, values: dict[str, Any], started: Any, context: Context, flags: list[str]
) -> Any:
    if kind is SignalKind.TRIGGER:
        return started
    what = "event_recovery" if kind is SignalKind.RESOLVE else "event_update"
    return _time(values, what, context, flags)


def _page(values: dict[str, Any]) -> str | None:
    """Where Zabbix shows the event, as its own media types have it."""
    frontend, trigger = text_of(values.get("zabbix_url")), text_of(values.get("trigger_id"))
    if frontend is None or trigger is None:
        return None
    event = text_of(values.get("event_id"))
    return f"{frontend.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"


def _labels(values: dict[str, Any]) -> dict[str, str]:
    tags = nested(values.get("event_tags"))
    # {EVENT.TAGS} is a text: `team:dba, prod`.
    if isinstance(tags, str) and not tags.lstrip().startswith(("[", "{")):
        labels = labels_of_tags(tag.strip() for tag in tags.split(","))
    else:
        labels = labels_of_objects(tags, "tag")
    for name, label in _LABELS.items():
        if text := text_of(values.get(name)):
            labels.setdefault(label, text)
    return labels
