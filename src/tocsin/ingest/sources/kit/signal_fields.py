"""From named fields to a signal: the vocabulary that `generic` and `standard_webhooks` share, and
that a mapping maps to.

    title         text, required of a trigger; otherwise an external_id is enough
    description   text
    severity      a word or number of the severity table
    status        a word of the status table, or `state`; absent means trigger
    external_id   text or a number; for the other names see `EXTERNAL_ID`
    times         see `STARTED`, `ENDED`, `ACKNOWLEDGED`, `HAPPENED`
    labels        object
    tenant        slug of a tenant
    metadata      object; every field not named here joins it
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any, Final

from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import pointer_to, required, wrong_type
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.ingest.sources.kit.template import nested
from tocsin.model import Fault, Severity, Signal, SignalKind

STATUS: Final = ("status", "state")
EXTERNAL_ID: Final = (
    "external_id",
    "id",
    "fingerprint",
    "key",
    "dedup_key",
    "alert_id",
    "alertId",
    "incident_id",
    "incidentId",
)
STARTED: Final = ("triggered_at", "starts_at", "startsAt", "started_at", "fired_at")
ENDED: Final = ("resolved_at", "ends_at", "endsAt", "ended_at")
ACKNOWLEDGED: Final = ("acknowledged_at",)
HAPPENED: Final = ("timestamp", "occurred_at", "time")

_FIXED: Final = frozenset(
    ("title", "description", "severity", "labels", "tenant", "metadata", *STATUS)
)
_OTHER_SEVERITIES: Final = ("Severity", "SEVERITY", "priority")
_TRIGGER: Final = SignalKind.TRIGGER
_RESOLVE: Final = SignalKind.RESOLVE
# Where these kinds say when they happened; the alert they are about has a title already.
_OWN_TIMES: Final = {_RESOLVE: ENDED, SignalKind.ACKNOWLEDGE: ACKNOWLEDGED}


def signal_from_fields(
    fields: dict[str, Any], context: Context, pointer: str = "", *, fallback_title: str = ""
) -> Signal | None:
    """One signal from fields as above; None if the status says nothing of an alert. With a
    `fallback_title` the missing title of a trigger is flagged, not refused. `pointer` says where
    in the payload the fields are.

    Raises:
        InvalidPayload: with a fault per field that is missing or of the wrong type.
    """
    faults: list[Fault] = []
    flags: list[str] = []
    get = fields.get
    used: list[str] = []

    description = get("description")
    if description is not None and type(description) is not str:
        faults.append(wrong_type(f"{pointer}/description", "a string", description))

    severity, doubtful = parse_severity(get("severity"))
    if doubtful:
        if isinstance(get("severity"), (bool, list, dict)):
            faults.append(
                wrong_type(f"{pointer}/severity", "a string or a number", get("severity"))
            )
        else:
            flags.append("unknown_severity")

    kind = _kind(fields, pointer, context, faults, flags)
    external_id = _external_id(fields, pointer, faults, used)
    title = get("title")
    if type(title) is not str or not (title := title.strip()):
        title = _without_title(
            get("title"), kind, external_id, fallback_title, pointer, faults, flags
        )
    started = _first_time(fields, STARTED, pointer, context, faults, flags, used)
    happened = _first_time(fields, HAPPENED, pointer, context, faults, flags, used)
    if external_id is None and kind not in (None, _TRIGGER):
        flags.append("no_external_id")
    if kind is _TRIGGER:
        occurred = happened or started
    elif kind in _OWN_TIMES:
        own = _first_time(fields, _OWN_TIMES[kind], pointer, context, faults, flags, used)
        occurred = own or happened
    else:
        occurred = happened

    # A form can only hold a text.
    labels = nested(get("labels"))
    if labels is not None and type(labels) is not dict:
        faults.append(wrong_type(f"{pointer}/labels", "an object of names and values", labels))
    tenant = get("tenant")
    if type(tenant) is int:
        tenant = str(tenant)
    elif tenant is not None and type(tenant) is not str:
        faults.append(wrong_type(f"{pointer}/tenant", "a string", tenant))
    if faults:
        raise InvalidPayload(faults)
    if kind is None:
        return None

    metadata = {
        name: value for name, value in fields.items() if name not in _FIXED and name not in used
    }
    if (given := nested(get("metadata"))) is not None:
        if type(given) is dict:
            metadata.update(given)
        else:
            metadata["metadata"] = given
    return make_signal(
        kind,
        external_id,
        title,
        flags=flags,
        severity=severity,
        description=description,
        triggered_at=started or happened,
        occurred_at=occurred,
        labels=labels,
        metadata=metadata,
        tenant=tenant.strip() if tenant else None,
    )


def _without_title(
    given: Any,
    kind: SignalKind | None,
    external_id: str | None,
    fallback_title: str,
    pointer: str,
    faults: list[Fault],
    flags: list[str],
) -> str:
    """What replaces a missing title. The alert that an acknowledgement or an end is about
    has one already, so that its id is enough there."""
    if given is not None and type(given) is not str:
        faults.insert(0, wrong_type(f"{pointer}/title", "a string", given))
        return ""
    if kind is None:
        return ""
    if external_id is not None and kind in _OWN_TIMES:
        return external_id
    if external_id is not None and kind is not _TRIGGER and not fallback_title:
        fallback_title = external_id
    if fallback_title:
        flags.append("title_missing")
        return fallback_title
    faults.insert(0, required(f"{pointer}/title", "a title is required: what is wrong?"))
    return ""


def severity_of(value: Any, flags: list[str]) -> Severity | None:
    """The severity of a word; an unknown one is flagged and left to the integration's default."""
    severity, doubtful = parse_severity(value)
    if doubtful:
        flags.append("unknown_severity")
    return severity


def severity_of_labels(labels: AnyMapping[str, Any], flags: list[str]) -> Severity | None:
    """The severity that rules of Prometheus have by convention in the label `severity`. Without one,
    what a team calls the same counts where it is a word that is known."""
    if (word := labels.get("severity")) is not None and word != "":
        return severity_of(word, flags)
    for name in _OTHER_SEVERITIES:
        if (word := labels.get(name)) is not None:
            severity, _ = parse_severity(word)
            if severity is not None:
                return severity
    return None


def _kind(
    fields: dict[str, Any], pointer: str, context: Context, faults: list[Fault], flags: list[str]
) -> SignalKind | None:
    for name in STATUS:
        if (status := fields.get(name)) is None:
            continue
        if type(status) is not str:
            faults.append(wrong_type(pointer + pointer_to(name), "a string", status))
            return _TRIGGER
        kind, doubtful = parse_kind(status, context.kinds)
        if doubtful:
            flags.append("unknown_status")
        return kind
    return _TRIGGER


def _external_id(
    fields: dict[str, Any], pointer: str, faults: list[Fault], used: list[str]
) -> str | None:
    for name in EXTERNAL_ID:
        if (value := fields.get(name)) is None:
            continue
        used.append(name)
        if type(value) is str:
            if value := value.strip():
                return value
        elif type(value) is int:
            return str(value)
        else:
            faults.append(wrong_type(pointer + pointer_to(name), "a string or an integer", value))
    return None


def _first_time(
    fields: dict[str, Any],
    names: tuple[str, ...],
    pointer: str,
    context: Context,
    faults: list[Fault],
    flags: list[str],
    used: list[str],
) -> Any:
    for name in names:
        if (value := fields.get(name)) is None:
            continue
        used.append(name)
        if isinstance(value, (bool, list, dict)):
            faults.append(wrong_type(pointer + pointer_to(name), "a time", value))
        elif (at := moment(value, context, flags)) is not None:
            return at
    return None
