"""A group of alerts as Alertmanager sends it, and Grafana after it.

Reference: prometheus/alertmanager, docs/configuration.md (`webhook_config`), template/template.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint
from tocsin.ingest.sources.kit.make_signal import MAX_ALERTS, make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    json_type,
    object_of,
    present,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of_labels
from tocsin.model import Fault, Signal, SignalKind

Describe = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str | None, str | None]]
"""Title and description from labels and annotations."""

_GROUP_FIELDS: Final = ("groupKey", "groupLabels", "externalURL", "notification_reason")
_GROUP_BYTES: Final = 4_096
_ALERT_FIELDS: Final = (
    "generatorURL",
    "silenceURL",
    "dashboardURL",
    "panelURL",
    "imageURL",
    "ruleUID",
    "values",
    "valueString",
    "orgId",
)


def parse_group(payload: Any, context: Context, describe: Describe) -> list[Signal]:
    """One signal per element of `alerts`.

    A custom payload may also be a bare list of alerts, or one alert; anything else needs the
    generic source with a mapping, and the fault says so.

    Raises:
        InvalidPayload: with every fault of every alert.
    """
    group: dict[str, Any] = {}
    base = "/alerts"
    if isinstance(payload, dict):
        group = payload
        alerts = payload.get("alerts")
        if alerts is None and isinstance(payload.get("labels"), dict):
            alerts, group, base = [payload], {}, ""
        elif alerts is None and "alerts" in payload:
            # Go writes an empty list that was never filled as null.
            alerts = []
    else:
        alerts, base = payload, ""
    if not isinstance(alerts, list):
        raise InvalidPayload([_no_alerts(payload)])
    if len(alerts) > MAX_ALERTS:
        message = f"{len(alerts)} alerts in one webhook; set max_alerts to at most {MAX_ALERTS}"
        raise InvalidPayload([Fault("/alerts", "too-many-alerts", message)])

    shared = _group_metadata(group)
    group_flags = ["alerts_truncated"] if _truncated(group) else []
    faults: list[Fault] = []
    signals: list[Signal] = []
    for index, alert in enumerate(alerts):
        pointer = base if alert is payload else f"{base}/{index}"
        found = _faults(alert, pointer)
        if found:
            faults.extend(found)
        elif not faults:
            signal = _signal(alert, group, shared, list(group_flags), context, describe)
            if signal is not None:
                signals.append(signal)
    if faults:
        raise InvalidPayload(faults)
    return signals


def _no_alerts(payload: Any) -> Fault:
    hint = "; for a custom payload use an integration of type generic with a mapping"
    if not isinstance(payload, dict):
        return Fault("", "wrong-type", f"expected an object, got {json_type(payload)}{hint}")
    if "alerts" not in payload:
        return required("/alerts", f"a list of alerts is required{hint}")
    fault = wrong_type("/alerts", "an array", payload["alerts"])
    return Fault(fault.pointer, fault.code, fault.message + hint)


def _faults(alert: Any, pointer: str) -> list[Fault]:
    if not isinstance(alert, dict):
        return [wrong_type(pointer, "an object", alert)]
    faults = [
        wrong_type(f"{pointer}/{name}", "an object", alert[name])
        for name in ("labels", "annotations")
        if not isinstance(alert.get(name), (dict, type(None)))
        # PHP writes an empty object as an empty list, and a template may write nothing.
        and (name == "labels" or alert[name] not in ([], ""))
    ]
    faults.extend(
        wrong_type(f"{pointer}/{name}", "a string", alert[name])
        for name in ("status", "fingerprint")
        if not isinstance(alert.get(name), (str, type(None)))
    )
    if not alert.get("labels") and not alert.get("annotations") and not alert.get("fingerprint"):
        message = "an alert needs labels: nothing in it says what it is"
        faults.append(required(f"{pointer}/labels", message))
    return faults


def _signal(
    alert: dict[str, Any],
    group: dict[str, Any],
    shared: dict[str, Any],
    flags: list[str],
    context: Context,
    describe: Describe,
) -> Signal | None:
    labels = object_of(alert.get("labels"))
    annotations = object_of(alert.get("annotations"))
    status = text_of(alert.get("status")) or text_of(group.get("status")) or ""
    kind, doubtful = parse_kind(status)
    if doubtful or not status:
        flags.append("unknown_status")
    if kind is None:
        return None
    fingerprint = text_of(alert.get("fingerprint"))
    if fingerprint is None and labels:
        fingerprint = labels_fingerprint(labels)
    title, description = describe(labels, annotations)
    if title is None:
        title = f"Alert {fingerprint}"
        flags.append("title_missing")
    started = moment(alert.get("startsAt"), context, flags)
    # While firing, endsAt is Go's zero time or a time-out in the future; it says nothing then.
    ended = moment(alert.get("endsAt"), context, flags) if kind is SignalKind.RESOLVE else None
    metadata: dict[str, Any] = {name: alert[name] for name in _ALERT_FIELDS if name in alert}
    return make_signal(
        kind,
        fingerprint,
        title,
        flags=flags,
        severity=severity_of_labels(labels, flags),
        description=description,
        triggered_at=started,
        occurred_at=ended if kind is SignalKind.RESOLVE else started,
        labels=labels,
        metadata=present({"annotations": annotations, **metadata, **shared}),
    )


def _truncated(group: dict[str, Any]) -> Any:
    """How many alerts were left out. Custom templates write numbers as texts."""
    count = group.get("truncatedAlerts")
    return None if count == "0" else count


def _group_metadata(group: dict[str, Any]) -> dict[str, Any]:
    shared = present({name: group[name] for name in _GROUP_FIELDS if name in group})
    if receiver := text_of(group.get("receiver")):
        # Alertmanager quotes it as if it were a regular expression: `my\-receiver`.
        shared["receiver"] = receiver.replace("\\", "")
    if truncated := _truncated(group):
        shared["truncated_alerts"] = truncated
    # It is kept with each of the alerts, of which there may be thousands.
    if len(msgspec.json.encode(shared)) > _GROUP_BYTES:
        return {"group": "[left out: too large]"}
    return shared
